"""Rows of `audit_events`: records of a page, and withdrawals, with what the fold makes of them; and by their days.

Promise: the same records and the same versions make the same rows, whoever folds.
"""

from collections.abc import Sequence
from datetime import date, datetime

import pyarrow as pa
import pyarrow.compute as pc

from warehouse.tables.activities import Batch
from warehouse.tables.schema import AUDIT_EVENTS, FOLDED


def rows_of_batch(
    batch: Batch,
    take: list[int] | None,
    versions: int | list[int],
    folds: str | list[str],
    *,
    seq: int,
    observed_at: datetime,
) -> pa.Table:
    """The records of a page (all, or those at some positions) as rows that pull `seq` brought; `versions` and
    `folds` one for all, or one for each."""
    rows = batch.columns
    positions: list[int] = list(range(batch.rows)) if take is None else take
    content, unknown, fields = batch.content, batch.unknown, batch.unknown_fields
    if take is not None:
        rows = rows.take(pa.array(take))
        content = [content[p] for p in take]
        unknown = [unknown[p] for p in take]
        fields = [fields[p] for p in take]
    count = len(positions)
    same = isinstance(versions, int)
    return _with_fold(
        rows,
        observed_at=pa.repeat(pa.scalar(observed_at, FOLDED.field("observed_at").type), count),
        commit_seq=pa.repeat(pa.scalar(seq, pa.int64()), count),
        page=pa.repeat(pa.scalar(batch.page, pa.int32()), count),
        position=pa.array(positions, pa.int32()),
        version=pa.repeat(pa.scalar(versions, pa.int32()), count) if same else pa.array(versions, pa.int32()),
        fold=pa.repeat(pa.scalar(folds, pa.string()), count) if same else pa.array(folds, pa.string()),
        content_sha256=pa.array(content, pa.string()),
        unknown_event=pa.array([bool(names) for names in unknown], pa.bool_()),
        unknown_fields=pa.array(fields, FOLDED.field("unknown_fields").type),
    )


def withdrawals(rows: pa.Table, versions: Sequence[int], *, seq: int, observed_at: datetime) -> pa.Table:
    """What pull `seq` makes of rows that it no longer found: they repeat what was last known."""
    count = rows.num_rows
    none = pa.nulls(count, pa.int32())
    return _with_fold(
        rows.select(AUDIT_EVENTS.names[: -len(FOLDED)]),
        observed_at=pa.repeat(pa.scalar(observed_at, FOLDED.field("observed_at").type), count),
        commit_seq=pa.repeat(pa.scalar(seq, pa.int64()), count),
        page=none,
        position=none,
        version=pa.array(versions, pa.int32()),
        fold=pa.repeat(pa.scalar("withdrawn", pa.string()), count),
        content_sha256=rows["content_sha256"],
        unknown_event=rows["unknown_event"],
        unknown_fields=rows["unknown_fields"],
    )


def _with_fold(rows: pa.Table, **columns: pa.Array) -> pa.Table:
    arrays = [*rows.columns, *(columns[name] for name in FOLDED.names)]
    return pa.Table.from_arrays(arrays, schema=AUDIT_EVENTS)


def by_day(rows: pa.Table, default: date) -> list[tuple[date, pa.Table]]:
    """Rows by UTC day of `created_at`, ascending, order within a day kept; no time counts as `default`."""
    days = pc.fill_null(pc.cast(rows["created_at"], pa.date32()), pa.scalar(default, pa.date32()))
    distinct = sorted(pc.unique(days).to_pylist())
    if len(distinct) == 1:
        return [(distinct[0], rows)]
    return [(day, rows.filter(pc.equal(days, pa.scalar(day, pa.date32())))) for day in distinct]
