"""Our clock beside the server's."""

from datetime import timedelta

import pytest

from tests.warehouse.anthropic.scripted import NOW, Time, client_of, page, scripted
from warehouse.anthropic.answers import Response
from warehouse.anthropic.clock import ServerClock
from warehouse.wire.records import split_page

MINUTES = timedelta(minutes=1)


def answered(date: str, took: float = 0.0, **headers: str) -> Response:
    return Response(200, {"date": date, **headers}, b"", "/p", NOW, NOW + timedelta(seconds=took))


@pytest.mark.parametrize(("ours", "side"), [(10, "ahead of"), (-10, "behind")])
def test_ten_minutes_of_skew_are_a_finding_and_windows_follow_the_earlier_clock(ours: int, side: str) -> None:
    times = Time(NOW + ours * MINUTES)
    with scripted(page([1], date=NOW)) as server, client_of(server.url, times) as client:
        assert client.server_clock.now() == times.now
        client.get("/p", read=lambda response: split_page(response.body))
        clock = client.server_clock
    finding = clock.finding()
    assert finding is not None
    assert finding.code == "clock_skew"
    assert f"600 s {side} the API's" in str(finding) or f"599 s {side} the API's" in str(finding)
    assert abs(clock.now() - min(NOW, times.now)) < timedelta(seconds=1)
    assert abs(clock.server_now() - NOW) < timedelta(seconds=1)


@pytest.mark.parametrize(("seconds", "found"), [(0, False), (59, False), (-59, False), (62, True), (-62, True)])
def test_a_minute_of_skew_is_tolerated(seconds: int, found: bool) -> None:
    clock = ServerClock(lambda: NOW)
    moment = NOW + timedelta(seconds=seconds)
    clock.observe(answered(moment.strftime("%a, %d %b %Y %H:%M:%S GMT")))
    assert (clock.finding() is not None) is found


def test_before_the_first_answer_there_is_no_skew() -> None:
    clock = ServerClock(lambda: NOW)
    assert clock.skew() is None
    assert clock.finding() is None
    assert clock.now() == clock.server_now() == NOW


def test_half_the_time_of_an_answer_is_taken_out() -> None:
    clock = ServerClock(lambda: NOW)
    clock.observe(answered("Sun, 22 Nov 2026 10:00:20 GMT", took=41))
    assert clock.skew() == timedelta(0)


def test_one_odd_answer_does_not_move_the_clock() -> None:
    clock = ServerClock(lambda: NOW)
    for date in ("Sun, 22 Nov 2026 10:00:00 GMT",) * 3 + ("Sun, 22 Nov 2026 18:00:00 GMT",):
        clock.observe(answered(date))
    assert clock.skew() == timedelta(seconds=0.5)


@pytest.mark.parametrize("date", ["", "yesterday", "Sun, 99 Nov 2026 10:00:00 GMT"])
def test_an_answer_without_a_readable_date_teaches_nothing(date: str) -> None:
    clock = ServerClock(lambda: NOW)
    clock.observe(answered(date))
    assert clock.skew() is None


def test_an_answer_that_a_cache_kept_teaches_nothing() -> None:
    clock = ServerClock(lambda: NOW)
    clock.observe(answered("Sun, 22 Nov 2026 04:00:00 GMT", age="21600"))
    assert clock.skew() is None
