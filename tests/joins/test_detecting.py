"""Detections over commits: what the tenant planted is found, once, with the events that prove it."""

import json
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from assets.detecting import detect
from assets.status import status
from sandbox import Served, Tenant, serve
from tests.promises.site import Site
from warehouse.archive.verify import verify
from warehouse.detections.rulebook import load

DAYS = 15  # any 14 days have one complete set of stories
RULES = {rule.path.stem: rule for rule in load()}


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serve(Tenant(seed=5, users=12, days=DAYS, clock="2026-11-22T10:00:00Z")) as running:
        yield running


@pytest.fixture(scope="module")
def site(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Site:
    made = Site(tmp_path_factory.mktemp("site"), served.url, served.keys["compliance"], date(2026, 11, 7))
    made.pull("--from", "2026-11-08", "--to", "2026-11-15", code=None)
    return made


def test_planted_stories_raise_alerts_once_and_late_windows_raise_theirs(site: Site, served: Served) -> None:
    with site.open() as workshop:
        first = detect(workshop, RULES.values())
        again = detect(workshop, RULES.values())
    assert (again.raised, again.joined) == (0, 0)
    site.pull("--from", "2026-11-15", "--to", "2026-11-22", code=None)
    site.pull("--from", "2026-11-07", "--to", "2026-11-08", code=None)  # days late
    with site.open() as workshop:
        second = detect(workshop, RULES.values())
        assert verify(workshop.archive.store).ok
    alerts = site.sql("select title, event_ids, entities, severity from alerts where version >= 1")
    assert len(alerts) == first.raised + second.raised
    with site.open(for_writing=False) as workshop:
        (shown,) = [one for one in status(workshop)["streams"] if one["stream"] == "alerts"]
    assert (shown["records"], shown["revised"]) == (len(alerts), first.joined + second.joined)
    told = {story["kind"]: story for story in _stories(served)}
    exported = {event["id"] for event in told["mass_export_3am"]["events"] if "exported" in event["type"]}
    found = [set(ids) for title, ids, _, _ in alerts if title == "Many files exported by one person"]
    assert any(exported <= ids for ids in found)
    off = {event["id"] for event in told["sso_switch_off"]["events"][:2]}
    assert any(off <= set(ids) for title, ids, _, _ in alerts if title == "Single sign-on switched off")


def test_an_alert_names_who_it_is_about_and_the_commits_of_its_events(site: Site) -> None:
    rows = site.sql(
        "select entities, event_ids, commit_seqs from alerts where title = 'Single sign-on switched off'"
    )
    assert rows
    for entities, event_ids, seqs in rows:
        held = dict(site.sql("select id, commit_seq from audit_events where list_contains(?, id)", [event_ids]))
        assert [held[event] for event in event_ids] == seqs
        assert json.loads(entities)["actor"]


def _stories(served: Served) -> list[dict[str, Any]]:
    return served.tenant.stories()
