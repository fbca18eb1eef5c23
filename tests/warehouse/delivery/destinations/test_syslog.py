"""Syslog over real TCP and TLS: framing, sizes, hostile text, and what is known of what nobody acknowledges."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.intakes.syslog import Syslog
from tests.warehouse.delivery.destinations.alerts import alert
from tests.warehouse.delivery.destinations.certificates import Certificates, make
from tests.warehouse.delivery.destinations.wire import (
    event,
    events,
    frames,
    kinds,
    of_every_type,
    send,
    settings_of,
)
from warehouse.delivery.destinations import syslog
from warehouse.delivery.errors import Halted
from warehouse.delivery.port import Refused

FRAMINGS = ("octet", "newline")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def receiver() -> Iterator[Syslog]:
    running = Syslog()
    yield running
    running.close()


def of(receiver: Syslog, **values: Any) -> Any:
    return settings_of("syslog", host="127.0.0.1", port=receiver.port, **values)


@pytest.mark.parametrize("framing", FRAMINGS)
def test_every_listed_type_and_an_alert_arrive_as_rfc_5424(receiver: Syslog, framing: str) -> None:
    some = [*of_every_type(), alert(events(2))]
    receiver.longest = 100_000
    assert kinds(send("syslog", of(receiver, framing=framing, max_bytes=100_000), some)) == {"delivered"}
    assert receiver.violations == []
    assert receiver.ids() == [one.event_id for one in some[:-1]] + ["alert_0001"]
    first = receiver.stored[0]
    assert (first.time, first.place) == (some[0].event_time, "ledgerline")
    assert first.event["message"]["event_id"] == some[0].event_id


def test_the_severity_is_in_the_priority(receiver: Syslog) -> None:
    send("syslog", of(receiver), [alert(events(1)), event(type="sso_login_failed")])
    assert [one.event["priority"] for one in receiver.stored] == [13 * 8 + 3, 13 * 8 + 5]


@pytest.mark.parametrize("framing", FRAMINGS)
def test_hostile_text_ends_no_message_and_begins_none(receiver: Syslog, framing: str) -> None:
    nasty = 'x"]\\ \n<0>1 - - - - - -\r\n\x00\x7f\x85\u2028 [a@1 b="c"] 日本'
    some = [
        event(1, user_agent=nasty, raw=json.dumps({"name": nasty}, ensure_ascii=False)),
        event(2, id='evil"]\n<13>1', type="a b\nc\x85" + "d" * 40, unknown_event=True),
    ]
    assert kinds(send("syslog", of(receiver, framing=framing), some)) == {"delivered"}
    assert receiver.violations == []
    assert [one.event["message"]["event_id"] for one in receiver.stored] == [one.event_id for one in some]
    assert receiver.stored[0].event["message"]["raw"]["name"] == nasty
    assert receiver.stored[1].event["msgid"] == ("a_b_c_" + "d" * 40)[:32]
    assert receiver.stored[1].event["structured_data"]["anthropic@32473"]["eventId"] == 'evil"]#012<13>1'


def test_in_newline_framing_a_message_is_one_line() -> None:
    settings = settings_of("syslog", host="127.0.0.1", framing="newline")
    frame = frames("syslog", settings, [event(raw='{"a": "\x85\u2028\x7f"}', user_agent="a\nb\rc")])[0].decode()
    assert frame.splitlines() == [frame[:-1]]


def test_a_message_over_the_limit_goes_without_its_record_and_says_so(receiver: Syslog) -> None:
    long = [event(1, raw=json.dumps({"pad": "x" * 20_000})), event(2, user_agent="y" * 20_000), event(3)]
    assert kinds(send("syslog", of(receiver), long)) == {"delivered"}
    assert receiver.violations == []
    messages = [one.event["message"] for one in receiver.stored]
    assert ["left_out" in one for one in messages] == [True, True, False]
    assert (messages[0]["client"]["ip"], messages[1].get("client")) == ("203.0.113.7", None)
    assert messages[0]["archive"]["commit_seq"] == 7


def test_what_cannot_be_made_short_is_refused_before_it_is_sent() -> None:
    settings = settings_of("syslog", host="127.0.0.1", max_bytes=480)
    found = syslog.encode(event(id="i" * 600), settings, None)
    assert isinstance(found, Refused)
    assert "max_bytes is 480" in found.reason


def test_a_byte_order_mark_stands_only_where_it_is_asked_for(receiver: Syslog) -> None:
    send("syslog", of(receiver, bom=True), events(1))
    send("syslog", of(receiver), events(1))
    assert [one.event["bom"] for one in receiver.stored] == [True, False]


@pytest.mark.parametrize("fault", ["cut", "close"])
def test_a_connection_that_breaks_is_no_delivery_and_the_next_try_connects_anew(
    receiver: Syslog, fault: str
) -> None:
    settings = of(receiver)
    transport = syslog.connect(settings)
    request = syslog.pack(frames("syslog", settings, events(5)), settings)
    receiver.faults.on(fault, next=1)
    first, second = transport.send(request), transport.send(request)
    transport.close()
    assert (first.status, second.status) == (0, 200)
    assert kinds(syslog.classify(first, 5)) == {"retry"}
    assert len(receiver.stored) == 5


def test_a_connection_closed_while_idle_is_noticed_before_anything_is_lost(receiver: Syslog) -> None:
    settings = of(receiver)
    transport = syslog.connect(settings)
    request = syslog.pack(frames("syslog", settings, events(2)), settings)
    assert transport.send(request).status == 200
    receiver.hang_up()
    assert transport.send(request).status == 200
    assert len(receiver.stored) == 4
    transport.close()


def test_a_receiver_that_is_not_there_is_tried_again(receiver: Syslog) -> None:
    settings = of(receiver)
    receiver.close()
    (outcome,) = send("syslog", settings, events(1))
    assert outcome.kind == "retry"
    assert "refused" in outcome.reason.lower()
    (outcome,) = send("syslog", settings_of("syslog", host="no-such-name.invalid"), events(1))
    assert outcome.reason == "no connection: the name of the host is not known"


@pytest.mark.parametrize("framing", FRAMINGS)
def test_with_tls_the_authority_is_checked_and_the_messages_arrive(
    certificates: Certificates, framing: str
) -> None:
    receiver = Syslog(certificate=certificates.server, key=certificates.server_key)
    trusting = of(receiver, tls=True, ca_file=str(certificates.authority), framing=framing)
    some = events(300)
    assert kinds(send("syslog", trusting, some)) == {"delivered"}
    assert receiver.ids() == [one.event_id for one in some]
    receiver.close()


def test_with_tls_a_certificate_of_another_name_or_authority_halts(certificates: Certificates) -> None:
    for certificate, key in (
        (certificates.other_name, certificates.other_name_key),
        (certificates.stranger, certificates.stranger_key),
    ):
        receiver = Syslog(certificate=certificate, key=key)
        with pytest.raises(Halted, match="is not trusted") as halted:
            send("syslog", of(receiver, tls=True, ca_file=str(certificates.authority)), events(1))
        assert "ca_file" in halted.value.remedy
        assert receiver.stored == []
        receiver.close()


def test_tls_against_a_plain_receiver_is_tried_again_with_a_reason(
    receiver: Syslog, certificates: Certificates, tmp_path: Path
) -> None:
    receiver.faults.on("close", next=1)
    (outcome,) = send("syslog", of(receiver, tls=True, ca_file=str(certificates.authority)), events(1))
    assert outcome.kind == "retry"
    bad = tmp_path / "no.pem"
    bad.write_text("nothing")
    with pytest.raises(Halted, match="ca_file"):
        syslog.connect(of(receiver, tls=True, ca_file=str(bad)))
