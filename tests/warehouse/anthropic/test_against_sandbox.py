"""The walk against a tenant that behaves like the vendor's: its truth, byte for byte, under each fault."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sandbox import Served, Tenant, serve
from tests.warehouse.anthropic.scripted import Time, client_of
from warehouse.anthropic.activities import ActivityFeed
from warehouse.anthropic.diagnose import diagnose
from warehouse.anthropic.errors import (
    AuthenticationTrouble,
    NotEnabled,
    StreamTrouble,
    Unavailable,
    WindowFailed,
    WindowRefused,
)
from warehouse.anthropic.patience import Patience
from warehouse.anthropic.planning import due_windows
from warehouse.anthropic.walk import Page
from warehouse.wire.windows import Window

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
WINDOW = Window(datetime(2026, 11, 20, 6, tzinfo=UTC), datetime(2026, 11, 21, 18, tzinfo=UTC))
LIMIT = 40


@pytest.fixture
def tenant() -> Iterator[Served]:
    with serve(Tenant(seed=7, users=12, days=4, clock="2026-11-22T10:00:00Z", rate_limit=0)) as served:
        yield served


def feed_of(served: Served, key: str = "compliance", limit: int = LIMIT, **settings: Any) -> ActivityFeed:
    times = settings.pop("times", Time(NOW))
    return ActivityFeed(client_of(served.url, times, key=lambda: served.keys[key], **settings), limit)


def walked(served: Served, **settings: Any) -> list[Page]:
    source = feed_of(served, **settings)
    with source.client:
        return list(source.pages(WINDOW))


def truth(served: Served, window: Window = WINDOW) -> list[bytes]:
    return served.tenant.records(window.start, window.end)


def records(pages: list[Page]) -> list[bytes]:
    """What the pages of the last walk hold, oldest first as the truth is."""
    last = max(page.walk for page in pages)
    return [record for page in pages if page.walk == last for record in page.records][::-1]


def test_a_window_equals_the_truth_byte_for_byte(tenant: Served) -> None:
    pages = walked(tenant)
    assert records(pages) == truth(tenant)
    assert len(pages) == len(tenant.requests) == -(-len(truth(tenant)) // LIMIT) > 5
    assert [page.request_id for page in pages] == [request["request_id"] for request in tenant.requests]
    assert [page.query for page in pages] == [request["query"] for request in tenant.requests]


def test_the_largest_page_costs_one_request(tenant: Served) -> None:
    pages = walked(tenant, limit=5000)
    assert records(pages) == truth(tenant)
    assert len(tenant.requests) == 1


@pytest.mark.parametrize("quirk", ["opaque_cursors", "bound_cursors", "platform_errors", "bare_404"])
def test_the_truth_is_found_under_either_reading_of_the_documentation(quirk: str) -> None:
    with serve(Tenant(seed=7, users=12, days=4, clock="2026-11-22T10:00:00Z", quirks=[quirk])) as served:
        assert records(walked(served)) == truth(served)


PASSING = [
    "rate_limit_429",
    "error_500",
    "bad_gateway",
    "error_502",
    "error_503",
    "error_504",
    "error_529",
    "timeout",
    "cut",
    "truncated_json",
    "no_data",
    "empty_page_claims_more",
    "full_page_without_has_more",
]


@pytest.mark.parametrize("kind", PASSING)
@pytest.mark.parametrize("skip", [0, 2])
def test_a_fault_that_passes_costs_tries_and_no_record(tenant: Served, kind: str, skip: int) -> None:
    settings = {"seconds": 1} if kind in ("timeout", "rate_limit_429") else {}
    tenant.faults.on(kind, next=2, skip=skip, **settings)
    pages = walked(tenant)
    assert records(pages) == truth(tenant)
    assert max(page.walk for page in pages) == 1
    assert sum(len(page.attempts) for page in pages) == len(pages) + 2


def test_all_faults_at_once_cost_no_record(tenant: Served) -> None:
    for kind in PASSING:
        if kind != "timeout":
            tenant.faults.on(kind, probability=0.04)
    assert records(walked(tenant)) == truth(tenant)


@pytest.mark.parametrize("kind", PASSING)
def test_a_fault_that_stays_fails_the_window_and_keeps_the_pages_before_it(tenant: Served, kind: str) -> None:
    settings = {"seconds": 1} if kind in ("timeout", "rate_limit_429") else {}
    tenant.faults.on(kind, skip=2, **settings)
    source = feed_of(tenant, patience=Patience(tries=2))
    pages: list[Page] = []
    with source.client, pytest.raises(WindowFailed) as raised:
        pages.extend(source.pages(WINDOW))
    assert isinstance(raised.value.last_error, Unavailable)
    assert records(pages) == truth(tenant)[-2 * LIMIT :]
    assert len(raised.value.attempts) == 2 + raised.value.tries


def test_a_final_500_fails_the_window_at_once(tenant: Served) -> None:
    tenant.faults.on("error_500_final", next=1)
    source = feed_of(tenant)
    with source.client, pytest.raises(WindowFailed, match="of no use"):
        list(source.pages(WINDOW))
    assert len(tenant.requests) == 1


@pytest.mark.parametrize(
    ("kind", "cause"),
    [
        ("expired_key", "expired"),
        ("deactivated_key", "deactivated"),
        ("invalid_key", "invalid"),
        ("wrong_key", "wrong_kind"),
        ("missing_scope", "scope_missing"),
    ],
)
def test_a_key_that_stops_working_stops_the_stream(tenant: Served, kind: str, cause: str) -> None:
    tenant.faults.on(kind, skip=1)
    source = feed_of(tenant)
    with source.client, pytest.raises(AuthenticationTrouble) as raised:
        list(source.pages(WINDOW))
    assert raised.value.cause == cause
    assert len(tenant.requests) == 2


def test_a_key_without_the_scope_is_told_which_it_has_and_needs(tenant: Served) -> None:
    source = feed_of(tenant, key="analytics")
    with source.client, pytest.raises(AuthenticationTrouble) as raised:
        list(source.pages(WINDOW))
    assert raised.value.scopes_found == ("read:analytics",)
    assert "read:compliance_activities" in raised.value.scopes_needed


def test_a_switched_off_api_is_told(tenant: Served) -> None:
    tenant.faults.on("compliance_disabled")
    source = feed_of(tenant)
    with source.client, pytest.raises(NotEnabled):
        list(source.pages(WINDOW))


def test_the_doctor_sees_what_is_wrong_with_each_key(tenant: Served) -> None:
    def state(key: str) -> str:
        with client_of(tenant.url, Time(NOW), key=lambda: key) as client:
            return diagnose(client).state

    assert state(tenant.keys["compliance"]) == "ok"
    assert state(tenant.keys["analytics"]) == "scope_missing"
    assert state("sk-ant-api03-" + "x" * 20) == "wrong_kind"
    assert state("sk-ant-api01-" + "x" * 20) == "invalid"


@pytest.mark.parametrize("kind", ["duplicate_keys", "big_integers", "invalid_utf8", "lone_surrogate"])
def test_records_that_spoil_careless_parsers_come_out_verbatim(tenant: Served, kind: str) -> None:
    assert tenant.tenant.damage(kind, next=3)
    assert records(walked(tenant)) == truth(tenant)


def test_a_forty_megabyte_record_comes_out_verbatim(tenant: Served) -> None:
    tenant.tenant.damage("huge_record", next=1, start="2026-11-20T06:00:00Z", end="2026-11-20T18:00:00Z")
    pages = walked(tenant)
    assert records(pages) == truth(tenant)
    assert max(len(page.body) for page in pages) > 40_000_000


def test_a_record_served_twice_on_a_page_is_kept_twice(tenant: Served) -> None:
    tenant.faults.on("repeated_record", next=1)
    pages = walked(tenant)
    assert len(pages[0].records) == LIMIT + 1
    assert sorted(set(records(pages))) == sorted(truth(tenant))


def test_the_window_of_a_skewed_clock_is_refused_by_the_servers(tenant: Served) -> None:
    ahead = Time(NOW + timedelta(minutes=10))
    source = feed_of(tenant, times=ahead)
    [newest, *_] = due_windows([], ahead.now, start=WINDOW.end)
    with source.client:
        with pytest.raises(WindowRefused) as raised:
            list(source.pages(newest))
        clock = source.client.server_clock
        assert clock.finding() is not None
        [again, *_] = due_windows([], clock.now(), start=WINDOW.end)
        assert raised.value.nearest is not None
        assert again.end <= raised.value.nearest
        assert list(source.pages(again))


def test_each_request_leaves_its_footprint_in_the_feed(tenant: Served) -> None:
    tenant.faults.on("error_500", next=1, skip=1)
    pages = walked(tenant)
    asked = [attempt.request_id for page in pages for attempt in page.attempts]
    tenant.clock.advance(300)
    after = Window(NOW - timedelta(minutes=1), NOW + timedelta(minutes=2))
    source = feed_of(tenant, times=Time(NOW + timedelta(minutes=5)), limit=5000)
    with source.client:
        seen = [json.loads(record) for page in source.pages(after) for record in page.records]
    found = [record["request_id"] for record in seen if record["type"] == "compliance_api_accessed"]
    assert sorted(found) == sorted(asked)
    agents = {record["actor"]["user_agent"] for record in seen if record["type"] == "compliance_api_accessed"}
    assert all(agent.startswith("ledgerline/") and agent.endswith(" (test-writer)") for agent in agents)


def test_nothing_of_the_key_is_in_a_stream_trouble(tenant: Served) -> None:
    tenant.faults.on("invalid_key")
    source = feed_of(tenant)
    with source.client, pytest.raises(StreamTrouble) as raised:
        list(source.pages(WINDOW))
    assert tenant.keys["compliance"] not in str(raised.value) + repr(raised.value.attempts)
