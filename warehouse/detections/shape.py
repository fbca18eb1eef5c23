"""What makes events enough for a rule: its kind, how many, within which time, and how far it reads back.

Promise: a shape that is read can be written as SQL. Every span is a whole number of seconds.
"""

from collections.abc import Mapping
from typing import Any, Literal

from sigma.correlations import SigmaCorrelationRule, SigmaCorrelationTimespan, SigmaCorrelationType
from sigma.exceptions import SigmaError

from warehouse.detections.errors import RuleInvalid

Kind = Literal[
    "each", "event_count", "value_count", "temporal", "temporal_ordered", "novelty", "silence", "travel"
]
OWN_KINDS = ("novelty", "silence", "travel")
_OWN_KEYS = {
    "novelty": frozenset({"field", "per", "look-back", "history"}),
    "silence": frozenset({"per", "for", "look-back"}),
    "travel": frozenset({"per", "km-per-hour", "least-km", "look-back"}),
}

_CORRELATIONS: Mapping[SigmaCorrelationType, Kind] = {
    SigmaCorrelationType.EVENT_COUNT: "event_count",
    SigmaCorrelationType.VALUE_COUNT: "value_count",
    SigmaCorrelationType.TEMPORAL: "temporal",
    SigmaCorrelationType.TEMPORAL_ORDERED: "temporal_ordered",
}
_DEFAULT_GAP = "15m"
# Longer than any archive that a rule could look back over.
_LONGEST = 3_650 * 86_400


def single(ours: Mapping[str, Any]) -> dict[str, Any]:
    """The shape of a rule that is no correlation, from its part `ledgerline`. Raises RuleInvalid."""
    own = [name for name in OWN_KINDS if name in ours]
    if len(own) > 1:
        raise RuleInvalid(f"'ledgerline' has {' and '.join(own)}", remedy="keep one of them")
    gap = seconds(ours.get("gap", _DEFAULT_GAP))
    shape: dict[str, Any] = {
        "kind": own[0] if own else "each",
        "group_by": _names(ours, "group-by"),
        "timespan": gap,
        "gap": gap,
        "threshold": 1,
        "value_field": None,
        "look_back": gap,
    }
    if own:
        settings = ours[own[0]]
        if not isinstance(settings, Mapping):
            raise RuleInvalid(f"{own[0]!r} is no table", remedy=f"it takes {', '.join(sorted(_OWN_KEYS[own[0]]))}")
        strange = sorted(set(settings) - _OWN_KEYS[own[0]])
        if strange:
            raise RuleInvalid(
                f"{own[0]!r} has no {', '.join(strange)}",
                remedy=f"it takes {', '.join(sorted(_OWN_KEYS[own[0]]))}",
            )
        per = _names(settings, "per")
        shape |= {"group_by": per, "own": settings, "value_field": settings.get("field")}
        shape["look_back"] = seconds(settings.get("look-back", "30d"))
        if own[0] == "travel":
            shape["gap"] = shape["look_back"] = seconds(settings.get("look-back", "1d"))
            for name in ("km-per-hour", "least-km"):
                number = settings.get(name, 1)
                if not isinstance(number, int | float) or isinstance(number, bool) or number <= 0:
                    raise RuleInvalid(f"{name} of 'travel' is {number!r}", remedy="write a number above 0")
        if own[0] == "novelty" and not shape["value_field"]:
            raise RuleInvalid(
                "'novelty' names no field", remedy="say which field's values are new: field: ip_address"
            )
    return shape


def correlated(correlation: SigmaCorrelationRule, parts: int) -> dict[str, Any]:
    """The shape of a correlation of so many rules; fields of Rule. Raises RuleInvalid."""
    kind = _CORRELATIONS.get(correlation.type)
    if kind is None:
        raise RuleInvalid(
            f"correlation {correlation.title!r} is of type {correlation.type}",
            remedy=f"this backend has {', '.join(_CORRELATIONS.values())}",
        )
    condition = correlation.condition
    threshold, value = parts, None
    if kind in ("event_count", "value_count"):
        operator = getattr(getattr(condition, "op", None), "name", "")
        if operator not in ("GTE", "GT"):
            raise RuleInvalid(
                f"correlation {correlation.title!r} asks for less than a number", remedy="use gte or gt"
            )
        threshold = int(condition.count) + (operator == "GT")  # type: ignore[union-attr]
        if threshold < 1:
            raise RuleInvalid(
                f"correlation {correlation.title!r} has enough with {threshold} events", remedy="ask for 1 or more"
            )
        value = getattr(condition, "fieldref", None)
        value = value[0] if isinstance(value, list) else value
        if (kind == "value_count") != bool(value):
            raise RuleInvalid(
                f"correlation {correlation.title!r} needs a field for value_count, and only for that"
            )
    span = seconds(correlation.timespan.spec)
    return {
        "kind": kind,
        "group_by": tuple(correlation.group_by or ()),
        "timespan": span,
        "gap": span,
        "threshold": threshold,
        "value_field": value,
        "look_back": 2 * span,
    }


def seconds(text: Any) -> int:
    """`15m`, `30d` and so on as seconds. Raises RuleInvalid."""
    if str(text) == "0s":  # which Sigma refuses
        return 0
    try:
        span = int(SigmaCorrelationTimespan(str(text)).seconds)
    except SigmaError as problem:
        raise RuleInvalid(f"{text!r} is no span of time", remedy="write 90s, 15m, 12h or 30d") from problem
    if span > _LONGEST:
        raise RuleInvalid(f"{text!r} is longer than ten years", remedy="write 90s, 15m, 12h or 30d")
    return span


def _names(settings: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """The fields that a setting lists; the actor where it lists none. Raises RuleInvalid."""
    names = settings.get(key, ("actor",))
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise RuleInvalid(f"{key} is no list of fields", remedy=f"write {key}: [actor]")
    return tuple(names)
