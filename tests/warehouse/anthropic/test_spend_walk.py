"""The walk over usage and cost: total and grouped rows of one refresh, and what is never taken for a page."""

import pytest

from tests.warehouse.anthropic.scripted import Asked, Given, error, scripted
from tests.warehouse.anthropic.spend_script import (
    REFRESHED,
    WINDOW,
    groups,
    report_of,
    reports,
    row,
    spend_page,
)
from warehouse.anthropic.errors import (
    AuthenticationTrouble,
    CursorExpired,
    NotAPageServed,
    RequestRefused,
    WindowFailed,
    WindowRefused,
)
from warehouse.anthropic.spend import SpendReports
from warehouse.anthropic.spend_queries import DIMENSIONS, is_grouped
from warehouse.anthropic.walk import Page
from warehouse.wire.windows import Window

LATER = "2026-11-22T12:00:00Z"


def walked(source: SpendReports) -> list[Page]:
    with source.client:
        return list(source.pages(WINDOW))


def taken_before_failing(source: SpendReports) -> tuple[list[Page], WindowFailed]:
    pages: list[Page] = []
    with source.client, pytest.raises(WindowFailed) as raised:
        pages.extend(source.pages(WINDOW))
    return pages, raised.value


def test_the_total_is_asked_for_before_the_grouped_rows_by_day_in_stable_order() -> None:
    with scripted(after=report_of(3)) as server:
        pages = walked(reports(server.url))
    bounds = (
        "starting_at=2026-11-20T00:00:00Z&ending_at=2026-11-22T00:00:00Z&time_bucket_width=1d"
        "&order_by=time&order=asc&limit=1000"
    )
    total, grouped = (asked.target.partition("?")[2] for asked in server.asked)
    assert total == bounds
    assert grouped.startswith(bounds + "&group_by%5B%5D=actor")
    assert [is_grouped(page.query) for page in pages] == [False, True]
    assert {asked.path for asked in server.asked} == {"/v1/organizations/analytics/cost"}
    assert {asked.headers["anthropic-beta"] for asked in server.asked} == {"analytics-usage-cost-2026-08-24"}


@pytest.mark.parametrize(("stream", "fan_out"), [("usage", []), ("cost", ["cost_type", "token_type"])])
def test_rows_are_grouped_by_five_dimensions_and_cost_by_its_types_too(stream: str, fan_out: list[str]) -> None:
    with scripted(after=report_of(1)) as server:
        walked(reports(server.url, stream))  # type: ignore[arg-type]
    assert groups(server.asked[1]) == [*DIMENSIONS, *fan_out]
    assert len(DIMENSIONS) == 5
    assert "rbac_group_id" not in DIMENSIONS


@pytest.mark.parametrize(("rows", "requests"), [(0, 2), (1, 2), (10, 2), (11, 3), (20, 3), (25, 4)])
def test_a_window_of_n_rows_costs_ceil_of_n_by_limit_requests_and_one_for_the_total(
    rows: int, requests: int
) -> None:
    with scripted(after=report_of(rows)) as server:
        pages = walked(reports(server.url, page_limit=10))
    assert len(server.asked) == requests
    assert sum(len(page.records) for page in pages if is_grouped(page.query)) == rows


def test_a_page_says_how_fresh_its_figures_are_and_where_to_go_on() -> None:
    with scripted(after=report_of(2)) as server:
        pages = walked(reports(server.url, page_limit=1))
    assert [page.data_refreshed_at for page in pages] == [REFRESHED] * 3
    assert [(page.cursor_in, page.last_id, page.has_more) for page in pages[1:]] == [
        (None, "1", True), ("1", None, False),
    ]  # fmt: skip


TOTAL, FULL = spend_page([row()]), spend_page([row(1)], "next")
NOT_PAGES = {
    "no data": Given(body={"has_more": False, "data_refreshed_at": REFRESHED}),
    "truncated JSON": Given(body=spend_page([row(2)]).bytes()[:-30]),
    "an empty page that claims more": spend_page([], "further"),
    "no flag": Given(body={"data": [row(2)], "data_refreshed_at": REFRESHED}),
    "more to come but no cursor": Given(
        body={"data": [row(2)], "has_more": True, "next_page": None, "data_refreshed_at": REFRESHED}
    ),
    "no word on freshness": spend_page([row(2)], refreshed=None),
    "freshness that is no time": spend_page([row(2)], refreshed="yesterday"),
    "the same cursor again": spend_page([row(2)], "next"),
    "the former page again": FULL,
    "a cut body": spend_page([row(2)], cut=10),
}


@pytest.mark.parametrize("fault", NOT_PAGES)
def test_what_is_no_page_is_refused_and_asked_for_again(fault: str) -> None:
    with scripted(TOTAL, FULL, NOT_PAGES[fault], spend_page([row(2)])) as server:
        pages = walked(reports(server.url))
    assert [len(page.records) for page in pages] == [1, 1, 1]
    assert server.asked[2].target == server.asked[3].target


@pytest.mark.parametrize("fault", NOT_PAGES)
def test_what_never_becomes_a_page_fails_the_window_and_keeps_what_was_served(fault: str) -> None:
    with scripted(TOTAL, FULL, after=NOT_PAGES[fault]) as server:
        pages, failed = taken_before_failing(reports(server.url))
    assert [page.body for page in pages] == [TOTAL.bytes(), FULL.bytes()]
    assert (failed.window, failed.tries, failed.pages_served) == (WINDOW, 6, 2)
    if "cut" not in fault:
        assert isinstance(failed.last_error, NotAPageServed)


GONE = Given(410, error("invalid_request_error", "gone"))


@pytest.mark.parametrize("gone", [GONE, Given(400, error("invalid_request_error", "page: foreign cursor"))])
def test_a_dead_cursor_begins_everything_again_with_the_total(gone: Given) -> None:
    with scripted(TOTAL, FULL, gone, TOTAL, FULL, spend_page([row(2)])) as server:
        pages = walked(reports(server.url))
    assert [(page.walk, is_grouped(page.query)) for page in pages] == [
        (1, False), (1, True), (2, False), (2, True), (2, True),
    ]  # fmt: skip
    assert [page.index for page in pages] == [0, 1, 2, 3, 4]


def test_figures_that_are_refreshed_in_mid_walk_begin_it_again_so_that_none_of_two_exports_are_added_up() -> None:
    newer = [spend_page([row()], refreshed=LATER), spend_page([row(1), row(2)], refreshed=LATER)]
    with scripted(TOTAL, FULL, spend_page([row(2)], refreshed=LATER), *newer) as server:
        pages = walked(reports(server.url))
    assert [(page.walk, page.data_refreshed_at) for page in pages] == [
        (1, REFRESHED), (1, REFRESHED), (2, LATER), (2, LATER),
    ]  # fmt: skip
    assert sum(len(page.attempts) for page in pages) == len(server.asked) == 5


def test_the_walk_begins_again_at_most_twice() -> None:
    def answer(asked: Asked) -> Given:
        return GONE if "page" in asked.query else TOTAL if not groups(asked) else FULL

    with scripted(after=answer) as server:
        pages, failed = taken_before_failing(reports(server.url))
    assert [page.walk for page in pages] == [1, 1, 2, 2, 3, 3]
    assert isinstance(failed.last_error, CursorExpired)
    assert len(failed.attempts) == len(server.asked) == 9


def test_days_that_the_figures_do_not_reach_are_refused_with_how_far_they_do() -> None:
    with scripted(after=spend_page([row()], refreshed="2026-11-21T16:00:00Z")) as server:
        source = reports(server.url)
        with source.client, pytest.raises(WindowRefused) as raised:
            next(source.pages(WINDOW))
    assert str(raised.value.nearest) == "2026-11-21 16:00:00+00:00"
    assert len(raised.value.attempts) == len(server.asked) == 1


def test_a_key_that_may_not_ask_by_organisation_asks_without() -> None:
    def answer(asked: Asked) -> Given:
        if "organization_id" in groups(asked):
            return Given(400, error("invalid_request_error", "organization_id needs a parent-level key"))
        return report_of(1)(asked)

    with scripted(after=answer) as server:
        source = reports(server.url)
        assert len(walked(source)) == 2
    assert [len(groups(asked)) for asked in server.asked] == [0, 7, 6]
    assert "organization_id" not in source.dimensions


def test_another_refusal_fails_the_window() -> None:
    with scripted(TOTAL, after=Given(400, error("invalid_request_error", "group_by[]: too many"))) as server:
        pages, failed = taken_before_failing(reports(server.url))
    assert len(pages) == 1
    assert isinstance(failed.last_error, RequestRefused)


@pytest.mark.parametrize("status", [401, 403, 404])
def test_trouble_with_the_key_names_the_scope_and_the_setting(status: int) -> None:
    kind = {401: "authentication_error", 403: "permission_error", 404: "not_found_error"}[status]
    with scripted(after=Given(status, error(kind, "Not found."))) as server:
        source = reports(server.url)
        with source.client, pytest.raises(AuthenticationTrouble, match="read:analytics") as raised:
            next(source.pages(WINDOW))
    assert raised.value.key_setting == "anthropic.keys.analytics"


def test_the_question_about_freshness_asks_for_one_row_and_costs_one_request() -> None:
    with scripted(after=report_of(50)) as server:
        source = reports(server.url)
        with source.client:
            fresh = source.freshness(Window.of_day(WINDOW.start.date()))
    assert fresh.text == REFRESHED
    assert server.asked[0].query["limit"] == "1"
    assert len(server.asked) == len(fresh.attempts) == 1


def test_a_window_above_31_days_is_not_asked_for() -> None:
    source = reports("http://127.0.0.1:1")
    with source.client, pytest.raises(ValueError, match="31"):
        source.pages(Window(WINDOW.start.replace(month=10), WINDOW.end))


@pytest.mark.parametrize("limit", [0, 1001])
def test_a_limit_that_the_api_does_not_take_is_refused_here(limit: int) -> None:
    with pytest.raises(ValueError, match="1 to 1000"):
        reports("http://127.0.0.1:1", page_limit=limit)
