"""Google SecOps over real HTTP to the sandbox: the account's token, batches that repeat, both kinds of import."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.intakes import serve_intakes
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
from warehouse.delivery.destinations import secops
from warehouse.delivery.errors import Halted


@pytest.fixture
def intake(tmp_path: Path) -> Iterator[tuple[Any, Any]]:
    with serve_intakes("secops") as served:
        given = served.settings["secops"]
        key = tmp_path / "account.json"
        key.write_text(given.pop("credentials"))
        yield served["secops"], settings_of("secops", credentials=f"file:{key}", **given)


@pytest.mark.parametrize("form", ["logs", "events"])
def test_every_listed_type_and_an_alert_arrive(intake: tuple[Any, Any], form: str) -> None:
    receiver, settings = intake
    settings = settings.model_copy(update={"send": form})
    some = [*of_every_type(), alert(events(2)), event(observed_at=None)]
    assert kinds(send("secops", settings, some)) == {"delivered"}
    assert receiver.ids() == [getattr(one, "event_id", "alert_0001") for one in some]
    assert receiver.violations == []
    if form == "logs":
        assert receiver.stored[0].event["event_time"] == some[0].event_time
    else:
        assert receiver.stored[0].event["metadata"]["eventTimestamp"] == some[0].event_time


def test_a_batch_that_is_sent_again_is_the_same_batch(intake: tuple[Any, Any]) -> None:
    receiver, settings = intake
    settings = settings.model_copy(update={"forwarder": "f-1"})
    some = frames("secops", settings, events(9))
    transport = secops.connect(settings)
    for _ in range(2):
        assert transport.send(secops.pack(some, settings)).status == 200
    assert (receiver.repeated, receiver.issued) == (1, 1)
    transport.close()


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("retry_after", "retry"), ("error", "retry"), ("gateway", "retry"), ("too_large", "split"),
        ("forbidden", "halt"), ("redirect", "halt"), ("bad_event", "split"), ("cut", "retry"),
        ("cut_before_reply", "retry"), ("malformed_reply", "delivered"), ("expired_token", "delivered"),
    ],
)  # fmt: skip
def test_each_fault_has_its_outcome(intake: tuple[Any, Any], fault: str, kind: str) -> None:
    receiver, settings = intake
    receiver.faults.on(fault, next=1)
    response, outcomes = answered("secops", settings, events(4))
    assert kinds(outcomes) == {kind}, response


def test_an_account_that_is_refused_halts_with_its_name_and_without_its_key(intake: tuple[Any, Any]) -> None:
    receiver, settings = intake
    receiver.faults.on("account_refused", next=1)
    with pytest.raises(Halted, match="invalid_grant") as halted:
        send("secops", settings, events(1))
    assert "ledgerline@sandbox-project" in halted.value.remedy


@pytest.mark.parametrize("text", ["", "no json", "[]", "{}", '{"client_email": "a", "token_uri": "https://x"}'])
def test_what_is_no_key_of_an_account_halts_before_anything_is_sent(text: str, tmp_path: Path) -> None:
    (tmp_path / "key.json").write_text(text)
    values = {"region": "eu", "project": "p", "instance": "44444444-aaaa-4bbb-8ccc-000000000004"}
    with pytest.raises(Halted, match=r"JSON key|key\.json"):
        secops.connect(settings_of("secops", credentials=f"file:{tmp_path / 'key.json'}", **values))


def test_a_key_that_sends_its_claim_in_the_clear_is_refused(intake: tuple[Any, Any], tmp_path: Path) -> None:
    _, settings = intake
    text = settings.credentials.reveal_bytes().replace(b"http://127.0.0.1", b"http://tokens.example.com")
    (tmp_path / "key.json").write_bytes(text)
    elsewhere = settings_of(
        "secops", credentials=f"file:{tmp_path / 'key.json'}", region="eu", project="p",
        instance="44444444-aaaa-4bbb-8ccc-000000000004",
    )  # fmt: skip
    with pytest.raises(Halted, match="JSON key"):
        secops.connect(elsewhere)
