"""Splunk: each code of its table, the prefix rule, acknowledgement, and the addresses people write down."""

from __future__ import annotations

import json

import pytest

from sandbox.intakes import serve_intakes
from tests.warehouse.delivery.destinations.rig import Sender, alert, events, settings
from warehouse.config.destinations import TYPES
from warehouse.delivery.destinations import splunk
from warehouse.delivery.over_http import HttpTransport
from warehouse.delivery.port import Response
from warehouse.delivery.splunk_ack import AcknowledgedTransport

HALT, RETRY, DELIVERED = "halt", "retry", "delivered"
TABLE = {
    **dict.fromkeys((1, 2, 3, 4, 5, 7, 10, 11, 14, 16, 21, 22, 28), HALT),
    **dict.fromkeys((8, 9, 18, 19, 20, 23, 26, 27), RETRY),
    **dict.fromkeys((0, 24, 25), DELIVERED),
}


def acknowledged(sender: Sender, *, give_up: float = 1.0) -> Sender:
    """The sender with polls that suit a test."""
    plain = splunk.connect(sender.settings.model_copy(update={"ack": False}))
    assert isinstance(plain, HttpTransport)
    sender.transport = AcknowledgedTransport(plain, "/services/collector/ack", polls=(0.02,), give_up=give_up)
    return sender


@pytest.mark.parametrize(("code", "kind"), TABLE.items())
def test_each_code_has_its_outcome(code, kind):
    with serve_intakes("splunk") as served:
        if code:
            served["splunk"].faults.on("code", code=code, next=1)
        outcomes = Sender.to("splunk", served).once(events(3))
        assert {one.kind for one in outcomes} == {kind}
        assert all(f"code {code}" in (one.ack or one.reason) for one in outcomes)
        assert len(served["splunk"].stored) == (3 if kind == DELIVERED else 0)


@pytest.mark.parametrize("code", [6, 12, 13, 15])
def test_what_stands_before_a_bad_object_is_delivered_and_what_follows_goes_again(code):
    with serve_intakes("splunk") as served:
        batch = events(6)
        served["splunk"].faults.on("bad_event", id=batch[2].event_id, code=code)
        sender = Sender.to("splunk", served)
        outcomes = sender.once(batch)
        assert [one.kind for one in outcomes] == ["delivered", "delivered", "dead", "retry", "retry", "retry"]
        assert f"code {code}" in outcomes[2].reason
        sender.until_settled(batch[3:])
        assert served["splunk"].ids() == [one.event_id for one in batch if one is not batch[2]]


def test_cloud_says_that_a_body_is_too_large_by_blaming_the_first_object():
    with serve_intakes("splunk", cloud=True) as served:
        batch = events(8)
        served["splunk"].largest = 4000
        sender = Sender.to("splunk", served)
        sender.until_settled(batch)
        assert sender.kinds() == ["delivered"] * 8
        assert served["splunk"].ids() == [one.event_id for one in batch]


@pytest.mark.parametrize("number", [None, 3, -1, "1", 1.0])
def test_a_number_that_names_no_object_of_the_batch_gives_up_nothing(number):
    body = {"text": "Invalid data format", "code": 6, **({"invalid-event-number": number} if number else {})}
    found = splunk.classify(Response(status=400, body=json.dumps(body).encode()), 3)
    assert {one.kind for one in found} == {"split"}


def test_an_acknowledged_batch_has_its_id_on_the_receipt():
    with serve_intakes("splunk") as served:
        token = served.settings["splunk"]["ack_token"]
        sender = acknowledged(Sender.to("splunk", served, token=token, ack=True))
        served["splunk"].faults.on("ack_late", next=3)
        told = [sender.until_settled(events(2)), sender.until_settled(events(2))]
        acks = [one.ack for one in told[-1].values()]
        assert acks == [f"ack 1 on channel {sender.transport.channel}"] * 2
        polls = [one for one in served["splunk"].requests if one["path"].endswith("/ack")]
        assert len(polls) == 5


def test_what_is_not_acknowledged_in_time_goes_again():
    with serve_intakes("splunk") as served:
        token = served.settings["splunk"]["ack_token"]
        sender = acknowledged(Sender.to("splunk", served, token=token, ack=True), give_up=0.1)
        fault = served["splunk"].faults.on("ack_late")
        (first,) = sender.once(events(1))
        assert (first.kind, first.reason) == ("retry", "taken, but not acknowledged within 0 s")
        fault.next = 0
        assert sender.until_settled(events(1))["activity_0000"].kind == "delivered"
        assert len(served["splunk"].stored) == 2


def test_the_prefix_before_a_bad_object_is_acknowledged_too():
    with serve_intakes("splunk") as served:
        token = served.settings["splunk"]["ack_token"]
        batch = events(3)
        served["splunk"].faults.on("bad_event", id=batch[1].event_id)
        sender = acknowledged(Sender.to("splunk", served, token=token, ack=True))
        outcomes = sender.once(batch)
        assert [one.kind for one in outcomes] == ["delivered", "dead", "retry"]
        assert outcomes[0].ack == f"ack 0 on channel {sender.transport.channel}"


def test_a_token_that_wants_acknowledgement_stops_a_sender_without_and_says_what_to_set():
    with serve_intakes("splunk") as served:
        given = served.settings["splunk"]
        (one,) = Sender.to("splunk", served, token=given["ack_token"]).once(events(1))
        assert one.kind == "halt"
        assert one.remedy.endswith("set ack = true")
        (other,) = acknowledged(Sender.to("splunk", served)).once(events(1))
        assert other.kind == "delivered"  # a token without acknowledgement takes a channel and gives no id


@pytest.mark.parametrize("ending", ["", "/services/collector", "/services/collector/event"])
def test_the_address_may_be_that_of_the_collector_itself(ending):
    with serve_intakes("splunk") as served:
        url = served.settings["splunk"]["url"] + ending
        assert Sender.to("splunk", served, url=url).once(events(1))[0].kind == "delivered"


@pytest.mark.parametrize(
    "url",
    [
        "https://splunk.example.com:8088",
        "https://http-inputs-acme.splunkcloud.com:443",
        "https://http-inputs.acme.splunkcloud.com:443",
        "https://http-inputs.acme.splunkcloudgc.com:443",
    ],
)
def test_the_addresses_of_enterprise_and_of_every_cloud_are_taken_as_they_are(url):
    given = {"name": "soc", "type": "splunk", "url": url, "token": "env:TOKEN"}
    configured = TYPES["splunk"].model_validate(given, context={"env": {"TOKEN": "x"}})
    assert splunk._base(configured) == url
    assert splunk.pack([b"{}"], configured).path == "/services/collector/event"


def test_index_and_source_are_left_to_the_token_unless_set():
    with serve_intakes("splunk") as served:
        Sender.to("splunk", served).once(events(1))
        Sender.to("splunk", served, index="claude", source="ledgerline", sourcetype="x:y").once(events(1))
        first, second = (one.event for one in served["splunk"].stored)
        assert set(first) == {"time", "host", "sourcetype", "event", "fields"}
        assert [second[name] for name in ("index", "source", "sourcetype")] == ["claude", "ledgerline", "x:y"]
        assert served["splunk"].stored[1].place == "claude"
        (refused,) = Sender.to("splunk", served, index="secret").once(events(1))
        assert (refused.kind, "correct index" in refused.reason) == ("halt", True)


def test_the_fields_that_searches_remove_duplicates_by_are_indexed():
    with serve_intakes("splunk") as served:
        of = events(1)
        sender = Sender.to("splunk", served)
        sender.once(of)
        sender.once([alert(of)])
        event, other = (one.event["fields"] for one in served["splunk"].stored)
        assert event["event_id"] == "activity_0000"
        assert event["org_id"] == of[0].organization_uuid
        assert other == {"event_id": "alert_01", "category": "alert", "type": "mass-export"}


def test_the_probe_tells_healthy_from_busy_from_wrong():
    with serve_intakes("splunk") as served:
        given = served.settings["splunk"]
        assert splunk.probe(settings("splunk", given)).kind == "delivered"
        served["splunk"].faults.on("error", status=503, next=1)
        assert splunk.probe(settings("splunk", given)).kind == "retry"
        assert splunk.probe(settings("splunk", given, url=served.url + "/splunk/elsewhere")).kind == "halt"
    assert splunk.probe(settings("splunk", given)).kind == "retry"
