"""Allocation, statements and periods as Arrow tables for SQL: fct_allocation, fct_chargeback_line, fct_period.

Promise: the amounts of fct_allocation of a month add up to its source, those of fct_chargeback_line to its
statement. Rule book: reference finops, section 7.
"""

from collections.abc import Iterable, Iterator, Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal
from itertools import islice

import pyarrow as pa

from warehouse.finops.books import Books
from warehouse.finops.money import SCALE
from warehouse.finops.periods import Period
from warehouse.finops.preparing import Prepared
from warehouse.finops.statement import Statement

_MONEY = pa.decimal128(38, 8)
_TIME = pa.timestamp("us", "UTC")
_FINEST = Decimal(1).scaleb(-SCALE)
_WIDE = Context(prec=38)
_BATCH = 20_000

FCT_ALLOCATION = pa.schema(
    [
        ("period", pa.string()),
        ("day", pa.date32()),
        ("organization", pa.string()),
        ("service", pa.string()),
        ("model", pa.string()),
        ("cost_type", pa.string()),
        ("token_type", pa.string()),
        ("charge_category", pa.string()),
        ("actor_kind", pa.string()),
        ("actor_id", pa.string()),
        ("actor_email", pa.string()),
        ("cost_center", pa.string()),
        ("rule_id", pa.string()),
        ("rules_version", pa.string()),
        ("mapping_version", pa.string()),
        ("share_percent", pa.decimal128(18, 12)),
        ("left_on", pa.date32()),
        ("amount", _MONEY),
        ("list_amount", _MONEY),
        ("quantity", _MONEY),
        ("unit", pa.string()),
        ("requests", pa.int64()),
        ("source_commit", pa.int64()),
    ]
)
FCT_CHARGEBACK_LINE = pa.schema(
    [
        ("period", pa.string()),
        ("state", pa.string()),
        ("number", pa.int32()),
        ("cost_center", pa.string()),
        ("service", pa.string()),
        ("model", pa.string()),
        ("charge_category", pa.string()),
        ("charge_class", pa.string()),
        ("original_period", pa.string()),
        ("reversal", pa.bool_()),
        ("billed", pa.decimal128(38, 2)),
        ("exact", _MONEY),
        ("list_amount", _MONEY),
        ("quantity", _MONEY),
        ("unit", pa.string()),
    ]
)
FCT_PERIOD = pa.schema(
    [
        ("period", pa.string()),
        ("state", pa.string()),
        ("number", pa.int32()),
        ("total", pa.decimal128(38, 2)),
        ("source_total", _MONEY),
        ("unallocated", pa.decimal128(38, 2)),
        ("closed_at", _TIME),
        ("closed_by", pa.string()),
        ("manifest_sha256", pa.string()),
    ]
)
SCHEMAS = {
    "fct_allocation": FCT_ALLOCATION,
    "fct_chargeback_line": FCT_CHARGEBACK_LINE,
    "fct_period": FCT_PERIOD,
}


def allocation_batches(done: Prepared) -> Iterator[pa.RecordBatch]:
    """The lines of a month's allocation. Amounts finer than eight decimals are rounded to eight, here only."""
    period = str(done.statement.period)
    lines = iter(done.allocation.lines)
    while chunk := list(islice(lines, _BATCH)):
        records = [
            (
                period, line.row.day, line.row.organization, line.row.product, line.row.model, line.row.cost_type,
                line.row.token_type, line.row.charge_category, line.row.actor_kind, line.row.actor_id,
                line.row.actor_email, line.cost_center, line.rule_id, done.allocation.rules_version,
                done.allocation.mapping_version, line.share, line.left, fine(line.amount),
                fine(line.list_amount), fine(line.quantity), line.row.unit, line.requests,
                line.row.source_commit,
            )
            for line in chunk
        ]  # fmt: skip
        yield batch_of(records, FCT_ALLOCATION)


def statement_batch(statement: Statement) -> pa.RecordBatch:
    """The lines of a statement."""
    records = [
        (
            str(statement.period), statement.state, statement.number, *line.key[:4], line.charge_class,
            str(line.original_period) if line.original_period else None, line.reversal, line.billed,
            fine(line.exact), fine(line.list_amount), fine(line.quantity), line.key.unit,
        )
        for line in statement.lines
    ]  # fmt: skip
    return batch_of(records, FCT_CHARGEBACK_LINE)


def period_batch(books: Books, statements: Iterable[Statement]) -> pa.RecordBatch:
    """One row for each month of which there is a statement."""
    records = []
    for statement in statements:
        closed = books.last_close(statement.period) if _closed(books, statement.period) else None
        records.append(
            (
                str(statement.period), statement.state, statement.number, statement.total,
                fine(statement.source_total), statement.unallocated, closed.at if closed else None,
                closed.by if closed else None, closed.manifest_sha256 if closed else None,
            )
        )  # fmt: skip
    return batch_of(records, FCT_PERIOD)


def _closed(books: Books, period: Period) -> bool:
    return books.state(period) == "closed"


def batch_of(records: Sequence[tuple[object, ...]], schema: pa.Schema) -> pa.RecordBatch:
    """Rows of values in the order of a schema, as one batch."""
    columns = list(zip(*records, strict=True)) if records else [()] * len(schema)
    arrays = [pa.array(values, field.type) for values, field in zip(columns, schema, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def fine(amount: Decimal | None) -> Decimal | None:
    """An amount with eight decimals, which is how fine the columns are."""
    if amount is None:
        return None
    return amount.quantize(_FINEST, rounding=ROUND_HALF_EVEN, context=_WIDE)
