"""Rows of a day, sorted by actor and time, as Parquet parts of bounded size.

Promise: the same rows make the same bytes. In memory at once are one part's file and a few row groups, however
many rows there are: DuckDB sorts on disk, and its rows go into the file as they come.
"""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from warehouse.tables import parquet
from warehouse.tables.connection import open_duckdb
from warehouse.tables.schema import AUDIT_EVENTS, DICTIONARY_COLUMNS, STATISTICS_COLUMNS

if TYPE_CHECKING:
    import duckdb

PART_ROWS = 1 << 20  # one object of about 150 MB at the most
_FETCH_ROWS = 16_384
# Rows lie by actor, so whoever asks for one reads a group, or some of its pages. Smaller groups lie so near each
# other that Trino reads what is between them too, and one column of all rows costs the whole file (decision 35).
_GROUP_ROWS = 16_384
_PAGE_ROWS = 1_024
# Sorted and repeated, so that a page of plain values compresses to little, and no dictionary is read with it.
_DICTIONARY = [name for name in DICTIONARY_COLUMNS if name not in ("actor_id", "actor_email")]
_MEMORY = "512MB"  # DuckDB sorts on disk beyond this
# Each thread of a sort holds pieces of its own: two need more than that for five million rows, 32 for one million.
# The rows are written by one thread, which takes as long.
_THREADS = 1

# By actor, time and id; versions above the first last, so that who looks for newer versions finds them in row
# groups of their own.
_SORTED = "select * from {relation} order by version > 1, actor_id nulls last, created_at nulls last, id, version"

# What a writer must know before its first row. Rows of one actor follow each other, so that in which parts each
# actor's rows are follows from how many there are.
_COUNTED = """
with actors as (
  select version > 1 as later, actor_id, count(*) as count from {relation} group by all
), placed as (
  select *, (sum(count) over (order by later, actor_id nulls last))::bigint as until from actors
), cut as (
  select *, unnest(range((until - count) // {size}, (until - 1) // {size} + 1)) as part from placed
), counted as (
  select part, later, actor_id, least(until, (part + 1) * {size}) - greatest(until - count, part * {size}) as rows
  from cut
)
select count(distinct actor_id), sum(rows)::bigint, coalesce(sum(rows) filter (later), 0)::bigint
from counted group by part order by part
"""


@dataclass(frozen=True)
class Part:
    """The bytes of a file, how many rows are in it, and what times they cover (least and greatest, inclusive; None
    where a row has no time)."""

    data: bytes
    rows: int
    covers: list[str] | None


def sorting(folder: Path) -> "duckdb.DuckDBPyConnection":
    """A connection that holds little in memory, and puts what does not fit into a folder; the caller closes it."""
    return open_duckdb(memory_limit=_MEMORY, threads=_THREADS, temp_directory=os.fspath(folder))


def sorted_parts(
    db: "duckdb.DuckDBPyConnection", relation: str, given: list[Any] | None = None, *, size: int = PART_ROWS
) -> Iterator[Part]:
    """What is in a relation with the columns of AUDIT_EVENTS, in parts of `size` rows; the last has the rest.

    `relation` is what stands after FROM, `given` the parameters in it. Nothing else may use `db` meanwhile.
    """
    counted = db.execute(_COUNTED.format(relation=relation, size=size), given).fetchall()
    reader = db.execute(_SORTED.format(relation=relation), given).to_arrow_reader(_FETCH_ROWS)
    rows = Rows(reader)
    for actors, count, later in counted:
        yield write_part(rows, actors=actors, first=count - later, later=later)


class Rows:
    """Rows as they come, handed on in pieces of any size."""

    def __init__(self, batches: Iterable[pa.RecordBatch]) -> None:
        self._batches = iter(batches)
        self._rest = AUDIT_EVENTS.empty_table()

    def take(self, count: int) -> pa.Table:
        """The next rows, exactly so many."""
        pieces = []
        while count:
            if not self._rest.num_rows:
                self._rest = pa.Table.from_batches([next(self._batches)]).cast(AUDIT_EVENTS)
            piece = self._rest.slice(0, count)
            self._rest = self._rest.slice(piece.num_rows)
            count -= piece.num_rows
            pieces.append(piece)
        return pa.concat_tables(pieces)


def write_part(rows: Rows, *, actors: int, first: int, later: int) -> Part:
    """The next rows as a part: so many of a first version, then so many later ones, by so many actors in all."""
    count = first + later
    times: list[datetime | None] = []

    def groups() -> Iterator[pa.Table]:
        for tier in (first, later):
            for begin in range(0, tier, _GROUP_ROWS):
                group = rows.take(min(_GROUP_ROWS, tier - begin))
                times.extend(pc.min_max(group["created_at"], skip_nulls=False).as_py().values())
                yield group

    data = parquet.write(
        groups(),
        AUDIT_EVENTS,
        dictionary=_DICTIONARY,
        statistics=STATISTICS_COLUMNS,
        bloom={"id": min(count, _GROUP_ROWS), "actor_id": actors // -(-count // _GROUP_ROWS) + 1},
        row_group_rows=_GROUP_ROWS,
        page_rows=_PAGE_ROWS,
    )
    timed = [time for time in times if time is not None]
    all_timed = timed and len(timed) == len(times)
    return Part(data, count, parquet.span_text(min(timed), max(timed)) if all_timed else None)
