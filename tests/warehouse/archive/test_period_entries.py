"""Entries of the kind `period`: what they must say, and what the state keeps of them."""

from typing import Any

import pytest

from tests.warehouse.archive.rig import assert_clean, pull
from warehouse.archive import keys
from warehouse.archive.archive import Archive
from warehouse.archive.entry import Draft
from warehouse.archive.errors import EntryUnreadable

STEP = {"period": "2026-10", "state": "closed", "number": 1}


def test_the_state_knows_which_entries_moved_a_month(archive: Archive) -> None:
    pull(archive, 0)
    first = archive.commit(Draft(kind="period", period=STEP))
    pull(archive, 1)
    second = archive.commit(Draft(kind="period", period=STEP | {"state": "reopened"}))
    assert archive.state.period_entries() == [first.seq, second.seq]
    archive.settle()
    assert_clean(archive.store)


def test_a_log_that_never_had_one_says_nothing_of_months(archive: Archive) -> None:
    pull(archive, 0)
    assert archive.state.period_entries() == []
    assert "periods" not in archive.state.to_builtins()


@pytest.mark.parametrize(
    "step",
    [
        {},
        STEP | {"period": "2026-13"},
        STEP | {"period": "../etc"},
        STEP | {"state": "open"},
        STEP | {"state": None},
    ],
)
def test_a_step_that_names_no_month_or_no_state_is_refused_before_it_is_written(
    archive: Archive, step: dict[str, Any]
) -> None:
    pull(archive, 0)
    size = archive.state.size
    with pytest.raises(EntryUnreadable):
        archive.commit(Draft(kind="period", period=step))
    assert archive.refresh().size == size


def test_the_files_of_a_close_are_named_by_month_number_word_and_hash() -> None:
    assert keys.period_file("2026-10", 2, "statement.json", "ab" * 32) == (
        "periods/2026-10/0002-statement-abababababababab.json"
    )
