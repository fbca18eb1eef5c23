"""The cookbook's page is made from its files."""

from tests.docs.pages import page
from warehouse.evidence.cookbook_page import text


def test_the_page_is_what_the_files_make() -> None:
    assert page("docs/cookbook.md").text == text()
