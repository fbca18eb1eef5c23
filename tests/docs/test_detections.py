"""The page of detections is that of the rules, and every runbook that an alert names is there."""

import json
from xml.etree import ElementTree

import pytest

from tests.docs.pages import ROOT
from warehouse.detections.alert import runbook
from warehouse.detections.attack import coverage, layer, picture, tactics_of, techniques, techniques_of
from warehouse.detections.page import DRAWN, baseline, written
from warehouse.detections.rulebook import load

PAGE = (ROOT / "docs" / "detections.md").read_text(encoding="utf-8")


def test_the_catalogue_is_made_from_the_rules() -> None:
    assert written(PAGE, load()) == PAGE, "run `python -m warehouse.detections.page`"


def test_the_baseline_has_each_rule_and_no_loud_one_fired_on_it() -> None:
    quiet = baseline()
    assert set(quiet) == {rule.path.stem for rule in load().rules}
    most = {"critical": 0.0, "high": 0.0, "medium": 0.2}
    assert [rule.path.stem for rule in load() if quiet[rule.path.stem] > most.get(rule.level, 100)] == []


def test_every_runbook_that_an_alert_names_is_on_the_page() -> None:
    for rule in load():
        assert f"\n### {runbook(rule).partition('#')[2]}\n" in PAGE


@pytest.mark.parametrize("name", DRAWN)
def test_what_is_drawn_from_the_rules_is_drawn_from_these(name: str) -> None:
    shipped = (ROOT / name).read_text(encoding="utf-8")
    assert shipped == DRAWN[name](load()), "run `python -m warehouse.detections.page`"


def test_every_technique_of_a_rule_is_of_a_tactic_that_it_names() -> None:
    for rule in load():
        for number in techniques_of(rule):
            assert set(techniques()[number].tactics) & set(tactics_of(rule)), (rule.path.stem, number)


def test_the_picture_says_in_words_what_it_shows() -> None:
    drawn = ElementTree.fromstring(picture(load()))
    space = {"svg": "http://www.w3.org/2000/svg"}
    texts = [text.text for text in drawn.findall("svg:text", space)]
    told = drawn.findtext("svg:desc", namespaces=space) or ""
    assert drawn.get("role") == "img"
    for tactic, techs in coverage(load()).items():
        assert tactic.replace("-", " ").capitalize() in texts
        for number in techs:
            assert number in texts
            assert number in told


def test_the_layer_counts_the_rules_of_each_technique() -> None:
    scores = {(one["tactic"], one["techniqueID"]): one["score"] for one in json.loads(layer(load()))["techniques"]}
    held = coverage(load())
    assert scores == {
        (tactic, number): len(found) for tactic, techs in held.items() for number, found in techs.items()
    }
    assert len(scores) > 20
