"""The rows of a pull, streamed out of its recent files in the order of its pages, as the fold wrote them.

Promise: the order is by page and position, then what a complete pull no longer saw, by id; rows are neither sorted
nor gathered, so memory is that of a batch. Where the files do not have that order, it says so: somebody must sort.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from warehouse.archive.archive import Archive
from warehouse.archive.errors import KeyMissing, ObjectAltered
from warehouse.archive.local import LocalStore
from warehouse.archive.state import TableFile
from warehouse.wire import arrays

# A file that is not on this machine is fetched whole: a larger one is better asked by ranges, which DuckDB does.
_LONGEST_FETCH = 64_000_000
_READ_AHEAD = 1 << 20  # bytes of a column chunk at a time
_LAST = int(np.iinfo(np.int64).max)
_Place = tuple[int, str]  # of a row: page and position as one number, or `_LAST` and its id


@dataclass
class PageOrder:
    """Files of one pull in the order in which their rows come. `rows`: of all of them together."""

    archive: Archive
    files: Sequence[TableFile]
    rows: int

    def batches(
        self, columns: Sequence[str], rows: int, *, skip: int = 0, dictionaries: Sequence[str] = ()
    ) -> Iterator[tuple[int, pa.RecordBatch]]:
        """Batches of at most `rows` rows, each with the number of its first row (from 0); files that lie wholly
        before row `skip` are left out. Raises what `stream` raises.
        """
        first = 0
        for file in self.files:
            if first + file.rows <= skip:
                first += file.rows
                continue
            for batch in stream(self.archive, file, columns, rows, dictionaries=dictionaries):
                yield first, batch
                first += batch.num_rows


def page_order(archive: Archive, files: Sequence[TableFile]) -> PageOrder | None:
    """How to read the recent files of one pull in the order of its pages; None where they would have to be sorted,
    or are too large to be fetched. Reads two narrow columns of each file. Raises what `stream` raises.
    """
    spans: list[tuple[_Place, _Place, TableFile]] = []
    for file in files:
        if file.seq is None or not streamable(archive, file):
            return None
        if not file.rows:
            continue
        ends = _ends(archive, file)
        if ends is None:
            return None
        spans.append((*ends, file))
    spans.sort(key=lambda one: one[0])
    if any(one[1] >= two[0] for one, two in pairwise(spans)):
        return None
    return PageOrder(archive, [file for _, _, file in spans], sum(file.rows for _, _, file in spans))


def streamable(archive: Archive, file: TableFile) -> bool:
    """Whether a file can be read here without holding much of it in memory."""
    return isinstance(archive.store, LocalStore) or file.bytes <= _LONGEST_FETCH


def stream(
    archive: Archive, file: TableFile, columns: Sequence[str], rows: int, *, dictionaries: Sequence[str] = ()
) -> Iterator[pa.RecordBatch]:
    """Batches of a file's rows in its own order, with these columns in this order; `dictionaries`: those that come
    as Arrow's dictionaries of distinct values, and are not looked up in them row by row.

    Raises ObjectAltered where it is no Parquet file, KeyMissing, and what the store raises.
    """
    names = list(columns)
    with _opened(archive, file, dictionaries) as parquet:
        for batch in parquet.iter_batches(rows, columns=names, use_threads=False):
            yield batch.select(names)


@contextmanager
def _opened(archive: Archive, file: TableFile, dictionaries: Sequence[str] = ()) -> Iterator[pq.ParquetFile]:
    try:
        if isinstance(archive.store, LocalStore):
            source = pa.OSFile(str(archive.store.root / file.key))
        else:
            source = pa.BufferReader(archive.read(file))
        with (
            source,
            pq.ParquetFile(
                source, buffer_size=_READ_AHEAD, pre_buffer=False, read_dictionary=list(dictionaries)
            ) as parquet,
        ):
            yield parquet
    except FileNotFoundError:
        raise KeyMissing(
            f"{archive.store.url} has no object {file.key}, which the log names; run `ledgerline verify`"
        ) from None
    except pa.ArrowInvalid:
        raise ObjectAltered(f"{file.key} is no readable Parquet file any more; run `ledgerline verify`") from None


def _ends(archive: Archive, file: TableFile) -> tuple[_Place, _Place] | None:
    """The places of a file's first and last row; None where its rows are not in order."""
    with _opened(archive, file) as parquet:
        found = parquet.read(columns=["page", "position"], use_threads=False)
        page, position = found["page"].combine_chunks(), found["position"].combine_chunks()
        placed = len(page) - page.null_count
        if len(page) != file.rows or page[:placed].null_count or position[:placed].null_count:
            return None
        numbers = (arrays.plain(page)[:placed].astype(np.int64) << 32) | arrays.plain(position)[:placed]
        gone: list[str] = []
        if placed < len(page):
            gone = parquet.read(columns=["id"], use_threads=False)["id"].slice(placed).to_pylist()
    if np.any(numbers[1:] <= numbers[:-1]) or any(one >= two for one, two in pairwise(gone)):
        return None
    places: list[_Place] = [(int(number), "") for number in (*numbers[:1], *numbers[-1:])]
    places += [(_LAST, id) for id in (*gone[:1], *gone[-1:])]
    return places[0], places[-1]
