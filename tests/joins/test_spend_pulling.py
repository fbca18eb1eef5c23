"""Usage and cost from a tenant that restates its days: what is asked, what is kept, what a failure leaves."""

import json
import math
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import zstandard

from assets.spend_pulling import figures_moved, pull_spend, pull_spend_windows
from assets.status import status
from sandbox import Served, Tenant, serve
from tests.joins.spend import in_sql, open_spend, pull, truth
from tests.promises.mortal import Counted, Died, Mortal, give
from tests.promises.site import Site
from warehouse.anthropic.errors import AuthenticationTrouble, WindowRefused
from warehouse.anthropic.spend_queries import BETA, STREAMS, Stream
from warehouse.archive.adopt import adopt_orphans
from warehouse.archive.verify import verify
from warehouse.wire.times import midnight
from warehouse.wire.windows import Window

FIRST, TODAY = date(2026, 11, 8), date(2026, 11, 22)
_TWO = ((date(2026, 11, 1), TODAY), (date(2026, 10, 15), date(2026, 11, 1)))
DAYS = (TODAY - FIRST).days
COST = "/v1/organizations/analytics/cost"


@pytest.fixture
def served() -> Iterator[Served]:
    """Six people; it is the 22nd, ten o'clock, and the newest figures are those of eight."""
    with serve(Tenant(seed=5, users=6, days=1, clock="2026-11-22T10:00:00Z", analytics_rate_limit=0)) as running:
        yield running


@pytest.fixture
def site(served: Served, tmp_path: Path) -> Site:
    return Site(tmp_path / "site", served.url, served.keys["compliance"], FIRST)


def later(served: Served, **by: float) -> None:
    served.clock.advance(timedelta(**by).total_seconds())


def asked(served: Served) -> list[dict[str, Any]]:
    return [request for request in served.tenant.requests if "/analytics/" in request["path"]]


def test_what_is_pulled_is_what_the_ledger_says_to_the_last_decimal(site: Site, served: Served) -> None:
    report = pull(site, served)
    assert (report.days, report.restated, report.findings) == (DAYS, 0, [])
    for by in ((), ("day",), ("day", "product"), ("day", "model"), ("actor",)):
        columns = tuple("actor_id" if name == "actor" else name for name in by)
        assert in_sql(site, *columns) == truth(served, FIRST, TODAY, *by), by
    organizations = truth(served, FIRST, TODAY, "organization_id")  # named by another id on the wire
    assert sorted(in_sql(site, "organization_id").values()) == sorted(organizations.values())
    assert site.sql("select bool_and(agrees), sum(difference) from cost_days") == [(True, 0)]


def test_usage_is_what_the_ledger_says(site: Site, served: Served) -> None:
    pull(site, served, "usage")
    [(tokens, requests)] = site.sql("select sum(total_tokens), sum(requests) from usage_rows")
    total = served.tenant.spend.totals(FIRST, TODAY)[()]
    assert (tokens, requests) == (total.tokens, total.requests)
    assert site.sql("select bool_and(agrees) from usage_days") == [(True,)]


def test_a_cost_row_has_what_chargeback_asks_of_it(site: Site, served: Served) -> None:
    pull(site, served)
    question = (
        "select day, organization_id, product, model, cost_type, token_type, actor_type, actor_id, actor_email, "
        "amount, list_amount, requests, commit_seq from cost_rows"
    )
    rows = site.sql(question)
    assert {row[6] for row in rows} >= {"user_actor", "service_account_actor", "api_actor", None}
    assert all(row[0] and row[1] and row[4] and row[9] is not None and row[10] >= row[9] for row in rows)
    assert len({row[:8] for row in rows}) > 50


def test_every_answer_is_archived_byte_for_byte_as_it_was_served(site: Site, served: Served) -> None:
    pull(site, served, page_limit=1000)
    stored = [
        zstandard.ZstdDecompressor().decompress(path.read_bytes())
        for path in sorted((site.root / "pages" / "cost").rglob("*.zst"))
    ]
    headers = {"x-api-key": served.keys["analytics"], "anthropic-beta": BETA}
    queries = [row[0] for row in site.sql("select query from audit_pages where stream = 'cost' order by page")]
    again = [httpx.get(f"{served.url}{COST}?{query}", headers=headers).content for query in queries]
    assert stored == again
    assert len(stored) >= 2


def test_a_window_costs_one_request_for_the_total_and_the_fewest_for_the_rows(site: Site, served: Served) -> None:
    report = pull(site, served, page_limit=50)
    [(groups,)] = site.sql(
        "select count(*) from (select distinct day, actor_id, actor_type, product, model, organization_id, "
        "context_window from cost_rows)"
    )
    assert (report.windows, report.asked) == (1, 1)
    assert report.requests == len(asked(served)) == 1 + 1 + math.ceil(groups / 50)


def test_a_second_pull_asks_one_small_question_and_adds_nothing(site: Site, served: Served) -> None:
    pull(site, served)
    entries = status_of(site, served)["entries"]
    report = pull(site, served)
    assert (report.windows, report.requests, report.asked) == (0, 1, 1)
    assert status_of(site, served)["entries"] == entries


def test_the_same_days_again_by_hand_add_no_version(site: Site, served: Served) -> None:
    pull(site, served)
    before = site.sql("select * exclude (observed_at) from cost_row_versions order by all")
    report = pull(site, served, start=FIRST, end=TODAY)
    assert (report.days, report.first, report.asked) == (0, 0, 0)
    assert report.unchanged == report.records > 0
    assert site.sql("select * exclude (observed_at) from cost_row_versions order by all") == before


def test_through_a_month_of_restatements_the_tables_follow_the_ledger_and_forget_nothing(
    site: Site, served: Served
) -> None:
    moments = []
    for _ in range(12):
        pull(site, served)
        moments.append((served.tenant.spend.refreshed_at(), served.clock.now()))
        end = served.clock.now().date()
        assert in_sql(site, "day") == truth(served, FIRST, end, "day")
        later(served, hours=68)
    for refreshed_at, known_at in moments:
        then = truth(served, FIRST, known_at.date(), "day", at=refreshed_at)
        assert in_sql(site, "day", table=f"cost_rows_as_of('{known_at.isoformat()}')") == then
    restated = site.sql("select count(*), count(distinct day) from cost_restatements where change <> 0")
    assert restated[0][0] > restated[0][1] > 10
    assert site.sql(
        "select count(*) from cost_restatements as r where change is distinct from (select sum(change) from "
        "cost_restated_rows as w where w.day = r.day and w.version = r.version) and change <> 0"
    ) == [(0,)]
    assert site.sql("select bool_and(agrees) from cost_days") == [(True,)]


def test_a_restatement_is_told_as_the_ledger_tells_it(site: Site, served: Served) -> None:
    pull(site, served)
    later(served, hours=72)
    pull(site, served)
    for day, before, after in site.sql("select day, amount_before, amount from cost_restatements"):
        history = [
            totals[()].amount
            for at, totals in served.tenant.spend.history(day)
            if () in totals and at.year == 2026
        ]
        assert int(before.scaleb(8)) in history
        assert int(after.scaleb(8)) == history[-1]


def test_days_are_asked_for_until_they_are_final_and_then_never_again(site: Site, served: Served) -> None:
    pull(site, served)
    later(served, days=31)
    served.tenant.requests.clear()
    pull(site, served)
    assert status_stream(site, served)["data_refreshed_at"] == "2026-12-23T08:00:00Z"
    later(served, hours=4)
    served.tenant.requests.clear()
    report = pull(site, served)
    assert report.windows == 1
    # of 45 days the youngest 30 may still move
    assert min(report.by_day) == "2026-11-23"
    assert site.sql("select min(day) filter (where not final), max(day) filter (where final) from cost_days") == [
        (date(2026, 11, 23), date(2026, 11, 22))
    ]


def test_the_hourly_question_is_one_request_and_knows_whether_the_figures_moved(
    site: Site, served: Served
) -> None:
    def moved() -> tuple[str, bool, int]:
        served.tenant.requests.clear()
        with open_spend(site, served) as workshop:
            return (*figures_moved(workshop), len(asked(served)))

    assert moved() == ("2026-11-22T08:00:00Z", True, 1)
    for stream in STREAMS:
        pull(site, served, stream)
    assert moved() == ("2026-11-22T08:00:00Z", False, 1)
    later(served, hours=4)
    assert moved() == ("2026-11-22T12:00:00Z", True, 1)


FAULTS: dict[str, dict[str, Any]] = {
    "rate_limit_429": {"seconds": 1},
    "error_500": {},
    "bad_gateway": {},
    "cut": {},
    "truncated_json": {},
    "no_data": {},
    "empty_page_claims_more": {},
    "full_page_without_has_more": {},
    "stale_cursor": {},
}


@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_that_passes_leaves_no_trace_in_the_tables(site: Site, served: Served, kind: str) -> None:
    served.faults.on(kind, next=2, skip=2, path=COST, **FAULTS[kind])
    report = pull(site, served)
    assert report.failed == []
    assert report.findings == []
    assert in_sql(site, "day", "product") == truth(served, FIRST, TODAY, "day", "product")


@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_that_stays_leaves_a_dead_window_that_the_next_run_takes_up(
    site: Site, served: Served, kind: str
) -> None:
    served.faults.on(kind, skip=3, path=COST, **FAULTS[kind])
    report = pull(site, served, tries=2)
    assert len(report.failed) == 1
    assert (report.days, in_sql(site)) == (0, {})
    [dead] = status_stream(site, served)["dead_windows"]
    assert dead["window"] == ["2026-11-08T00:00:00Z", "2026-11-22T00:00:00Z"]
    served.faults.clear()
    assert pull(site, served).days == DAYS
    assert in_sql(site, "day") == truth(served, FIRST, TODAY, "day")
    assert status_stream(site, served)["dead_windows"] == []


@pytest.mark.parametrize("kind", ["short_rows", "repeated_record"])
def test_rows_that_do_not_add_up_to_the_total_are_found_and_put_right_by_the_next_refresh(
    site: Site, served: Served, kind: str
) -> None:
    # the first request is the question, the second the total
    served.faults.on(kind, next=1, skip=2 if kind == "repeated_record" else 0, path=COST)
    report = pull(site, served)
    assert [finding["code"] for finding in report.findings] == ["grouped_differs"]
    assert site.sql("select count(*) from cost_days where not agrees") == [(1,)]
    later(served, hours=4)
    assert pull(site, served).findings == []
    assert in_sql(site, "day") == truth(served, FIRST, TODAY, "day")


def test_new_figures_in_mid_walk_begin_it_again_and_only_the_last_walk_counts(site: Site, served: Served) -> None:
    with open_spend(site, served, page_limit=20) as workshop:
        reports = workshop.spend["cost"]
        original = reports.client.get
        count = 0

        def get(*arguments: Any, **how: Any) -> Any:
            nonlocal count
            count += 1
            if count == 5:
                later(served, hours=4)
            return original(*arguments, **how)

        reports.client.get = get  # type: ignore[method-assign]
        report = pull_spend(workshop, "cost")
    assert report.failed == []
    assert report.refreshed_at == "2026-11-22T12:00:00Z"
    [(pages, firsts)] = site.sql(
        "select count(*), count(*) filter (where cursor_in is null) from audit_pages where stream = 'cost'"
    )
    assert (pages > 6, firsts) == (True, 4)
    assert in_sql(site, "day", "model") == truth(served, FIRST, TODAY, "day", "model")


@pytest.mark.parametrize("key", ["compliance", "directory"])
def test_a_key_without_the_scope_is_trouble_that_names_the_setting(site: Site, served: Served, key: str) -> None:
    with pytest.raises(AuthenticationTrouble, match=r"anthropic\.keys\.analytics"):
        pull(site, served, key=key)
    assert not list(site.root.rglob("pages/*"))


def test_days_that_are_not_whole_yet_are_refused_by_hand(site: Site, served: Served) -> None:
    with pytest.raises(WindowRefused, match="last whole day is 2026-11-21"):
        pull(site, served, start=TODAY)


@pytest.fixture
def quarter(served: Served, tmp_path: Path) -> Site:
    """A site that has 82 days to read: three windows."""
    return Site(tmp_path / "quarter", served.url, served.keys["compliance"], date(2026, 9, 1))


def test_a_quarter_is_three_windows_each_a_commit_of_its_own(quarter: Site, served: Served) -> None:
    report = pull(quarter, served, page_limit=1000)
    assert (report.windows, report.days, len(report.seqs)) == (3, 82, 3)
    assert in_sql(quarter, "day") == truth(served, date(2026, 9, 1), TODAY, "day")
    assert quarter.sql("select seq from log_entries where kind = 'pull' order by seq") == [(1,), (3,), (5,)]


def test_trouble_in_a_later_window_leaves_the_earlier_ones_committed_and_the_next_run_asks_for_the_rest_only(
    quarter: Site, served: Served
) -> None:
    served.faults.on("expired_key", path=COST, query="starting_at=2026-09-21")
    with pytest.raises(AuthenticationTrouble):
        pull(quarter, served, page_limit=1000)
    [(first, last)] = quarter.sql("select min(day), max(day) from cost_days")
    assert (first, last) == (date(2026, 10, 22), date(2026, 11, 21))
    served.faults.clear()
    report = pull(quarter, served, page_limit=1000)
    assert (report.windows, report.days, report.unchanged) == (2, 51, 0)
    assert in_sql(quarter, "day") == truth(served, date(2026, 9, 1), TODAY, "day")


def test_who_stops_listening_in_the_middle_leaves_nothing_half_done(quarter: Site, served: Served) -> None:
    windows = [Window(midnight(a), midnight(b)) for a, b in _TWO]
    with open_spend(quarter, served) as workshop:
        reports = pull_spend_windows(workshop, "cost", windows)
        next(reports)
        reports.close()  # type: ignore[attr-defined]
    assert status_stream(quarter, served)["pending_fold"] == 0
    assert in_sql(quarter, "day") == truth(served, date(2026, 11, 1), TODAY, "day")


@pytest.fixture(scope="module")
def small() -> Iterator[Served]:
    with serve(Tenant(seed=3, users=2, days=1, clock="2026-11-22T10:00:00Z", analytics_rate_limit=0)) as running:
        yield running


def two_days(site: Site, served: Served, mortal: Counted | None = None) -> None:
    with open_spend(site, served, page_limit=15) as workshop:
        if mortal is not None:
            give(workshop, mortal)
        pull_spend(workshop, "cost")


def test_a_pull_killed_at_any_put_is_completed_by_the_next(small: Served, tmp_path: Path) -> None:
    start = date(2026, 11, 20)

    def new(name: str) -> Site:
        return Site(tmp_path / name, small.url, small.keys["compliance"], start)

    whole = new("whole")
    counted = Counted(whole.store())
    two_days(whole, small, counted)
    rows = in_sql(whole, "row_key")
    assert rows
    for last in range(1, counted.puts + 1):
        site = new(str(last))
        with pytest.raises(Died):
            two_days(site, small, Mortal(site.store(), last, before=last % 2 == 0))
        two_days(site, small)
        assert in_sql(site, "row_key") == rows
        assert site.sql("select max(version), count(*) from cost_day_versions") == [(1, 2)]
        with site.open() as workshop:  # by the real clock, which dates the files
            adopt_orphans(workshop.archive, grace=timedelta(0))
            assert verify(workshop.archive.store, deep=True).findings == []


def test_another_writer_at_any_put_doubles_nothing(small: Served, tmp_path: Path) -> None:
    start = date(2026, 11, 20)
    whole = Site(tmp_path / "whole", small.url, small.keys["compliance"], start)
    counted = Counted(whole.store())
    two_days(whole, small, counted)
    rows = in_sql(whole, "row_key")
    for number in range(1, counted.puts + 1, 2):
        site = Site(tmp_path / str(number), small.url, small.keys["compliance"], start)

        def another(put: int, site: Site = site, number: int = number) -> None:
            if put == number:
                two_days(site, small)

        two_days(site, small, Counted(site.store(), another))
        assert in_sql(site, "row_key") == rows
        assert site.sql("select max(version), count(*) from cost_day_versions") == [(1, 2)]


def status_of(site: Site, served: Served) -> dict[str, Any]:
    with site.open(for_writing=False, clock=served.clock.now) as workshop:
        return status(workshop)


def status_stream(site: Site, served: Served, stream: Stream = "cost") -> dict[str, Any]:
    (found,) = (one for one in status_of(site, served)["streams"] if one["stream"] == stream)
    return dict(found)


def test_status_tells_how_far_usage_and_cost_go_and_finds_nothing_wrong_with_restatements(
    site: Site, served: Served
) -> None:
    pull(site, served)
    later(served, days=3)
    pull(site, served)
    stream = status_stream(site, served)
    assert (stream["covered_from"], stream["covered_to"]) == ("2026-11-08T00:00:00Z", "2026-11-25T00:00:00Z")
    assert stream["data_refreshed_at"] == "2026-11-25T08:00:00Z"
    assert stream["revised"] + stream["withdrawn"] > 0
    assert stream["gaps"] == []
    assert [finding for finding in status_of(site, served)["findings"] if "cost" in finding["subject"]] == []
    assert json.dumps(status_of(site, served))
