"""Suppressions: alerts that somebody decided not to want for now, with a reason, a name and an end.

Promise: nothing is suppressed for ever or by nobody. What was suppressed is counted in the entry of the run, by
rule and by decision, with its reason, owner and end, so that the evidence says that there was something.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from warehouse.detections.alert import Find
from warehouse.detections.errors import RuleUnknown, SuppressionInvalid
from warehouse.detections.rulebook import Rulebook


@dataclass(frozen=True, kw_only=True)
class Suppression:
    """One decision. rule: as `Rulebook.find` takes it. about: values of the fields that the rule groups by; empty:
    every alert of the rule. until: the first day (UTC) on which it holds no more.
    """

    rule: str
    reason: str
    owner: str
    until: date
    about: Mapping[str, str] = field(default_factory=dict)

    def evidence(self, finds: int) -> dict[str, Any]:
        """The decision and how many finds fell under it, for the entry of a run."""
        return {
            "rule": self.rule,
            "about": dict(sorted(self.about.items())),
            "reason": self.reason,
            "owner": self.owner,
            "until": self.until.isoformat(),
            "finds": finds,
        }


class Suppressions:
    """The decisions that hold at a moment. Raises SuppressionInvalid, naming each that cannot be meant.

    `expired` are those that hold no more: their rules raise alerts again, and somebody should take them out.
    """

    def __init__(self, decided: Iterable[Suppression], rules: Rulebook, now: datetime) -> None:
        self.expired: list[Suppression] = []
        self._held: dict[str, list[Suppression]] = {}
        mistakes = []
        for one in decided:
            try:
                rule = rules.find(one.rule)
            except RuleUnknown as problem:
                mistakes.append(f"{problem} ({problem.remedy})")
                continue
            strange = sorted(set(one.about) - set(rule.group_by))
            if strange:
                mistakes.append(
                    f"{rule.path.stem} is not grouped by {', '.join(strange)}, but by {', '.join(rule.group_by)}"
                )
            elif one.until <= now.date():
                self.expired.append(one)
            else:
                self._held.setdefault(rule.id, []).append(one)
        if mistakes:
            raise SuppressionInvalid(
                "a suppression cannot be meant: " + "; ".join(mistakes),
                remedy="correct [[detections.suppress]] in the configuration",
            )

    def of(self, find: Find) -> Suppression | None:
        """The decision that this find falls under, or None."""
        for one in self._held.get(find.rule.id, ()):
            if all(find.group.get(name) == value for name, value in one.about.items()):
                return one
        return None
