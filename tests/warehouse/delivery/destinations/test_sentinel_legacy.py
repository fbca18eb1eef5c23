"""The deprecated HTTP Data Collector API over real HTTP to the sandbox, which checks each signature."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sandbox.intakes import serve_intakes
from tests.warehouse.delivery.destinations.wire import (
    answered,
    event,
    events,
    kinds,
    of_every_type,
    send,
    settings_of,
)
from warehouse.delivery.destinations import sentinel_legacy
from warehouse.delivery.errors import Halted


@pytest.fixture
def intake() -> Iterator[tuple[Any, Any]]:
    with serve_intakes("sentinel_legacy") as served:
        given = served.settings["sentinel_legacy"]
        key = given.pop("shared_key")
        yield served["sentinel_legacy"], settings_of("sentinel_legacy", {"K": key}, shared_key="env:K", **given)


def test_signed_rows_of_every_listed_type_are_taken(intake: tuple[Any, Any]) -> None:
    receiver, settings = intake
    some = of_every_type()
    assert kinds(send("sentinel_legacy", settings, some)) == {"delivered"}
    assert (receiver.ids(), receiver.violations) == ([one.event_id for one in some], [])
    assert receiver.stored[0].place == "ClaudeAuditLogs_CL"


def test_an_old_event_takes_a_new_time_and_keeps_its_true_one(intake: tuple[Any, Any]) -> None:
    receiver, settings = intake
    old, now = event(ago=timedelta(days=20)), datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    assert kinds(send("sentinel_legacy", settings, [old])) == {"split"}
    assert kinds(send("sentinel_legacy", settings, [old], restamp=now)) == {"delivered"}
    assert (receiver.stored[0].time, receiver.stored[0].event["EventTime"]) == (now, old.event_time)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("retry_after", "retry"), ("error", "retry"), ("gateway", "retry"), ("too_large", "split"),
        ("unauthorized", "halt"), ("forbidden", "halt"), ("bad_event", "split"), ("cut", "retry"),
        ("cut_before_reply", "retry"),
    ],
)  # fmt: skip
def test_each_fault_has_its_outcome(intake: tuple[Any, Any], fault: str, kind: str) -> None:
    receiver, settings = intake
    receiver.faults.on(fault, next=1)
    response, outcomes = answered("sentinel_legacy", settings, events(4))
    assert kinds(outcomes) == {kind}, response


def test_a_wrong_key_halts_and_one_that_is_no_base64_halts_at_once(intake: tuple[Any, Any]) -> None:
    _, settings = intake
    given = {"url": settings.url, "workspace_id": settings.workspace_id, "shared_key": "env:K"}
    (outcome,) = send("sentinel_legacy", settings_of("sentinel_legacy", {"K": "d3Jvbmc="}, **given), events(1))
    assert (outcome.kind, "InvalidAuthorization" in outcome.reason) == ("halt", True)
    with pytest.raises(Halted, match="not base64"):
        sentinel_legacy.connect(settings_of("sentinel_legacy", {"K": "no base64!"}, **given))
