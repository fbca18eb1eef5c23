"""Odd and hostile telemetry: kept and tagged, or refused with a reason; no traceback, no unbounded memory."""

import io
import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.telemetry.client import Client, as_json
from tests.telemetry.places import Place
from warehouse.telemetry import Message, NotTelemetry, Reader, write_line

NANOS = 1_795_168_800_000_000_000  # 2026-11-20T10:00:00Z
DAY = 86_400_000_000_000


def read(data: bytes, name: str = "otel.json") -> list[Message]:
    return list(Reader().read(io.BytesIO(data), name))


def points(*given: dict[str, Any], **data: Any) -> bytes:
    """A request with points of one counter."""
    told = [{"timeUnixNano": str(NANOS + n), "attributes": [], **point} for n, point in enumerate(given)]
    body = {"aggregationTemporality": 1, "isMonotonic": True, "dataPoints": told, **data}
    metric = {"name": "claude_code.cost.usage", "sum": body}
    return json.dumps({"resourceMetrics": [{"scopeMetrics": [{"metrics": [metric]}]}]}).encode()


def record(**more: Any) -> dict[str, Any]:
    named = {"key": "event.name", "value": {"stringValue": "api_request"}}
    return {"timeUnixNano": str(NANOS), "attributes": [named], **more}


def logs(*records: dict[str, Any]) -> bytes:
    return json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": list(records)}]}]}).encode()


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> Place:
    place = Place(tmp_path_factory.mktemp("odd"))
    place.put("infinite.json", points({"asDouble": "NaN"}, {"asDouble": "Infinity"}, {"asDouble": None}))
    place.put("negative.json", points({"asDouble": -1}, {"asInt": "-3"}))
    place.put("gauge.json", points({"asDouble": 1}).replace(b'"sum"', b'"gauge"'))
    place.put(
        "histogram.json",
        points({"count": 3, "sum": 5.0, "bucketCounts": ["3"]}).replace(b'"sum"', b'"histogram"', 1),
    )
    place.put("untold.json", points({"asDouble": 1}, aggregationTemporality=0))
    place.put("named.json", points({"asDouble": 1}, aggregationTemporality="AGGREGATION_TEMPORALITY_CUMULATIVE"))
    place.put("falling.json", points({"asDouble": 1}, isMonotonic=False))
    place.put("timeless.json", points({"asDouble": 1, "timeUnixNano": "0"}))
    place.put("far.json", points({"asDouble": 1, "timeUnixNano": str(2**64 - 1)}))
    place.put(
        "skew.json",
        logs(
            record(timeUnixNano=str(NANOS - 3 * DAY), observedTimeUnixNano=str(NANOS)),
            record(timeUnixNano=str(NANOS), observedTimeUnixNano=str(NANOS)),
        ),
    )
    report = place.land()
    assert {one["status"] for one in report.files} == {"landed"}, report.findings
    return place


@pytest.mark.parametrize(
    ("name", "problems"),
    [
        ("infinite", [["not_finite"], ["not_finite"], ["no_value"]]),
        ("negative", [["negative_counter"], ["negative_counter"]]),
        ("gauge", [["not_a_sum"]]),
        ("histogram", [["not_a_sum"]]),
        ("untold", [["no_temporality"]]),
        ("named", [None]),
        ("falling", [["not_monotonic"]]),
        ("timeless", [["no_time"]]),
        ("far", [["no_time"]]),
    ],
)
def test_an_odd_point_is_kept_and_says_what_is_odd(name: str, problems: list[Any], landed: Place) -> None:
    rows = landed.ask(
        f"select problems from otel_metric_points where source_file = '{name}.json' order by position"
    )
    assert [row[0] for row in rows] == problems


def test_a_clock_that_is_days_off_is_judged_by_the_receipt_and_not_by_the_landing(landed: Place) -> None:
    rows = landed.ask("select problems from otel_events where source_file = 'skew.json' order by time")
    assert rows == [(["clock_skew"],), (None,)]


def test_what_counts_for_nothing_is_told_by_the_columns_that_the_mart_looks_at(landed: Place) -> None:
    ((number,),) = landed.ask(
        "select count(*) from otel_metric_points where not duplicate and kind = 'sum' and monotonic "
        "and value >= 0 and temporality in ('delta', 'cumulative') and time is not null"
    )
    assert number == 1  # `named`


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (points({"asInt": "1e3"}), "a value that cannot be one"),
        (points({"timeUnixNano": "yesterday"}), "a value that cannot be one"),
        (points({"timeUnixNano": "9" * 30}), "a value that cannot be one"),
        (b'{"resourceMetrics":[' + b"[" * 100_000, "no OTLP JSON"),
        (
            b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"attributes":'
            + b"[" * 5000
            + b"]" * 5000
            + b"}]}]}]}",
            "no OTLP",
        ),
        (b'{"resourceLogs":"\xff\xfe"}', "no OTLP JSON"),
    ],
    ids=["integer", "time", "huge time", "deep", "deep attributes", "not utf-8"],
)
def test_what_cannot_be_read_is_refused_with_the_place(data: bytes, reason: str) -> None:
    with pytest.raises(NotTelemetry, match=reason):
        read(data)


def test_a_hundred_thousand_distinct_names_do_not_fill_the_memory() -> None:
    lines = [
        logs(
            record(attributes=[{"key": f"name_{n}_{k}", "value": {"stringValue": "x" * 200}} for k in range(1000)])
        )
        for n in range(100)
    ]
    reader = Reader()
    tracemalloc.start()
    removed = 0
    for message in reader.read(io.BytesIO(b"\n".join(lines)), "otel.json"):
        removed += message.removed.total()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert removed == 100_000
    assert peak < 60 << 20


def test_names_of_a_hostile_file_are_told_in_bounded_number(tmp_path: Path) -> None:
    place = Place(tmp_path)
    attributes = [
        {"key": f"key_{'abcdefghij'[n % 10]}{n // 10 % 100}.x{n // 1000}", "value": {}} for n in range(3000)
    ]
    place.put("otel.json", logs(record(attributes=attributes)))
    (file,) = place.land().files
    assert len(file["removed"]) == 201
    assert sum(file["removed"].values()) == 3000


def test_several_sessions_in_one_request_stay_apart(tmp_path: Path) -> None:
    place = Place(tmp_path)
    documents = [json.loads(as_json(_one(name).logs())) for name in ("s1", "s2")]
    place.put("otel.json", json.dumps({"resourceLogs": [one["resourceLogs"][0] for one in documents]}).encode())
    place.land()
    assert place.ask("select session_id, count(*) from otel_events group by 1 order by 1") == [
        ("s1", 1),
        ("s2", 1),
    ]


def _one(session: str) -> Client:
    client = Client(session)
    client.request(1000, request_id=f"req_{session}")
    return client


# any bytes

_LEAF = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=20),
    st.just("1795168800000000000"),
)
_MEMBERS = st.sampled_from(
    """
    resourceMetrics resourceLogs resourceSpans scopeMetrics scopeLogs scopeSpans metrics logRecords
    spans resource scope attributes key value stringValue intValue doubleValue arrayValue values
    kvlistValue sum gauge dataPoints timeUnixNano startTimeUnixNano asDouble asInt
    aggregationTemporality isMonotonic name unit body events status
    """.split()  # noqa: SIM905 - a list of names reads better as text
)
_TREE = st.recursive(
    _LEAF,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_MEMBERS, inner, max_size=4)),
    max_leaves=30,
)
_FUZZ = settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
GENUINE = {name: getattr(_one("s1"), name)().SerializeToString() for name in ("metrics", "logs")}


def harmless(data: bytes, name: str) -> None:
    """Reading ends in messages that can be written and read again, or in NotTelemetry."""
    try:
        messages = read(data, name)
    except NotTelemetry:
        return
    for message in messages:
        line = write_line(message)
        assert [write_line(again) for again in read(line)] == [line]


@_FUZZ
@given(
    st.binary(max_size=300),
    st.sampled_from(["metrics.pb", "logs.pb", "traces.pb", "otel.json", "metrics.json.gz"]),
)
def test_any_bytes_are_read_or_refused(data: bytes, name: str) -> None:
    harmless(data, name)
    harmless(b"\n" + data, name)
    harmless(b"\x1f\x8b" + data, name)
    harmless(len(data).to_bytes(4, "big") + data, name)


@_FUZZ
@given(st.dictionaries(_MEMBERS, _TREE, min_size=1, max_size=3))
def test_any_json_is_read_or_refused(tree: dict[str, Any]) -> None:
    harmless(json.dumps(tree).encode(), "otel.json")


@_FUZZ
@given(st.sampled_from(sorted(GENUINE)), st.data())
def test_a_damaged_request_is_read_or_refused(signal: str, data: st.DataObject) -> None:
    whole = bytearray(GENUINE[signal])
    for _ in range(data.draw(st.integers(1, 6))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    harmless(bytes(whole[: data.draw(st.integers(1, len(whole)))]), f"{signal}.pb")
