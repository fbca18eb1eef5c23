"""Lays out what the documentation site is built from.

Promise: the pages stay as they are read on a code host. The tree keeps the repository's own layout, so
links need no rewriting; a link to a folder gets a page that lists it.
"""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Where reading begins. Everything else is here because a page links to it.
BEGIN = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")
_LINK = re.compile(r"(!?\[[^\]]*\]\()([^)\s#]+)((?:#[^)\s]*)?\))")
_FENCE = re.compile(r"^( *)(```|~~~).*?^\1\2 *$", re.MULTILINE | re.DOTALL)
_TITLE = re.compile(r"^# (.+)$", re.MULTILINE)


def stage(target: Path) -> list[str]:
    """Copy every page, and every file a page links to, below `target`, made anew; returns their paths, sorted."""
    shutil.rmtree(target, ignore_errors=True)
    waiting = [ROOT / name for name in BEGIN]
    waiting += sorted(path for path in (ROOT / "docs").rglob("*.md"))
    waiting += [ROOT / "docs" / "site" / name for name in ("site.css", "worker.js")]
    done: set[Path] = set()
    while waiting:
        path = waiting.pop()
        if path in done:
            continue
        done.add(path)
        place = target / path.relative_to(ROOT)
        place.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            place.mkdir(exist_ok=True)
            (place / "index.md").write_text(_listing(path), encoding="utf-8")
            waiting += path.glob("*.md")
        elif path.suffix == ".md":
            place.write_text(_with_folders(path), encoding="utf-8")
            waiting += _linked(path)
        else:
            shutil.copyfile(path, place)
    return sorted(str(path.relative_to(target)) for path in target.rglob("*") if path.is_file())


def _linked(page: Path) -> Iterator[Path]:
    """The files and folders of the repository that a page links to. What is not there is for the build to name."""
    for _, address, _ in _LINK.findall(_FENCE.sub("", page.read_text(encoding="utf-8"))):
        if ":" in address:
            continue
        path = (page.parent / address).resolve()
        if path.exists() and ROOT in path.parents:
            yield path / "README.md" if (path / "README.md").exists() else path


def _with_folders(page: Path) -> str:
    """A page in which a link to a folder leads to the page of that folder."""

    def turned(match: re.Match[str]) -> str:
        begin, address, end = match.groups()
        folder = (page.parent / address).resolve()
        if ":" in address or not folder.is_dir():
            return match.group(0)
        name = "README.md" if (folder / "README.md").exists() else "index.md"
        return f"{begin}{address.rstrip('/')}/{name}{end}"

    return _LINK.sub(turned, page.read_text(encoding="utf-8"))


def _listing(folder: Path) -> str:
    """A page for a folder: its pages, or its files where it has no page, by name."""
    lines = [f"# {folder.name.replace('-', ' ').capitalize()}", ""]
    pages = sorted(folder.glob("*.md"))
    for page in pages:
        title = _TITLE.search(page.read_text(encoding="utf-8"))
        lines.append(f"- [{title.group(1) if title else page.stem}]({page.name})")
    if not pages:
        lines += [f"- `{path.name}`" for path in sorted(folder.iterdir()) if path.is_file()]
    return "\n".join([*lines, ""])
