"""Suppressions: what somebody decided not to want is counted and not raised, until its day comes."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from assets.detecting import detect
from assets.workshop import Workshop
from sandbox import Served, Tenant, serve
from tests.promises.site import Site
from warehouse.detections.errors import SuppressionInvalid
from warehouse.detections.rulebook import load
from warehouse.detections.suppression import Suppression

RULE = "single_sign_on_switched_off"
CASE = {"created_at": "2026-11-21T09:00:00Z", "type": "org_sso_toggled", "enabled": False}


@pytest.fixture
def served() -> Iterator[Served]:
    with serve(Tenant(seed=5, users=4, days=2, quiet=True, clock="2026-11-22T10:00:00Z")) as running:
        actors: list[dict[str, Any]] = [{"type": "user_actor", "user_id": f"user_{n}"} for n in (1, 2)]
        running.tenant.inject({**CASE, "actor": actor} for actor in actors)
        yield running


@pytest.fixture
def workshop(served: Served, tmp_path: Any) -> Iterator[Workshop]:
    site = Site(tmp_path, served.url, served.keys["compliance"], date(2026, 11, 20))
    site.pull("--from", "2026-11-20", "--to", "2026-11-22", code=None)
    with site.open(clock=lambda: datetime(2026, 11, 22, 10, tzinfo=UTC)) as opened:
        yield opened


def decided(**settings: Any) -> Suppression:
    whole = {"rule": RULE, "reason": "planned", "owner": "bea@example.com", "until": date(2026, 12, 1)} | settings
    return Suppression(**whole)


def test_only_what_the_decision_is_about_is_suppressed_and_the_log_says_so(workshop: Workshop) -> None:
    workshop = replace(workshop, suppressions=[decided(about={"actor": "user_1"})])
    done = detect(workshop, load())
    about = {alert.find.group["actor"] for alert in done.alerts if alert.find.rule.path.stem == RULE}
    assert about == {"user_2"}
    assert done.suppressed == {RULE: 1}
    entry = workshop.archive.entry(workshop.archive.refresh().seq)
    assert entry.counts["suppressed_by_rule"] == {RULE: 1}
    assert entry.counts["suppressions"] == [
        {
            "rule": RULE,
            "about": {"actor": "user_1"},
            "reason": "planned",
            "owner": "bea@example.com",
            "until": "2026-12-01",
            "finds": 1,
        }
    ]
    assert detect(workshop, load()).suppressed == {}


def test_a_decision_whose_day_has_come_is_named_and_holds_no_more(workshop: Workshop) -> None:
    workshop = replace(workshop, suppressions=[decided(until=date(2026, 11, 22))])
    done = detect(workshop, load())
    assert len([alert for alert in done.alerts if alert.find.rule.path.stem == RULE]) == 2
    assert done.suppressed == {}
    assert RULE in done.expired[0]
    again = detect(workshop, load())  # also where nothing is new
    assert again.events == 0
    assert again.expired == done.expired


@pytest.mark.parametrize(
    ("settings", "says"),
    [({"rule": "single_sign_of"}, RULE), ({"about": {"colour": "red"}}, "not grouped by colour, but by actor")],
)
def test_a_decision_that_cannot_be_meant_is_refused(
    workshop: Workshop, settings: dict[str, Any], says: str
) -> None:
    with pytest.raises(SuppressionInvalid, match=says):
        detect(replace(workshop, suppressions=[decided(**settings)]), load())
