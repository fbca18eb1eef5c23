"""What a destination is sent: a slice of the events, said in one line of the configuration.

Promise: a slice is a condition on the columns of `audit_events` and nothing else: it cannot read another table or
a file, write, or call what is not listed here. What nobody has listed is in every category slice.
"""

import difflib
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from warehouse.delivery.errors import SliceInvalid
from warehouse.delivery.slice_words import RULE
from warehouse.taxonomy import CATEGORIES, load

_CATEGORY = re.compile(r"category:\s*(?P<names>[\w,\s-]+)", re.IGNORECASE)

RIGHT = (
    'a slice is "alerts", "all", "category: authentication, credential", the id of a Sigma rule, or an SQL '
    "condition on the columns of audit_events, such as \"type = 'sso_login_failed'\""
)


@dataclass(frozen=True)
class Slice:
    """`condition`: SQL on the columns of `audit_events`, None for all. `rule`: the one whose alerts it is."""

    text: str
    kind: Literal["all", "alerts", "events", "rule"]
    condition: str | None = None
    rule: str | None = None


def parse_slice(text: str, columns: Collection[str], *, rules: Collection[str] | None = None) -> Slice:
    """The slice that a configuration names. `rules`: ids of the detections; None where there are none yet.

    Raises SliceInvalid, saying what is wrong and what would be right.
    """
    said = text.strip()
    if said.casefold() in ("all", "alerts"):
        return Slice(said.lower(), "all" if said.casefold() == "all" else "alerts")
    if rule := RULE.fullmatch(said):
        return _rule(said, rule["named"] or rule["uuid"], rules)
    if category := _CATEGORY.fullmatch(said):
        return _categories(said, [name.strip() for name in category["names"].split(",")])
    from warehouse.delivery.slice_condition import condition  # noqa: PLC0415 - a parser of SQL, 29 MB

    return Slice(said, "events", condition(said, columns, rules or ()))


def _rule(said: str, rule: str, rules: Collection[str] | None) -> Slice:
    if rules is None:
        raise SliceInvalid(
            f"the slice {said!r} names a Sigma rule, and there are no detections to run yet",
            remedy='use "alerts", "all", a category or an SQL condition until they are there',
        )
    if rule not in rules:
        near = difflib.get_close_matches(rule, rules, n=1)
        raise SliceInvalid(
            f"there is no rule {rule!r}" + (f"; the nearest is {near[0]}" if near else ""),
            remedy="`ledgerline detections list` shows them",
        )
    return Slice(said, "rule", rule=rule)


def _categories(said: str, names: list[str]) -> Slice:
    known = {name.casefold(): name for name in CATEGORIES}
    for name in names:
        if name.casefold() not in known:
            near = difflib.get_close_matches(name.casefold(), known, n=1)
            raise SliceInvalid(
                f"there is no category {name!r}" + (f"; did you mean {near[0]!r}?" if near else ""),
                remedy=f"the categories are: {', '.join(CATEGORIES)}",
            )
    wanted = {known[name.casefold()] for name in names}
    types = sorted(one.type for one in load().types.values() if one.category in wanted)
    listed = ", ".join(f"'{one}'" for one in types)
    return Slice(said, "events", f"(type IN ({listed}) OR unknown_event)" if types else "unknown_event")
