"""What is taken out of files that hold far more than a pull needs."""

from datetime import timedelta
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.warehouse.tables.conftest import DAY, Bench, event, verbatim
from warehouse.tables import parquet, seal, sealed_parts
from warehouse.tables.seal import seal_day
from warehouse.wire.windows import Window

WHOLE = Window(DAY, DAY + timedelta(days=1))


def test_rows_taken_out_of_a_file_are_those_and_no_other_row_group_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    table = pa.table({"a": pa.array(range(100), pa.int64()), "b": [str(number) for number in range(100)]})
    data = parquet.write([table], table.schema, row_group_rows=10)
    read, groups = pq.ParquetFile.read_row_group, list[int]()

    def note(file: pq.ParquetFile, number: int, *given: Any) -> pa.Table:
        groups.append(number)
        return read(file, number, *given)

    monkeypatch.setattr(pq.ParquetFile, "read_row_group", note)
    rows = [0, 9, 10, 57, 99]
    assert parquet.take(data, rows, table.schema, key="t").equals(table.take(pa.array(rows)))
    assert groups == [0, 1, 5, 9]
    assert parquet.take(data, [], table.schema, key="t").num_rows == 0


def test_records_withdrawn_from_several_parts_keep_their_own_content_and_no_part_is_whole_in_memory(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = [verbatim(event(n, DAY + timedelta(minutes=60 - n))) for n in range(60)]
    bench.pull(WHOLE, served)
    monkeypatch.setattr(seal, "sorted_parts", partial(sealed_parts.sorted_parts, size=10))
    sealed = seal_day(bench.archive, DAY.date())
    assert sealed is not None
    assert sealed.parts == 6
    bench.advance(minutes=5)
    whole, read = list[str](), parquet.read

    def note(data: bytes, columns: list[str] | None = None, *, key: str = "") -> pa.Table:
        if columns is None or "raw" in columns:
            whole.append(key)
        return read(data, columns, key=key)

    monkeypatch.setattr(parquet, "read", note)
    assert bench.pull(WHOLE, [one for n, one in enumerate(served) if n % 7]).withdrawn == 9
    assert whole == []
    rows = bench.sql("select raw, position from audit_events where fold = 'withdrawn' order by id")
    assert rows == [(served[n].decode(), None) for n in range(0, 60, 7)]
