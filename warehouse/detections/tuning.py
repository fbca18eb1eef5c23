"""Thresholds by configuration: how much is enough for a rule here, decided by somebody, for a reason, until a day.

Promise: a rule that was tuned says so in its version, so every alert names the numbers it was raised by. From its
day on a threshold holds no more, and the rule's own number counts again.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import date, datetime
from typing import Any

from warehouse.detections.errors import RuleInvalid, RuleUnknown, ThresholdInvalid
from warehouse.detections.rule import Rule
from warehouse.detections.rulebook import Rulebook
from warehouse.detections.shape import Kind, seconds

_REMEDY = "correct [[detections.thresholds]] in the configuration"

# What can be tuned of a kind of rule; one event is enough for the kind that is not here.
_TAKES: Mapping[Kind, tuple[str, ...]] = {
    "event_count": ("count", "timespan"),
    "value_count": ("count", "timespan"),
    "temporal": ("timespan",),
    "temporal_ordered": ("timespan",),
    "travel": ("km_per_hour", "least_km"),
    "silence": ("silent_for",),
    "novelty": ("history",),
}
# What a rule of ours calls it, under `ledgerline`.
_OWN = {"km_per_hour": "km-per-hour", "least_km": "least-km", "silent_for": "for", "history": "history"}


@dataclass(frozen=True, kw_only=True)
class Threshold:
    """One decision. rule: as `Rulebook.find` takes it. until: the first day (UTC) on which it holds no more.

    The numbers are those of the rule that it replaces; None leaves the rule's own. Spans as `90s`, `15m`, `30d`.
    """

    rule: str
    reason: str
    owner: str
    until: date
    count: int | None = None
    timespan: str | None = None
    km_per_hour: int | None = None
    least_km: int | None = None
    silent_for: str | None = None
    history: str | None = None

    def changes(self) -> dict[str, int | str]:
        """What it sets, by name."""
        names = [one.name for one in fields(self)][4:]
        return {name: value for name in names if (value := getattr(self, name)) is not None}


@dataclass
class Tuned:
    """Rules as they are to run. `by_rule`: the decision that holds, by the rule's file name; `expired`: others."""

    rules: list[Rule] = field(default_factory=list)
    by_rule: dict[str, Threshold] = field(default_factory=dict)
    expired: list[Threshold] = field(default_factory=list)

    def evidence(self) -> dict[str, Any]:
        """What was tuned, why, by whom and until when, for the entry of a run."""
        return {
            name: {**one.changes(), "reason": one.reason, "owner": one.owner, "until": one.until.isoformat()}
            for name, one in sorted(self.by_rule.items())
        }


def tune(rules: Iterable[Rule], decided: Iterable[Threshold], now: datetime) -> Tuned:
    """The rules with the thresholds that hold now. Raises ThresholdInvalid, naming each that cannot be meant."""
    chosen = list(rules)
    book, done, mistakes = Rulebook(tuple(chosen)), Tuned(), []
    for one in decided:
        try:
            rule = book.find(one.rule)
        except RuleUnknown as problem:
            mistakes.append(f"{problem} ({problem.remedy})")
            continue
        wrong = _wrong(rule, one) or (
            f"{rule.path.stem} has two thresholds" if rule.path.stem in done.by_rule else None
        )
        if wrong:
            mistakes.append(wrong)
        elif one.until <= now.date():
            done.expired.append(one)
        else:
            done.by_rule[rule.path.stem] = one
    if mistakes:
        raise ThresholdInvalid("a threshold cannot be meant: " + "; ".join(mistakes), remedy=_REMEDY)
    done.rules = [
        tuned(rule, done.by_rule[rule.path.stem]) if rule.path.stem in done.by_rule else rule for rule in chosen
    ]
    return done


def tuned(rule: Rule, decision: Threshold) -> Rule:
    """The rule with the numbers of a decision; its version names them."""
    changes = decision.changes()
    said = ",".join(f"{name}={value}" for name, value in changes.items())
    made: dict[str, Any] = {"version": f"{rule.version}+{said}"}
    if "count" in changes:
        made["threshold"] = decision.count
    if decision.timespan is not None:
        span = seconds(decision.timespan)
        made |= {"timespan": span, "gap": span, "look_back": 2 * span}
    own = {_OWN[name]: value for name, value in changes.items() if name in _OWN}
    if own:
        made["own"] = {**rule.own, **own}
    if decision.silent_for is not None:
        made["look_back"] = max(rule.look_back, 2 * seconds(decision.silent_for))
    return replace(rule, **made)


def numbers(rule: Rule) -> dict[str, int | str]:
    """The numbers that a rule has now, as a threshold would give them."""
    held: dict[str, int | str] = {"count": rule.threshold, "timespan": _span(rule.timespan)}
    held |= {name: rule.own[key] for name, key in _OWN.items() if key in rule.own}
    return {name: held[name] for name in _TAKES.get(rule.kind, ()) if name in held}


def _span(number: int) -> str:
    for unit, length in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if number and number % length == 0:
            return f"{number // length}{unit}"
    return f"{number}s"


def _wrong(rule: Rule, one: Threshold) -> str | None:
    """Why a decision cannot be meant for a rule; None where it can."""
    name, takes, changes = rule.path.stem, _TAKES.get(rule.kind, ()), one.changes()
    strange = [key for key in changes if key not in takes]
    if not takes:
        return f"{name} has no threshold: one event is enough for it"
    if not changes:
        return f"the threshold of {name} sets nothing; it takes {' and '.join(takes)}"
    if strange:
        return f"{name} has no {' and no '.join(strange)}; it takes {' and '.join(takes)}"
    try:
        figures = {key: seconds(value) if isinstance(value, str) else int(value) for key, value in changes.items()}
    except RuleInvalid as problem:
        return f"{name}: {problem}"
    wrong = None
    if any(value <= 0 for value in figures.values()):
        wrong = f"{name}: a threshold is more than nothing"
    elif figures.get("history", 0) >= rule.look_back:
        wrong = f"{name} looks back no further than {rule.look_back // 86_400}d, and would never fire"
    return wrong
