"""Which rules run here, with which numbers, and which do not, and why.

Promise: a rule that cannot run is named with what it needs, never left out silently.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from warehouse.detections.rule import Rule
from warehouse.detections.tuning import Threshold, Tuned, tune

_OF_NO_USE = ("deprecated", "unsupported")


@dataclass
class InUse:
    """rules: those that run, tuned. off: each other by file name, with the reason. tuned: what was decided."""

    rules: list[Rule] = field(default_factory=list)
    off: dict[str, str] = field(default_factory=dict)
    tuned: Tuned = field(default_factory=Tuned)


def in_use(
    rules: Iterable[Rule], *, thresholds: Iterable[Threshold] = (), places: frozenset[str], now: datetime
) -> InUse:
    """What runs of some rules. `places`: the fields of places that are known here (`Places.has`).

    Raises ThresholdInvalid.
    """
    tuned = tune(rules, thresholds, now)
    done = InUse(tuned=tuned)
    for rule in tuned.rules:
        why = why_off(rule, places)
        if why is None:
            done.rules.append(rule)
        else:
            done.off[rule.path.stem] = why
    return done


def why_off(rule: Rule, places: frozenset[str]) -> str | None:
    """Why a rule does not run; None where it does."""
    if rule.status in _OF_NO_USE:
        return f"its status is {rule.status}"
    missing = rule.needs() - places
    if missing:
        which = "an ASN database" if missing == {"asn"} else "a City database"
        if missing == {"country"}:
            which = "a City or Country database"
        return f"needs geo: {which} (MMDB) in [detections] geo"
    return None
