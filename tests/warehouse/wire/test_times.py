"""UTC time as the wire writes it."""

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse.wire.times import key_time, midnight, parse_rfc3339, rfc3339, system_clock

moments = st.datetimes(
    datetime(1, 1, 2),  # noqa: DTZ001 - the zone is drawn
    datetime(9999, 12, 30),  # noqa: DTZ001
    timezones=st.builds(timezone, st.timedeltas(timedelta(hours=-23), timedelta(hours=23))),
)


@given(moments)
def test_a_moment_that_was_written_is_read_back_as_itself(moment: datetime) -> None:
    assert parse_rfc3339(rfc3339(moment)) == moment


@given(moments)
def test_whatever_zone_goes_in_utc_comes_out(moment: datetime) -> None:
    assert parse_rfc3339(rfc3339(moment)).tzinfo is UTC
    assert rfc3339(moment).endswith("Z")


@given(st.lists(st.datetimes(timezones=st.just(UTC)).map(lambda at: at.replace(microsecond=0)), min_size=2))
def test_times_in_keys_sort_as_the_moments_do(times: list[datetime]) -> None:
    assert [key_time(at) for at in sorted(times)] == sorted(key_time(at) for at in times)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-22T10:00:00Z", datetime(2026, 11, 22, 10, tzinfo=UTC)),
        ("2026-11-22t10:00:00z", datetime(2026, 11, 22, 10, tzinfo=UTC)),
        ("2026-11-22 10:00:00+00:00", datetime(2026, 11, 22, 10, tzinfo=UTC)),
        ("2026-11-22T10:00:00-00:00", datetime(2026, 11, 22, 10, tzinfo=UTC)),
        ("2026-11-22T10:00:00+05:30", datetime(2026, 11, 22, 4, 30, tzinfo=UTC)),
        ("2026-11-22T23:30:00-01:00", datetime(2026, 11, 23, 0, 30, tzinfo=UTC)),
        ("2026-11-22T10:00:00.5Z", datetime(2026, 11, 22, 10, 0, 0, 500000, tzinfo=UTC)),
        ("2026-11-22T10:00:00.123456789Z", datetime(2026, 11, 22, 10, 0, 0, 123456, tzinfo=UTC)),
        ("2016-12-31T23:59:60Z", datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("2024-02-29T00:00:00Z", datetime(2024, 2, 29, tzinfo=UTC)),
    ],
)
def test_each_form_that_the_standard_allows_is_read(text: str, moment: datetime) -> None:
    assert parse_rfc3339(text) == moment


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-11-22",
        "2026-11-22T10:00:00",
        "2026-11-22T10:00Z",
        "2026-11-22T10:00:00.Z",
        "2026-11-22T10:00:00 Z",
        "2026-13-22T10:00:00Z",
        "2026-02-30T10:00:00Z",
        "2023-02-29T10:00:00Z",
        "2026-11-22T24:00:00Z",
        "2026-11-22T10:60:00Z",
        "2026-11-22T10:00:61Z",
        "2026-11-22T10:00:00+05:99",
        "2026-11-22T10:00:00+24:00",
        "2026-11-22T10:00:00+0530",
        "2026-11-22T10:00:00Z\n",
        "٢٠٢٦-11-22T10:00:00Z",
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        "0000-01-01T00:00:00Z",
        "1795255200",
    ],
)
def test_what_is_no_timestamp_with_an_offset_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the words depend on what is wrong
        parse_rfc3339(text)


@given(st.text(alphabet="0123456789-+:.TtZz ", max_size=40) | st.text(max_size=40))
def test_any_text_is_read_or_refused_and_nothing_else(text: str) -> None:
    with suppress(ValueError):
        assert parse_rfc3339(text).tzinfo is UTC


def test_years_before_the_thousandth_are_written_with_four_digits() -> None:
    assert rfc3339(datetime(7, 1, 2, tzinfo=UTC)) == "0007-01-02T00:00:00Z"
    assert key_time(datetime(7, 1, 2, tzinfo=UTC)) == "00070102T000000Z"


def test_microseconds_are_written_only_where_there_are_some() -> None:
    whole = datetime(2026, 11, 22, 10, tzinfo=UTC)
    assert rfc3339(whole) == "2026-11-22T10:00:00Z"
    assert rfc3339(whole + timedelta(microseconds=20)) == "2026-11-22T10:00:00.000020Z"
    assert key_time(whole) == "20261122T100000Z"
    assert key_time(whole + timedelta(milliseconds=5)) == "20261122T100000.005000Z"


@pytest.mark.parametrize("write", [rfc3339, key_time])
def test_a_time_without_a_zone_is_refused(write: object) -> None:
    with pytest.raises(ValueError, match="without a zone"):
        write(datetime(2026, 11, 22))  # type: ignore[operator]  # noqa: DTZ001


def test_midnight_and_the_clock_are_utc() -> None:
    assert midnight(date(2026, 11, 22)) == datetime(2026, 11, 22, tzinfo=UTC)
    assert system_clock().tzinfo is UTC
