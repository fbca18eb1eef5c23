"""The drill: a quiet company first, then every rule's own case put among its events, pulled and looked at.

Promise: a rule that does not fire in the drill is named, and so is a high or critical one that fires on the quiet
days before it. Everything goes the whole way: served over HTTP, archived, folded, detected.
"""

import json
import time
import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from assets.detecting import Detected, detect
from assets.pulling import pull_activities
from assets.workshop import Workshop
from warehouse.detections.rule import Rule
from warehouse.detections.samples import records
from warehouse.wire.times import parse_rfc3339, rfc3339

LOUD = ("high", "critical")
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
    injected: int = 0
    seconds: float = 0.0

    @property
    def silent(self) -> list[Rule]:
        """Rules that did not fire on their own case."""
        return [rule for rule in self.rules if not self.fired.get(rule.id)]

    @property
    def nervous(self) -> list[Rule]:
        """High and critical rules that fired on the quiet days."""
        return [rule for rule in self.rules if rule.level in LOUD and self.quiet.get(rule.id)]


def run_drill(workshop: Workshop, url: str, rules: Iterable[Rule], *, days: int, people: int) -> Drill:
    """Pull the quiet days and look at them; put every rule's case in; pull and look again."""
    drill, began = Drill(list(rules), days, people), time.monotonic()
    pull_activities(workshop)
    drill.quiet = _by_rule(detect(workshop, drill.rules))
    now = workshop.clock()
    cases = [record for number, rule in enumerate(drill.rules) for record in _case(rule, number, now)]
    drill.injected = int(_tell(url, "inject", {"records": cases})["injected"])
    first = min(parse_rfc3339(record["created_at"]) for record in cases)
    pull_activities(workshop, start=_day(first))
    changed = workshop.clock().date() - timedelta(days=2)
    _tell(url, "withdraw", {"day": changed.isoformat(), "count": 1})
    pull_activities(workshop, start=_day_of(changed), end=_day_of(changed) + timedelta(days=1))
    drill.fired = _by_rule(detect(workshop, drill.rules))
    drill.seconds = time.monotonic() - began
    return drill


def _case(rule: Rule, number: int, now: datetime) -> list[dict[str, Any]]:
    """The rule's first true sample, moved by whole days to end before now, with people and keys of its own."""
    if rule.source.name != "audit":
        return []  # a change by the vendor: a record is withdrawn for it
    sample = next(sample for fires, sample in rule.samples if fires)
    made = records(sample)
    last = max(parse_rfc3339(record["created_at"]) for record in made)
    back = (last - (now - _SETTLED)) // timedelta(days=1) + 1
    text = (
        json.dumps(made)
        .replace("user_01Sample", f"user_01Drill{number:03d}")
        .replace("apikey_1", f"apikey_{number}")
    )
    moved: list[dict[str, Any]] = json.loads(text)
    for record in moved:
        record["created_at"] = rfc3339(parse_rfc3339(record["created_at"]) - back * timedelta(days=1))
    return moved


def _by_rule(done: Detected) -> dict[str, int]:
    found: dict[str, set[str]] = {}
    for alert in done.alerts:
        found.setdefault(alert.find.rule.id, set()).add(alert.alert_id)
    return {rule_id: len(alerts) for rule_id, alerts in found.items()}


def _day(moment: datetime) -> datetime:
    return _day_of(moment.date())


def _day_of(day: Any) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _tell(url: str, what: str, wish: dict[str, Any]) -> dict[str, Any]:
    """One of the pretend tenant's own switches; it listens on this machine only."""
    request = urllib.request.Request(  # noqa: S310 - our own loopback address
        f"{url}/_sandbox/{what}", json.dumps(wish).encode(), {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
        said: dict[str, Any] = json.load(answer)
    return said
