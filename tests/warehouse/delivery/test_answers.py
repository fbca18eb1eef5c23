"""What receivers answer: when to come again, and a reason that can stand in a log."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from warehouse.delivery.answers import document, reason, retry_after
from warehouse.delivery.port import Response


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7.0),
        ("0.5", 0.5),
        ("-3", 0.0),
        ("", None),
        ("soon", None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        ("Wed, 21 Oct 2015 07:28:00 -0000", 0.0),
    ],
)
def test_the_time_to_wait_is_read_in_each_form(text: str, seconds: float | None) -> None:
    assert retry_after({"retry-after": text} if text else {}) == seconds


def test_a_date_is_turned_into_seconds_from_now() -> None:
    then = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    found = retry_after({"retry-after": then})
    assert found is not None
    assert 85 < found <= 91


def test_a_date_is_read_by_the_clock_of_who_wrote_it() -> None:
    theirs = datetime.now(UTC) + timedelta(hours=3)
    told = {
        "retry-after": format_datetime(theirs + timedelta(seconds=90), usegmt=True),
        "date": format_datetime(theirs, usegmt=True),
    }
    assert retry_after(told) == 90
    assert (retry_after({**told, "date": "yesterday"}) or 0) > 3 * 3600


def test_a_reason_is_one_printable_line_of_bounded_length() -> None:
    told = reason(Response(status=400, body=b"bad\r\n\x1b[31m thing \xff" + b"x" * 5000), "InvalidStream")
    assert told.startswith("HTTP 400 InvalidStream bad ?[31m thing")
    assert told.isprintable()
    assert len(told) == 300


def test_where_nothing_came_back_the_reason_is_why() -> None:
    assert reason(Response(status=0, error="no connection")) == "no connection"


@pytest.mark.parametrize("body", [b"", b"[1]", b"<html>", b"{", b"[" * 100_000])
def test_a_body_that_is_no_json_object_reads_as_empty(body: bytes) -> None:
    assert document(Response(status=200, body=body)) == {}
