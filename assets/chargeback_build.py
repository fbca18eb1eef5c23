"""Allocation and statements of every month into the file of the marts. Knows no Dagster.

Promise: a month is there as it stands in the books: published where it is closed, else as it is now.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

from assets.closed_months import prepared
from assets.cost_lines import months
from assets.period_books import Bookkeeping
from warehouse.finops.chargeback_tables import SCHEMAS, allocation_batches, period_batch, statement_batch
from warehouse.finops.periods import Period
from warehouse.finops.statement import Statement
from warehouse.tables.catalog import connect
from warehouse.tables.marts.beside import put_tables
from warehouse.tables.masking import ACCOUNTING, Masks


@dataclass(frozen=True)
class ChargebackBuilt:
    """What was put into the marts: rows by table, and the statements, by month."""

    rows: dict[str, int]
    statements: Sequence[Statement]


def build_chargeback(desk: Bookkeeping) -> ChargebackBuilt:
    """Put `fct_allocation`, `fct_chargeback_line` and `fct_period` of every month with cost into the marts."""
    with connect(desk.workshop.archive, unmasked=ACCOUNTING) as db:
        known = sorted({*months(db), *desk.books.states})
    statements: list[Statement] = []
    # one month at a time: the lines of a month may be many
    allocation = _allocated(desk, known, statements)
    tables: dict[str, tuple[pa.Schema, Iterable[pa.RecordBatch]]] = {
        "fct_allocation": (SCHEMAS["fct_allocation"], allocation),
        "fct_chargeback_line": (
            SCHEMAS["fct_chargeback_line"],
            (statement_batch(statement) for statement in statements),
        ),
        "fct_period": (SCHEMAS["fct_period"], (period_batch(desk.books, batch) for batch in [statements])),
    }
    masks = Masks.of(desk.workshop.archive.state)
    return ChargebackBuilt(put_tables(desk.workshop.marts, tables, masks), statements)


def _allocated(
    desk: Bookkeeping, known: Sequence[Period], statements: list[Statement]
) -> Iterator[pa.RecordBatch]:
    for period in known:
        done = prepared(desk, period)
        statements.append(done.statement)
        yield from allocation_batches(done)
