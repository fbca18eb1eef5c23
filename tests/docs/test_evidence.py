"""The page about evidence: its controls and its fields are those that there are."""

from tests.docs.pages import first_column, page
from warehouse.evidence.controls import controls

PAGE = page("docs/evidence.md")


def test_every_control_is_listed_and_no_other() -> None:
    assert first_column(PAGE.section("The controls"), "control") == list(controls())
