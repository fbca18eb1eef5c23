"""The view audit_export_matches, row by row: nearest, one to one, in tolerance, and why not."""

from datetime import timedelta

import duckdb
import pytest

from tests.warehouse.tables.audit_export.made_matches import JANE, at, chosen, event, matches, row
from warehouse.tables.audit_export import audit_export_matches_sql
from warehouse.wire.windows import Window


def test_a_row_that_the_feed_has_is_found_by_address_time_and_type(db: duckdb.DuckDBPyConnection) -> None:
    others = [
        event("other person", 0, "kenji@example.com"),
        event("other type", 0, JANE, "claude_chat_deleted"),
        event("too late", 2.001),
        event("the one", 0.25, "JANE@Example.com"),
    ]
    assert matches(db, [row("r", 0)], others) == {"r": ("the one", "feed_has", 250.0, None)}


def test_the_difference_is_feed_minus_export_in_milliseconds(db: duckdb.DuckDBPyConnection) -> None:
    assert matches(db, [row("r", 1.5)], [event("e", 0.000001)])["r"] == ("e", "feed_has", -1499.999, None)


@pytest.mark.parametrize(("seconds", "found"), [(2.0, True), (-2.0, True), (2.000001, False), (-2.000001, False)])
def test_the_tolerance_is_two_seconds_either_way_and_inclusive(
    db: duckdb.DuckDBPyConnection, seconds: float, found: bool
) -> None:
    assert (matches(db, [row("r", 0)], [event("e", seconds)])["r"][1] == "feed_has") is found


def test_another_tolerance_can_be_asked_for(db: duckdb.DuckDBPyConnection) -> None:
    assert matches(db, [row("r", 0)], [event("e", 30)], tolerance_ms=60_000)["r"][0] == "e"
    assert matches(db, [row("r", 0)], [event("e", 0.01)], tolerance_ms=5)["r"][0] is None
    with pytest.raises(ValueError, match="at least 1"):
        audit_export_matches_sql(tolerance_ms=0)


def test_the_nearest_event_is_taken(db: duckdb.DuckDBPyConnection) -> None:
    assert chosen(db, [row("r", 0)], [event("far", -1.5), event("near", 0.4), event("other", 0.5)]) == {
        "r": "near"
    }


def test_an_event_answers_one_row_only(db: duckdb.DuckDBPyConnection) -> None:
    answer = matches(db, [row("near", 0.1), row("far", 0.9)], [event("e", 0)])
    assert (answer["near"][0], answer["far"][:2]) == ("e", (None, "feed_lacks"))


def test_a_row_whose_nearest_event_is_taken_gets_the_next(db: duckdb.DuckDBPyConnection) -> None:
    assert chosen(db, [row("a", 0.0), row("b", 0.6)], [event("x", 0.1), event("y", -1.5)]) == {"a": "x", "b": None}
    assert chosen(db, [row("a", 0.0), row("b", 0.6)], [event("x", 0.4), event("y", -0.9)]) == {"a": "y", "b": "x"}


def test_equal_rows_and_equal_events_match_ordinal_by_ordinal(db: duckdb.DuckDBPyConnection) -> None:
    rows = [row(f"r{n:02}", 0) for n in range(40)]
    for shift in (0, 0.3, 1.2, -1.7):
        events = [event(f"e{n:02}", shift) for n in range(40)]
        assert chosen(db, rows, events) == {f"r{n:02}": f"e{n:02}" for n in range(40)}


@pytest.mark.parametrize("lag", [0.0, 1.0])
def test_a_burst_that_the_export_writes_in_whole_seconds_is_matched_in_order(
    db: duckdb.DuckDBPyConnection, lag: float
) -> None:
    rows = [row(f"r{n:02}", 0) for n in range(40)]
    events = [event(f"e{n:02}", lag + n * 0.0234567) for n in range(40)]
    assert chosen(db, rows, events) == {f"r{n:02}": f"e{n:02}" for n in range(40)}


@pytest.mark.parametrize("lag", [0, -1])
def test_a_burst_that_the_feed_writes_in_whole_seconds_is_matched(db: duckdb.DuckDBPyConnection, lag: int) -> None:
    rows = [row(f"r{n:02}", n * 0.0234567) for n in range(40)]
    events = [event(f"e{n:02}", lag) for n in range(40)]
    assert set(chosen(db, rows, events).values()) == {f"e{n:02}" for n in range(40)}


def test_one_event_missing_from_a_burst_leaves_one_row_lacking(db: duckdb.DuckDBPyConnection) -> None:
    rows = [row(f"r{n:02}", 0) for n in range(20)]
    answer = matches(db, rows, [event(f"e{n:02}", n / 100) for n in range(19)])
    assert sorted(line[1] for line in answer.values()) == ["feed_has"] * 19 + ["feed_lacks"]


def test_equal_times_go_together_before_near_ones(db: duckdb.DuckDBPyConnection) -> None:
    # by count alone r0 would go to e1 and r1 to e3; that is not what happened
    rows, events = [row("r0", 0), row("r1", 1.5)], [event("e1", 1.5), event("e3", 3.0)]
    assert chosen(db, rows, events) == {"r0": None, "r1": "e1"}


def test_a_long_chain_in_which_each_waits_for_its_neighbour_is_settled(db: duckdb.DuckDBPyConnection) -> None:
    places, gap = [0.0], 1.9
    for _ in range(79):
        places.append(places[-1] + gap)
        gap -= 0.02
    rows = [row(f"r{n:02}", place) for n, place in enumerate(places[::2])]
    events = [event(f"e{n:02}", place) for n, place in enumerate(places[1::2])]
    answer = matches(db, rows, events)
    taken = {line[0] for line in answer.values()}
    free = [one for one in events if one["id"] not in taken]
    for one in rows:
        if answer[one["row_key"]][1] != "feed_has":
            assert answer[one["row_key"]][1] == "feed_lacks"
            assert not any(abs(other["created_at"] - one["created_at"]) <= timedelta(seconds=2) for other in free)
    assert len(free) <= 2


def test_a_dense_burst_with_a_constant_lag_raises_no_alarm(db: duckdb.DuckDBPyConnection) -> None:
    rows = [row(f"r{n:03}", n * 0.05) for n in range(300)]
    events = [event(f"e{n:03}", n * 0.05 + 0.131) for n in range(300)]
    assert chosen(db, rows, events) == {f"r{n:03}": f"e{n:03}" for n in range(300)}


def test_a_row_missing_in_a_dense_burst_is_still_a_row_missing(db: duckdb.DuckDBPyConnection) -> None:
    rows = [row(f"r{n:03}", n * 0.05) for n in range(300)]
    answer = matches(db, rows, [event(f"e{n:03}", n * 0.05 + 0.004) for n in range(300) if n != 150])
    assert [key for key, line in answer.items() if line[1] != "feed_has"] == ["r150"]


def test_the_same_row_of_two_exports_counts_once(db: duckdb.DuckDBPyConnection) -> None:
    rows = [row("r", 0, export_id="first"), row("r", 0, export_id="second", commit_seq=2)]
    assert chosen(db, rows, [event("e", 0), event("f", 0)]) == {"r": "e"}


def test_what_cannot_be_compared_says_why(db: duckdb.DuckDBPyConnection) -> None:
    rows = [
        row("no time", None),
        row("no type", 0, type_=None, feed_type_note="the feed has no such event"),
        row("no note", 0, type_=None),
        row("no address", 0, email=None),
    ]
    answer = matches(db, rows, [event("e", 0), event("f", 0, None)])
    assert {key: line[3] for key, line in answer.items()} == {
        "no time": "the row has no readable time",
        "no type": "the feed has no such event",
        "no note": "no feed type known for this event",
        "no address": "the row names no actor by e-mail",
    }
    assert {line[1] for line in answer.values()} == {"not_comparable"}
    assert {line[0] for line in answer.values()} == {None}


def test_a_row_outside_what_was_pulled_is_not_called_lacking(db: duckdb.DuckDBPyConnection) -> None:
    covered = [Window(at(0), at(60)), Window(at(100), at(103))]
    rows = [row(f"{place}", place) for place in (-30, 0, 1.9, 2, 30, 57.9, 58, 101.5, 200)]
    answer = matches(db, rows, [event("e", 200)], covered=covered)
    assert {key: line[1] for key, line in answer.items()} == {
        "-30": "not_comparable",
        "0": "not_comparable",
        "1.9": "not_comparable",
        "2": "feed_lacks",
        "30": "feed_lacks",
        "57.9": "feed_lacks",
        "58": "not_comparable",
        "101.5": "not_comparable",  # a window shorter than the tolerance shows nothing
        "200": "feed_has",
    }
    assert answer["0"][3] == "the feed was not pulled for this time"
    assert {line[1] for line in matches(db, rows, [], covered=[]).values()} == {"not_comparable"}


def test_no_rows_and_no_events_give_an_empty_answer(db: duckdb.DuckDBPyConnection) -> None:
    assert matches(db, [], []) == {}
    assert matches(db, [], [event("e", 0)]) == {}
    assert matches(db, [row("r", 0)], []) == {"r": (None, "feed_lacks", None, None)}


def test_times_before_1970_are_no_trouble(db: duckdb.DuckDBPyConnection) -> None:
    base = -60 * 365.25 * 86400
    rows = [row("r", base), row("s", base + 1.999999)]
    assert chosen(db, rows, [event("e", base - 1.5), event("f", base + 2.5)]) == {"r": "e", "s": "f"}
