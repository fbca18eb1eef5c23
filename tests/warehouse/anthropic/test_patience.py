"""What is tried again, what is not, and how long is waited in between."""

import time

import pytest

from tests.warehouse.anthropic.scripted import Given, Time, client_of, error, page, scripted
from warehouse.anthropic.answers import Response
from warehouse.anthropic.errors import NotAPageServed, RequestRefused, Unavailable
from warehouse.anthropic.patience import Patience, Timeouts, Wait
from warehouse.wire.records import PageBody, split_page

GOOD = page(range(2))


def read(response: Response) -> PageBody:
    return split_page(response.body)


@pytest.mark.parametrize("status", [500, 502, 503, 504, 520, 529])
def test_a_server_fault_is_tried_again_with_growing_waits(status: int) -> None:
    times = Time()
    fault = Given(status, error("api_error", "oops"))
    with scripted(fault, fault, fault, GOOD) as server, client_of(server.url, times) as client:
        answer = client.get("/p", read=read)
    assert [attempt.status for attempt in answer.attempts] == [status, status, status, 200]
    for wait, doubled in zip(times.sleeps, (1, 2, 4), strict=True):
        assert 0.75 * doubled <= wait <= 1.25 * doubled


def test_a_final_500_is_not_tried_again() -> None:
    fault = Given(500, error("api_error", "deterministic"), {"x-should-retry": "false"})
    with (
        scripted(fault, GOOD) as server,
        client_of(server.url) as client,
        pytest.raises(Unavailable, match="of no use") as raised,
    ):
        client.get("/p", read=read)
    assert len(server.asked) == len(raised.value.attempts) == 1


@pytest.mark.parametrize("status", [402, 405, 408, 409, 413, 422, 501, 505])
def test_what_cannot_pass_is_not_tried_again(status: int) -> None:
    fault = Given(status, error("invalid_request_error", "no"), {"x-should-retry": "true"})
    with (
        scripted(fault, GOOD) as server,
        client_of(server.url) as client,
        pytest.raises((RequestRefused, Unavailable)),
    ):
        client.get("/p", read=read)
    assert len(server.asked) == 1


def test_a_429_is_tried_again_after_exactly_the_seconds_asked_for() -> None:
    times, told = Time(), list[Wait]()
    limit = Given(429, error("rate_limit_error", "exceeded"), {"retry-after": "25"})
    with scripted(limit, GOOD) as server, client_of(server.url, times, on_wait=told.append) as client:
        client.get("/p", read=read)
    assert times.sleeps == [25.0]
    assert [str(wait) for wait in told] == ["waiting 25 s: rate limit"]


def test_a_429_without_retry_after_backs_off_by_itself() -> None:
    times = Time()
    limit = Given(429, error("rate_limit_error", "exceeded"))
    with scripted(limit, limit, GOOD) as server, client_of(server.url, times) as client:
        client.get("/p", read=read)
    assert 0.75 <= times.sleeps[0] <= 1.25
    assert 1.5 <= times.sleeps[1] <= 2.5


def test_a_retry_after_of_a_503_is_obeyed_too() -> None:
    times = Time()
    busy = Given(503, error("overloaded_error", "busy"), {"retry-after": "7"})
    with scripted(busy, GOOD) as server, client_of(server.url, times) as client:
        client.get("/p", read=read)
    assert times.sleeps == [7.0]


def test_a_retry_after_in_the_date_form_is_read_by_the_servers_clock() -> None:
    times = Time()
    busy = Given(503, error("overloaded_error", "busy"), {"retry-after": "Sun, 22 Nov 2026 10:00:40 GMT"})
    with scripted(busy, GOOD) as server, client_of(server.url, times) as client:
        client.get("/p", read=read)
    assert times.sleeps == [40.0]


@pytest.mark.parametrize("odd", ["soon", "nan", "-5", "", "inf"])
def test_an_odd_retry_after_falls_back_to_our_own_wait(odd: str) -> None:
    times = Time()
    busy = Given(503, error("overloaded_error", "busy"), {"retry-after": odd})
    with scripted(busy, GOOD) as server, client_of(server.url, times) as client:
        client.get("/p", read=read)
    assert 0.75 <= times.sleeps[0] <= 1.25


def test_a_retry_after_of_an_hour_fails_now_and_says_so() -> None:
    times = Time()
    limit = Given(429, error("rate_limit_error", "exceeded"), {"retry-after": "3600"})
    with (
        scripted(limit, GOOD) as server,
        client_of(server.url, times) as client,
        pytest.raises(Unavailable, match="asks to wait 3600 s"),
    ):
        client.get("/p", read=read)
    assert times.sleeps == []


def test_tries_end_after_their_number_and_every_attempt_is_told() -> None:
    fault = Given(529, error("overloaded_error", "Overloaded"), {"request-id": "req_busy"})
    with (
        scripted(after=fault) as server,
        client_of(server.url, patience=Patience(tries=3)) as client,
        pytest.raises(Unavailable, match="failed in 3 tries") as raised,
    ):
        client.get("/p", "a=1", read=read)
    assert len(server.asked) == 3
    for attempt in raised.value.attempts:
        assert (attempt.status, attempt.error_type, attempt.request_id) == (529, "overloaded_error", "req_busy")
        assert (attempt.detail, attempt.url) == ("Overloaded", "/p?a=1")
        assert attempt.requested_at <= attempt.received_at


def test_waits_never_exceed_the_ceiling() -> None:
    patience = Patience()
    assert all(patience.delay(failures) <= 60 for failures in range(1, 2000))
    assert patience.delay(2000) >= 45


def test_a_cut_body_is_tried_again_and_its_request_id_is_kept() -> None:
    cut = page(range(2), cut=20, headers={"request-id": "req_cut"})
    with scripted(cut, GOOD) as server, client_of(server.url) as client:
        answer = client.get("/p", read=read)
    first, second = answer.attempts
    assert (first.status, first.error_type, first.request_id) == (200, "connection", "req_cut")
    assert "cut after 20 bytes" in first.detail
    assert second.status == 200
    assert len(answer.value.records) == 2


def test_a_silent_server_times_out_and_is_tried_again() -> None:
    silent = page(range(2), delay=0.6)
    with scripted(silent, GOOD) as server, client_of(server.url) as client:
        answer = client.get("/p", read=read)
    assert (answer.attempts[0].status, answer.attempts[0].error_type) == (None, "timeout")


def test_a_drip_feed_ends_at_the_whole_time_out() -> None:
    timeouts = Timeouts(connect=1, read=1, whole=0.2)
    drip = page(range(2), drip=0.02)
    with (
        scripted(drip, GOOD) as server,
        client_of(server.url, timeouts=timeouts, monotonic=time.monotonic) as client,
    ):
        answer = client.get("/p", read=read)
    assert answer.attempts[0].error_type == "timeout"
    assert "longer than 0.2 s" in answer.attempts[0].detail


def test_no_server_at_all_is_tried_again_then_named() -> None:
    with scripted() as server:
        url = server.url
    times = Time()
    with client_of(url, times) as client, pytest.raises(Unavailable, match="no connection") as raised:
        client.get("/p", read=read)
    assert len(raised.value.attempts) == 6
    assert len(times.sleeps) == 5
    assert url in str(raised.value)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"has_more":false}', "no `data`"),
        (b'{"data":{},"has_more":false}', "data"),
        (b'{"data":[{"id":"a"},{"i', "complete JSON"),
        (b"", "JSON"),
        (b"<html>welcome to the hotel</html>", "JSON"),
        (b"[]", "object"),
        (b'{"data":null}', "data"),
    ],
)
def test_a_200_that_is_no_page_is_tried_again(body: bytes, reason: str) -> None:
    with scripted(Given(body=body), GOOD) as server, client_of(server.url) as client:
        answer = client.get("/p", read=read)
    assert answer.attempts[0].error_type == "not_a_page"
    assert answer.attempts[0].status == 200
    assert reason in answer.attempts[0].detail
    assert answer.response.body == GOOD.bytes()


@pytest.mark.parametrize("status", [202, 204, 206])
def test_a_success_other_than_200_is_no_page(status: int) -> None:
    odd = Given(status, b"" if status == 204 else GOOD.bytes())
    with scripted(odd, GOOD) as server, client_of(server.url) as client:
        answer = client.get("/p", read=read)
    assert answer.attempts[0].error_type == "not_a_page"


def test_a_200_that_is_never_a_page_is_refused_in_the_end() -> None:
    with (
        scripted(after=Given(body=b"{}", headers={"request-id": "req_1"})) as server,
        client_of(server.url) as client,
        pytest.raises(NotAPageServed, match=r"not a page.*req_1") as raised,
    ):
        client.get("/p", read=read)
    assert len(raised.value.attempts) == len(server.asked) == 6
    assert "no `data`" in raised.value.reason
