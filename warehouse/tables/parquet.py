"""Parquet bytes, always written the same way: zstd, chosen dictionaries, statistics where they prune.

Promise: the same rows give the same bytes, so that a table file's name can carry its hash.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from io import BytesIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from warehouse.archive.errors import TableUnreadable
from warehouse.wire.arrays import numbers

ROW_GROUP_ROWS = 65_536
_ZSTD_LEVEL = 3
# Row groups looked at in vain, each a column read for nothing. A fifth of the default costs 0.8 % of size.
_FALSE_POSITIVES = 0.01


def write(
    batches: Iterable[pa.Table | pa.RecordBatch],
    schema: pa.Schema,
    *,
    dictionary: list[str] | None = None,
    statistics: list[str] | None = None,
    bloom: dict[str, int] | None = None,
    row_group_rows: int = ROW_GROUP_ROWS,
    page_rows: int | None = None,
) -> bytes:
    """One file over all batches, each in row groups of its own. `bloom` maps a column to its distinct values per
    row group. `page_rows` makes pages of at most so many rows, and an index that says which are needed."""
    sink = BytesIO()
    options = (
        {column: {"ndv": distinct, "fpp": _FALSE_POSITIVES} for column, distinct in bloom.items()}
        if bloom
        else None
    )
    with pq.ParquetWriter(
        sink,
        schema,
        compression="zstd",
        compression_level=_ZSTD_LEVEL,
        use_dictionary=dictionary if dictionary is not None else True,
        write_statistics=statistics if statistics is not None else True,
        bloom_filter_options=options,
        max_rows_per_page=page_rows,
        write_page_index=page_rows is not None,
    ) as writer:
        for batch in batches:
            writer.write(batch, row_group_size=row_group_rows)
    return sink.getvalue()


def read(data: bytes, columns: list[str] | None = None, *, key: str = "a table file") -> pa.Table:
    """A file's rows, or some of its columns in this order. `key` names it in an error.

    Threads of Arrow see no Python object: one that still holds such an object when the process ends takes it down
    with code 134, after all work is done.

    Raises TableUnreadable.
    """
    with reading(key), pq.ParquetFile(pa.BufferReader(data), pre_buffer=False) as file:
        found = file.read(columns)
        return found if columns is None else found.select(columns)


def take(data: bytes, rows: Sequence[int], schema: pa.Schema, *, key: str) -> pa.Table:
    """Some rows of a file, by their numbers in ascending order; one row group is in memory at a time. Raises
    TableUnreadable."""
    wanted = np.array(rows, np.int64)
    parts = [schema.empty_table()]
    with reading(key), pq.ParquetFile(pa.BufferReader(data), pre_buffer=False) as file:
        start = 0
        for number in range(file.num_row_groups):
            end = start + file.metadata.row_group(number).num_rows
            here = wanted[np.searchsorted(wanted, start) : np.searchsorted(wanted, end)] - start
            if len(here):
                parts.append(file.read_row_group(number, schema.names).take(numbers(here)).cast(schema))
            start = end
        return pa.concat_tables(parts)


@contextmanager
def reading(key: str) -> Iterator[None]:
    """What a file's bytes are read in. Raises TableUnreadable for what Arrow raises of bytes in memory that are no
    Parquet, are damaged within, or hold other columns."""
    try:
        yield
    except MemoryError:
        raise
    except (OSError, KeyError, pa.ArrowException) as error:
        raise TableUnreadable(
            f"{key}: its bytes are those that the log names, and no table that can be read ({error}). Keep it "
            f"and find out who, or which release, wrote it"
        ) from error


def span_text(first: datetime | None, last: datetime | None) -> list[str] | None:
    """The `covers` of a table file: least and greatest event time, both inclusive, microseconds kept. None where a
    row has no time: it may be asked for whatever the window."""
    if first is None or last is None:
        return None
    return [first.strftime("%Y-%m-%dT%H:%M:%S.%fZ"), last.strftime("%Y-%m-%dT%H:%M:%S.%fZ")]
