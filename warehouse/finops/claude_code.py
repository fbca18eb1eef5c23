"""A month of Claude Code as the report tells it: three figures with their reasons, and who did what for how much.

Promise: nothing in it is booked, and no person is named.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from warehouse.finops.cost_centers import CostCenters
from warehouse.finops.declared_centers import Disagreement, disagreements
from warehouse.finops.inputs import CostRow
from warehouse.finops.session_cost import CostPart, SessionDay, divide
from warehouse.finops.session_work import GroupUse, Work, by_group
from warehouse.finops.telemetry_reconciliation import Explained, UserDay, explained, three_ways


@dataclass(frozen=True)
class ClaudeCode:
    """Everything about one month. `teams` and `repositories` as machines name them of themselves."""

    parts: Sequence[CostPart]
    days: Sequence[UserDay]
    summed: Explained
    teams: Sequence[GroupUse]
    repositories: Sequence[GroupUse]
    declared: Sequence[GroupUse]
    disagreements: Sequence[Disagreement]
    without_account: int


def claude_code_month(
    rows: Iterable[CostRow],
    sessions: Sequence[SessionDay],
    work: Sequence[Work],
    mapping: CostCenters,
    invoiced_usage: Decimal | None,
) -> ClaudeCode | None:
    """The month; None where telemetry has nothing of it. `rows` are all of its cost, of every product."""
    if not sessions:
        return None
    every = list(rows)
    parts = divide(every, sessions)
    days = three_ways(every, sessions, invoiced_usage)
    return ClaudeCode(
        parts,
        days,
        explained(days),
        by_group(parts, sessions, work, lambda one: one.team),
        by_group(parts, sessions, work, lambda one: one.repository),
        by_group(parts, sessions, work, lambda one: one.cost_center),
        disagreements(sessions, mapping),
        len({one.session_id for one in sessions if one.actor is None}),
    )
