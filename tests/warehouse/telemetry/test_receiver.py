"""The embedded receiver, over real HTTP with OpenTelemetry's own messages and exporter."""

import gzip
import json
import socket
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.metrics.v1.metrics_pb2 import Gauge, Metric, NumberDataPoint

from orchestration.telemetry_receiver import running
from sandbox.telemetry import messages
from sandbox.telemetry.sessions import Sessions
from sandbox.tenant.world import World
from warehouse.telemetry import Reader, receiver
from warehouse.telemetry.inbox import Inbox
from warehouse.telemetry.receiver import BODIES_AT_ONCE, MAX_BODY, Receiver

DAY = date(2026, 10, 20)
PROTOBUF = {"content-type": "application/x-protobuf"}
JSON = {"content-type": "application/json"}
EVENT = {
    "resourceLogs": [
        {
            "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "claude-code"}}]},
            "scopeLogs": [
                {
                    "scope": {"name": "com.anthropic.claude_code.events"},
                    "logRecords": [
                        {
                            "timeUnixNano": "1795396785764966864",
                            "body": {"stringValue": "claude_code.user_prompt"},
                            "attributes": [
                                {"key": "event.name", "value": {"stringValue": "user_prompt"}},
                                {"key": "session.id", "value": {"stringValue": "s1"}},
                                {"key": "prompt", "value": {"stringValue": messages.PLANTED}},
                                {"key": "prompt_length", "value": {"intValue": 42}},
                            ],
                        }
                    ],
                }
            ],
        }
    ]
}


@dataclass
class Running:
    url: str
    folder: Path
    receiver: Receiver

    def files(self, signal: str) -> list[Path]:
        return sorted((self.folder / "claude-code" / signal).rglob("*.json.gz"))


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Running]:
    taking = Receiver(Inbox(tmp_path / "in"), gather_seconds=0.02)
    with running(taking) as url:
        yield Running(url, tmp_path / "in", taking)


def post(here: Running, path: str, body: Any, headers: dict[str, str], **more: Any) -> httpx.Response:
    return httpx.post(f"{here.url}{path}", content=body, headers=headers, timeout=10, **more)


def test_the_sessions_of_a_day_arrive_whole_and_without_what_was_said(here: Running) -> None:
    sessions = list(Sessions(World(7, 60)).of(DAY))
    assert any(session.machine.talks for session in sessions)
    sent = messages.logs(sessions)
    answer = post(
        here, "/v1/logs", gzip.compress(sent.SerializeToString()), PROTOBUF | {"content-encoding": "gzip"}
    )
    assert (answer.status_code, answer.headers["content-type"]) == (200, PROTOBUF["content-type"])
    assert not ExportLogsServiceResponse.FromString(answer.content).HasField("partial_success")
    (file,) = here.files("logs")
    said = gzip.decompress(file.read_bytes())
    assert b"PLANTED" not in said
    with file.open("rb") as opened:
        (message,) = Reader().read(opened, file.name)
    kept = sum(len(group.records) for group in message.groups)
    assert kept == sum(len(scope.log_records) for one in sent.resource_logs for scope in one.scope_logs)
    assert here.receiver.taken.removed["prompt"] > 0


def test_json_is_answered_in_json(here: Running) -> None:
    answer = post(here, "/v1/logs", json.dumps(EVENT), JSON)
    assert (answer.status_code, answer.headers["content-type"], answer.json()) == (200, "application/json", {})
    assert b"PLANTED" not in gzip.decompress(here.files("logs")[0].read_bytes())


def test_a_chunked_body_is_taken(here: Running) -> None:
    body = json.dumps(EVENT).encode()
    answer = post(here, "/v1/logs", iter([body[:100], body[100:]]), JSON)
    assert answer.request.headers["transfer-encoding"] == "chunked"
    assert answer.status_code == 200


def test_what_is_no_sum_is_rejected_and_the_rest_taken(here: Running) -> None:
    sent = messages.metrics(list(Sessions(World(7, 60)).of(DAY))[:3], 1)
    gauge = Metric(name="claude_code.cost.usage", gauge=Gauge(data_points=[NumberDataPoint(as_int=1)]))
    sent.resource_metrics[0].scope_metrics[0].metrics.append(gauge)
    answer = post(here, "/v1/metrics", sent.SerializeToString(), PROTOBUF)
    assert answer.status_code == 200
    partial = ExportMetricsServiceResponse.FromString(answer.content).partial_success
    assert partial.rejected_data_points == 1
    assert partial.error_message
    assert here.files("metrics")


def test_senders_that_dawdle_are_sent_away_and_hold_up_others_no_longer(
    here: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiver, "BODY_SECONDS", 0.5)
    host, _, port = here.url.removeprefix("http://").partition(":")
    begun = (
        b"POST /v1/logs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 90000\r\n\r\n{"
    )
    with ExitStack() as open_ones:
        slow = [
            open_ones.enter_context(socket.create_connection((host, int(port)), 10)) for _ in range(BODIES_AT_ONCE)
        ]
        for one in slow:
            one.sendall(begun)
        assert post(here, "/v1/logs", json.dumps(EVENT), JSON).status_code == 200
        assert {one.recv(12) for one in slow} == {b"HTTP/1.1 503"}
    assert here.receiver.taken.refused == {503: BODIES_AT_ONCE}


@pytest.mark.parametrize(
    ("path", "body", "headers", "status"),
    [
        ("/v1/logs", b"{", JSON, 400),
        ("/v1/logs", b"\xff\xff\xff", PROTOBUF, 400),
        ("/v1/logs", b"not gzip", JSON | {"content-encoding": "gzip"}, 400),
        ("/v1/logs", gzip.compress(json.dumps(EVENT).encode())[:-9], JSON | {"content-encoding": "gzip"}, 400),
        ("/v1/logs", b"{}", {"content-type": "text/plain"}, 415),
        ("/v1/logs", b"{}", JSON | {"content-encoding": "br"}, 415),
        ("/v1/logs", b" " * (MAX_BODY + 1), JSON, 413),
        ("/v1/logs", zlib.compress(b" " * (80 << 20)), JSON | {"content-encoding": "deflate"}, 413),
        ("/v1/traces", b"", PROTOBUF, 404),
    ],
)
def test_what_cannot_be_taken_is_refused_and_nothing_is_written(
    here: Running, path: str, body: bytes, headers: dict[str, str], status: int
) -> None:
    answer = post(here, path, body, headers)
    assert answer.status_code == status
    assert b"PLANTED" not in answer.content
    assert here.files("logs") == []


def test_requests_that_come_together_share_a_file(tmp_path: Path) -> None:
    receiver = Receiver(Inbox(tmp_path), gather_seconds=0.3)
    with running(receiver) as url, httpx.Client(base_url=url) as client:
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(8) as pool:
            send = lambda _: client.post("/v1/logs", content=json.dumps(EVENT), headers=JSON)  # noqa: E731
            assert {answer.status_code for answer in pool.map(send, range(8))} == {200}
    assert receiver.taken.files < 8
    lines = [line for file in tmp_path.rglob("*.gz") for line in gzip.decompress(file.read_bytes()).splitlines()]
    assert len(lines) == 8


def test_a_full_disk_is_told_as_something_to_send_again(tmp_path: Path) -> None:
    blocked = tmp_path / "in" / "claude-code"
    receiver = Receiver(Inbox(tmp_path / "in"), gather_seconds=0.02)
    with running(receiver) as url:
        blocked.write_text("a file where the folder should be")
        refused = httpx.post(f"{url}/v1/logs", content=json.dumps(EVENT), headers=JSON)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
        blocked.unlink()
        assert httpx.post(f"{url}/v1/logs", content=json.dumps(EVENT), headers=JSON).status_code == 200
    assert not list((tmp_path / "in").glob(".*.part"))


def test_a_sender_without_the_token_is_refused(tmp_path: Path) -> None:
    with running(Receiver(Inbox(tmp_path), token="not-a-real-token", gather_seconds=0.02)) as url:
        assert httpx.post(f"{url}/v1/logs", content=json.dumps(EVENT), headers=JSON).status_code == 401
        shown = JSON | {"authorization": "Bearer not-a-real-token"}
        assert httpx.post(f"{url}/v1/logs", content=json.dumps(EVENT), headers=shown).status_code == 200


def test_what_a_killed_process_left_half_written_is_swept_away(tmp_path: Path) -> None:
    (tmp_path / ".logs_1.json.gz.part").write_bytes(b"half")
    with running(Receiver(Inbox(tmp_path))):
        pass
    assert list(tmp_path.glob(".*.part")) == []


def test_an_empty_request_is_a_valid_one(here: Running) -> None:
    body = ExportMetricsServiceRequest().SerializeToString()
    assert post(here, "/v1/metrics", body, PROTOBUF).status_code == 200
    answer = post(here, "/v1/logs", b"{}", JSON)
    assert (answer.status_code, answer.json()) == (200, {})
    assert here.files("logs") == []
