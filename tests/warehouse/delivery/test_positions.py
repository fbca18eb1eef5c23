"""The position of a destination while batches are acknowledged in any order."""

import weakref

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from warehouse.delivery.positions import Position, Progress


def run_of(entries: list[tuple[int, int]]) -> Progress:
    """A run over entries (number, rows) that selects every row."""
    progress, passed = Progress(), 0
    for seq, rows in entries:
        progress.hand_out([seq] * rows, list(range(rows)))
        passed += rows
        progress.scanned(Position(seq, rows), passed)
    return progress


def test_the_position_stays_before_the_first_event_that_is_not_settled() -> None:
    progress = run_of([(3, 4), (7, 4)])
    progress.settle(4, 8)
    assert progress.position() == (3, 0)
    assert progress.ahead() == [((7, 0), (7, 4))]
    progress.settle(0, 2)
    assert progress.position() == (3, 2)
    progress.settle(2, 4)
    assert progress.position() == (7, 4)
    assert progress.ahead() == []
    assert progress.passed(progress.position()) == 8


def test_rows_that_no_slice_selected_are_passed_once_all_before_them_is_settled() -> None:
    progress = Progress()
    progress.hand_out([5], [17])
    progress.scanned(Position(9, 100), 300)
    assert progress.position() == (5, 17)
    progress.settle(0, 1)
    assert progress.position() == (9, 100)
    assert progress.passed(Position(9, 100)) == 300


def test_what_an_earlier_run_had_settled_ahead_stays_so_until_the_position_is_past_it() -> None:
    progress = Progress(Position(3, 2), [(Position(3, 5), Position(3, 8))], passed=2)
    progress.hand_out([3, 3, 3], [2, 3, 4])
    progress.scanned(Position(3, 10), 10)
    assert progress.ahead() == [((3, 5), (3, 8))]
    progress.settle(1, 3)
    assert progress.ahead() == [((3, 3), (3, 10))]
    progress.settle(0, 1)
    assert (progress.position(), progress.ahead()) == ((3, 10), [])


def test_a_position_is_counted_in_rows_from_the_beginning() -> None:
    progress = Progress(Position(8, 2), passed=102)
    progress.hand_out([8, 8, 8], [2, 3, 4])
    progress.scanned(Position(8, 5), 105)
    assert progress.passed(progress.position()) == 102
    progress.settle(0, 2)
    assert progress.position() == (8, 4)
    assert progress.passed(progress.position()) == 104


@given(st.permutations(range(12)), st.integers(0, 12))
def test_whatever_is_acknowledged_first_nothing_is_lost_and_nothing_settled_is_forgotten(
    order: list[int], many: int
) -> None:
    progress = run_of([(1, 5), (2, 3), (6, 4)])
    places = [(seq, row) for seq, rows in [(1, 5), (2, 3), (6, 4)] for row in range(rows)]
    settled = set(order[:many])
    for number in order[:many]:
        progress.settle(number, number + 1)
        progress.forget()
    position, ahead = progress.position(), progress.ahead()
    open_places = {places[number] for number in range(12) if number not in settled}
    assert all(place >= position for place in open_places)
    again = [
        place for place in places if place >= position and not any(start <= place < end for start, end in ahead)
    ]
    assert set(again) == open_places


def test_places_that_are_settled_are_let_go_of() -> None:
    progress, places = Progress(), np.arange(5)
    held = weakref.ref(places)
    progress.hand_out(places, places)
    progress.settle(0, 5)
    progress.forget()
    del places
    assert held() is None
