"""Microsoft Sentinel over real HTTP to the sandbox: the token, the limits, the outcomes, the times."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sandbox.intakes import Intake, serve_intakes
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
from warehouse.config.destinations import Sentinel
from warehouse.delivery.destinations import sentinel
from warehouse.delivery.errors import Halted
from warehouse.delivery.port import Response


@pytest.fixture
def intake() -> Iterator[tuple[Any, Sentinel]]:
    with serve_intakes("sentinel") as served:
        given = served.settings["sentinel"]
        secret = given.pop("client_secret")
        yield served["sentinel"], settings_of("sentinel", {"S": secret}, client_secret="env:S", **given)


def test_rows_arrive_with_their_ids_and_times(intake: tuple[Intake, Sentinel]) -> None:
    receiver, settings = intake
    some = events(50)
    outcomes = send("sentinel", settings, some)
    assert [one.kind for one in outcomes] == ["delivered"] * 50
    assert receiver.ids() == [one.event_id for one in some]
    assert [one.time for one in receiver.stored] == [one.event_time for one in some]
    assert receiver.violations == []


def test_every_listed_type_is_a_row_that_the_stream_declares(intake: tuple[Intake, Sentinel]) -> None:
    receiver, settings = intake
    some = of_every_type()
    assert kinds(send("sentinel", settings, some)) == {"delivered"}
    assert (len(receiver.stored), receiver.violations) == (len(some), [])


def test_an_old_event_takes_a_new_time_and_keeps_its_true_one(intake: tuple[Intake, Sentinel]) -> None:
    receiver, settings = intake
    old = event(ago=timedelta(days=20))
    assert kinds(send("sentinel", settings, [old])) == {"split"}  # the intake refuses what Microsoft overwrites
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    assert kinds(send("sentinel", settings, [old], restamp=now)) == {"delivered"}
    row = receiver.stored[0].event
    assert (row["TimeGenerated"], row["EventTime"]) == (now, old.event_time)


def test_one_token_serves_many_requests_and_an_expired_one_is_renewed_once(intake: tuple[Any, Sentinel]) -> None:
    receiver, settings = intake
    transport = sentinel.connect(settings)
    request = sentinel.pack(frames("sentinel", settings, events(3)), settings)
    assert [transport.send(request).status for _ in range(3)] == [204] * 3
    assert receiver.issued == 1
    receiver.faults.on("expired_token", next=1)
    assert transport.send(request).status == 204
    assert receiver.issued == 2
    assert [asked["status"] for asked in receiver.requests] == [204, 204, 204, 401, 204]
    receiver.faults.on("unauthorized", next=2)
    assert transport.send(request).status == 401  # refused twice: no loop
    assert receiver.issued == 3
    transport.close()


def test_what_the_authority_says_is_told_apart(intake: tuple[Any, Sentinel]) -> None:
    receiver, settings = intake
    receiver.faults.on("authority_busy", next=1, seconds=9)
    (outcome,) = send("sentinel", settings, events(1))
    assert (outcome.kind, outcome.after) == ("retry", 9.0)
    receiver.faults.on("application_refused", next=1)
    with pytest.raises(Halted, match=r"invalid_client, AADSTS7000215") as halted:
        send("sentinel", settings, events(1))
    assert "client_secret" in halted.value.remedy
    assert receiver.stored == []


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("retry_after", "retry"), ("error", "retry"), ("gateway", "retry"), ("too_large", "split"),
        ("forbidden", "halt"), ("redirect", "halt"), ("bad_event", "split"), ("cut", "retry"),
        ("cut_before_reply", "retry"),
    ],
)  # fmt: skip
def test_each_fault_has_its_outcome(intake: tuple[Any, Sentinel], fault: str, kind: str) -> None:
    receiver, settings = intake
    receiver.faults.on(fault, next=1)
    response, outcomes = answered("sentinel", settings, events(4))
    assert kinds(outcomes) == {kind}, response
    assert len(receiver.stored) == (4 if fault == "cut_before_reply" else 0)


@pytest.mark.parametrize(
    ("code", "kind"),
    [("InvalidStream", "halt"), ("InvalidPayload", "split"), ("RecordsTimeRangeIsMoreThan30Minutes", "split")],
)
def test_a_400_halts_only_for_what_is_the_same_for_every_row(code: str, kind: str) -> None:
    body = json.dumps({"error": {"code": code, "message": "no"}}).encode()
    assert kinds(sentinel.classify(Response(status=400, body=body), 3)) == {kind}


def test_a_stream_that_the_rule_does_not_have_halts(intake: tuple[Any, Sentinel]) -> None:
    _, settings = intake
    other = settings.model_copy(update={"stream": "Custom-Other_CL"})
    (outcome,) = send("sentinel", other, events(1))
    assert (outcome.kind, "InvalidStream" in outcome.reason) == ("halt", True)


def test_a_body_of_exactly_the_limit_is_taken_and_one_byte_more_is_not(intake: tuple[Any, Sentinel]) -> None:
    _, settings = intake
    row = frames("sentinel", settings, events(1, raw=json.dumps({"pad": "x" * 60_000})))[0]
    count = (sentinel.ONE_CALL - 1) // (len(row) + 1)
    left = sentinel.ONE_CALL - 1 - (count - 1) * (len(row) + 1) - 1
    filler = row[:-1] + b" " * (left - len(row)) + b"}"  # white space is part of the body
    request = sentinel.pack([row] * (count - 1) + [filler], settings)
    assert request.raw == sentinel.ONE_CALL
    transport = sentinel.connect(settings)
    assert transport.send(request).status == 204
    over = sentinel.pack([row] * (count - 1) + [filler[:-1] + b" }"], settings)
    response = transport.send(over)
    assert over.raw == sentinel.ONE_CALL + 1
    assert kinds(sentinel.classify(response, count)) == {"split"}
    assert b"1048576 bytes" in response.body
    transport.close()


def test_a_long_value_is_cut_in_view_before_the_service_would_do_it_in_silence(
    intake: tuple[Any, Sentinel],
) -> None:
    receiver, settings = intake
    long = event(raw=json.dumps({"pad": "x" * 70_000}), user_agent="agent" * 20_000)
    assert kinds(send("sentinel", settings, [long])) == {"delivered"}
    row = receiver.stored[0].event
    assert row["RawEvent"]["bytes"] == len(bytes(long.raw))
    assert row["UserAgent"].endswith(" [cut]")
    assert len(row["UserAgent"]) < 65_536


def test_an_empty_batch_is_never_packed(intake: tuple[Any, Sentinel]) -> None:
    with pytest.raises(ValueError, match="500"):
        sentinel.pack([], intake[1])


def test_the_same_frames_make_the_same_bytes_and_no_text_holds_the_secret(intake: tuple[Any, Sentinel]) -> None:
    receiver, settings = intake
    some = frames("sentinel", settings, events(9))
    one, two = sentinel.pack(some, settings), sentinel.pack(some, settings)
    assert one.body == two.body
    receiver.faults.on("error", next=1)
    shown = repr((one, settings, answered("sentinel", settings, events(1))))
    assert "entra-secret" not in shown
