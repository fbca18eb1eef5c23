"""Landing: a file becomes a commit, its rows tables; once, whole, and only when it is sound."""

import gzip
import io
import json
from pathlib import Path

import pyarrow as pa
import pytest
import zstandard

from tests.telemetry.client import Client, as_json
from tests.telemetry.places import NOW, Place
from warehouse.archive.findings import Verification
from warehouse.archive.verify import verify
from warehouse.tables.activities import Parser
from warehouse.tables.rederive import rederive
from warehouse.tables.telemetry.taking import rows_of
from warehouse.taxonomy import load
from warehouse.telemetry import Reader


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def a_session(name: str = "s1") -> Client:
    client = Client(name, cost_center="CC-100")
    client.count("session.count", 1, start_type="fresh")
    client.request(125_000, request_id=f"req_{name}_1")
    client.request(500_000, request_id=f"req_{name}_2")
    client.event("tool_result", {"tool_name": "Bash", "tool_use_id": f"toolu_{name}", "success": "true"})
    return client


def test_metrics_and_logs_of_a_genuine_client_become_rows(place: Place) -> None:
    client = a_session()
    place.put("metrics/metrics_1.binpb", client.metrics().SerializeToString())
    place.put("logs/logs_1.json.gz", gzip.compress(as_json(client.logs())))
    report = place.land()
    assert [(one["name"], one["status"]) for one in report.files] == [
        ("logs/logs_1.json.gz", "landed"),
        ("metrics/metrics_1.binpb", "landed"),
    ]
    assert (report.total("points"), report.total("events"), report.findings) == (6, 3, [])
    rows = place.ask(
        "select metric, temporality, value, session_id, user_key, token_type, cost_center, service_version, "
        "duplicate "
        "from otel_metric_points where metric = 'claude_code.token.usage' order by value"
    )
    who = ("s1", "user_01AbCdEfGhJkMnPqRsTuVwXy")
    assert rows == [
        ("claude_code.token.usage", "delta", value, *who, kind, "CC-100", "2.1.330", False)
        for value, kind in ((20.0, "input"), (40.0, "output"), (80.0, "cacheCreation"), (600.0, "cacheRead"))
    ]
    events = place.ask(
        "select event_name, request_id, cast(cost_usd as varchar), input_tokens, success, user_email, duplicate "
        "from otel_events order by sequence"
    )
    assert events == [
        ("api_request", "req_s1_1", "0.12500000", 10, None, "ada@example.com", False),
        ("api_request", "req_s1_2", "0.50000000", 10, None, "ada@example.com", False),
        ("tool_result", None, None, None, True, "ada@example.com", False),
    ]


@pytest.mark.parametrize(
    "form", ["protobuf", "protobuf.gz", "framed", "framed.zst", "json", "lines", "zst", "snake"]
)
def test_each_form_of_a_file_gives_the_same_rows(form: str) -> None:
    client = a_session()
    message = client.logs()
    proto, text = message.SerializeToString(), as_json(message)
    packed = zstandard.ZstdCompressor().compress
    data, name = {
        "protobuf": (proto, "logs.binpb"),
        "protobuf.gz": (gzip.compress(proto), "logs.binpb.gz"),
        "framed": (_framed(proto), "logs.binpb"),
        "framed.zst": (_framed(packed(text)), "otel.json"),
        "json": (json.dumps(json.loads(text), indent=2).encode(), "otel.json"),
        "lines": (text + b"\n", "otel.json"),
        "zst": (packed(text), "otel.json.zst"),
        "snake": (_in_snake_case(text), "otel.json"),
    }[form]
    found, expected = rows(data, name), rows(proto, "logs.binpb")
    assert expected.num_rows == 3
    assert found.equals(expected)


def rows(data: bytes, name: str) -> pa.Table:
    ((table, found),) = rows_of(Reader().read(io.BytesIO(data), name))
    assert table == "otel_events"
    return found


def _framed(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


def _in_snake_case(text: bytes) -> bytes:
    for camel, snake in (
        (b"resourceLogs", b"resource_logs"),
        (b"scopeLogs", b"scope_logs"),
        (b"logRecords", b"log_records"),
        (b"timeUnixNano", b"time_unix_nano"),
        (b"observedTimeUnixNano", b"observed_time_unix_nano"),
        (b"stringValue", b"string_value"),
        (b"intValue", b"int_value"),
        (b"doubleValue", b"double_value"),
    ):
        text = text.replace(b'"' + camel + b'"', b'"' + snake + b'"')
    return text


def test_the_same_bytes_land_once(place: Place) -> None:
    text = as_json(a_session().logs())
    place.put("a.json", text)
    place.put("b.json", text)
    assert [one["status"] for one in place.land().files] == ["landed", "duplicate"]
    assert [one["status"] for one in place.land().files] == ["duplicate", "duplicate"]
    assert place.ask("select count(*) from otel_events") == [(3,)]


def test_a_batch_that_was_sent_twice_is_kept_and_marked(place: Place) -> None:
    client = a_session()
    metrics, logs = client.metrics(), client.logs()
    for number, signals in enumerate([(metrics, logs), (metrics, logs)]):
        for name, message in zip(("metrics", "logs"), signals, strict=True):
            place.put(f"{name}-{number}.json", as_json(message) + b"\n" * (number + 1))
    place.land()
    for table in ("otel_metric_points", "otel_events"):
        counts = dict(place.ask(f"select duplicate, count(*) from {table} group by duplicate"))
        assert counts[True] == counts[False] > 0


BAD = {
    "empty": (b"", "is empty"),
    "text": (b"hello there, this is no telemetry", "neither JSON nor protobuf"),
    "half": (b'{"resourceLogs":[{"resource":{"attr', "no OTLP JSON"),
    "other": (b'{"a": 1}', "without resourceMetrics"),
    "type": (b'{"resourceMetrics": 5}', "no OTLP JSON"),
    "utf16": ('{"resourceLogs": []}'.encode("utf-16"), "neither JSON nor protobuf"),
    "halfline": (b'{"resourceLogs":[]}\n{"resourceLogs":', "line 2"),
    "cutgzip": (gzip.compress(b'{"resourceLogs":[]}' * 400)[:-12], "ends in the middle"),
    "badgzip": (b"\x1f\x8b\x08\x00" + b"x" * 64, "does not decompress"),
    "badproto": (b"\x0a\xff\xff\xff\x7f", "in protobuf"),
}


def test_bad_files_are_named_and_land_nothing_until_they_are_repaired(place: Place) -> None:
    for kind, (data, _) in BAD.items():
        place.put(f"logs_{kind}.json", data)
    place.put("good_logs.json", as_json(a_session().logs()))
    report = place.land()
    found = {one["name"].removeprefix("logs_").removesuffix(".json"): one for one in report.files}
    assert found.pop("good_logs")["status"] == "landed"
    assert {kind: one["status"] for kind, one in found.items()} == dict.fromkeys(BAD, "bad")
    for kind, (_, reason) in BAD.items():
        assert reason in found[kind]["reason"], kind
    assert {one["subject"] for one in report.findings} == {f"logs_{kind}.json" for kind in BAD}
    assert place.ask("select count(*) from otel_events") == [(3,)]
    for kind in BAD:
        place.put(f"logs_{kind}.json", as_json(a_session(kind).logs()))
    assert sorted(one["status"] for one in place.land().files) == ["duplicate", *["landed"] * len(BAD)]
    assert place.ask("select count(*) from otel_events") == [(3 + 3 * len(BAD),)]


def test_the_archive_verifies_and_the_rows_can_be_made_again(place: Place) -> None:
    client = a_session()
    place.put("metrics.binpb", client.metrics().SerializeToString())
    place.put("logs.json", as_json(client.logs()))
    place.land()
    with place.open(writing=False) as workshop:
        result = verify(workshop.archive.store, clock=lambda: NOW)
        rederive(workshop.archive, Parser(load()), result)
        assert [
            (one.code, one.subject, one.detail) for one in result.findings if one.code != "not_immutable"
        ] == []
        assert not [note for note in result.notes if "otel" in note]


def test_a_file_of_rows_that_was_altered_is_a_note_since_verify_names_it(place: Place) -> None:
    place.put("metrics.json", as_json(a_session().metrics()))
    place.land()
    with place.open(writing=False) as workshop:
        file = workshop.archive.refresh().table("otel_metric_points").recent[0]
        there = workshop.archive.store.root / file.key  # type: ignore[attr-defined]
        there.chmod(0o600)
        there.write_bytes(there.read_bytes()[:-1] + b"x")
        result = Verification()
        rederive(workshop.archive, Parser(load()), result)
        assert result.findings == []
        assert [note for note in result.notes if f"landing {file.seq} " in note and file.key in note]


def test_the_file_that_an_exporter_still_writes_to_is_left_alone(place: Place) -> None:
    text = as_json(a_session().logs())
    place.put("claude.json", text)
    place.put("claude-2026-11-20T01-05-14.173.json", text + b"\n")
    place.put(".hidden.json", text)
    place.put("next.json.tmp", text)
    assert [one["name"] for one in place.land().files] == ["claude-2026-11-20T01-05-14.173.json"]


def test_the_command_says_what_became_of_each_file(place: Place) -> None:
    place.put("logs.json", as_json(a_session().logs()))
    place.put("bad.json", b"{")
    completed = place.run("telemetry", "land", str(place.inbox), "--json")
    assert completed.returncode == 1, completed.stderr
    files = json.loads(completed.stdout)["files"]
    assert {"name", "status", "reason", "points", "events", "spans", "removed"} <= set(files[0])
    assert [(one["status"], one["events"]) for one in files] == [("bad", 0), ("landed", 3)]
    assert b"Traceback" not in completed.stderr
