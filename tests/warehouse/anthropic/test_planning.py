"""Which windows are due: pure functions, tested over many coverages."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from warehouse.anthropic.errors import WindowRefused
from warehouse.anthropic.planning import (
    LAG,
    OVERLAP,
    WEEKLY,
    due_windows,
    horizon,
    requested_windows,
    reread_window,
    tail_window,
)
from warehouse.wire.windows import Window, gaps, merge

START = datetime(2026, 11, 1, tzinfo=UTC)
NOW = datetime(2026, 11, 22, 10, 0, 7, 250_000, tzinfo=UTC)
SETTLED = datetime(2026, 11, 22, 9, 58, 7, tzinfo=UTC)
SECONDS = int((NOW - START).total_seconds())


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-11-{text}+00:00")


def window(begin: str, end: str) -> Window:
    return Window(at(begin), at(end))


def total(windows: Iterable[Window]) -> timedelta:
    return sum((part.length for part in windows), timedelta(0))


moments = st.integers(-200_000, SECONDS + 200_000).map(lambda second: START + timedelta(seconds=second))
lengths = st.integers(1, 400_000).map(lambda seconds: timedelta(seconds=seconds))
coverages = st.lists(st.builds(lambda start, length: Window(start, start + length), moments, lengths), max_size=12)


@given(coverages, st.integers(0, SECONDS))
@example([], SECONDS)
@example([Window(START, SETTLED)], SECONDS)
@example([Window(START - timedelta(days=9), NOW + timedelta(days=9))], SECONDS)
def test_covered_and_due_together_are_the_whole_settled_span(covered: list[Window], second: int) -> None:
    now = START + timedelta(seconds=second)
    due = due_windows(covered, now, start=START)
    end = horizon(now)
    if end <= START:
        assert due == []
        return
    span = Window(START, end)
    assert gaps([*covered, *due], span) == []
    assert all(part.start >= START and part.end <= end for part in due)
    assert all(len(part.days()) == 1 for part in due)
    # Nothing is read twice but the overlap before the newest covered moment.
    fresh = gaps(covered, span)
    assert total(again for part in due for again in gaps(fresh, part)) <= OVERLAP
    assert total(merge(due)) == total(due)
    assert due == due_windows(list(reversed(covered)), now, start=START)
    assert due == sorted(due, reverse=True)


def test_nothing_covered_means_everything_newest_day_first() -> None:
    due = due_windows([], NOW, start=at("20T06:00:00"))
    assert due == [
        Window(at("22T00:00:00"), SETTLED),
        window("21T00:00:00", "22T00:00:00"),
        window("20T06:00:00", "21T00:00:00"),
    ]


def test_the_tail_comes_first_then_the_newest_holes() -> None:
    covered = [window("01T00:00:00", "03T00:00:00"), window("05T12:00:00", "22T09:50:00")]
    assert due_windows(covered, NOW, start=START) == [
        Window(at("22T09:40:00"), SETTLED),
        window("05T00:00:00", "05T12:00:00"),
        window("04T00:00:00", "05T00:00:00"),
        window("03T00:00:00", "04T00:00:00"),
    ]


def test_a_tail_over_midnight_is_cut_there() -> None:
    now = at("22T00:04:00")
    covered = [Window(START, at("21T23:57:00"))]
    assert due_windows(covered, now, start=START) == [
        window("22T00:00:00", "22T00:02:00"),
        window("21T23:47:00", "22T00:00:00"),
    ]


def test_the_tail_begins_ten_minutes_before_and_ends_two_minutes_ago() -> None:
    assert tail_window(at("22T09:53:00"), NOW, start=START) == Window(at("22T09:43:00"), SETTLED)


def test_the_tail_never_begins_before_the_start() -> None:
    assert tail_window(at("01T00:03:00"), at("01T00:08:00"), start=START) == Window(START, at("01T00:06:00"))


def test_without_coverage_the_tail_begins_at_the_start() -> None:
    assert tail_window(None, at("01T00:08:00"), start=START) == Window(START, at("01T00:06:00"))


@pytest.mark.parametrize("covered_end", [SETTLED, NOW, NOW + timedelta(hours=1)])
def test_where_nothing_new_has_settled_there_is_no_tail(covered_end: datetime) -> None:
    assert tail_window(covered_end, NOW, start=START) is None
    assert due_windows([Window(START, covered_end)], NOW, start=START) == []


def test_a_start_in_the_future_means_nothing_is_due() -> None:
    assert due_windows([], NOW, start=NOW + timedelta(days=1)) == []
    assert tail_window(None, NOW, start=NOW) is None


def test_yesterday_and_a_week_ago_are_read_again_whole() -> None:
    assert reread_window(NOW, start=START) == window("21T00:00:00", "22T00:00:00")
    assert reread_window(NOW, WEEKLY, start=START) == window("15T00:00:00", "16T00:00:00")


def test_yesterday_is_not_read_again_before_its_end_has_settled() -> None:
    assert reread_window(at("22T00:01:59"), start=START) is None
    assert reread_window(at("22T00:02:00"), start=START) == window("21T00:00:00", "22T00:00:00")


def test_a_day_before_the_start_is_not_read_again() -> None:
    assert reread_window(at("03T12:00:00"), WEEKLY, start=START) is None
    assert reread_window(NOW, start=at("21T06:00:00")) == window("21T06:00:00", "22T00:00:00")


def test_today_cannot_be_read_again() -> None:
    with pytest.raises(ValueError, match="past days"):
        reread_window(NOW, 0, start=START)


def test_asked_windows_are_cut_at_midnights_newest_first() -> None:
    assert requested_windows(at("20T22:00:00"), at("22T01:00:00"), now=NOW, start=START) == [
        window("22T00:00:00", "22T01:00:00"),
        window("21T00:00:00", "22T00:00:00"),
        window("20T22:00:00", "21T00:00:00"),
    ]


def test_asked_windows_without_bounds_are_the_whole_settled_span() -> None:
    found = requested_windows(None, None, now=NOW, start=START)
    assert merge(found) == [Window(START, SETTLED)]


def test_an_end_that_has_not_settled_is_drawn_back() -> None:
    assert requested_windows(at("22T09:00:00"), NOW, now=NOW, start=START) == [Window(at("22T09:00:00"), SETTLED)]


@pytest.mark.parametrize(
    ("begin", "end", "parameter", "says"),
    [
        (at("20T00:00:00"), at("19T00:00:00"), "from", "exchange them"),
        (at("20T00:00:00"), at("20T00:00:00"), "from", "not before"),
        (at("20T00:00:00"), NOW + timedelta(seconds=1), "to", "in the future"),
        (START - timedelta(seconds=1), at("20T00:00:00"), "from", "anthropic.start"),
        (NOW - timedelta(seconds=30), NOW, "from", "settled"),
        (NOW + timedelta(days=1), None, "from", "settled"),
        (None, START, "from", "settled|not before"),
    ],
)
def test_a_window_nobody_should_ask_for_is_refused_with_what_would_do(
    begin: datetime | None, end: datetime | None, parameter: str, says: str
) -> None:
    with pytest.raises(WindowRefused, match=says) as raised:
        requested_windows(begin, end, now=NOW, start=START)
    assert raised.value.parameter == parameter


def test_a_lag_of_ones_own_is_kept() -> None:
    assert horizon(NOW, timedelta(minutes=5)) == SETTLED - timedelta(minutes=5) + LAG
