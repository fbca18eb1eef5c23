"""The page of detections is that of the rules, and every runbook that an alert names is there."""

from tests.docs.pages import ROOT
from warehouse.detections.alert import runbook
from warehouse.detections.page import written
from warehouse.detections.rulebook import load

PAGE = (ROOT / "docs" / "detections.md").read_text(encoding="utf-8")


def test_the_catalogue_is_made_from_the_rules() -> None:
    assert written(PAGE, load()) == PAGE, "run `python -m warehouse.detections.page`"


def test_every_runbook_that_an_alert_names_is_on_the_page() -> None:
    for rule in load():
        assert f"\n### {runbook(rule).partition('#')[2]}\n" in PAGE
