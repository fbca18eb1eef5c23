"""What each destination promises alike, over real HTTP to its strict intake."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from sandbox.intakes import ServedIntakes, serve_intakes
from tests.warehouse.delivery.destinations.rig import (
    TYPES_HERE,
    Sender,
    alert,
    events,
    iso,
    just_now,
    settings,
)
from tests.warehouse.delivery.mappings.rows import every_type, record, rows
from warehouse.delivery import destinations
from warehouse.delivery.mappings.canonical import canonical_events
from warehouse.delivery.port import Response

pytestmark = pytest.mark.parametrize("type", TYPES_HERE)

# where the true time of an event stands in what each intake stored
_TRUE_TIME: dict[str, Any] = {
    "splunk": lambda one: one["event"]["event_time"],
    "datadog": lambda one: one["event_time"],
    "elastic": lambda one: one["anthropic"]["event_time"],
    "logstash": lambda one: one["anthropic"]["event_time"],
    "sumo": lambda one: one["event_time"],
    "webhook": lambda one: one["event_time"],
    "cribl": lambda one: json.loads(one["_raw"])["event_time"],
}


@pytest.fixture
def served(type: str) -> Iterator[ServedIntakes]:
    with serve_intakes(type) as served:
        yield served


def test_every_event_type_arrives_whole_and_nothing_that_the_receiver_would_lose(type, served):
    created = iso(just_now(minutes=30))
    every = canonical_events(rows(*({**one, "created_at": created} for one in every_type())))
    sender = Sender.to(type, served)
    size = getattr(sender.module, "limits", lambda _settings: sender.module.LIMITS)(sender.settings).events
    for start in range(0, len(every), size):
        sender.until_settled(every[start : start + size], tries=2)
    assert len(every) > 500
    assert set(sender.kinds()) == {"delivered"}
    assert all(outcome.ack for outcome in sender.told.values())
    assert served[type].violations == []
    assert served[type].ids() == [one.event_id for one in every]
    assert {one.time for one in served[type].stored} <= {created, created[:-4] + "000Z"}  # Datadog: milliseconds
    assert {_TRUE_TIME[type](one.event) for one in served[type].stored} == {created}


def test_an_alert_arrives_under_the_time_of_its_detection_with_the_ids_of_its_events(type, served):
    of = events(3)
    one = alert(of)
    sender = Sender.to(type, served)
    assert sender.until_settled([one])["alert_01"].kind == "delivered"
    (stored,) = served[type].stored
    assert served[type].violations == []
    assert type == "webhook" or stored.time is not None
    assert type == "webhook" or stored.time[:23] == one.stamp[:23]
    text = json.dumps(stored.event)
    assert all(event.event_id in text for event in of)


def test_a_long_alert_goes_without_its_events_rather_than_not_at_all(type, served):
    of = events(300, filename="x" * 4000)
    sender = Sender.to(type, served)
    (frame,) = sender.frames([alert(of)])
    limits = sender.module.LIMITS
    assert len(frame) <= min(limits.event or limits.raw, limits.raw - limits.overhead)
    assert all(event.event_id.encode() in frame for event in of)
    assert sender.until_settled([alert(of)])["alert_01"].kind == "delivered"


def test_the_same_events_are_the_same_bytes(type, served):
    sender = Sender.to(type, served)
    first, second = (
        sender.module.pack(sender.frames(events_now), sender.settings) for events_now in [events_of] * 2
    )
    assert first == second
    assert first.body == second.body
    limits = sender.module.LIMITS
    frames = sender.frames(events_of)
    framed = limits.overhead + sum(map(len, frames)) + limits.separator * len(frames)
    assert first.raw <= framed  # what the engine counts is never less than what is sent


events_of = events(40)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ({"kind": "error", "status": 500}, "retry"),
        ({"kind": "error", "status": 503}, "retry"),
        ({"kind": "gateway", "status": 502}, "retry"),
        ({"kind": "gateway", "status": 504}, "retry"),
        ({"kind": "cut"}, "retry"),
        ({"kind": "cut_before_reply"}, "retry"),
        ({"kind": "retry_after", "seconds": 7}, "retry"),
        ({"kind": "too_large"}, "split"),
        ({"kind": "unauthorized"}, "halt"),
        ({"kind": "forbidden"}, "halt"),
        ({"kind": "redirect"}, "halt"),
    ],
    ids=lambda one: "-".join(map(str, one.values())) if isinstance(one, dict) else one,
)
def test_each_fault_of_a_receiver_has_its_outcome(type, served, fault, kind):
    served[type].faults.on(**fault, next=1)
    outcomes = Sender.to(type, served).once(events(4))
    assert {one.kind for one in outcomes} == {kind}
    assert all(one.reason for one in outcomes)
    assert fault["kind"] != "retry_after" or {one.after for one in outcomes} == {7.0}


@pytest.mark.parametrize("kind", ["error", "cut", "cut_before_reply", "retry_after", "too_large"])
def test_after_a_fault_everything_is_there_and_only_what_was_sent_twice_is_there_twice(type, served, kind):
    batch = events(8)
    served[type].faults.on(kind, next=1)
    sender = Sender.to(type, served)
    sender.until_settled(batch)
    assert sender.kinds() == ["delivered"] * 8
    held = served[type].ids()
    assert set(held) == {one.event_id for one in batch}
    doubled = kind == "cut_before_reply" and type != "elastic"
    assert len(held) == (16 if doubled else 8)
    assert served[type].violations == []


def test_a_bad_event_is_given_up_alone(type, served):
    batch = events(9)
    served[type].faults.on("bad_event", id=batch[5].event_id)
    sender = Sender.to(type, served)
    sender.until_settled(batch)
    assert sender.kinds() == ["delivered"] * 5 + ["dead"] + ["delivered"] * 3
    assert sorted(served[type].ids()) == sorted(one.event_id for one in batch if one is not batch[5])


@pytest.mark.parametrize("number", [0, 8])
def test_so_is_a_bad_event_at_either_end_of_its_batch(type, served, number):
    batch = events(9)
    served[type].faults.on("bad_event", id=batch[number].event_id, code=6)
    sender = Sender.to(type, served)
    sender.until_settled(batch)
    assert [at for at, kind in enumerate(sender.kinds()) if kind == "dead"] == [number]


def test_an_unreadable_answer_is_no_receipt(type, served):
    served[type].faults.on("malformed_reply", next=1)
    kinds = {one.kind for one in Sender.to(type, served).once(events(3))}
    # where the status is all that the receiver says, it is taken at its word
    assert kinds == {"retry" if type in ("splunk", "elastic") else "delivered"}


def test_a_proxys_page_is_no_receipt(type):
    module = destinations.load(type)
    for status in (200, 202):
        page = Response(status=status, body=b"<html><body>Sign in to the network</body></html>")
        found = {one.kind for one in module.classify(page, 3)}
        assert found == {"retry"} or (type, status) == ("datadog", 202)


def test_a_wrong_credential_stops_the_destination_and_shows_in_no_text(type, served):
    given = dict(served.settings[type])
    name = {"splunk": "token", "logstash": "password", "webhook": "token", "cribl": "token"}.get(type, "api_key")
    wrong = "a-fake-credential-that-nobody-knows"
    if type == "sumo":
        given["url"] = f"{given['url'].rpartition('/')[0]}/{wrong}"
    else:
        given[name] = wrong
    configured = settings(type, given)
    module = destinations.load(type)
    transport = module.connect(configured)
    request = module.pack([module.encode(one, configured, None) for one in events(2)], configured)
    outcomes = module.classify(transport.send(request), 2)
    assert {one.kind for one in outcomes} == {"halt"}
    assert served[type].stored == []
    assert wrong not in repr((outcomes, request, transport, configured))


def test_nobody_there_is_a_retry(type, served):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    given = {
        key: text.replace(served.url, f"http://127.0.0.1:{port}") for key, text in served.settings[type].items()
    }
    configured = settings(type, given)
    module = destinations.load(type)
    request = module.pack([module.encode(one, configured, None) for one in events(2)], configured)
    outcomes = module.classify(module.connect(configured).send(request), 2)
    assert {(one.kind, one.reason) for one in outcomes} == {
        ("retry", "no connection (refused, or nobody is there)")
    }


def test_a_restamped_event_is_taken_and_keeps_its_true_time(type, served):
    old = events(2, created_at=iso(just_now(days=500)))
    sender = Sender.to(type, served)
    assert {one.kind for one in sender.once(old, restamp=iso(just_now()))} == {"delivered"}
    assert served[type].violations == []
    assert {_TRUE_TIME[type](one.event) for one in served[type].stored} == {old[0].event_time}
    assert type == "webhook" or all(one.time > iso(just_now(minutes=1)) for one in served[type].stored)


def test_the_age_that_a_receiver_takes_is_what_its_intake_takes(type, served):
    limits = destinations.load(type).LIMITS
    if limits.oldest is None:
        assert limits.late == "send"
        return
    sender = Sender.to(type, served)
    for ago in (limits.oldest, -limits.ahead):
        taken = events(1, created_at=iso(just_now() - ago))
        assert sender.once(taken)[0].kind == "delivered"
    beyond = events(1, created_at=iso(just_now() - limits.oldest - timedelta(hours=30)))
    sender.once(beyond)
    assert len(served[type].violations) == 1
    assert limits.late == "restamp"


def test_a_record_that_is_hardly_json_arrives_and_so_do_its_neighbours(type, served):
    def served_as(number: int, tail: bytes) -> bytes:
        given = record(id=f"activity_{number:04d}", created_at=iso(just_now(minutes=5)))
        return json.dumps(given, separators=(",", ":")).encode()[:-1] + b"," + tail + b"}"

    tails = [
        b'"n":123456789012345678901234567890',
        b'"s":"\\ud800"',
        b'"s":"\xff\xfe"',
        b'"k":1,"k":2',
        b'"s":"\\u0000\\u001b[31m</script>\\u2028"',
        b'"deep":' + b"[" * 400 + b"]" * 400,
        b'"actor":{"type":"user_actor","ip_address":"999.1.1.1","user_agent":"x\\ny\\"z"}',
        b'"x":{"":1,".":2,"a.b":null}',
    ]
    batch = canonical_events(rows(*(served_as(number, tail) for number, tail in enumerate(tails))))
    sender = Sender.to(type, served)
    sender.until_settled(batch)
    assert sender.kinds() == ["delivered"] * len(tails)
    assert served[type].violations == []
    assert sorted(served[type].ids()) == [one.event_id for one in batch]
