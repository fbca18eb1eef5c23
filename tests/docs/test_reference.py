"""The pages of docs/reference are what the code says, and every page of docs/ stands in the navigation."""

import re
from pathlib import Path

import pytest

from docs.site.pages import made
from docs.site.stage import stage
from tests.docs.pages import ROOT


@pytest.fixture(scope="module")
def pages() -> dict[Path, str]:
    return made()


@pytest.mark.parametrize("name", ["cli.md", "tables.md", "assets.md", "../../assets/column_words.csv"])
def test_a_page_that_is_made_from_the_code_is_the_one_the_code_makes(name: str, pages: dict[Path, str]) -> None:
    path = (ROOT / "docs" / "reference" / name).resolve()
    assert path.read_text(encoding="utf-8") == pages[path], "run `make docs-pages`"


def test_every_page_stands_in_the_navigation_and_every_entry_is_a_page(tmp_path: Path) -> None:
    staged = set(stage(tmp_path / "pages"))
    _, _, nav = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:\n")
    named = re.findall(r"([\w./-]+\.md)$", nav, re.MULTILINE)
    assert len(named) == len(set(named))
    assert set(named) <= staged
    pages = {name for name in staged if name.startswith("docs/") and name.endswith(".md")}
    assert {name for name in pages if not name.startswith("docs/decisions/0")} <= set(named)
