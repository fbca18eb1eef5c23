"""The documentation as data: pages, their code, tables, headings and links. Reads Markdown as we write it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

_FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_MARK = re.compile(r"<!-- run: (.*?) -->\n$")
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"`([^`]+)`")


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, and what the comment above it asks a test to do."""

    language: str
    text: str
    run: str


@dataclass(frozen=True)
class Page:
    """One Markdown file."""

    path: Path

    def __str__(self) -> str:
        return str(self.path.relative_to(ROOT))

    @property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @property
    def prose(self) -> str:
        """The text without its fenced blocks."""
        return _FENCE.sub("", self.text)

    def blocks(self, *languages: str) -> list[Block]:
        """Fenced blocks of these languages, or all of them, in order."""
        found = []
        for match in _FENCE.finditer(self.text):
            mark = _MARK.search(self.text, 0, match.start())
            block = Block(match.group(2), match.group(3), mark.group(1) if mark else "")
            if not languages or block.language in languages:
                found.append(block)
        return found

    def inline(self) -> list[str]:
        """What stands between single backticks."""
        return [" ".join(code.split()) for code in _CODE.findall(self.prose)]

    def links(self) -> list[str]:
        return [one or other for one, other in _LINK.findall(self.prose)]

    def anchors(self) -> set[str]:
        """The anchors that GitHub gives the headings."""
        taken: dict[str, int] = {}
        anchors = set()
        for heading in re.findall(r"^#+ (.*)$", self.prose, re.MULTILINE):
            plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
            slug = re.sub(r"[^\w\- ]", "", plain.strip().lower()).replace(" ", "-")
            count = taken.get(slug, 0)
            taken[slug] = count + 1
            anchors.add(f"{slug}-{count}" if count else slug)
        return anchors

    def section(self, heading: str) -> str:
        """The text below a heading, down to the next of its level or above. Raises LookupError."""
        match = re.search(rf"^(#+) {re.escape(heading)}$", self.text, re.MULTILINE)
        if match is None:
            raise LookupError(f"{self} has no heading {heading!r}")
        rest = self.text[match.end() :]
        end = re.search(rf"^#{{1,{len(match.group(1))}}} ", rest, re.MULTILINE)
        return rest[: end.start()] if end else rest


def page(name: str) -> Page:
    return Page(ROOT / name)


def every_page() -> list[Page]:
    """What people read: the top level, docs/ and the sandbox's own page."""
    paths = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "sandbox" / "README.md"]
    return [Page(path) for path in sorted(paths)]


def tables(text: str) -> Iterator[tuple[list[str], list[list[str]]]]:
    """Header and rows of each table in a text; cells without their outer blanks."""
    header: list[str] = []
    rows: list[list[str]] = []
    for line in [*text.split("\n"), ""]:
        if not line.startswith("|"):
            if header:
                yield header, rows
            header, rows = [], []
            continue
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if not header:
            header = cells
        elif not all(re.fullmatch(r":?-+:?", cell) for cell in cells):
            rows.append(cells)


def names_in(cell: str) -> list[str]:
    """The names between backticks in a cell."""
    return _CODE.findall(cell)


def first_column(text: str, title: str) -> list[str]:
    """The names in the first column of every table whose first title is `title`."""
    return [
        name for header, rows in tables(text) if header[0] == title for row in rows for name in names_in(row[0])
    ]
