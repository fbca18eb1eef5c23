"""Times as people give them, and windows that cannot be meant."""

from datetime import UTC, date, datetime

import pytest

from orchestration.cli.failures import CannotRun
from orchestration.cli.moments import moment, past_moment, past_months, window

NOW = datetime(2026, 11, 23, 4, 30, 15, tzinfo=UTC)
START = date(2026, 1, 1)


def clock() -> datetime:
    return NOW


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2026-11-22T10:00:00Z", datetime(2026, 11, 22, 10, tzinfo=UTC)),
        ("2026-11-22T12:00:00+02:00", datetime(2026, 11, 22, 10, tzinfo=UTC)),
        ("2026-11-22", datetime(2026, 11, 22, tzinfo=UTC)),
        ("today", datetime(2026, 11, 23, tzinfo=UTC)),
        ("Yesterday", datetime(2026, 11, 22, tzinfo=UTC)),
        (" now ", NOW),
    ],
)
def test_each_form_of_a_time_is_read_as_utc(text: str, meant: datetime) -> None:
    assert moment(text, "--from", clock) == meant


@pytest.mark.parametrize(
    "text", ["", "noon", "2026-13-01", "2026-11-22T10:00:00", "22.11.2026", "2026-11-2", "0000-00-00", "-1d"]
)
def test_what_is_not_a_time_names_the_option_and_the_forms(text: str) -> None:
    with pytest.raises(CannotRun, match="--from") as caught:
        moment(text, "--from", clock)
    assert "2026-11-22" in caught.value.remedy


@pytest.mark.parametrize(
    ("begin", "end", "said"),
    [
        ("2026-11-22", "2026-11-21", "is not before --to"),
        ("2026-11-22", "2026-11-22", "is not before --to"),
        ("2026-12-01", None, "--from 2026-12-01T00:00:00Z is in the future"),
        ("2026-11-01", "2027-01-01", "--to 2027-01-01T00:00:00Z is in the future"),
        ("2025-12-31", None, "before anthropic.start, which is 2026-01-01"),
        (None, "2026-11-01", "--to is given without --from"),
    ],
)
def test_a_window_that_cannot_be_meant_is_refused(begin: str | None, end: str | None, said: str) -> None:
    with pytest.raises(CannotRun) as caught:
        window(begin, end, START, clock)
    assert said in str(caught.value)
    assert caught.value.remedy


def test_a_window_may_be_open_at_either_end() -> None:
    assert window(None, None, START, clock) == (None, None)
    assert window("2026-01-01", None, START, clock) == (datetime(2026, 1, 1, tzinfo=UTC), None)
    assert window("yesterday", "now", START, clock) == (datetime(2026, 11, 22, tzinfo=UTC), NOW)


def test_no_time_is_none() -> None:
    assert past_moment(None, "--since", clock) is None


def test_months_are_one_or_from_one_to_another() -> None:
    assert past_months("2026-10", "--by-actor", clock) == [date(2026, 10, 1)]
    assert past_months("2025-12..2026-02", "--by-actor", clock) == [
        date(2025, 12, 1), date(2026, 1, 1), date(2026, 2, 1),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("2026-11", "2026-11 is not over"),
        ("2026-09..2026-12", "2026-12 is not over"),
        ("2026-02..2026-01", "the later month comes first"),
        ("2026-01..9999-12", "9999-12 is not over"),
        ("2026-13", "is no period"),
        ("..", "is no period"),
        ("May", "is no period"),
    ],
)
def test_months_that_cannot_be_meant_name_the_option(text: str, why: str) -> None:
    with pytest.raises(CannotRun, match=why) as caught:
        past_months(text, "--by-actor", clock)
    assert "--by-actor" in str(caught.value)
