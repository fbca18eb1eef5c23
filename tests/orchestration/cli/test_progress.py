"""Progress: plain lines now and then without a terminal, a bar on one, nothing on stdout ever."""

import io

import pytest

from orchestration.cli.progress import Progress
from tests.orchestration.cli.conftest import Terminal


class Hand:
    """A clock that moves when it is told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_without_a_terminal_a_line_comes_every_few_seconds() -> None:
    err, hand = io.StringIO(), Hand()
    progress = Progress(err=err, every=5, clock=hand)
    progress.start(31)
    for number in range(12):
        hand.now += 1
        progress.window_done(f"day {number}", 2, 1000)
    progress.finish()
    assert err.getvalue().splitlines() == [
        "5 of 31 windows, 5,000 records, 1,000 records/s, about 26 s left",
        "10 of 31 windows, 10,000 records, 1,000 records/s, about 21 s left",
    ]


def test_what_comes_after_another_count_begins_at_nothing() -> None:
    """The pulls that `verify --rederive` makes again are not told with the bytes of the objects before them."""
    err, hand = io.StringIO(), Hand()
    progress = Progress("objects", "bytes", err=err, every=5, clock=hand)
    progress.counted("objects", 9, 9)
    progress.counted("bytes", 141_000_000, 141_000_000)
    hand.now += 5
    progress.counted("pulls made again", 1, 290)
    hand.now += 5
    progress.counted("pulls made again", 2, 290)
    assert err.getvalue().splitlines() == [
        "1 of 290 pulls made again",
        "2 of 290 pulls made again, about 12 min left",
    ]


def test_notes_and_long_waits_are_told_at_once_and_short_waits_are_not() -> None:
    err = io.StringIO()
    with Progress(err=err) as progress:
        progress.waiting(0.5, "rate limit")
        progress.waiting(90, "rate limit")
        progress.note("a\x1b[2Jb")
    assert err.getvalue() == "waiting 1 min 30 s: rate limit\na\\x1b[2Jb\n"


def test_a_count_that_somebody_else_keeps_is_shown() -> None:
    err, hand = io.StringIO(), Hand()
    progress = Progress(err=err, every=5, clock=hand)
    hand.now = 6
    progress.reached("objects", 60, 100)
    assert err.getvalue().startswith("60 of 100 objects")


def test_a_terminal_gets_a_bar_with_rate_and_time_left_and_it_is_taken_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "160")
    err, hand = Terminal(), Hand()
    with Progress(err=err, clock=hand) as progress:
        progress.start(4)
        hand.now = 2.0
        progress.window_done("[2026-11-01, 2026-11-02)", 1, 5000)
        progress.note("kept above the bar")
    drawn = err.getvalue()
    assert "1/4 windows" in drawn
    assert "2,500 records/s" in drawn
    assert "6 s left" in drawn
    assert "[2026-11-01, 2026-11-02)" in drawn
    assert "kept above the bar" in drawn


def test_finishing_twice_does_no_harm() -> None:
    progress = Progress(err=io.StringIO())
    progress.finish()
    progress.finish()
