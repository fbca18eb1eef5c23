"""What Claude Code cost by session, and its three figures by user and day, as Arrow tables for SQL.

Promise: the amounts of fct_claude_code_cost of a month add up to what the cost report says of Claude Code, and
so do the billed ones of fct_claude_code_reconciliation. Estimates stand in columns of their own.
"""

from collections.abc import Iterable

import pyarrow as pa

from warehouse.finops.chargeback_tables import batch_of, fine
from warehouse.finops.declared_centers import Disagreement
from warehouse.finops.periods import Period
from warehouse.finops.session_cost import CostPart
from warehouse.finops.telemetry_reconciliation import UserDay

_MONEY = pa.decimal128(38, 8)
_TEXTS = pa.list_(pa.string())

SCHEMAS = {
    "fct_claude_code_cost": pa.schema(
        [
            ("period", pa.string()), ("day", pa.date32()), ("actor_id", pa.string()), ("actor_email", pa.string()),
            ("organization", pa.string()), ("model", pa.string()), ("session_id", pa.string()),
            ("team", pa.string()), ("repository", pa.string()), ("department", pa.string()),
            ("declared_cost_center", pa.string()), ("amount", _MONEY), ("list_amount", _MONEY),
            ("estimate", _MONEY), ("basis", pa.string()),
        ]
    ),
    "fct_claude_code_reconciliation": pa.schema(
        [
            ("period", pa.string()), ("day", pa.date32()), ("actor_id", pa.string()), ("actor_email", pa.string()),
            ("sessions", pa.int64()), ("estimate", _MONEY), ("listed", _MONEY), ("billed", _MONEY),
            ("invoiced", _MONEY), ("gap", _MONEY), ("reason", pa.string()), ("reasons", _TEXTS),
        ]
    ),
    "fct_declared_cost_center": pa.schema(
        [
            ("period", pa.string()), ("actor_id", pa.string()), ("actor_email", pa.string()),
            ("declared", pa.string()), ("pays", _TEXTS), ("first_day", pa.date32()), ("last_day", pa.date32()),
            ("days", pa.int64()), ("estimate", _MONEY),
        ]
    ),
}  # fmt: skip


def session_batches(
    period: Period, parts: Iterable[CostPart], days: Iterable[UserDay], others: Iterable[Disagreement]
) -> dict[str, pa.RecordBatch]:
    """The rows of one month, by table."""
    month = str(period)
    records: dict[str, list[tuple[object, ...]]] = {
        "fct_claude_code_cost": [_part(month, one) for one in parts],
        "fct_claude_code_reconciliation": [
            (
                month, one.day, one.actor_id, one.actor_email, one.sessions, fine(one.estimate), fine(one.listed),
                fine(one.billed), fine(one.invoiced), fine(one.gap), one.reasons[0], list(one.reasons),
            )
            for one in days
        ],
        "fct_declared_cost_center": [
            (
                month, one.actor_id, one.actor_email, one.declared, list(one.pays), one.first, one.last, one.days,
                fine(one.estimate),
            )
            for one in others
        ],
    }  # fmt: skip
    return {name: batch_of(rows, SCHEMAS[name]) for name, rows in records.items()}


def _part(month: str, one: CostPart) -> tuple[object, ...]:
    of = one.session
    about = (of.session_id, of.team, of.repository, of.department, of.cost_center) if of else (None,) * 5
    return (
        month, one.day, one.actor_id, one.actor_email, one.organization, one.model, *about, fine(one.amount),
        fine(one.list_amount), fine(of.estimate) if of else None, one.basis,
    )  # fmt: skip
