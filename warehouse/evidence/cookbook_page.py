"""Writes docs/cookbook.md from the cookbook's files: `python -m warehouse.evidence.cookbook_page`.

Promise: the committed page is exactly what this writes; a test holds them together.
"""

from pathlib import Path
from typing import Final

from warehouse.evidence.questions import FOLDER, Question, cookbook

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "cookbook.md"

_HEAD: Final = Path(__file__).with_suffix(".txt")


def text() -> str:
    """The page."""
    questions = list(cookbook().values())
    toc = "".join(f"| [{asked.title}](#{_anchor(asked.title)}) | `{asked.name}` |\n" for asked in questions)
    head = _HEAD.read_text(encoding="utf-8")
    return f"{head}| question | name |\n| --- | --- |\n{toc}\n" + "\n".join(map(_section, questions))


def _section(asked: Question) -> str:
    rows = "".join(
        f"| `{p.name}` | {p.kind} | {p.about}{' (needed)' if p.needed else ''} |\n" for p in asked.parameters
    )
    table = f"\n| parameter | kind | meaning |\n| --- | --- | --- |\n{rows}" if rows else ""
    where = f"`{FOLDER.name}/{asked.name}.sql`"
    return f"## {asked.title}\n\n{asked.about} File: {where}.\n{table}\n```sql\n{asked.sql}```\n"


def _anchor(title: str) -> str:
    kept = "".join(letter for letter in title.lower() if letter.isalnum() or letter in "- _")
    return kept.replace(" ", "-")


def main() -> None:
    """Write the page into the checkout this module was loaded from."""
    PAGE.write_text(text(), encoding="utf-8", newline="\n")
    print(f"wrote {PAGE}")


if __name__ == "__main__":
    main()
