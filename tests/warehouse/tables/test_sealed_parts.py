"""The bytes of sealed parts: what they depend on, and how little is in memory while they are made."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from warehouse.tables import parquet
from warehouse.tables.schema import AUDIT_EVENTS, DICTIONARY_COLUMNS, STATISTICS_COLUMNS
from warehouse.tables.sealed_parts import Part, Rows, sorted_parts, sorting, write_part

ORDER = "version > 1, actor_id nulls last, created_at nulls last, id, version"
SHAPES = {
    "first versions only": "1",
    "later versions here and there": "case when i % 97 = 0 then 2 when i % 1009 = 0 then 3 else 1 end",
    "later versions of more than a group": "1 + (i % 2)::integer",
    "later versions only": "2",
}


def made(count: int, version: str = "1") -> str:
    """SQL of so many rows in no order, with columns that are null, or not, here and there."""
    given = {
        "id": "'activity_' || hash(i)",
        "created_at": "case when i % 450 <> 7 then timestamptz '2026-11-20' + to_milliseconds(i * 7) end",
        "type": "['claude_chat_created', 'claude_file_uploaded', 'odd'][1 + i % 3]",
        "actor_id": "case when i % 50 <> 7 then 'user_' || (hash(i, 3) % 3000) end",
        "claude_chat_id": "case when i % 4 = 0 then 'chat_' || i end",
        "raw": "case when i % 500 <> 9 then repeat('x', (hash(i, 1) % 60)::bigint) || i end",
        "raw_bytes": "case when i % 500 = 9 then encode('y' || i) end",
        "observed_at": "timestamptz '2026-11-21 02:00:00Z'",
        "version": f"({version})",
        "unknown_event": "i % 11 = 0",
        "unknown_fields": "case when i % 13 = 0 then ['a', 'b' || i] end",
    }
    kinds = {"timestamp[us, tz=UTC]": "timestamptz", "string": "varchar", "binary": "blob", "int64": "bigint"}
    kinds |= {"int32": "integer", "bool": "boolean"}
    columns = [
        f"({given.get(field.name, 'null')})::{kinds.get(str(field.type), 'varchar[]')} as {field.name}"
        for field in AUDIT_EVENTS
    ]
    return f"(select {', '.join(columns)} from range({count}) as r(i))"


def all_at_once(rows: pa.Table) -> bytes:
    """A part as it was defined first: out of one table that is whole in memory."""
    later = pc.sum(pc.greater(rows["version"], 1)).as_py() or 0
    tiers = [rows.slice(0, rows.num_rows - later), rows.slice(rows.num_rows - later)]
    groups = -(-rows.num_rows // 16_384)
    sink = BytesIO()
    actors = pc.count_distinct(rows["actor_id"]).as_py() // groups + 1
    with pq.ParquetWriter(
        sink,
        AUDIT_EVENTS,
        compression="zstd",
        compression_level=3,
        use_dictionary=[name for name in DICTIONARY_COLUMNS if name not in ("actor_id", "actor_email")],
        write_statistics=STATISTICS_COLUMNS,
        bloom_filter_options={
            "id": {"ndv": min(rows.num_rows, 16_384), "fpp": 0.01},
            "actor_id": {"ndv": actors, "fpp": 0.01},
        },
        max_rows_per_page=1_024,
        write_page_index=True,
    ) as writer:
        for tier in tiers:
            if tier.num_rows:
                writer.write(tier, row_group_size=16_384)
    return sink.getvalue()


def parts_of(folder: Path, relation: str, **options: Any) -> list[Part]:
    with sorting(folder) as db:
        return list(sorted_parts(db, relation, **options))


@pytest.mark.parametrize("shape", list(SHAPES))
def test_rows_that_stream_make_the_bytes_that_a_whole_table_makes(shape: str, tmp_path: Path) -> None:
    relation, size = made(150_000, SHAPES[shape]), 65_536
    with sorting(tmp_path) as db:
        rows = db.execute(f"select * from {relation} order by {ORDER}").to_arrow_table()
    rows = pa.Table.from_batches(rows.to_batches(max_chunksize=size)).cast(AUDIT_EVENTS)
    expected = [rows.slice(begin, size) for begin in range(0, rows.num_rows, size)]
    parts = parts_of(tmp_path, relation, size=size)
    assert [part.rows for part in parts] == [65_536, 65_536, 150_000 - 2 * 65_536]
    assert [part.data == all_at_once(one) for part, one in zip(parts, expected, strict=True)] == [True] * 3
    times = [pc.min_max(one["created_at"]).as_py() for one in expected]
    assert [part.covers for part in parts] == [
        None if one["created_at"].null_count else parquet.span_text(time["min"], time["max"])
        for one, time in zip(expected, times, strict=True)
    ]
    assert any(part.covers for part in parts)
    assert not all(part.covers for part in parts)


def test_the_bytes_do_not_depend_on_how_the_rows_lay_before(tmp_path: Path) -> None:
    (part,) = parts_of(tmp_path, made(5_000))
    (tmp_path / "part.parquet").write_bytes(part.data)
    again = f"(select * from read_parquet('{tmp_path}/part.parquet') order by hash(id))"
    assert parts_of(tmp_path, again) == [part]


def test_large_days_have_groups_and_pages_of_bounded_rows(tmp_path: Path) -> None:
    (part,) = parts_of(tmp_path, made(40_000))
    metadata = pq.read_metadata(BytesIO(part.data))
    assert [metadata.row_group(n).num_rows for n in range(3)] == [16_384, 16_384, 40_000 - 2 * 16_384]


def test_rows_without_any_time_cover_none(tmp_path: Path) -> None:
    (part,) = parts_of(tmp_path, f"(select * replace (null::timestamptz as created_at) from {made(10)})")
    assert (part.rows, part.covers) == (10, None)


def test_no_rows_make_no_part(tmp_path: Path) -> None:
    assert parts_of(tmp_path, made(0)) == []


def test_a_part_is_written_while_few_of_its_rows_are_in_memory() -> None:
    count, each = 24, 16_384
    before, most = pa.total_allocated_bytes(), 0

    def batches() -> Iterator[pa.RecordBatch]:
        nonlocal most
        for _ in range(count):
            most = max(most, pa.total_allocated_bytes() - before)
            columns = [
                pa.array(["x" * 1_000] * each) if field.name == "raw" else pa.nulls(each, field.type)
                for field in AUDIT_EVENTS
            ]
            yield pa.RecordBatch.from_arrays(columns, schema=AUDIT_EVENTS)

    part = write_part(Rows(batches()), actors=0, first=count * each, later=0)
    assert part.rows == count * each
    assert most < 150e6 < count * each * 1_000
