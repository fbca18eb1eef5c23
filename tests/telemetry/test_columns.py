"""Log records in columns are what they are one by one: the same rows, lines, counts and refusals."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from warehouse.tables.telemetry.taking import rows_of
from warehouse.telemetry import Encoded, Message, NotTelemetry, Reader, allow_list, otlp_protobuf, write_line

NOW = 1_795_168_800_000_000_000  # 2026-11-20T10:00:00Z
Found = tuple[bytes, dict[str, int], pa.Table] | str


@contextmanager
def fewest(number: int) -> Iterator[None]:
    """From how many records on they are read in columns."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(otlp_protobuf, "_FEWEST", number)
        yield


def read(data: bytes, columns: bool) -> Found:
    """Lines, what was removed, and rows; or what is wrong."""
    with fewest(1 if columns else 1 << 30):
        try:
            messages = list(Reader().read(io.BytesIO(data), "logs.binpb"))
        except NotTelemetry as error:
            return str(error)
    return b"".join(map(write_line, messages)), dict(_removed(messages)), rows(messages)


def rows(messages: list[Message]) -> pa.Table:
    tables = [rows for _, rows in rows_of(iter(messages))]
    return pa.concat_tables(tables) if tables else pa.table({})


def _removed(messages: list[Message]) -> Iterator[tuple[str, int]]:
    return ((name, count) for one in messages for name, count in sorted(one.removed.items()))


def same(data: bytes) -> Found:
    one_by_one, in_columns = read(data, False), read(data, True)
    if isinstance(one_by_one, str) or isinstance(in_columns, str):
        assert one_by_one == in_columns
    else:
        assert in_columns[:2] == one_by_one[:2]
        for name in one_by_one[2].column_names:
            assert in_columns[2][name].combine_chunks().equals(one_by_one[2][name].combine_chunks()), name
        assert in_columns[2].schema == one_by_one[2].schema
        again = Reader(allow_list(anything=True)).decode(Encoded("json", in_columns[0], "the archived line"), None)
        assert rows(again).combine_chunks().equals(in_columns[2].combine_chunks())
    return in_columns


def is_in_columns(data: bytes) -> bool:
    with fewest(1):
        (message,) = Reader().read(io.BytesIO(data), "logs.binpb")
    return message.columns is not None


def value(told: Any) -> AnyValue:
    made = AnyValue()
    if isinstance(told, str):
        made.string_value = told
    elif isinstance(told, bool):
        made.bool_value = told
    elif isinstance(told, int):
        made.int_value = told
    elif isinstance(told, float):
        made.double_value = told
    elif isinstance(told, bytes):
        made.bytes_value = told
    elif isinstance(told, list):
        made.array_value.values.extend(value(one) for one in told)
    elif isinstance(told, dict):
        made.kvlist_value.values.extend(KeyValue(key=key, value=value(one)) for key, one in told.items())
    return made


def pairs(told: list[tuple[str, Any]]) -> list[KeyValue]:
    return [KeyValue(key=name, value=value(one)) for name, one in told]


API = [
    ("session.id", "8b1f"), ("user.email", "Ada@example.com"), ("user.account_id", "user_01Ada"),
    ("event.name", "api_request"), ("event.timestamp", "2026-11-20T10:00:01.250Z"), ("event.sequence", 7),
    ("model", "claude-sonnet-5"), ("cost_usd", 0.25), ("cost_usd_micros", 250_000), ("duration_ms", 1200),
    ("prompt.id", "5f0e"), ("team.id", "platform"), ("request_id", "req_1"), ("speed", "fast"),
]  # fmt: skip
TOOL = [
    ("session.id", "8b1f"), ("event.name", "tool_result"), ("event.timestamp", "2026-11-20T10:00:02.000Z"),
    ("event.sequence", 8), ("tool_name", "Bash"), ("success", "true"), ("tool_use_id", "toolu_1"),
    ("prompt", "what somebody wrote"), ("brand_new", 5),
]  # fmt: skip


def request(*groups: list[list[tuple[str, Any]]]) -> ExportLogsServiceRequest:
    made = ExportLogsServiceRequest()
    for number, records in enumerate(groups):
        outer = made.resource_logs.add()
        outer.resource.attributes.extend(pairs([("service.name", "claude-code"), ("cost_center", f"CC-{number}")]))
        inner = outer.scope_logs.add()
        inner.scope.name, inner.scope.version = "com.anthropic.claude_code.events", "2.1.330"
        for at, attributes in enumerate(records):
            record = inner.log_records.add(time_unix_nano=NOW + at, observed_time_unix_nano=NOW + at + 1000)
            record.body.string_value = f"claude_code.{dict(attributes).get('event.name', 'user_prompt')}"
            record.attributes.extend(pairs(attributes))
    return made


def test_a_usual_request_is_read_in_columns_and_gives_the_same() -> None:
    data = request([API, TOOL] * 40, [], [TOOL, API[:6], []]).SerializeToString()
    assert is_in_columns(data)
    found = same(data)
    assert not isinstance(found, str)
    assert found[2].num_rows == 83
    assert found[1] == {"brand_new": 41, "prompt": 41}
    assert found[2]["cost_center"].value_counts().to_pylist() == [
        {"values": "CC-0", "counts": 80},
        {"values": "CC-2", "counts": 3},
    ]


def test_a_request_of_few_records_is_read_one_by_one() -> None:
    (message,) = Reader().read(io.BytesIO(request([API]).SerializeToString()), "logs.binpb")
    assert message.columns is None
    assert message.events == 1


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("event.timestamp", "2026-02-30T10:00:00.000Z"), ("event.timestamp", "2026-11-20T10:00:00Z"),
        ("event.timestamp", "2026-11-20T10:00:00.123456Z"), ("event.timestamp", "0000-01-01T00:00:00.000Z"),
        ("event.timestamp", "2026-11-20T23:59:60.000Z"), ("event.timestamp", "2026-11-20T24:00:00.000Z"),
        ("event.timestamp", "2026-11-20T10:00:00.000+02:00"), ("event.timestamp", "9999-12-31T23:59:59.999Z"),
        ("event.timestamp", "1969-12-31T23:59:59.999Z"), ("event.timestamp", "quartz"), ("event.timestamp", 5),
        ("event.sequence", -5), ("event.sequence", (1 << 63) - 1), ("event.sequence", "12"),
        ("event.sequence", 2.5),
        ("session.id", ""), ("session.id", "s" * 256), ("session.id", "s" * 257), ("session.id", "a\"b\\c"),
        ("session.id", "naïve"), ("session.id", "line\nbreak"), ("session.id", 5), ("session.id", True),
        ("model", ""), ("model", "two words"), ("model", "m" * 129), ("model", "<b>"), ("model", "it's"),
        ("request_id", 12), ("request_id", ""), ("user.email", ""), ("user.email", "ADA@EXAMPLE.COM"),
        ("cost_usd", float("nan")), ("cost_usd", float("inf")), ("cost_usd", "0.125"), ("cost_usd", 3),
        ("success", "maybe"), ("success", True), ("user.groups", ["a", "b"]), ("user.groups", "a"),
        ("model", ["x"]), ("model", {"x": "y"}), ("model", b"x"), ("model", None),
        ("event.name", "not a name at all"),
        ("response", "good"), ("x" * 127, "a"), ("x" * 128, "a"), ("", "a"), ("unlisted", "y" * 70_000),
    ],
)  # fmt: skip
def test_odd_attributes_are_what_they_are_one_by_one(name: str, told: Any) -> None:
    odd = [(key, one) for key, one in API if key != name] + [(name, told)]
    same(request([API, odd, TOOL]).SerializeToString())
    same(request([odd, odd]).SerializeToString())


def test_other_fields_of_records_are_what_they_are_one_by_one() -> None:
    made = request([API, TOOL, API, API, API])
    records = made.resource_logs[0].scope_logs[0].log_records
    records[0].trace_id, records[0].span_id, records[0].flags = b"\x01" * 16, b"\x02" * 8, 1
    records[1].event_name, records[1].severity_number, records[1].severity_text = "claude_code.auth", 9, "INFO"
    records[2].dropped_attributes_count, records[2].trace_id = 3, b"\x01" * 17
    records[3].body.CopyFrom(value("what somebody wrote"))
    records[3].time_unix_nano = records[3].observed_time_unix_nano = 0
    records[4].ClearField("body")
    records[4].observed_time_unix_nano = (1 << 64) - 1
    records[4].time_unix_nano = NOW + 100 * 3600 * 10**9
    data = made.SerializeToString()
    assert is_in_columns(data)
    same(data)


NAMES = st.sampled_from(sorted({*dict(API), *dict(TOOL), "ttft_ms", "user.groups", "response", "new", "prompt"}))
VALUES = st.one_of(
    st.text(max_size=20),
    st.sampled_from([one for _, one in API + TOOL]),
    st.integers(-(1 << 63), (1 << 63) - 1),
    st.floats(),
    st.booleans(),
    st.binary(max_size=5),
    st.lists(st.text(max_size=3), max_size=2),
    st.none(),
)
RECORDS = st.lists(st.lists(st.tuples(NAMES, VALUES), max_size=6), max_size=5)


@settings(max_examples=60, deadline=None)
@given(st.lists(RECORDS, min_size=1, max_size=3))
def test_whatever_the_attributes_the_result_is_the_same(groups: list[list[list[tuple[str, Any]]]]) -> None:
    same(request(*groups).SerializeToString())


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_whatever_the_damage_the_result_is_the_same(data: st.DataObject) -> None:
    sound = bytearray(request([API, TOOL, API], [TOOL]).SerializeToString())
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(sound) - 1))
        sound[place] = data.draw(st.integers(0, 255))
    cut = data.draw(st.one_of(st.none(), st.integers(1, len(sound))))
    same(bytes(sound[:cut]))
