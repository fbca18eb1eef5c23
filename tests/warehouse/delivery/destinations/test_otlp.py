"""OTLP logs: both encodings, read back by OpenTelemetry's own package and by the sandbox; partial success."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)

from sandbox.intakes import Intake, serve_intakes
from sandbox.intakes.otlp import TOKEN
from tests.warehouse.delivery.destinations.alerts import alert
from tests.warehouse.delivery.destinations.wire import (
    answered,
    event,
    events,
    frames,
    kinds,
    of_every_type,
    send,
    settings_of,
)
from warehouse.delivery.destinations import otlp
from warehouse.delivery.destinations.otlp_protobuf import partial_success
from warehouse.delivery.errors import Halted
from warehouse.delivery.port import Response

ENCODINGS = ("protobuf", "json")


@pytest.fixture(params=ENCODINGS)
def intake(request: pytest.FixtureRequest) -> Iterator[tuple[Any, Any]]:
    with serve_intakes("otlp") as served:
        url = served.settings["otlp"]["url"]
        headers = {"Authorization": "env:OTLP_TOKEN"}
        yield (
            served["otlp"],
            settings_of("otlp", {"OTLP_TOKEN": TOKEN}, url=url, headers=headers, encoding=request.param),
        )


def strange() -> list[Any]:
    """Events with something unusual in each."""
    return [
        event(1, actor_id=None, actor_email=None, ip_address=None, user_agent=None, organization_uuid=None),
        event(2, user_agent="Ünïcode \U0001f600 " + "x" * 20_000),
        event(3, type="nobody_has_listed_this", unknown_event=True, unknown_fields=["a", "b"]),
        event(4, version=3, fold="revised", commit_seq=2**40),
        event(5, raw='{"not": "closed', unknown_fields=["(not JSON)"]),
    ]


def read(encoding: str, some: list[Any], restamp: str | None = None) -> ExportLogsServiceRequest:
    settings = settings_of("otlp", url="https://otlp.example.com", encoding=encoding)
    request = otlp.pack(frames("otlp", settings, some, restamp), settings)
    body = gzip.decompress(request.body)
    assert len(body) == request.raw <= sum(map(len, frames("otlp", settings, some))) + otlp.LIMITS.overhead * 2
    if encoding == "json":
        return json_format.Parse(body, ExportLogsServiceRequest())
    return ExportLogsServiceRequest.FromString(body)


def test_opentelemetry_reads_the_same_records_from_both_encodings() -> None:
    some = of_every_type() + strange() + [alert(events(2))]
    binary, text = read("protobuf", some), read("json", some)
    for one in (binary, text):
        for record in one.resource_logs[0].scope_logs[0].log_records:
            record.attributes.sort(key=lambda pair: pair.key)
    assert binary == text
    assert len(binary.resource_logs[0].scope_logs[0].log_records) == len(some)
    assert not any(_unknown(record) for record in binary.resource_logs[0].scope_logs[0].log_records)


def _unknown(message: Any) -> bool:
    """Whether OpenTelemetry's package met a field that it does not know."""
    copy = type(message).FromString(message.SerializeToString())
    before = copy.ByteSize()
    copy.DiscardUnknownFields()
    return bool(copy.ByteSize() != before)


def test_a_record_says_what_the_event_says() -> None:
    one = event(3, ago=timedelta(days=40))
    (record,) = (
        read("protobuf", [one], restamp="2026-11-27T10:00:00.000000Z").resource_logs[0].scope_logs[0].log_records
    )
    told = {pair.key: pair.value.string_value for pair in record.attributes}
    assert (record.time_unix_nano, record.severity_text) == (1_795_773_600_000_000_000, "INFO2")
    assert (told["event.id"], told["event.time"], told["event.action"]) == (one.event_id, one.event_time, one.type)
    assert (told["user.email"], told["client.address"]) == ("person3@example.com", "203.0.113.7")
    assert record.body.string_value.encode() == bytes(one.raw)
    assert record.event_name == "anthropic.sso_login_failed"


def test_records_arrive_with_their_ids(intake: tuple[Intake, Any]) -> None:
    receiver, settings = intake
    some = [*events(40), *strange()]
    assert kinds(send("otlp", settings, some)) == {"delivered"}
    assert receiver.ids() == [one.event_id for one in some]
    assert (receiver.violations, receiver.stored[0].place) == ([], "claude-audit")


@pytest.mark.parametrize(
    ("fault", "kind", "stored"),
    [
        ("retry_after", "retry", 0), ("error", "retry", 0), ("gateway", "retry", 0), ("too_large", "split", 0),
        ("unauthorized", "halt", 0), ("forbidden", "halt", 0), ("redirect", "halt", 0), ("cut", "retry", 0),
        ("cut_before_reply", "retry", 4), ("malformed_reply", "delivered", 4), ("rejects_all", "dead", 0),
        ("bad_event", "split", 3),
    ],
)  # fmt: skip
def test_each_fault_has_its_outcome(intake: tuple[Any, Any], fault: str, kind: str, stored: int) -> None:
    receiver, settings = intake
    receiver.faults.on(fault, next=1)
    response, outcomes = answered("otlp", settings, events(4))
    assert kinds(outcomes) == {kind}, response
    assert len(receiver.stored) == stored


def test_halving_finds_the_one_record_that_is_rejected(intake: tuple[Any, Any]) -> None:
    receiver, settings = intake
    some = events(8)
    bad = some[5].event_id
    receiver.faults.on("bad_event", id=bad)
    ends: dict[str, str] = {}
    waiting = [some]
    while waiting:
        batch = waiting.pop()
        for one, outcome in zip(batch, send("otlp", settings, batch), strict=True):
            ends[one.event_id] = outcome.kind
        if ends[batch[0].event_id] == "split":
            waiting += [batch[: len(batch) // 2], batch[len(batch) // 2 :]]
    assert {id for id, kind in ends.items() if kind == "dead"} == {bad}
    assert set(receiver.ids()) == {one.event_id for one in some} - {bad}


def test_a_message_with_nothing_rejected_is_a_warning_and_kept_in_the_acknowledgement() -> None:
    body = json.dumps({"partialSuccess": {"errorMessage": "please send less"}}).encode()
    (outcome,) = otlp.classify(Response(status=200, headers={"content-type": "application/json"}, body=body), 1)
    assert (outcome.kind, outcome.ack) == ("delivered", "HTTP 200 please send less")


def test_partial_success_in_binary_is_read_as_opentelemetry_writes_it() -> None:
    told = ExportLogsServiceResponse()
    told.partial_success.rejected_log_records = 300
    told.partial_success.error_message = "älter"
    assert partial_success(told.SerializeToString()) == (300, "älter")
    assert partial_success(b"") == (0, "")
    assert partial_success(b"<html>") == (0, "")
    assert partial_success(b"\xff" * 50) == (0, "")


def test_a_path_is_added_once_and_only_where_it_is_missing(intake: tuple[Any, Any]) -> None:
    receiver, settings = intake
    whole = settings.model_copy(update={"url": settings.url + "/v1/logs"})
    assert kinds(send("otlp", whole, events(1))) == {"delivered"}
    assert receiver.requests[-1]["path"] == "/v1/logs"


def test_a_header_whose_secret_is_missing_halts_before_anything_is_sent(intake: tuple[Any, Any]) -> None:
    receiver, settings = intake
    gone = settings_of("otlp", url=settings.url, headers={"Authorization": "env:NOT_SET"})
    with pytest.raises(Halted, match="NOT_SET"):
        send("otlp", gone, events(1))
    assert not receiver.requests


def test_the_same_frames_make_the_same_bytes() -> None:
    settings = settings_of("otlp", url="https://otlp.example.com")
    some = frames("otlp", settings, events(20))
    assert otlp.pack(some, settings).body == otlp.pack(some, settings).body


@pytest.mark.parametrize("kind", ["otlp", "secops"])
def test_a_long_alert_goes_without_its_events_and_names_them(kind: str) -> None:
    values = {
        "otlp": {"url": "https://otlp.example.com"},
        "secops": {
            "region": "eu",
            "project": "p",
            "instance": "44444444-aaaa-4bbb-8ccc-000000000004",
            "credentials": "env:K",
            "send": "events",
        },
    }[kind]
    long = alert(events(300, raw=json.dumps({"pad": "x" * 5_000}), user_agent="y" * 5_000))
    (frame,) = frames(kind, settings_of(kind, **values), [long])
    assert len(frame) < 1_000_000
    assert all(identity.encode() in frame for identity in long.event_ids)
