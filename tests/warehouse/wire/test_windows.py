"""Half-open intervals and the arithmetic of coverage."""

from datetime import UTC, date, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse.wire.windows import Window, gaps, merge, split_days

ORIGIN = datetime(2026, 11, 20, tzinfo=UTC)
hours = st.integers(0, 96)


def at(hour: float) -> datetime:
    return ORIGIN + timedelta(hours=hour)


def window(start: float, end: float) -> Window:
    return Window(at(start), at(end))


windows = st.tuples(hours, hours).filter(lambda pair: pair[0] < pair[1]).map(lambda pair: window(*pair))
# Model of a set of windows: the whole hours it holds.
EVERY_HOUR = range(97)


def hours_of(held: list[Window]) -> set[int]:
    return {hour for hour in EVERY_HOUR if any(w.contains(at(hour)) for w in held)}


@given(st.lists(windows))
def test_merging_keeps_exactly_the_same_moments(held: list[Window]) -> None:
    assert hours_of(merge(held)) == hours_of(held)


@given(st.lists(windows))
def test_merged_windows_ascend_with_room_between_them(held: list[Window]) -> None:
    assert all(first.end < second.start for first, second in pairwise(merge(held)))


@given(st.lists(windows), st.randoms())
def test_merging_does_not_depend_on_order_and_is_final(held: list[Window], random: object) -> None:
    shuffled = list(held)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert merge(shuffled) == merge(held) == merge(merge(held))


@given(st.lists(windows), windows)
def test_gaps_are_exactly_the_moments_that_are_not_covered(held: list[Window], within: Window) -> None:
    inside = hours_of([within])
    assert hours_of(gaps(held, within)) == inside - hours_of(held)


@given(st.lists(windows), windows)
def test_filling_the_gaps_leaves_none(held: list[Window], within: Window) -> None:
    assert gaps([*held, *gaps(held, within)], within) == []


@given(windows)
def test_days_cut_a_window_into_parts_that_join_to_the_whole(whole: Window) -> None:
    parts = split_days(whole)
    assert merge(parts) == [whole]
    assert all(first.end == second.start for first, second in pairwise(parts))
    assert [part.days() for part in parts] == [[day] for day in whole.days()]


def test_windows_that_touch_become_one() -> None:
    assert merge([window(2, 3), window(1, 2)]) == [window(1, 3)]


def test_a_window_inside_another_one_adds_nothing() -> None:
    assert merge([window(0, 9), window(2, 3)]) == [window(0, 9)]


def test_nothing_covered_is_one_gap() -> None:
    assert gaps([], window(0, 5)) == [window(0, 5)]


def test_the_end_is_not_inside_and_windows_that_touch_do_not_overlap() -> None:
    assert window(0, 1).contains(at(0))
    assert not window(0, 1).contains(at(1))
    assert not window(0, 1).overlaps(window(1, 2))
    assert window(0, 2).overlaps(window(1, 3))


def test_clipping_gives_the_common_part_or_nothing() -> None:
    assert window(0, 5).clip(window(3, 9)) == window(3, 5)
    assert window(0, 3).clip(window(3, 9)) is None


def test_a_window_that_ends_at_midnight_does_not_touch_the_next_day() -> None:
    assert window(0, 24).days() == [date(2026, 11, 20)]
    assert window(23, 25).days() == [date(2026, 11, 20), date(2026, 11, 21)]
    assert Window(at(0), at(24) + timedelta(microseconds=1)).days() == [date(2026, 11, 20), date(2026, 11, 21)]


def test_days_are_utc_days_whatever_zone_the_window_was_given_in() -> None:
    east = timezone(timedelta(hours=5))
    given_east = Window(datetime(2026, 11, 21, 2, tzinfo=east), datetime(2026, 11, 21, 4, tzinfo=east))
    assert given_east.days() == [date(2026, 11, 20)]


def test_the_last_day_that_a_clock_can_show_is_no_trouble() -> None:
    end = datetime(9999, 12, 31, 12, tzinfo=UTC)
    last = Window(end - timedelta(days=1), end)
    assert last.days() == [date(9999, 12, 30), date(9999, 12, 31)]
    assert merge(split_days(last)) == [last]


def test_a_window_is_read_back_from_its_text_and_has_a_key() -> None:
    whole = window(10, 11)
    assert Window.from_text(whole.as_text()) == whole
    assert whole.as_text() == ["2026-11-20T10:00:00Z", "2026-11-20T11:00:00Z"]
    assert whole.key == "20261120T100000Z_20261120T110000Z"
    assert str(whole) == "[2026-11-20T10:00:00Z, 2026-11-20T11:00:00Z)"
    assert whole.length == timedelta(hours=1)
    assert Window.of_day(date(2026, 11, 20)) == window(0, 24)


@pytest.mark.parametrize(("start", "end"), [(1, 1), (2, 1)])
def test_a_window_that_is_empty_or_turned_round_is_refused(start: int, end: int) -> None:
    with pytest.raises(ValueError, match="start before it ends"):
        window(start, end)


def test_a_window_of_times_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        Window(at(0).replace(tzinfo=None), at(1).replace(tzinfo=None))
