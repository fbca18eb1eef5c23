"""The pages of `docs/reference` that are made, by the file each is kept in, and the words of columns for the UI. A
test holds the files to them."""

from pathlib import Path

from docs.site import assets_page, cli_page, column_words, tables_page

FOLDER = Path(__file__).parents[1] / "reference"
WORDS = Path(__file__).parents[2] / "assets" / "column_words.csv"
LINEAGE = Path(__file__).parents[2] / "assets" / "column_lineage.csv"
MADE = "<!-- made by `python -m docs.site`; do not edit -->"


def made() -> dict[Path, str]:
    """Each page as it should be. Raises LookupError where something that exists has no words."""
    pages = {"cli.md": cli_page, "tables.md": tables_page, "assets.md": assets_page}
    return {FOLDER / name: page.written(MADE) for name, page in pages.items()} | {WORDS: column_words.written()}
