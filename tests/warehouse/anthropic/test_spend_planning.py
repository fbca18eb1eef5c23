"""Which days of usage and cost are asked for: whole, settled, few windows, again until final."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse.anthropic.errors import WindowRefused
from warehouse.anthropic.spend import LONGEST_WINDOW
from warehouse.anthropic.spend_planning import cut, due_days, first_day, requested_days
from warehouse.wire.times import midnight, rfc3339
from warehouse.wire.windows import Window, gaps, merge

REFRESHED = datetime(2026, 11, 22, 8, tzinfo=UTC)
FIRST = date(2026, 1, 1)


def days(first: str, last: str) -> Window:
    """Whole days, the last one not included."""
    return Window(midnight(date.fromisoformat(first)), midnight(date.fromisoformat(last)))


def test_nothing_before_2026_and_nothing_older_than_a_year_is_asked_for() -> None:
    assert first_day(REFRESHED, date(2024, 5, 1)) == FIRST
    assert first_day(REFRESHED, date(2026, 3, 1)) == date(2026, 3, 1)
    assert first_day(datetime(2027, 6, 2, 10, tzinfo=UTC), FIRST) == date(2026, 6, 3)


def test_the_first_pull_reads_history_in_the_fewest_windows_newest_first() -> None:
    windows = due_days([], {}, REFRESHED, first=FIRST)
    assert len(windows) == 11  # 325 days
    assert windows[0] == days("2026-10-22", "2026-11-22")
    assert windows[-1].start == midnight(FIRST)
    assert merge(windows) == [days("2026-01-01", "2026-11-22")]


def test_a_year_is_twelve_windows() -> None:
    refreshed = datetime(2027, 6, 2, 10, tzinfo=UTC)
    windows = due_days([], {}, refreshed, first=refreshed.date() - timedelta(days=365))
    assert len(windows) == 12


def test_after_a_refresh_the_days_that_were_not_final_are_read_again_in_one_window() -> None:
    covered = [days("2026-01-01", "2026-11-21")]
    unsettled = {str(date(2026, 10, 22) + timedelta(days=n)): "2026-11-21T20:00:00Z" for n in range(30)}
    assert due_days(covered, unsettled, REFRESHED, first=FIRST) == [days("2026-10-22", "2026-11-22")]


def test_nothing_is_due_where_the_figures_have_not_moved() -> None:
    covered = [days("2026-01-01", "2026-11-22")]
    unsettled = {str(date(2026, 10, 23) + timedelta(days=n)): rfc3339(REFRESHED) for n in range(30)}
    assert due_days(covered, unsettled, REFRESHED, first=FIRST) == []


def test_a_day_that_was_young_when_it_was_last_read_is_read_again_however_long_ago() -> None:
    covered = [days("2026-01-01", "2026-11-22")]
    unsettled = {"2026-03-03": "2026-03-08T08:00:00Z"}
    assert due_days(covered, unsettled, REFRESHED, first=FIRST) == [days("2026-03-03", "2026-03-04")]


def test_the_day_that_the_figures_have_only_begun_is_left_for_later() -> None:
    assert requested_days(
        midnight(date(2026, 11, 20)), datetime(2026, 11, 22, 7, tzinfo=UTC), refreshed_at=REFRESHED, first=FIRST
    ) == [days("2026-11-20", "2026-11-22")]


def test_a_range_is_widened_to_whole_days() -> None:
    begin, end = datetime(2026, 11, 18, 13, tzinfo=UTC), datetime(2026, 11, 19, 1, tzinfo=UTC)
    assert requested_days(begin, end, refreshed_at=REFRESHED, first=FIRST) == [days("2026-11-18", "2026-11-20")]


QUARTER = {"begin": midnight(date(2026, 7, 1)), "end": midnight(date(2026, 10, 1))}


def test_a_range_that_was_read_in_part_is_gone_on_with_where_it_was() -> None:
    whole = requested_days(**QUARTER, refreshed_at=REFRESHED, first=FIRST)
    assert whole == [
        days("2026-08-31", "2026-10-01"),
        days("2026-07-31", "2026-08-31"),
        days("2026-07-01", "2026-07-31"),
    ]
    for read in range(3):
        assert requested_days(**QUARTER, refreshed_at=REFRESHED, first=FIRST, covered=whole[:read]) == whole[read:]


def test_a_range_that_was_read_to_its_end_is_read_again_unless_only_the_rest_is_wanted() -> None:
    held = {"covered": [days("2026-06-01", "2026-11-01")], "refreshed_at": REFRESHED, "first": FIRST}
    assert len(requested_days(**QUARTER, **held)) == 3
    assert requested_days(**QUARTER, **held, again=False) == []


def test_what_may_have_moved_of_a_range_is_asked_for_with_what_is_missing_and_no_more() -> None:
    begin, end = midnight(date(2026, 10, 1)), midnight(date(2026, 11, 22))
    held = {
        "refreshed_at": REFRESHED,
        "first": FIRST,
        "again": False,
        "covered": [days("2026-10-01", "2026-11-22")],
    }
    old, new = "2026-11-21T20:00:00Z", rfc3339(REFRESHED)
    assert requested_days(begin, end, unsettled={"2026-11-20": old, "2026-11-21": new}, **held) == [
        days("2026-11-20", "2026-11-21")
    ]
    held["covered"] = [days("2026-10-01", "2026-11-21")]
    assert requested_days(begin, end, unsettled={"2026-11-20": new}, **held) == [days("2026-11-21", "2026-11-22")]


def test_again_reads_all_of_a_range_though_some_of_it_is_held() -> None:
    held = {"covered": [days("2026-08-31", "2026-10-01")], "refreshed_at": REFRESHED, "first": FIRST}
    assert len(requested_days(**QUARTER, **held, again=True)) == 3


@pytest.mark.parametrize(
    ("begin", "end", "parameter", "says"),
    [
        ("2026-11-20", "2026-11-19", "from", "not before"),
        ("2025-12-31", "2026-02-01", "from", "nothing before 2026-01-01"),
        ("2026-11-22", None, "from", "last whole day is 2026-11-21"),
    ],
)
def test_a_range_that_nobody_should_ask_for_is_refused(
    begin: str, end: str | None, parameter: str, says: str
) -> None:
    last = midnight(date.fromisoformat(end)) if end else None
    with pytest.raises(WindowRefused, match=says) as raised:
        requested_days(midnight(date.fromisoformat(begin)), last, refreshed_at=REFRESHED, first=FIRST)
    assert raised.value.parameter == parameter


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(1, 60)), max_size=8))
def test_windows_hold_every_due_day_are_short_enough_and_do_not_overlap(spans: list[tuple[int, int]]) -> None:
    wanted = [
        Window(midnight(FIRST) + timedelta(days=start), midnight(FIRST) + timedelta(days=start + length))
        for start, length in spans
    ]
    windows = cut(wanted)
    assert all(window.length <= LONGEST_WINDOW for window in windows)
    assert windows == sorted(windows, reverse=True)
    assert all(not gaps(windows, window) for window in wanted)
    assert sum((window.length for window in windows), timedelta()) == sum(
        (window.length for window in merge(windows)), timedelta()
    )
    if wanted:
        days_wanted = {day for window in wanted for day in window.days()}
        span = (max(days_wanted) - min(days_wanted)).days + 1
        assert len(windows) <= -(-span // 31)
