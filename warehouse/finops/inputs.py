"""What this room is fed: rows of cost, of seats and of activity, as dataclasses and as Arrow schemas.

The tables room knows how the vendor writes these; here they are already days, texts and exact decimals.

- **CostRow**, one row of cost of one UTC day. `amount` is what the vendor will bill, after negotiated discounts,
  in dollars (the wire's cents divided by 100, exactly); `list_amount` the same at list price, or None where
  unknown. `actor_kind` is the vendor's word (`user_actor`, `service_account_actor`, `api_actor`,
  `federated_actor`) or None, `actor_id` the id that goes with it (`user_...`, `svac_...`, `apikey_...`),
  `actor_email` where there is one. `quantity` and `unit` (`Tokens`, `Requests`) may be None; `source_commit` is
  the number of the entry it came from. The rows of a period are the current versions of the days in it, and add
  up to the vendor's ungrouped total: what no actor row explains is a row without an actor.
- **SeatDay**, one assigned seat on one day, from the daily snapshot of the directory. `last_active` is the last
  day up to this one on which its holder did anything, or None.
- **Coverage**, how far the days of a period have been pulled.

Rule book: reference finops, sections 4 and 7.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa

from warehouse.finops.errors import InputRefused

CURRENCY = "USD"
CATEGORIES = ("Usage", "Purchase", "Tax", "Credit", "Adjustment")  # FOCUS ChargeCategory

_MONEY = pa.decimal128(38, 8)

COST_ROWS = pa.schema(
    [
        pa.field("day", pa.date32(), nullable=False),
        pa.field("organization", pa.string()),
        pa.field("product", pa.string()),
        pa.field("model", pa.string()),
        pa.field("cost_type", pa.string()),
        pa.field("token_type", pa.string()),
        pa.field("actor_kind", pa.string()),
        pa.field("actor_id", pa.string()),
        pa.field("actor_email", pa.string()),
        pa.field("amount", _MONEY, nullable=False),
        pa.field("list_amount", _MONEY),
        pa.field("requests", pa.int64()),
        pa.field("source_commit", pa.int64()),
        pa.field("charge_category", pa.string()),
        pa.field("quantity", pa.decimal128(38, 6)),
        pa.field("unit", pa.string()),
    ]
)

SEAT_DAYS = pa.schema(
    [
        pa.field("day", pa.date32(), nullable=False),
        pa.field("tier", pa.string(), nullable=False),
        pa.field("user_id", pa.string()),
        pa.field("user_email", pa.string()),
        pa.field("last_active", pa.date32()),
    ]
)


@dataclass(frozen=True, slots=True)
class CostRow:
    """One row of cost; see the head of this file."""

    day: date
    organization: str | None
    product: str | None
    model: str | None
    cost_type: str | None
    token_type: str | None
    actor_kind: str | None
    actor_id: str | None
    actor_email: str | None
    amount: Decimal
    list_amount: Decimal | None = None
    requests: int | None = None
    source_commit: int | None = None
    charge_category: str = "Usage"
    quantity: Decimal | None = None
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class SeatDay:
    """One assigned seat on one day; see the head of this file."""

    day: date
    tier: str
    user_id: str | None
    user_email: str | None
    last_active: date | None = None


@dataclass(frozen=True, slots=True)
class Coverage:
    """Which days are there. `complete` were read to their last page; `unsettled` are those that were last read
    when the vendor could still restate them; of `disagreeing` the rows do not add up to the vendor's total."""

    complete: frozenset[date]
    unsettled: frozenset[date] = frozenset()
    disagreeing: frozenset[date] = frozenset()


def cost_rows(table: "pa.Table | pa.RecordBatchReader | Iterable[Mapping[str, Any]]") -> Iterator[CostRow]:
    """Rows of an Arrow table (or mappings) with the columns of COST_ROWS; optional ones may be absent.

    Raises InputRefused for a float, for an unknown charge category, and where a column that must be there is not.
    """
    if isinstance(table, pa.Table | pa.RecordBatchReader) and _columns(table.schema) == _columns(COST_ROWS):
        yield from _typed_cost_rows(table)
        return
    for number, record in enumerate(_records(table, COST_ROWS), start=1):
        row: CostRow = _made(CostRow, record, number)
        yield _checked(row, number)


def _columns(schema: pa.Schema) -> list[tuple[str, pa.DataType]]:
    return [(field.name, field.type) for field in schema]


def _typed_cost_rows(table: "pa.Table | pa.RecordBatchReader") -> Iterator[CostRow]:
    """The same where the columns are exactly those of COST_ROWS: no value can be of another type, so only what is
    empty is looked at. Half of the time that a statement of many rows takes is spent here."""
    number = 0
    category = COST_ROWS.get_field_index("charge_category")
    for batch in table.to_batches() if isinstance(table, pa.Table) else table:
        for values in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            number += 1
            if values[category] is None:
                values = (*values[:category], "Usage", *values[category + 1 :])  # noqa: PLW2901
            row = CostRow(*values)
            if row.day is None or row.amount is None:
                raise InputRefused(f"row {number} has no day, or its amount is no decimal")
            yield _checked(row, number)


def _checked(row: CostRow, number: int) -> CostRow:
    if row.charge_category not in CATEGORIES:
        raise InputRefused(
            f"cost row {number}: charge_category {row.charge_category!r} is not one of {', '.join(CATEGORIES)}"
        )
    return row


def seat_days(table: "pa.Table | Iterable[Mapping[str, Any]]") -> Iterator[SeatDay]:
    """Rows of an Arrow table (or mappings) with the columns of SEAT_DAYS. Raises InputRefused."""
    for number, record in enumerate(_records(table, SEAT_DAYS), start=1):
        yield _made(SeatDay, record, number)


def _records(table: Any, schema: pa.Schema) -> Iterator[Mapping[str, Any]]:
    if isinstance(table, pa.Table | pa.RecordBatchReader):
        missing = [field.name for field in schema if not field.nullable and field.name not in table.schema.names]
        if missing:
            raise InputRefused(
                f"the rows have no column {missing[0]!r}; they need those of warehouse/finops/inputs.py"
            )
        known = [name for name in table.schema.names if name in schema.names]
        batches = table.to_batches() if isinstance(table, pa.Table) else table
        for batch in batches:
            yield from batch.select(known).to_pylist()
    else:
        yield from table


def _made(kind: Any, record: Mapping[str, Any], number: int) -> Any:
    values = {name: value for name, value in record.items() if value is not None or name != "charge_category"}
    wrong = [name for name, value in values.items() if isinstance(value, float)]
    if wrong:
        raise InputRefused(f"row {number}: {wrong[0]} is a float; money and quantities come as decimals")
    allowed = {field.name for field in fields(kind)}
    if not values.keys() <= allowed:
        raise InputRefused(f"row {number}: there is no column {min(values.keys() - allowed)!r} here")
    for optional in allowed - values.keys() - {"charge_category"}:
        values[optional] = None
    if values.get("day") is None or (kind is CostRow and not isinstance(values["amount"], Decimal)):
        raise InputRefused(f"row {number} has no day, or its amount is no decimal")
    return kind(**values)
