"""Promise 10: conversation content never enters. A planted phrase is found nowhere, whatever carries it."""

import csv
import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from tests.telemetry.client import as_json
from tests.telemetry.places import Place, document
from warehouse.telemetry import allow_list

PHRASE = "zebra quartz lantern 4711"
WORD = "Zebraquartzlantern4711"
LIST = list(csv.DictReader(files("warehouse.telemetry").joinpath("allow_list.csv").read_text().splitlines()))
CONTENT = [row["name"] for row in LIST if row["class"] == "never"] + ["response"]
INVENTED = [
    "thinking",
    "promptText",
    "new.attribute",
    "claude.reasoning_summary",
    "x" * 300,
    f"{PHRASE} as a name",
    WORD,
]
SIGNALS = ["logs", "metrics", "traces"]
NOW = 1_795_168_800_000_000_000  # 2026-11-20T10:00:00Z


def value(text: str, shape: str = "plain") -> AnyValue:
    """A text as it is, in a list, in a list of pairs, or as bytes."""
    plain = AnyValue(string_value=text)
    made = AnyValue()
    if shape == "plain":
        return plain
    if shape == "list":
        made.array_value.values.append(plain)
    elif shape == "pairs":
        made.kvlist_value.values.append(KeyValue(key="model", value=plain))
        made.kvlist_value.values.append(KeyValue(key=text, value=AnyValue(int_value=1)))
    else:
        made.bytes_value = text.encode()
    return made


def hostile() -> list[KeyValue]:
    """Each way to bring the phrase in: under names of content, invented names, listed names of other kinds."""
    pairs = [KeyValue(key=name, value=value(PHRASE)) for name in [*CONTENT, *INVENTED]]
    for shape in ("list", "pairs", "bytes"):
        pairs += [
            KeyValue(key=name, value=value(PHRASE, shape)) for name in ("model", "prompt", "thinking", "tool_name")
        ]
    pairs += [
        KeyValue(key="input_tokens", value=value(PHRASE)),
        KeyValue(key="success", value=value(PHRASE)),
        KeyValue(key="event.timestamp", value=value(PHRASE)),
        KeyValue(key="decision", value=value(PHRASE)),
        KeyValue(key="skill.name", value=value(f"{PHRASE} " * 20)),
        KeyValue(key="agent.name", value=value(f"one line\n{PHRASE}")),
        KeyValue(key="server_name", value=value(PHRASE)),
    ]
    return pairs


def honest() -> list[KeyValue]:
    return [
        KeyValue(key="session.id", value=value("s1")),
        KeyValue(key="event.name", value=value("assistant_response")),
    ]


def request(signal: str) -> Any:
    """An export request of one signal with the phrase in every place that takes a text."""
    if signal == "logs":
        logs = ExportLogsServiceRequest()
        outer = logs.resource_logs.add(schema_url=PHRASE)
        inner = outer.scope_logs.add(schema_url=PHRASE)
        for body in (
            value(PHRASE),
            value(PHRASE, "pairs"),
            value(f"claude_code.{WORD}"),
            value("claude_code.user_prompt"),
        ):
            record = inner.log_records.add(time_unix_nano=NOW, observed_time_unix_nano=NOW, severity_text=PHRASE)
            record.event_name = WORD
            record.body.CopyFrom(body)
            record.attributes.extend([*honest(), *hostile()])
        made: Any = logs
    elif signal == "metrics":
        metrics = ExportMetricsServiceRequest()
        outer = metrics.resource_metrics.add(schema_url=PHRASE)
        inner = outer.scope_metrics.add()
        for name, unit in (("claude_code.token.usage", WORD), (PHRASE, PHRASE)):
            metric = inner.metrics.add(name=name, unit=unit, description=PHRASE)
            metric.sum.aggregation_temporality = 1
            metric.sum.is_monotonic = True
            point = metric.sum.data_points.add(time_unix_nano=NOW, start_time_unix_nano=NOW - 10**9, as_int=3)
            point.attributes.extend([*honest(), *hostile()])
            point.exemplars.add(as_int=1).filtered_attributes.extend(hostile())
        histogram = inner.metrics.add(name="claude_code.latency").histogram.data_points.add(time_unix_nano=NOW)
        histogram.attributes.extend(hostile())
        made = metrics
    else:
        traces = ExportTraceServiceRequest()
        outer = traces.resource_spans.add(schema_url=PHRASE)
        inner = outer.scope_spans.add()
        span = inner.spans.add(name=PHRASE, start_time_unix_nano=NOW, end_time_unix_nano=NOW, trace_state=PHRASE)
        span.trace_id, span.span_id = b"\x01" * 16, b"\x02" * 8
        span.status.message = PHRASE
        span.attributes.extend([*honest(), *hostile()])
        span.events.add(name="tool.output").attributes.extend(hostile())
        span.links.add(trace_state=PHRASE).attributes.extend(hostile())
        made = traces
    outer.resource.attributes.extend(hostile())
    # a secret is one word: it fits where prose does not
    inner.scope.name = inner.scope.version = PHRASE if signal == "traces" else WORD
    inner.scope.attributes.extend(hostile())
    return made


def planted_in(text: bytes) -> bool:
    """Whether the phrase, or a telling part of it, is in some bytes, however it is spelt or packed."""
    lower = text.lower()
    return any(part.encode() in lower for part in (PHRASE, WORD.lower(), "quartz", PHRASE.replace(" ", "%20")))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """An archive into which hostile files were landed by the command line, with what the command said."""
    place = Place(tmp_path_factory.mktemp("content"))
    for signal in SIGNALS:
        message = request(signal)
        place.put(f"{signal}/{signal}_1.binpb", message.SerializeToString())
        place.put(f"{signal}/{signal}_2.json", as_json(message))
        place.put(f"{signal}/{signal}_bad.json", as_json(message)[:-20])
        place.put(f"{signal}/{signal}_bad.binpb", message.SerializeToString()[:-5])
        broken = as_json(message).replace(b'"intValue":"', b'"intValue":{"' + PHRASE.encode() + b'":1},"x":"', 1)
        place.put(f"{signal}/{signal}_typed.json", broken)
    said = place.run("telemetry", "land", str(place.inbox), "--json", "--debug")
    place.said = said  # type: ignore[attr-defined]
    return place


def test_the_phrase_is_in_what_was_sent(place: Place) -> None:
    assert all(planted_in(path.read_bytes()) for path in place.inbox.rglob("*") if path.is_file())


def test_the_phrase_is_in_nothing_that_was_said(place: Place) -> None:
    said = place.said  # type: ignore[attr-defined]
    assert said.returncode == 1, said.stderr
    assert not planted_in(said.stdout)
    assert not planted_in(said.stderr)
    assert b"Traceback" not in said.stderr
    statuses = {one["name"].rpartition("_")[2]: one["status"] for one in document(said)["files"]}
    assert statuses["1.binpb"] == statuses["2.json"] == "landed"
    assert statuses["bad.json"] == statuses["bad.binpb"] == "bad"


def test_the_phrase_is_in_no_object_of_the_archive_and_in_no_file_beside_it(place: Place) -> None:
    import pyarrow.parquet as pq
    import zstandard

    looked = 0
    for path in place.folder.rglob("*"):
        if path.is_dir() or path.is_relative_to(place.inbox):
            continue
        looked += 1
        data = path.read_bytes()
        assert not planted_in(data), path
        if path.suffix == ".zst":
            assert not planted_in(zstandard.ZstdDecompressor().decompress(data)), path
        if path.suffix == ".parquet":
            assert not planted_in(json.dumps(pq.read_table(path).to_pylist(), default=str).encode()), path
    assert looked > 10


def test_the_phrase_is_in_no_answer_of_sql(place: Place) -> None:
    for table in ("otel_metric_points", "otel_events", "otel_spans", "otel_files", "log_entries"):
        rows = place.ask(f"select * from {table}")
        assert rows
        assert not planted_in(repr(rows).encode()), table


def test_what_was_removed_is_counted_by_name(place: Place) -> None:
    removed = document(place.said)["files"][1]["removed"]  # type: ignore[attr-defined]
    assert set(CONTENT) <= set(removed)
    assert {"thinking", "promptText", "new.attribute", "claude.reasoning_summary"} <= set(removed)
    assert sum(name.startswith("unlisted:") for name in removed) == 3
    assert removed["(log body)"] == 3


def test_a_client_that_sends_content_is_a_finding_of_status(place: Place) -> None:
    findings = json.loads(place.run("status", "--json").stdout)["findings"]
    assert "content_sent" in {one["code"] for one in findings}


def test_what_may_leak_enters_only_when_it_is_asked_for(tmp_path: Path) -> None:
    message = ExportLogsServiceRequest()
    record = message.resource_logs.add().scope_logs.add().log_records.add(time_unix_nano=NOW)
    record.attributes.extend(honest())
    record.attributes.append(KeyValue(key="server_name", value=value("jira")))
    record.attributes.append(KeyValue(key="sprint", value=value("42")))
    for number, more in enumerate(["", '[telemetry]\nkeep = ["server_name", "sprint"]\n']):
        place = Place(tmp_path / str(number), more)
        place.put("logs.json", as_json(message))
        place.land()
        ((attributes,),) = place.ask("select attributes from otel_events")
        assert {"server_name", "sprint"} & set(json.loads(attributes)) == (
            {"server_name", "sprint"} if more else set()
        )


def test_what_holds_content_cannot_be_asked_for(tmp_path: Path) -> None:
    place = Place(tmp_path, '[telemetry]\nkeep = ["prompt"]\n')
    place.put("logs.json", as_json(request("logs")))
    completed = place.run("telemetry", "land", str(place.inbox))
    assert completed.returncode == 2
    assert b"telemetry.keep names prompt" in completed.stderr


def test_every_row_of_the_list_names_its_source_and_its_kind() -> None:
    assert all(row["source"] and row["class"] in ("identity", "label", "leak", "never") for row in LIST)
    assert len({row["name"] for row in LIST}) == len(LIST)
    assert not set(CONTENT) - {"response"} & set(allow_list().rows)
