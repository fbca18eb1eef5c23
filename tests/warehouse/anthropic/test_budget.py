"""The rate budget on a simulated clock: an hour takes milliseconds."""

import threading
from datetime import timedelta

import pytest

from tests.warehouse.anthropic.scripted import NOW, Given, Time, client_of, page, scripted
from warehouse.anthropic.answers import Response
from warehouse.anthropic.budget import Budget
from warehouse.anthropic.patience import Wait
from warehouse.anthropic.surfaces import ANALYTICS, COMPLIANCE
from warehouse.wire.records import split_page
from warehouse.wire.times import rfc3339


def budget_of(times: Time, per_minute: float = 600, share: float = 1.0) -> Budget:
    return Budget(per_minute, share=share, monotonic=times.monotonic, sleep=times.sleep)


class OneMinuteWindows:
    """The vendor's limiter as documented: so many requests in each minute, then 429 until the reset."""

    def __init__(self, times: Time, limit: int = 600) -> None:
        self.times, self.limit = times, limit
        self.opened = times.monotonic()
        self.used = 0
        self.served = 0
        self.refused = 0

    def spend(self, requests: int = 1) -> None:
        """Somebody else's requests."""
        self._roll()
        self.used = min(self.limit, self.used + requests)

    def ask(self) -> Response:
        self._roll()
        left = self.opened + 60 - self.times.monotonic()
        headers = {
            "date": "",
            "anthropic-ratelimit-requests-limit": str(self.limit),
            "anthropic-ratelimit-requests-reset": rfc3339(self.times.now + timedelta(seconds=left)),
        }
        if self.used >= self.limit:
            self.refused += 1
            headers |= {"retry-after": str(int(left) + 1), "anthropic-ratelimit-requests-remaining": "0"}
            return _response(self.times, 429, headers)
        self.used += 1
        self.served += 1
        headers["anthropic-ratelimit-requests-remaining"] = str(self.limit - self.used)
        return _response(self.times, 200, headers)

    def _roll(self) -> None:
        while self.times.monotonic() >= self.opened + 60:
            self.opened += 60
            self.used = 0


def _response(times: Time, status: int, headers: dict[str, str]) -> Response:
    return Response(status, headers, b"", "/p", times.now, times.now)


def an_hour(
    times: Time, budget: Budget, server: OneMinuteWindows, others: int = 0, took: float = 0.02
) -> list[float]:
    """Ask as fast as the budget lets us for an hour; others spend so many requests at each minute's beginning."""
    sent, end, minute = [], times.monotonic() + 3600, -1
    while times.monotonic() < end:
        budget.take()
        if int(times.monotonic() // 60) != minute:
            minute = int(times.monotonic() // 60)
            server.spend(others)
        sent.append(times.monotonic())
        times.pass_by(took)
        response = server.ask()
        budget.observe(response)
        if response.status == 429:
            budget.hold(response.retry_after() or 1)
    return sent


def test_an_hour_at_full_speed_is_never_refused_and_wastes_little() -> None:
    times = Time()
    server = OneMinuteWindows(times)
    an_hour(times, budget_of(times), server)
    assert server.refused == 0
    assert server.served >= 0.97 * 600 * 60


def test_no_minute_of_the_hour_holds_more_than_the_budget() -> None:
    times = Time()
    sent = an_hour(times, budget_of(times, 50), OneMinuteWindows(times))
    for at, moment in enumerate(sent[50:], start=50):
        assert moment - sent[at - 50] >= 60


def test_an_hour_beside_a_greedy_neighbour_is_hardly_ever_refused() -> None:
    times = Time()
    server = OneMinuteWindows(times)
    an_hour(times, budget_of(times), server, others=400)
    assert server.refused <= 60  # at most the one that finds each minute spent
    assert server.served >= 0.9 * 200 * 60


def test_four_workers_with_a_quarter_each_are_never_refused() -> None:
    times = Time()
    server = OneMinuteWindows(times)
    workers = [budget_of(times, share=0.25) for _ in range(4)]
    waits: list[float] = [0.0] * 4
    end = times.monotonic() + 3600
    while times.monotonic() < end:  # each worker sleeps for itself: ask whoever is free, else let time pass
        for number, worker in enumerate(workers):
            with worker._lock:
                waits[number] = getattr(worker._wait(times.monotonic()), "seconds", 0.0)
            if not waits[number]:
                worker.take()
                worker.observe(server.ask())
        times.pass_by(0.01 + min(waits))
    assert server.refused == 0
    assert server.served >= 0.9 * 600 * 60


def test_a_share_below_one_request_a_minute_spaces_them_further() -> None:
    times = Time()
    budget = budget_of(times, 2, share=0.125)  # one in four minutes
    budget.take()
    budget.take()
    budget.take()
    assert times.sleeps == [240.0, 240.0]


def test_a_hold_stops_every_thread() -> None:
    times = Time()
    budget = budget_of(times)
    told: list[Wait] = []
    budget.hold(25)
    budget.hold(5)  # a shorter one does not shorten it
    budget.take(told.append)
    assert times.sleeps == [25.0]
    assert [str(wait) for wait in told] == ["waiting 25 s: rate limit"]


def test_a_lower_limit_of_the_server_is_kept_and_a_higher_one_does_not_tempt() -> None:
    times = Time()
    budget = budget_of(times, 100)
    for granted, kept in ((30, 30), (5000, 100)):
        budget.observe(_response(times, 200, {"anthropic-ratelimit-requests-limit": str(granted)}))
        assert budget.requests_per_minute == kept


def test_nothing_left_means_waiting_for_the_reset_by_the_servers_own_clock() -> None:
    times = Time(NOW + timedelta(hours=3))  # our clock is wrong by hours
    budget = budget_of(times)
    headers = {
        "date": "Sun, 22 Nov 2026 10:00:00 GMT",
        "anthropic-ratelimit-requests-remaining": "0",
        "anthropic-ratelimit-requests-reset": "2026-11-22T10:00:17Z",
    }
    budget.observe(_response(times, 200, headers))
    budget.take()
    assert times.sleeps == [17.0]


@pytest.mark.parametrize(
    "headers",
    [
        {"anthropic-ratelimit-requests-remaining": "none", "anthropic-ratelimit-requests-reset": "soon"},
        {
            "anthropic-ratelimit-requests-remaining": "-3",
            "anthropic-ratelimit-requests-reset": "2026-11-22T10:00:17Z",
        },
        {"anthropic-ratelimit-requests-limit": "0"},
        {},
    ],
)
def test_odd_rate_headers_are_ignored(headers: dict[str, str]) -> None:
    times = Time()
    budget = budget_of(times)
    budget.observe(_response(times, 200, headers))
    budget.take()
    assert times.sleeps == []


def test_a_reset_hours_away_is_a_broken_clock_and_not_an_order() -> None:
    times = Time()
    budget = budget_of(times)
    headers = {
        "anthropic-ratelimit-requests-remaining": "0",
        "anthropic-ratelimit-requests-reset": "2026-11-23T10:00:00Z",
    }
    budget.observe(_response(times, 200, headers))
    budget.take()
    assert sum(times.sleeps) == 120.0


def test_threads_share_one_budget() -> None:
    budget = Budget(40, monotonic=lambda: 0.0, sleep=lambda seconds: stop.set() or threading.Event().wait())
    stop, taken = threading.Event(), []

    def work() -> None:
        while True:
            budget.take()
            taken.append(1)

    for _ in range(8):
        threading.Thread(target=work, daemon=True).start()
    assert stop.wait(5)
    threading.Event().wait(0.1)
    assert len(taken) == 40


def test_a_client_paces_itself_to_its_surface() -> None:
    times, told = Time(), list[Wait]()
    with (
        scripted(after=page([1])) as server,
        client_of(server.url, times, ANALYTICS, on_wait=told.append) as client,
    ):
        for _ in range(51):
            client.get("/p", read=lambda response: split_page(response.body))
    assert times.sleeps == [60.0]
    assert [str(wait) for wait in told] == ["waiting 60 s: keeping to 50 requests a minute"]
    assert COMPLIANCE.requests_per_minute == 600


def test_clients_of_one_organisation_may_share_one_budget() -> None:
    times = Time()
    budget = budget_of(times, 3)
    with (
        scripted(after=page([1])) as server,
        client_of(server.url, times, budget=budget) as one,
        client_of(server.url, times, budget=budget) as other,
    ):
        for client in (one, other, one, other):
            client.get("/p", read=lambda response: split_page(response.body))
    assert times.sleeps == [60.0]


def test_a_429_is_over_when_retry_after_is_over_whatever_the_reset_says() -> None:
    times = Time()
    headers = {
        "retry-after": "2",
        "anthropic-ratelimit-requests-remaining": "0",
        "anthropic-ratelimit-requests-reset": rfc3339(NOW + timedelta(seconds=55)),
    }
    with scripted(Given(429, b"", headers), page([1])) as server, client_of(server.url, times) as client:
        client.get("/p", read=lambda response: split_page(response.body))
    assert times.sleeps == [2.0]


@pytest.mark.parametrize(("per_minute", "share"), [(0, 1), (-1, 1), (600, 0), (600, 1.5)])
def test_a_budget_of_nothing_is_refused(per_minute: float, share: float) -> None:
    with pytest.raises(ValueError, match="budget"):
        Budget(per_minute, share=share)
