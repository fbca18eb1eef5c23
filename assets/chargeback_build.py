"""Allocation and statements of every month into the file of the marts. Knows no Dagster.

Promise: a month is there as it stands in the books: published where it is closed, else as it is now.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

from assets.closed_months import prepared
from assets.cost_lines import months
from assets.month_tables import MONTHLY_SCHEMAS, month_batches
from assets.outlooks import told
from assets.payer_versions import payer_versions
from assets.period_books import Bookkeeping
from warehouse.finops.chargeback_tables import SCHEMAS, allocation_batches, period_batch, statement_batch
from warehouse.finops.focus_periods import BILLING_PERIOD_SCHEMA, billing_periods
from warehouse.finops.outlook import MONTHS_OF_HISTORY
from warehouse.finops.outlook_tables import SCHEMAS as OUTLOOK_SCHEMAS
from warehouse.finops.outlook_tables import outlook_batches
from warehouse.finops.payer_tables import SCHEMAS as PAYER_SCHEMAS
from warehouse.finops.payer_tables import payer_batches
from warehouse.finops.periods import Period
from warehouse.finops.preparing import Prepared
from warehouse.finops.statement import Statement
from warehouse.tables.catalog import connect
from warehouse.tables.marts.beside import put_tables
from warehouse.tables.masking import ACCOUNTING, Masks


@dataclass(frozen=True)
class ChargebackBuilt:
    """What was put into the marts: rows by table, and the statements, by month."""

    rows: dict[str, int]
    statements: list[Statement]


def build_chargeback(desk: Bookkeeping) -> ChargebackBuilt:
    """Put what the books say of every month with cost into the marts, as tables of their own."""
    with connect(desk.workshop.archive, unmasked=ACCOUNTING) as db:
        known = sorted({*months(db), *desk.books.states})
    built = ChargebackBuilt({}, [])
    outlooks: dict[str, list[pa.RecordBatch]] = {name: [] for name in OUTLOOK_SCHEMAS}
    others: dict[str, list[pa.RecordBatch]] = {name: [] for name in MONTHLY_SCHEMAS}
    # one month at a time: the lines of a month may be many
    allocation = _allocated(desk, known, built.statements, outlooks, others)
    # the first table is read to its end before the others are asked for
    tables: dict[str, tuple[pa.Schema, Iterable[pa.RecordBatch]]] = {
        "fct_allocation": (SCHEMAS["fct_allocation"], allocation),
        "fct_chargeback_line": (
            SCHEMAS["fct_chargeback_line"],
            (statement_batch(statement) for statement in built.statements),
        ),
        "fct_period": (SCHEMAS["fct_period"], (period_batch(desk.books, batch) for batch in [built.statements])),
        **{name: (schema, outlooks[name]) for name, schema in OUTLOOK_SCHEMAS.items()},
        **{name: (schema, others[name]) for name, schema in MONTHLY_SCHEMAS.items()},
        **_of_all_months(desk, known, built.statements),
    }
    masks = Masks.of(desk.workshop.archive.state)
    built.rows.update(put_tables(desk.workshop.marts, tables, masks))
    return built


def _allocated(
    desk: Bookkeeping,
    known: Sequence[Period],
    statements: list[Statement],
    outlooks: dict[str, list[pa.RecordBatch]],
    others: dict[str, list[pa.RecordBatch]],
) -> Iterator[pa.RecordBatch]:
    before: deque[Prepared] = deque(maxlen=MONTHS_OF_HISTORY)
    for period in known:
        done = prepared(desk, period)
        statements.append(done.statement)
        about = told(desk, period, done, [one for one in before if _is_near(one.statement.period, period)])
        for name, batch in outlook_batches(about.outlook, about.orphans, about.units).items():
            outlooks[name].append(batch)
        for name, batches in month_batches(desk, done, about).items():
            others[name] += batches
        yield from allocation_batches(done)
        before.append(done)


def _of_all_months(
    desk: Bookkeeping, known: Sequence[Period], statements: Sequence[Statement]
) -> dict[str, tuple[pa.Schema, Iterable[pa.RecordBatch]]]:
    """Who pays, in every version that is known, and the states of the months. Made when they are asked for,
    because the statements are only there then."""

    def payers(name: str) -> Iterator[pa.RecordBatch]:
        centers = {line.key.cost_center for one in statements for line in one.lines}
        yield payer_batches(versions, centers)[name]

    versions = payer_versions(desk)
    made: dict[str, tuple[pa.Schema, Iterable[pa.RecordBatch]]] = {
        name: (schema, payers(name)) for name, schema in PAYER_SCHEMAS.items() if name not in MONTHLY_SCHEMAS
    }
    made["billing_period"] = (BILLING_PERIOD_SCHEMA, billing_periods(desk.books, known).to_batches())
    return made


def _is_near(earlier: Period, period: Period) -> bool:
    """Whether a month is one of the two before another: months without cost may lie between."""
    return period in (earlier.next, earlier.next.next)
