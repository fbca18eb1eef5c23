"""The drill: a quiet company first, then every rule's own case put among its events, pulled and looked at.

The days are lived through: what was usual is pulled five days ago, the lists of the directory once more two days
later, and the cases today.

Promise: a rule that does not fire in the drill is named, and so is a high or critical one that fires on the quiet
days before it, or a medium one that fires there more than once in a working week. Everything goes the whole way:
served over HTTP, archived, folded, detected.
"""

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from assets.detecting import Detected, detect
from assets.directory_pulling import pull_snapshot
from assets.pulling import pull_activities
from assets.spend_pulling import pull_spend
from assets.workshop import Workshop
from orchestration.drill_telemetry import SOURCE as CLAUDE_CODE
from orchestration.drill_telemetry import DrillTelemetry, Said
from orchestration.drill_tenant import Cast, DrillClock, PretendTenant
from warehouse.anthropic.directory import Snapshot
from warehouse.anthropic.spend_queries import STREAMS
from warehouse.detections.rule import Rule
from warehouse.detections.samples import records, said_of
from warehouse.tables.catalog import connect
from warehouse.wire.times import parse_rfc3339, rfc3339

LOUD = ("high", "critical")
_WEEK = 5  # working days, in which a medium rule may wake somebody once
# How long ago the quiet days end, and when the lists of the directory change.
LIVED, _LISTS_CHANGED = timedelta(days=5), timedelta(days=3)
_LISTS: tuple[Snapshot, ...] = ("users", "api_keys", "organizations")
# Telemetry of so many of the quiet days.
_SESSION_DAYS = timedelta(days=30)
# Records of the drill end so long before now that the tail has reached them.
_SETTLED = timedelta(hours=3)


@dataclass
class Drill:
    """What the drill came to: alerts by rule on the quiet days, and after the rules' own cases."""

    rules: list[Rule]
    days: int
    people: int
    quiet: dict[str, int] = field(default_factory=dict)
    fired: dict[str, int] = field(default_factory=dict)
    sessions: int = 0
    injected: int = 0
    seconds: float = 0.0

    @property
    def silent(self) -> list[Rule]:
        """Rules that did not fire on their own case."""
        return [rule for rule in self.rules if not self.fired.get(rule.id)]

    @property
    def nervous(self) -> list[Rule]:
        """High and critical rules that fired on the quiet days, and medium ones that did so more than once in a
        working week."""
        return [rule for rule in self.rules if self.quiet.get(rule.id, 0) > self._bearable(rule)]

    def _bearable(self, rule: Rule) -> float:
        """How many alerts the quiet days may have of a rule."""
        return 0 if rule.level in LOUD else self.days / _WEEK if rule.level == "medium" else float("inf")


def run_drill(
    workshop: Workshop,
    url: str,
    rules: Iterable[Rule],
    *,
    machines: DrillTelemetry,
    clock: DrillClock,
    days: int,
    people: int,
) -> Drill:
    """Pull the quiet days and look at them; put every rule's case in; pull and look again.

    clock: that of the workshop, which this turns. days: the quiet ones; the tenant has LIVED more.
    """
    drill, began = Drill(list(rules), days, people), time.monotonic()
    tenant = PretendTenant(url, clock)
    lived = tenant.go_to(LIVED)
    _pull_all(workshop)
    drill.sessions = machines.live(workshop, (lived - _SESSION_DAYS).date(), (lived - timedelta(days=1)).date())
    drill.quiet = _by_rule(detect(workshop, drill.rules))
    with connect(workshop.archive) as db:
        cast = Cast.of(db, clock().date())
    tenant.go_to(_LISTS_CHANGED)
    tenant.change_lists(promoted=cast.promoted, removed=cast.deleted)
    _pull_lists(workshop)
    now = tenant.go_to(timedelta())
    tenant.fall_silent(now.date())
    spent = now.date() - timedelta(days=2)
    tenant.spend(spent, cast.spend())
    parts = [_case(rule, number, now, cast.deleted) for number, rule in enumerate(drill.rules)]
    cases = [record for part in parts for record in part.records] + cast.records(spent)
    drill.injected = int(tenant.tell("inject", {"records": cases})["injected"])
    first = min(parse_rfc3339(record["created_at"]) for record in cases)
    pull_activities(workshop, start=_day(first))
    changed = now.date() - timedelta(days=2)
    tenant.tell("withdraw", {"day": changed.isoformat(), "count": 1})
    pull_activities(workshop, start=_day_of(changed), end=_day_of(changed) + timedelta(days=1))
    _pull_spend(workshop)
    drill.injected += machines.send(workshop, [said for part in parts for said in part.said])
    drill.fired = _by_rule(detect(workshop, drill.rules))
    drill.seconds = time.monotonic() - began
    return drill


def _pull_all(workshop: Workshop) -> None:
    pull_activities(workshop)
    _pull_spend(workshop)
    _pull_lists(workshop)


def _pull_spend(workshop: Workshop) -> None:
    for stream in STREAMS:
        pull_spend(workshop, stream)


def _pull_lists(workshop: Workshop) -> None:
    for stream in _LISTS:
        pull_snapshot(workshop, stream)


@dataclass(frozen=True)
class _Case:
    """What makes one rule fire: records of the feed, and events of developers' machines."""

    records: list[dict[str, Any]] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)


def _case(rule: Rule, number: int, now: datetime, removed: str) -> _Case:
    """The rule's first true sample, moved by whole days to end before now, with people and keys of its own.

    removed: the id of somebody who was in the directory and is no longer.
    """
    sources = {part.source.name for part in rule.parts}
    if sources - {"audit", CLAUDE_CODE}:
        return _Case()  # a change by the vendor, or rows that are computed: the tenant plays them
    sample = next(sample for fires, sample in rule.samples if fires)
    served = records(sample) if "audit" in sources else []
    told = [(at, row) for _, at, row in said_of(CLAUDE_CODE, sample, alone=len(sources) == 1)]
    times = [parse_rfc3339(record["created_at"]) for record in served]
    told = told if CLAUDE_CODE in sources else []
    last = max([*times, *(at for at, _ in told)])
    back = ((last - (now - _SETTLED)) // timedelta(days=1) + 1) * timedelta(days=1)
    moved: list[dict[str, Any]] = _renamed(served, number)
    for record in moved:
        record["created_at"] = rfc3339(parse_rfc3339(record["created_at"]) - back)
    rows: list[dict[str, Any]] = _renamed([row for _, row in told], number)
    for row in rows:
        if row.get("account") == "removed":
            row["user_account_id"] = removed
    return _Case(moved, [Said(at - back, row) for (at, _), row in zip(told, rows, strict=True)])


def _renamed(made: list[dict[str, Any]], number: int) -> Any:
    text = (
        json.dumps(made)
        .replace("user_01Sample", f"user_01Drill{number:03d}")
        .replace("apikey_1", f"apikey_{number}")
        .replace('"session-', f'"session-{number}-')
    )
    return json.loads(text)


def _by_rule(done: Detected) -> dict[str, int]:
    found: dict[str, set[str]] = {}
    for alert in done.alerts:
        found.setdefault(alert.find.rule.id, set()).add(alert.alert_id)
    return {rule_id: len(alerts) for rule_id, alerts in found.items()}


def _day(moment: datetime) -> datetime:
    return _day_of(moment.date())


def _day_of(day: Any) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
