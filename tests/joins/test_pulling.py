"""Pull, commit, fold as one piece of work: what is asked, in which order, what is told, what a failure leaves."""

import math
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest

import assets.pulling
from assets.pull_report import PullReport
from assets.pulling import pull_activities, pull_windows
from tests.promises.conftest import Standing
from tests.promises.quick import open_quickly, pull
from tests.promises.site import Site
from warehouse.anthropic.errors import StreamTrouble
from warehouse.archive.verify import verify
from warehouse.wire.times import midnight
from warehouse.wire.windows import Window, split_days

FIRST, DAY, NEXT, TODAY = date(2026, 11, 18), date(2026, 11, 20), date(2026, 11, 21), date(2026, 11, 22)


class Listener:
    """A progress that writes down what it hears."""

    def __init__(self) -> None:
        self.heard: list[Any] = []

    def start(self, windows: int) -> None:
        self.heard.append(windows)

    def window_done(self, window: Window | str, pages: int = 0, records: int = 0) -> None:
        self.heard.append((str(window), pages, records))

    def note(self, text: str) -> None:
        self.heard.append(text)


def truth_in_sql(site: Site) -> list[bytes]:
    return [raw.encode() for (raw,) in site.sql("select raw from audit_events order by created_at, id")]


def test_a_report_has_what_scripts_rely_on(standing: Standing) -> None:
    served, site = standing()
    report = pull(site, served, DAY, NEXT).as_dict()
    promised = {
        "stream", "windows", "requests", "pages", "records", "first", "revised", "withdrawn", "unchanged",
        "unknown_types", "seqs",
    }  # fmt: skip
    assert promised <= set(report)
    truth = served.tenant.records(midnight(DAY), midnight(NEXT))
    assert report["stream"] == "activities"
    assert report["records"] == report["first"] == len(truth)
    assert (report["windows"], report["seqs"]) == (1, [1])
    assert report["bytes"] == sum(
        path.stat().st_size
        for part in ("pages", "tables")
        for path in (site.root / part).rglob("*")
        if path.is_file()
    )


def test_days_are_read_newest_first_one_window_each_and_progress_hears_of_all(standing: Standing) -> None:
    served, site = standing()
    listener = Listener()
    with open_quickly(site, served) as workshop:
        report = pull_activities(workshop, start=midnight(FIRST), end=midnight(TODAY), progress=listener)
    windows = split_days(Window(midnight(FIRST), midnight(TODAY)))[::-1]
    assert listener.heard[0] == len(windows) == report.windows
    assert [heard[0] for heard in listener.heard[1:]] == [str(window) for window in windows]
    assert sum(heard[1] for heard in listener.heard[1:]) == report.pages
    assert sum(heard[2] for heard in listener.heard[1:]) == report.records


@pytest.mark.parametrize("limit", [7, 40, 5000])
def test_a_window_of_n_records_costs_n_by_the_limit_requests(standing: Standing, limit: int) -> None:
    served, site = standing()
    report = pull(site, served, DAY, NEXT, page_limit=limit)
    records = len(served.tenant.records(midnight(DAY), midnight(NEXT)))
    assert report.requests == report.pages == math.ceil(records / limit)


def test_a_window_too_large_for_memory_is_folded_from_the_archive_with_the_same_rows(
    standing: Standing, monkeypatch: pytest.MonkeyPatch
) -> None:
    served, site = standing()
    _, other = standing()
    pull(site, served, DAY, NEXT)
    monkeypatch.setattr(assets.pulling, "_ROWS_IN_MEMORY", 50)
    pull(other, served, DAY, NEXT)
    assert truth_in_sql(other) == truth_in_sql(site) == served.tenant.records(midnight(DAY), midnight(NEXT))
    question = "select * exclude (observed_at) from audit_event_versions order by id"
    assert other.sql(question) == site.sql(question)


def test_trouble_in_a_later_window_leaves_the_earlier_ones_folded_and_signed(standing: Standing) -> None:
    served, site = standing()
    served.faults.on("expired_key", skip=2)
    with pytest.raises(StreamTrouble):
        pull(site, served, FIRST, TODAY, page_limit=5000)
    assert truth_in_sql(site) == served.tenant.records(midnight(DAY), midnight(TODAY))
    with site.open(for_writing=False) as workshop:
        assert workshop.archive.refresh().stream("activities").pending_fold == {}
        assert verify(workshop.archive.store).findings == []


def test_who_stops_listening_in_the_middle_leaves_nothing_half_done(standing: Standing) -> None:
    served, site = standing()
    windows = split_days(Window(midnight(FIRST), midnight(TODAY)))
    with open_quickly(site, served) as workshop:
        reports: Iterator[tuple[Window, PullReport]] = pull_windows(workshop, windows)
        next(reports)
        reports.close()  # type: ignore[attr-defined]
    with site.open(for_writing=False) as workshop:
        stream = workshop.archive.refresh().stream("activities")
        assert stream.pending_fold == {}
        assert truth_in_sql(site) == served.tenant.records(stream.covered[0].start, stream.covered[-1].end)


def test_a_failed_second_look_at_yesterday_is_told_and_tried_again_by_the_next_run(standing: Standing) -> None:
    served, site = standing()
    pull(site, served)
    served.clock.advance(20 * 3600)
    served.faults.on("error_500_final", skip=2, next=1)  # the tail is two days; the look at yesterday comes last
    first = pull(site, served, page_limit=5000)
    assert [failed["window"] for failed in first.failed] == ["[2026-11-22T00:00:00Z, 2026-11-23T00:00:00Z)"]
    assert f"{TODAY}" not in first.sealed
    second = pull(site, served)
    assert (second.windows, second.failed) == (1, [])
    assert second.sealed == [f"{TODAY}"]


def test_what_is_due_reads_yesterday_once_more_and_seals_it_and_a_window_by_hand_seals_nothing(
    standing: Standing,
) -> None:
    served, site = standing()
    by_hand = pull(site, served, FIRST, TODAY)
    assert by_hand.sealed == []
    served.clock.advance(20 * 3600)  # the 23rd, six o'clock: the 22nd has settled
    first = pull(site, served)
    assert first.sealed == [f"2026-11-{day}" for day in (18, 19, 20, 21, 22)]
    again = pull(site, served)
    assert (again.windows, again.sealed) == (0, [])
    end = served.clock.now() - timedelta(minutes=2)
    assert truth_in_sql(site) == served.tenant.records(None, end)


def test_many_windows_are_given_to_further_processes_where_there_are_any(standing: Standing) -> None:
    served, site = standing()
    given: list[list[Window]] = []

    def others(windows: list[Window]) -> Iterator[tuple[Window, PullReport]]:
        given.append(windows)
        for window in windows:
            yield window, PullReport(windows=1, records=3)

    hours = [Window(midnight(DAY) + timedelta(hours=h), midnight(DAY) + timedelta(hours=h + 1)) for h in range(12)]
    with open_quickly(site, served) as workshop:
        workshop.elsewhere = others
        assert [window for window, _ in pull_windows(workshop, hours[:3])] == hours[:3]
        assert given == []
        assert [window for window, _ in pull_windows(workshop, hours)] == hours
        assert given == [hours[1:]]  # the first shows that the server is there
