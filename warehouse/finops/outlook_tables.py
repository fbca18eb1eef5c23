"""Budgets, forecasts, anomalies, orphaned spend and unit costs of a month as Arrow tables for SQL.

Promise: estimates stand in tables of their own, never beside what was booked.
Rule book: reference finops, section 7.
"""

from collections.abc import Iterable
from decimal import Decimal

import pyarrow as pa

from warehouse.finops.chargeback_tables import batch_of, fine
from warehouse.finops.money import to_cents
from warehouse.finops.orphans import Orphan
from warehouse.finops.outlook import CenterForecast, DearDay, Outlook
from warehouse.finops.periods import Period
from warehouse.finops.unit_economics import UnitCost

_CENTS = pa.decimal128(38, 2)
_FINE = pa.decimal128(38, 8)
_CENTER = pa.field("cost_center", pa.string())
_PERIOD = pa.field("period", pa.string())

SCHEMAS = {
    "fct_budget": pa.schema(
        [
            _PERIOD, _CENTER, ("owner", pa.string()), ("amount", _CENTS), ("spent", _CENTS), ("forecast", _CENTS),
            ("reached_percent", pa.int32()), ("breach_forecast", pa.bool_()),
        ]
    ),
    "fct_forecast": pa.schema(
        [
            _PERIOD, _CENTER, ("known_to", pa.date32()), ("through", pa.date32()), ("days_left", pa.int32()),
            ("to_date", _CENTS), ("fixed", _CENTS), ("month_end", _CENTS), ("low", _CENTS), ("high", _CENTS),
            ("naive", _CENTS),
        ]
    ),
    "fct_anomaly": pa.schema(
        [
            _PERIOD, ("day", pa.date32()), ("subject", pa.string()), _CENTER, ("model", pa.string()),
            ("actor_id", pa.string()), ("amount", _FINE), ("usual", _FINE), ("score", pa.decimal128(38, 1)),
            ("cause", pa.string()), ("reason", pa.string()),
        ]
    ),
    "fct_orphaned_spend": pa.schema(
        [
            _PERIOD, ("kind", pa.string()), ("actor_kind", pa.string()), ("actor_id", pa.string()),
            ("actor_email", pa.string()), ("since", pa.date32()), ("last_day", pa.date32()), ("amount", _FINE),
            ("cost_centers", pa.list_(pa.string())), ("reason", pa.string()),
        ]
    ),
    "fct_unit_economics": pa.schema(
        [
            _PERIOD, _CENTER, ("unit", pa.string()), ("cost", _FINE), ("count", _FINE), ("users", pa.int64()),
            ("per_unit", pa.decimal128(38, 4)), ("suppressed", pa.bool_()),
        ]
    ),
}  # fmt: skip


def outlook_batches(
    outlook: Outlook, found: Iterable[Orphan], units: Iterable[UnitCost]
) -> dict[str, pa.RecordBatch]:
    """The rows of one month, by table."""
    period = outlook.period
    records: dict[str, list[tuple[object, ...]]] = {
        "fct_budget": [
            (
                str(period), one.budget.cost_center, one.budget.owner or None, to_cents(one.budget.amount),
                to_cents(one.spent), one.forecast, one.reached, one.breach_forecast,
            )
            for one in outlook.budgets
        ],
        "fct_forecast": [_forecast(outlook, one) for one in (outlook.whole, *outlook.centers)],
        "fct_anomaly": [_anomaly(period, one) for one in outlook.dear_days],
        "fct_orphaned_spend": [
            (
                str(period), one.kind, one.actor_kind, one.actor_id, one.actor_email, one.since, one.last_day,
                fine(one.amount), list(one.cost_centers), one.reason,
            )
            for one in found
        ],
        "fct_unit_economics": [
            (
                str(period), one.cost_center, one.unit, fine(one.cost),
                None if one.count is None else fine(Decimal(one.count)), one.users, one.per_unit, one.suppressed,
            )
            for one in units
        ],
    }  # fmt: skip
    return {name: batch_of(rows, SCHEMAS[name]) for name, rows in records.items()}


def _forecast(outlook: Outlook, one: CenterForecast) -> tuple[object, ...]:
    return (
        str(outlook.period), one.center, outlook.known_to, one.use.through, one.use.days_left, one.use.to_date,
        one.fixed, one.month_end, one.low, one.high, one.naive,
    )  # fmt: skip


def _anomaly(period: Period, one: DearDay) -> tuple[object, ...]:
    kind, name = one.subject
    places = {"cost_center": None, "model": None, "actor": None} | {kind: name}
    found = one.anomaly
    # the reason of a person's day holds amounts only, so a masked row gives nobody away
    return (
        str(period), found.day, kind, places["cost_center"], places["model"], places["actor"], fine(found.amount),
        fine(found.usual), found.score, one.cause, found.reason,
    )  # fmt: skip
