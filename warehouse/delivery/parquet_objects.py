"""Frames of a batch as one Parquet object, for receivers that read a bucket.

Promise: the same frames make the same bytes under the same key, so a batch that is sent again replaces itself;
rows are in the order of their time. A frame is one JSON object with exactly the columns of the schema.
"""

import hashlib
import io
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj
import pyarrow.parquet as pq

from warehouse.delivery.frames import side_by_side

MEDIA = "application/vnd.apache.parquet"
ROW_GROUP = 100_000  # more than a batch has
_PAGE = 1_000_000


def parquet(frames: Sequence[bytes], schema: pa.Schema, order: str) -> bytes:
    """Rows of `schema`, ordered by the column `order`. Raises pa.ArrowInvalid for a frame with other columns."""
    lines = side_by_side(frames, b"\n")
    table = pj.read_json(
        pa.BufferReader(pa.py_buffer(lines)),
        read_options=pj.ReadOptions(use_threads=False, block_size=len(lines) + 1),
        parse_options=pj.ParseOptions(explicit_schema=_read_as(schema), unexpected_field_behavior="error"),
    )
    table = pa.table([_column(table[f.name], f.type) for f in schema], schema=schema)
    table = table.take(pc.sort_indices(table, sort_keys=[(order, "ascending")]))
    out = io.BytesIO()
    pq.write_table(
        table,
        out,
        compression="zstd",
        version="2.6",
        data_page_version="1.0",
        data_page_size=_PAGE,
        row_group_size=ROW_GROUP,
        store_schema=False,
        coerce_timestamps="us",
    )
    return out.getvalue()


def object_name(body: bytes) -> str:
    """A name that follows from the bytes: never rewritten with others, and no second object for the same batch."""
    return f"{hashlib.sha256(body).hexdigest()[:32]}.parquet"


def _read_as(schema: pa.Schema) -> pa.Schema:
    """The schema as JSON is read: moments are whole microseconds there, and maps lists of pairs."""
    return pa.schema([pa.field(f.name, _wire_type(f.type)) for f in schema])


def _wire_type(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_timestamp(kind):
        return pa.int64()
    if pa.types.is_map(kind):
        return pa.list_(pa.struct([("key", kind.key_type), ("value", kind.item_type)]))
    return kind


def _column(read: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    if not pa.types.is_map(kind):
        return read.cast(kind)
    pairs = read.combine_chunks()
    flat = pairs.flatten()
    offsets = pa.array(
        pc.cumulative_sum(pa.chunked_array([pa.array([0], pa.int32()), _lengths(pairs)])), pa.int32()
    )
    return pa.chunked_array([pa.MapArray.from_arrays(offsets, flat.field("key"), flat.field("value"))])


def _lengths(lists: pa.ListArray) -> pa.Array:
    return pc.fill_null(pc.list_value_length(lists), 0).cast(pa.int32())
