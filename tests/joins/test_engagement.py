"""Engagement: days as the vendor counts them, read again until they settle, versions of what was revised."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import anthropic
import pytest

from assets.engagement_pulling import pull_engagement
from assets.pull_report import PullReport
from assets.status import status
from assets.workshop import Workshop
from sandbox import Served, Tenant, serve
from tests.promises.conftest import Command, ledgerline
from tests.promises.mortal import Counted, Died, Mortal, give
from tests.promises.site import Site
from warehouse.anthropic.budget import Budget
from warehouse.anthropic.engagement import ENDPOINTS, STREAMS, Engagement, EngagementReports
from warehouse.anthropic.errors import AuthenticationTrouble, WindowRefused
from warehouse.anthropic.http import Client
from warehouse.anthropic.patience import Patience, Timeouts
from warehouse.anthropic.surfaces import ANALYTICS
from warehouse.archive.adopt import adopt_orphans
from warehouse.archive.verify import verify
from warehouse.tables.engagement.schema import BY_STREAM
from warehouse.tables.rederive import rederive
from warehouse.wire.times import midnight

__all__ = ["ledgerline"]

FIRST, LAST = date(2026, 11, 15), date(2026, 11, 20)
PREFIX = "/v1/organizations/analytics/"


def tenant(**how: Any) -> Tenant:
    return Tenant(
        **{"seed": 5, "users": 12, "days": 1, "clock": "2026-11-21T12:00:00Z", "analytics_rate_limit": 0} | how
    )


@pytest.fixture
def served() -> Iterator[Served]:
    with serve(tenant()) as running:
        yield running


@pytest.fixture
def site(served: Served, tmp_path: Path) -> Site:
    env = {"LEDGERLINE_ANALYTICS_KEY": served.keys["analytics"]}
    return Site(tmp_path / "site", served.url, served.keys["compliance"], FIRST, env=env)


@contextmanager
def opened(site: Site, served: Served, *, page_limit: int = 5, key: str = "analytics") -> Iterator[Workshop]:
    with site.open(clock=served.clock.now) as workshop:
        client = Client(
            ANALYTICS,
            base_url=served.url,
            key=lambda: served.keys[key],
            writer=workshop.archive.writer,
            budget=Budget(60_000),
            patience=Patience(tries=2, first=0.005),
            timeouts=Timeouts(read=5),
            clock=served.clock.now,
            sleep=lambda seconds: None,
        )
        with client:
            workshop.engagement = {name: EngagementReports(client, name, page_limit) for name in ENDPOINTS}
            yield workshop


def pull(
    site: Site,
    served: Served,
    stream: Engagement = "engagement_users",
    start: date | None = None,
    end: date | None = None,
    **how: Any,
) -> PullReport:
    with opened(site, served, **how) as workshop:
        return pull_engagement(workshop, stream, start=start and midnight(start), end=end and midnight(end))


def independent(served: Served) -> Any:
    """The vendor's own package, which knows nothing of us."""
    made = anthropic.Anthropic(
        api_key=served.keys["analytics"], base_url=served.url, max_retries=0, _strict_response_validation=True
    )
    return made.organization.analytics


def days(first: date = FIRST, last: date = LAST) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def test_people_s_days_are_what_an_independent_client_reads(site: Site, served: Served) -> None:
    report = pull(site, served)
    assert report.failed == []
    truth = sorted(
        (day, row.user.id, row.user.email_address, row.chat_metrics.message_count,
         row.claude_code_metrics.core_metrics.commit_count,
         row.claude_code_metrics.core_metrics.lines_of_code.added_count,
         row.claude_code_metrics.tool_actions.edit_tool.accepted_count,
         row.cowork_metrics.distinct_session_count, row.office_metrics.excel.message_count,
         row.design_metrics.message_count, row.web_search_count)
        for day in days()
        for row in independent(served).users.list(date=str(day))
    )  # fmt: skip
    rows = site.sql(
        "select day, user_id, user_email, chat_message_count, claude_code_commit_count, "
        "claude_code_lines_added_count, claude_code_edit_tool_accepted_count, cowork_distinct_session_count, "
        "office_excel_message_count, design_message_count, web_search_count from engagement_users order by 1, 2"
    )
    assert rows == truth
    assert len(rows) > 20


@pytest.mark.parametrize("stream", [name for name in STREAMS if name != "engagement_users"])
def test_every_other_stream_has_a_row_for_each_of_the_independent_client_s(
    site: Site, served: Served, stream: Engagement
) -> None:
    report = pull(site, served, stream)
    api = independent(served)
    if stream == "summaries":
        truth = list(api.summaries.list(starting_date=str(FIRST), ending_date=str(LAST + timedelta(days=1))))
        assert report.requests == 1
    else:
        endpoint = api.apps.chat.projects if stream == "projects" else getattr(api, stream)
        truth = [row for day in days() for row in endpoint.list(date=str(day))]
    measure = BY_STREAM[stream]
    assert report.first == len(truth) > 3
    columns = [column for column in measure.columns if column.form == "count"]
    sums = ", ".join(f"sum({column.name})" for column in columns)
    [found] = site.sql(f"select {sums} from {measure.table}")

    def total(path: str) -> int | None:
        values = []
        for row in truth:
            value: Any = row.model_dump()
            for name in path.split("."):
                value = value.get(name) if isinstance(value, dict) else None
            values += [] if value is None else [value]
        return sum(values) if values else None

    assert dict(zip([c.name for c in columns], found, strict=True)) == {c.name: total(c.path) for c in columns}
    assert site.sql(f"select distinct unknown_fields from {measure.table}") == [(None,)]


def test_what_a_skill_costs_is_a_decimal_in_units_of_the_currency(site: Site, served: Served) -> None:
    pull(site, served, "skills")
    wire = sum(
        Decimal(row.attributed_list_price)
        for day in days()
        for row in independent(served).skills.list(date=str(day))
    )
    [(total, currency)] = site.sql("select sum(attributed_list_price), min(currency) from engagement_skills")
    assert (total, currency) == (wire / 100, "USD")


def test_adoption_is_kept_as_the_exact_number_that_was_served(site: Site, served: Served) -> None:
    pull(site, served, "summaries")
    api = list(
        independent(served).summaries.list(starting_date=str(LAST), ending_date=str(LAST + timedelta(days=1)))
    )
    [(rate, seats)] = site.sql(
        "select daily_adoption_rate, assigned_seat_count from engagement_summaries order by day desc limit 1"
    )
    assert (rate, seats) == (Decimal(str(api[0].daily_adoption_rate)), api[0].assigned_seat_count)


def test_days_are_asked_for_again_after_each_counting_until_they_are_a_week_old(
    site: Site, served: Served
) -> None:
    assert len(pull(site, served, page_limit=1000).seqs) == 1
    assert pull(site, served).windows == 0
    served.clock.advance(timedelta(hours=23).total_seconds())
    report = pull(site, served, page_limit=1000)
    assert report.requests == 7  # of the six days none is a week old, and one is new
    served.clock.advance(timedelta(days=30).total_seconds())
    pull(site, served, page_limit=1000)
    served.clock.advance(timedelta(days=1).total_seconds())
    assert pull(site, served, page_limit=1000).requests == 7  # six that are younger, and a new one
    sql = "select count(*), count(distinct day || user_id) from engagement_users"
    [(rows, distinct)] = site.sql(sql)
    assert rows == distinct


def test_figures_that_were_revised_are_versions_and_the_newest_are_what_is_served_now(tmp_path: Path) -> None:
    with serve(tenant(users=120)) as served:
        site = Site(tmp_path / "site", served.url, served.keys["compliance"], LAST)
        pull(site, served, "connectors")
        then = served.clock.now().isoformat()
        figures = "select sum(read_call_count), sum(write_call_count), sum(distinct_user_count) from {}"
        before = site.sql(figures.format("engagement_connectors"))
        served.clock.advance(timedelta(days=4).total_seconds())
        report = pull(site, served, "connectors", LAST, LAST + timedelta(days=1))
        assert report.revised > 0
        rows = list(independent(served).connectors.list(date=str(LAST)))
        now = tuple(
            sum(getattr(row, name) for row in rows)
            for name in ("read_call_count", "write_call_count", "distinct_user_count")
        )
        assert site.sql(figures.format("engagement_connectors")) == [now]
        assert site.sql(figures.format(f"engagement_connectors_as_of('{then}')")) == before != [now]


def test_a_day_is_not_asked_for_before_it_is_counted(site: Site, served: Served) -> None:
    served.clock.advance(-timedelta(hours=3).total_seconds())
    pull(site, served, "artifacts")
    assert site.sql("select max(day) from engagement_artifacts") == [(LAST - timedelta(days=1),)]
    with pytest.raises(WindowRefused, match="The newest counted day is 2026-11-19"):
        pull(site, served, "artifacts", LAST)


def test_a_day_that_the_vendor_is_late_with_fails_nothing_and_is_taken_up_later(
    site: Site, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    engagement = type(served.tenant.engagement)
    usual = engagement.newest_day
    monkeypatch.setattr(engagement, "newest_day", staticmethod(lambda now: usual(now) - timedelta(days=2)))
    report = pull(site, served)
    assert (report.failed, report.findings) == ([], [])
    assert site.sql("select max(day) from engagement_users") == [(LAST - timedelta(days=2),)]
    monkeypatch.setattr(engagement, "newest_day", staticmethod(usual))
    pull(site, served)
    assert site.sql("select max(day) from engagement_users") == [(LAST,)]


def test_days_older_than_the_vendor_serves_are_said_and_the_others_had(tmp_path: Path) -> None:
    with serve(tenant(quirks=("engagement_90_days",), users=3)) as served:
        site = Site(tmp_path / "site", served.url, served.keys["compliance"], date(2026, 5, 1))
        due = pull(site, served, "plugins", page_limit=1000)
        assert due.failed == []
        assert site.sql("select min(day) >= '2026-08-23' from engagement_plugins") == [(True,)]
        asked = pull(site, served, "plugins", date(2026, 6, 1), page_limit=1000)
        assert len(asked.failed) == 1
        assert "Days before 2026-08-23 are not served" in asked.failed[0]["error"]
        with site.open(for_writing=False, clock=served.clock.now) as workshop:
            [stream] = status(workshop)["streams"]
            assert (stream["covered_from"][:10], stream["gaps"], stream["dead_windows"]) == ("2026-08-23", [], [])
            assert verify(workshop.archive.store, deep=True).findings == []


def test_a_range_of_which_the_begin_is_too_old_is_had_from_where_it_is_served(tmp_path: Path) -> None:
    with serve(tenant(quirks=("engagement_90_days",), users=3)) as served:
        site = Site(tmp_path / "site", served.url, served.keys["compliance"], date(2026, 5, 1))
        report = pull(site, served, "summaries", date(2026, 6, 1))
        assert len(report.failed) == 1
        assert report.requests == 2
        assert site.sql("select min(day), max(day) from engagement_summaries") == [(date(2026, 8, 23), LAST)]


def test_a_server_that_cannot_be_reached_is_not_tried_for_each_window(tmp_path: Path) -> None:
    with serve(tenant(users=3)) as served:
        site = Site(tmp_path / "site", served.url, served.keys["compliance"], date(2026, 5, 1))
    report = pull(site, served, "skills")
    assert (len(report.failed), report.not_tried) == (1, 2)


@pytest.mark.parametrize("kind", ["truncated_json", "error_500", "empty_page_claims_more"])
def test_a_pull_that_failed_half_way_takes_nothing_back(site: Site, served: Served, kind: str) -> None:
    pull(site, served)
    rows = site.sql("select count(*) from engagement_users")
    served.clock.advance(timedelta(days=1).total_seconds())
    served.faults.on(kind, skip=3)
    report = pull(site, served)
    assert len(report.failed) == 1
    [(later,)] = site.sql("select count(*) from engagement_users")
    assert later >= rows[0][0]
    with site.open(for_writing=False, clock=served.clock.now) as workshop:
        assert "dead_window" in {one["code"] for one in status(workshop)["findings"]}
    served.faults.clear()
    assert pull(site, served).failed == []
    with site.open(for_writing=False, clock=served.clock.now) as workshop:
        assert [one for one in status(workshop)["findings"] if one["code"] in ("gap", "dead_window")] == []


def test_a_cursor_that_dies_begins_the_day_again_and_no_row_counts_twice(site: Site, served: Served) -> None:
    served.faults.on("stale_cursor", next=1)
    report = pull(site, served, page_limit=3)
    assert report.failed == []
    truth = sum(len(list(independent(served).users.list(date=str(day)))) for day in days())
    assert site.sql("select count(*) from engagement_users") == [(truth,)]


def test_the_former_name_of_the_array_is_read_too(tmp_path: Path) -> None:
    with serve(tenant(quirks=("summaries_array",), users=3)) as served:
        site = Site(tmp_path / "site", served.url, served.keys["compliance"], FIRST)
        assert pull(site, served, "summaries").first == len(days())
        with site.open(for_writing=False) as workshop:
            assert verify(workshop.archive.store, deep=True).findings == []


def test_a_key_without_the_scope_is_trouble_that_names_the_setting(site: Site, served: Served) -> None:
    with pytest.raises(AuthenticationTrouble, match=r"anthropic\.keys\.analytics"):
        pull(site, served, key="directory")


def test_a_pull_killed_at_any_put_is_completed_by_the_next(site: Site, served: Served, tmp_path: Path) -> None:
    def new(name: str) -> Site:
        return Site(tmp_path / name, served.url, served.keys["compliance"], FIRST)

    def work(at: Site, store: Counted) -> None:
        with opened(at, served, page_limit=1000) as workshop:
            give(workshop, store)
            pull_engagement(workshop, "projects")

    counted = Counted(site.store())
    work(site, counted)
    rows = site.sql("select record_key, version from engagement_project_versions order by all")
    for last in range(1, counted.puts + 1, 3):
        at = new(str(last))
        with pytest.raises(Died):
            work(at, Mortal(at.store(), last, before=last % 2 == 0))
        pull(at, served, "projects")
        assert at.sql("select record_key, version from engagement_project_versions order by all") == rows
        with at.open() as workshop:  # by the real clock, which dates the files
            adopt_orphans(workshop.archive, grace=timedelta(0))
            assert verify(workshop.archive.store, deep=True).findings == []


def test_the_archive_verifies_with_its_tables_made_again_and_status_finds_nothing(
    site: Site, served: Served
) -> None:
    for stream in STREAMS:
        pull(site, served, stream)
    served.clock.advance(timedelta(days=3).total_seconds())
    for stream in STREAMS:
        pull(site, served, stream)
    with site.open(for_writing=False, clock=served.clock.now) as workshop:
        result = verify(workshop.archive.store, deep=True)
        rederive(workshop.archive, workshop.parser, result)
        assert result.findings == []
        assert [note for note in result.notes if "made again" in note] == []
        document = status(workshop)
        assert document["findings"] == []
        assert {one["stream"]: one["gaps"] for one in document["streams"]} == {name: [] for name in STREAMS}
        assert all(one["records"] for one in document["streams"])


def test_the_command_pulls_all_of_engagement_by_one_name(site: Site, served: Served, ledgerline: Command) -> None:
    site.configure(start=LAST)
    report = ledgerline(site, "pull", "engagement", "--from", str(LAST), "--to", "2026-11-21", "--json").json()
    assert [one["stream"] for one in report["pulls"]] == list(STREAMS)
    assert all(one["first"] for one in report["pulls"])
