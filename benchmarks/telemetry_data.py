"""Telemetry as the Collector writes it: exports of many sessions, as protobuf behind lengths and as JSON lines.

Points repeat their series minute after minute, as delta counters do; each event has ids of its own.
"""

import argparse
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

PER_REQUEST = 5_000
JSON_EACH = 5  # the JSON files have every fifth request: the library takes twenty times as long for one
_START = 1_795_168_800_000_000_000
_MINUTE = 60_000_000_000
_MODELS = ("claude-sonnet-5", "claude-opus-5", "claude-haiku-5")


def pair(name: str, value: str | int | float) -> KeyValue:
    kind = "string_value" if isinstance(value, str) else "int_value" if isinstance(value, int) else "double_value"
    return KeyValue(key=name, value=AnyValue(**{kind: value}))  # type: ignore[arg-type]


def who(session: int) -> list[KeyValue]:
    person = session % 500
    return [
        pair("user.id", f"{person:064x}"),
        pair("session.id", f"{session:08x}-0000-4000-8000-{person:012x}"),
        pair("organization.id", "694ef5fa-dc39-4935-a5b1-0bd32b5c74e6"),
        pair("user.email", f"person{person}@example.com"),
        pair("user.account_uuid", f"6f0c1d5e-0000-4000-8000-{person:012x}"),
        pair("user.account_id", f"user_01AbCdEfGhJkMnPqRs{person:06d}"),
        pair("terminal.type", "vscode"),
        pair("cost_center", f"CC-{person % 12:03d}"),
    ]


def resource(request: Any) -> None:
    for name, value in {
        "service.name": "claude-code",
        "service.version": "2.1.330",
        "os.type": "darwin",
        "host.arch": "arm64",
    }.items():
        request.resource.attributes.append(pair(name, value))


def metrics(total: int, sessions: int) -> Iterator[Any]:
    """Requests of `PER_REQUEST` points: each minute, the series of `sessions` sessions, new ones after an hour."""
    made = minute = 0
    while made < total:
        request = ExportMetricsServiceRequest()
        outer = request.resource_metrics.add()
        resource(outer)
        scope = outer.scope_metrics.add()
        scope.scope.name, scope.scope.version = "com.anthropic.claude_code", "2.1.330"
        counters = {}
        for name in ("claude_code.token.usage", "claude_code.cost.usage"):
            metric = scope.metrics.add(name=name, unit="tokens")
            metric.sum.aggregation_temporality, metric.sum.is_monotonic = 1, True
            counters[name] = metric.sum.data_points
        first = minute // 60 * sessions
        for number in range(min(PER_REQUEST, total - made)):
            session, kind = first + number // 5 % sessions, number % 5
            name = "claude_code.cost.usage" if kind == 4 else "claude_code.token.usage"
            point = counters[name].add()
            point.start_time_unix_nano = _START + minute * _MINUTE
            point.time_unix_nano = _START + (minute + 1) * _MINUTE
            point.as_double = 0.0125 if kind == 4 else float(number % 900)
            point.attributes.extend(who(session))
            point.attributes.append(pair("model", _MODELS[session % 3]))
            point.attributes.append(pair("query_source", "main"))
            if kind != 4:
                point.attributes.append(pair("type", ("input", "output", "cacheRead", "cacheCreation")[kind]))
        made += min(PER_REQUEST, total - made)
        minute += 1
        yield request


def logs(total: int, sessions: int) -> Iterator[Any]:
    """Requests of events, two in five of them API requests."""
    chance = random.Random(7)
    made = 0
    while made < total:
        request = ExportLogsServiceRequest()
        outer = request.resource_logs.add()
        resource(outer)
        scope = outer.scope_logs.add()
        scope.scope.name = "com.anthropic.claude_code.events"
        for number in range(made, min(made + PER_REQUEST, total)):
            at = _START + number * 10_000_000
            session = chance.randrange(sessions)
            name = "api_request" if number % 5 < 2 else "tool_result"
            record = scope.log_records.add(time_unix_nano=at, observed_time_unix_nano=at + 900_000)
            record.body.string_value = f"claude_code.{name}"
            record.attributes.extend(who(session))
            told: dict[str, str | int | float] = {
                "event.name": name,
                "event.timestamp": f"2026-11-20T10:{number // 60 % 60:02d}:{number % 60:02d}.000Z",
                "event.sequence": number,
                "prompt.id": f"{chance.getrandbits(128):032x}",
                "duration_ms": chance.randrange(9_000),
            }
            if name == "api_request":
                told |= {
                    "model": _MODELS[session % 3],
                    "request_id": f"req_{chance.getrandbits(96):024x}",
                    "cost_usd_micros": chance.randrange(900_000),
                    "cost_usd": 0.25,
                    "input_tokens": chance.randrange(5_000),
                    "output_tokens": chance.randrange(5_000),
                    "cache_read_tokens": chance.randrange(50_000),
                    "cache_creation_tokens": 0,
                }
            else:
                told |= {
                    "tool_name": "Bash",
                    "tool_use_id": f"toolu_{chance.getrandbits(96):024x}",
                    "success": "true",
                }
            record.attributes.extend(pair(key, value) for key, value in told.items())
        made += PER_REQUEST
        yield request


def write(folder: Path, points: int, events: int) -> dict[str, int]:
    """The files, by name, with their sizes."""
    for name, made in (("metrics", metrics(points, 1_000)), ("logs", logs(events, 1_000))):
        with (folder / f"{name}.binpb").open("wb") as framed, (folder / f"{name}.json").open("wb") as lines:
            for number, request in enumerate(made):
                data = request.SerializeToString()
                framed.write(len(data).to_bytes(4, "big") + data)
                if number % JSON_EACH:
                    continue
                document = MessageToDict(request, use_integers_for_enums=True)
                lines.write(json.dumps(document, separators=(",", ":")).encode() + b"\n")
    return {path.name: path.stat().st_size for path in sorted(folder.iterdir())}


def long_file(path: Path, points: int) -> None:
    """One JSON-lines file of so many points: an hour of requests again and again, with other times."""
    made = [
        json.dumps(MessageToDict(one, use_integers_for_enums=True), separators=(",", ":"))
        for one in metrics(60 * PER_REQUEST, 1_000)
    ]
    with path.open("w") as file:
        for number in range(points // PER_REQUEST):
            told = made[number % len(made)]
            hour = number // len(made)
            file.write(told.replace('"17951', f'"{17951 + hour % 9}') + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--points", type=int, required=True)
    parser.add_argument("--events", type=int, default=0)
    parser.add_argument("--long", action="store_true")
    options = parser.parse_args()
    if options.long:
        long_file(options.folder / "metrics-long.json", options.points)
        print("{}")
    else:
        print(json.dumps(write(options.folder, options.points, options.events)))
