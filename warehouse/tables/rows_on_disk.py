"""Rows put onto disk by a number that each has, and read again number by number.

Promise: in memory are the rows of one number, and a batch; within a number rows keep the order they came in. The
folder is the caller's, who deletes it too.
"""

from contextlib import ExitStack
from pathlib import Path
from shutil import rmtree
from typing import Any
from zlib import crc32

import numpy as np
import pyarrow as pa

_OPTIONS = pa.ipc.IpcWriteOptions(compression="lz4")


class RowsOnDisk:
    """A file for each number that has rows, in a folder that must not exist."""

    def __init__(self, folder: Path, schema: pa.Schema) -> None:
        self._folder, self._schema = folder, schema
        folder.mkdir(parents=True)
        self._open = ExitStack()
        self._writers: dict[int, pa.ipc.RecordBatchStreamWriter] = {}

    def add(self, rows: pa.Table, numbers: Any) -> None:
        """Rows of the schema, and the number of each as a numpy array (below zero: leave it out)."""
        order = np.argsort(numbers, kind="stable")
        numbers = numbers[order]
        rows = rows.take(pa.array(order))
        distinct, starts = np.unique(numbers, return_index=True)
        ends = [*starts[1:].tolist(), len(numbers)][: len(starts)]
        for number, start, end in zip(distinct.tolist(), starts.tolist(), ends, strict=True):
            if number >= 0:
                self._writer(number).write_table(rows.slice(start, end - start))

    def read(self, number: int) -> pa.Table:
        """The rows of a number. None can be added after the first reading."""
        self._open.close()
        if number not in self._writers:
            return self._schema.empty_table()
        with pa.OSFile(str(self._path(number))) as file, pa.ipc.open_stream(file) as stream:
            return stream.read_all()

    def remove(self) -> None:
        """Nothing of it is needed any more. The folder may be gone already, with the caller's that it lay in."""
        try:
            self._open.close()  # which writes, and may find no room
        finally:
            rmtree(self._folder, ignore_errors=True)

    def _writer(self, number: int) -> pa.ipc.RecordBatchStreamWriter:
        if number not in self._writers:
            file = self._open.enter_context(pa.OSFile(str(self._path(number)), "wb"))
            writer = pa.ipc.new_stream(file, self._schema, options=_OPTIONS)
            self._writers[number] = self._open.enter_context(writer)
        return self._writers[number]

    def _path(self, number: int) -> Path:
        return self._folder / f"{number}.arrow"


def numbers_of_ids(rows: pa.Table, count: int) -> Any:
    """For each row one of `count` numbers, which follows from its `id` alone."""
    ids = (crc32((one or "").encode()) % count for one in rows["id"].to_pylist())
    return np.fromiter(ids, np.int64, rows.num_rows)
