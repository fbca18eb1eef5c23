"""The walk over one window: cursors, requests, restarts, and what is never taken for a page."""

import pytest

from tests.warehouse.anthropic.scripted import (
    NOW,
    WINDOW,
    Asked,
    Given,
    Time,
    error,
    feed,
    feed_of,
    page,
    record,
    scripted,
)
from warehouse.anthropic.activities import ActivityFeed
from warehouse.anthropic.errors import (
    AuthenticationTrouble,
    CursorExpired,
    NotAPageServed,
    NotEnabled,
    RequestRefused,
    StreamTrouble,
    Unavailable,
    WindowFailed,
    WindowRefused,
)
from warehouse.anthropic.walk import Page
from warehouse.wire.windows import Window

BAD_CURSOR = Given(
    400, error("invalid_request_error", "Invalid activity_id format: 'x'"), {"request-id": "req_bad"}
)
GONE = Given(410, error("invalid_request_error", "gone"), {"request-id": "req_gone"})


def walked(source: ActivityFeed, limit: int | None = None) -> list[Page]:
    with source.client:
        return list(source.pages(WINDOW, limit))


def taken_before_failing(source: ActivityFeed) -> tuple[list[Page], WindowFailed]:
    pages: list[Page] = []
    with source.client, pytest.raises(WindowFailed) as raised:
        pages.extend(source.pages(WINDOW))
    return pages, raised.value


def test_a_window_is_asked_for_half_open_unfiltered_and_in_the_servers_own_order() -> None:
    with scripted(after=feed_of(5)) as server:
        pages = walked(feed(server.url, page_limit=2))
    bounds = "created_at.gte=2026-11-22T08:00:00Z&created_at.lt=2026-11-22T09:58:00Z&limit=2"
    assert [asked.target.partition("?")[2] for asked in server.asked] == [
        bounds,
        f"{bounds}&after_id=activity_000001",
        f"{bounds}&after_id=activity_000003",
    ]
    assert [asked.path for asked in server.asked] == ["/v1/compliance/activities"] * 3
    assert [each.query for each in pages] == [asked.target.partition("?")[2] for asked in server.asked]


def test_a_page_says_all_that_the_archive_records() -> None:
    body = page(range(2), True)
    with scripted(body, page([2])) as server:
        first, second = walked(feed(server.url, page_limit=2))
    assert first.body == body.bytes()
    assert len(first.records) == 2
    assert (first.index, first.walk, first.cursor_in, first.has_more) == (0, 1, None, True)
    assert (first.first_id, first.last_id) == ("activity_000000", "activity_000001")
    assert (first.status, first.request_id, first.headers["request-id"]) == (200, "req_page", "req_page")
    assert first.requested_at == NOW
    assert (second.index, second.cursor_in, second.has_more) == (1, "activity_000001", False)


def test_records_come_out_as_the_bytes_that_were_served() -> None:
    odd = b'{"id" :"a", "n": 1.0e5,"n":2}'
    body = b'{"data":[' + odd + b',\n {"id":"b"} ],"has_more":false,"first_id":"a","last_id":"b"}'
    with scripted(Given(body=body)) as server:
        [only] = walked(feed(server.url))
    assert only.records == [odd, b'{"id":"b"}']


def test_an_opaque_cursor_comes_back_exactly_as_it_was_given() -> None:
    cursor = "tok en+/=&ü%2F"
    with scripted(page([1], True, last_id=cursor), page([2])) as server:
        walked(feed(server.url))
    assert server.asked[1].query["after_id"] == cursor


@pytest.mark.parametrize(("records", "requests"), [(0, 1), (1, 1), (9, 1), (10, 1), (11, 2), (20, 2), (25, 3)])
def test_a_window_of_n_records_costs_ceil_of_n_by_limit_requests(records: int, requests: int) -> None:
    with scripted(after=feed_of(records)) as server:
        pages = walked(feed(server.url, page_limit=10))
    assert len(server.asked) == requests
    assert sum(len(each.records) for each in pages) == records


@pytest.mark.parametrize(("records", "requests"), [(9, 1), (10, 2), (11, 2), (20, 3)])
def test_a_multiple_costs_one_more_only_where_the_server_claims_more(records: int, requests: int) -> None:
    with scripted(after=feed_of(records, flag_at_the_brim=True)) as server:
        pages = walked(feed(server.url, page_limit=10))
    assert len(server.asked) == requests
    assert sum(len(each.records) for each in pages) == records


def test_a_limit_may_be_given_for_one_window() -> None:
    with scripted(after=feed_of(4)) as server:
        assert [len(each.records) for each in walked(feed(server.url), limit=3)] == [3, 1]


@pytest.mark.parametrize("limit", [0, -1, 5001])
def test_a_limit_the_feed_does_not_take_is_refused_here(limit: int) -> None:
    with pytest.raises(ValueError, match="1 to 5000"):
        feed("http://127.0.0.1:1", page_limit=limit)


FULL = page(range(2), True)
NOT_PAGES = {
    "no data": Given(body={"has_more": False}),
    "data that is no list": Given(body={"data": "x", "has_more": False}),
    "truncated JSON": Given(body=page([2, 3]).bytes()[:-30]),
    "an empty page that claims more": page([], True),
    "a full page without a flag": page([2, 3], None),
    "a short page without a flag": page([2], None),
    "a flag that is a text": Given(body={"data": [record(2)], "has_more": "false", "last_id": "a"}),
    "more to come but no cursor": Given(body={"data": [record(2)], "has_more": True, "last_id": None}),
    "the same cursor again": page([2, 3], True, last_id="activity_000001"),
    "the former page again": FULL,
    "a cut body": page([2, 3], cut=10),
}


@pytest.mark.parametrize("fault", NOT_PAGES)
def test_what_is_no_page_is_refused_and_asked_for_again(fault: str) -> None:
    with scripted(FULL, NOT_PAGES[fault], page([2, 3])) as server:
        pages = walked(feed(server.url, page_limit=2))
    assert [len(each.records) for each in pages] == [2, 2]
    assert server.asked[1].target == server.asked[2].target
    assert [len(each.attempts) for each in pages] == [1, 2]


@pytest.mark.parametrize("fault", NOT_PAGES)
def test_what_never_becomes_a_page_fails_the_window_and_keeps_what_was_served(fault: str) -> None:
    with scripted(FULL, after=NOT_PAGES[fault]) as server:
        pages, failed = taken_before_failing(feed(server.url, page_limit=2))
    assert [each.body for each in pages] == [FULL.bytes()]
    assert isinstance(failed.last_error, Unavailable)
    assert (failed.window, failed.tries, failed.pages_served) == (WINDOW, 6, 1)
    assert len(failed.attempts) == len(server.asked) == 7
    assert "[2026-11-22T08:00:00Z, 2026-11-22T09:58:00Z)" in str(failed)
    assert "1 page had been served" in str(failed)


def test_a_circle_of_cursors_is_seen_however_long_it_is() -> None:
    with scripted(
        after=lambda asked: page([len(server.asked)], True, last_id=f"c{len(server.asked) % 3}")
    ) as server:
        pages, failed = taken_before_failing(feed(server.url))
    assert len(pages) == 3
    assert isinstance(failed.last_error, NotAPageServed)
    assert "circle" in failed.last_error.reason


@pytest.mark.parametrize("refusal", [GONE, BAD_CURSOR])
def test_a_dead_cursor_restarts_the_walk_from_page_one(refusal: Given) -> None:
    with scripted(page([0, 1], True), refusal, page([0, 1], True), page([2])) as server:
        pages = walked(feed(server.url, page_limit=2))
    assert [(each.index, each.walk, each.cursor_in) for each in pages] == [
        (0, 1, None),
        (1, 2, None),
        (2, 2, "activity_000001"),
    ]
    assert sum(len(each.attempts) for each in pages) == len(server.asked) == 4


@pytest.mark.parametrize("refusal", [GONE, BAD_CURSOR])
def test_the_walk_restarts_at_most_twice(refusal: Given) -> None:
    def answer(asked: Asked) -> Given:
        return refusal if "after_id" in asked.query else page([0, 1], True)

    with scripted(after=answer) as server:
        pages, failed = taken_before_failing(feed(server.url, page_limit=2))
    assert [each.walk for each in pages] == [1, 2, 3]
    assert isinstance(failed.last_error, CursorExpired)
    assert len(failed.attempts) == len(server.asked) == 6


def test_a_400_on_the_first_page_is_no_matter_of_cursors() -> None:
    with scripted(Given(400, error("invalid_request_error", "created_at.gte: Input should be valid"))) as server:
        pages, failed = taken_before_failing(feed(server.url))
    assert pages == []
    assert isinstance(failed.last_error, RequestRefused)
    assert failed.last_error.parameter == "created_at.gte"
    assert len(server.asked) == 1


TROUBLES = {
    AuthenticationTrouble: Given(401, error("authentication_error", "API key has been deactivated.")),
    NotEnabled: Given(400, error("invalid_request_error", "Compliance API is not enabled for this organization")),
}


@pytest.mark.parametrize("kind", TROUBLES)
def test_trouble_with_the_key_or_the_switch_stops_the_stream_and_not_one_window(kind: type[StreamTrouble]) -> None:
    pages: list[Page] = []
    with scripted(page([0, 1], True), TROUBLES[kind]) as server:
        source = feed(server.url, page_limit=2)
        with source.client, pytest.raises(kind) as raised:
            pages.extend(source.pages(WINDOW))
    assert len(pages) == 1
    assert len(raised.value.attempts) == 2
    assert raised.value.remedy in str(raised.value)


def test_a_window_that_is_not_over_by_the_servers_clock_is_refused() -> None:
    ahead = Time(NOW)  # our clock stands ten minutes ahead of the server's
    late = page([1], date=WINDOW.end - (NOW - WINDOW.end) * 4)
    with scripted(late) as server:
        source = feed(server.url, ahead)
        with source.client, pytest.raises(WindowRefused, match=r"not over.*clock is 600 s ahead") as raised:
            next(source.pages(WINDOW))
    assert raised.value.parameter == "to"
    assert raised.value.nearest is not None
    assert raised.value.nearest < WINDOW.end
    assert len(raised.value.attempts) == 1


def test_a_window_that_ended_a_minute_ago_is_read() -> None:
    window = Window(WINDOW.start, NOW.replace(minute=0) - (NOW - WINDOW.end) / 2)
    with scripted(page([1])) as server, feed(server.url).client as client:
        assert len(list(ActivityFeed(client).pages(window))) == 1


def test_windows_may_be_walked_side_by_side() -> None:
    with scripted(after=feed_of(7)) as server, feed(server.url, page_limit=2).client as client:
        source = ActivityFeed(client, 2)
        one, other = source.pages(WINDOW), source.pages(WINDOW)
        pairs = list(zip(one, other, strict=True))
    assert [(left.body, left.index) for left, _ in pairs] == [(right.body, right.index) for _, right in pairs]
