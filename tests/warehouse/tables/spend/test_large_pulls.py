"""A pull too large for memory comes to the same rows by way of the disk, in files that hold whole days."""

import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.warehouse.tables.spend.conftest import WINDOW, SpendBench, cost, total_of
from warehouse.archive.archive import Archive
from warehouse.archive.findings import Verification
from warehouse.archive.signing import load_key
from warehouse.archive.store import open_store
from warehouse.archive.verify import verify
from warehouse.tables import parquet
from warehouse.tables.activities import Parser
from warehouse.tables.rederive import rederive
from warehouse.tables.spend import fold, gathered, rederiving
from warehouse.taxonomy import load
from warehouse.wire.windows import Window

WEEK = Window(WINDOW.start - timedelta(days=6), WINDOW.end)
_ROWS = "select * exclude (observed_at) from cost_row_versions order by day, version, page, position"
_DAYS = "select * exclude (observed_at) from cost_day_versions order by day, version"


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """Everything is large: rows go to disk at once, and a file holds five. Gives the folder for them."""
    place = tmp_path / "scratch"
    place.mkdir()
    with monkeypatch.context() as patch:
        patch.setattr(gathered, "KEPT_ROWS", 0)
        patch.setattr(fold, "_FILE_ROWS", 5)
        patch.setattr(rederiving, "_ROWS_AT_ONCE", 2)
        patch.setattr(tempfile, "tempdir", str(place))
        yield place


def restate(bench: SpendBench) -> None:
    """A week in two versions, mixed through the pages; a day vanishes, one is added to, one stays as it was."""
    days = list(WEEK.days())
    rows = [cost(number, day=day) for number in range(3) for day in days]
    odd = [{"starting_at": "yesterday"}, b"17"]
    bench.pull([*rows, *odd], total_of(rows), window=WEEK)
    changed = [
        cost(number, "50" if day == days[1] else "100.000000", day=day) for number in range(4) for day in days[1:]
    ]
    bench.pull([row for row in changed if row["starting_at"][:10] != str(days[3])], window=WEEK)


def made_again(bench: SpendBench) -> Verification:
    result = Verification()
    rederive(bench.archive, Parser(load()), result)
    return result


def test_by_way_of_the_disk_it_is_the_same_rows(bench: SpendBench, small: Path, tmp_path: Path) -> None:
    restate(bench)
    assert list(small.iterdir()) == []
    large: tuple[list[Any], list[Any]] = bench.sql(_ROWS), bench.sql(_DAYS)
    log = [entry.counts for entry in bench.archive.entries() if entry.kind == "table"]
    key = tmp_path / "signing.key"
    store = open_store(f"file:{tmp_path}/other")
    with (
        pytest.MonkeyPatch.context() as patch,
        Archive(store, key=lambda: load_key(key), clock=lambda: bench.now[0]) as other,
    ):
        patch.setattr(gathered, "KEPT_ROWS", 100_000)
        patch.setattr(fold, "_FILE_ROWS", 125_000)
        plain = SpendBench(other, bench.now)
        restate(plain)
        assert (plain.sql(_ROWS), plain.sql(_DAYS)) == large
        assert [entry.counts for entry in other.entries() if entry.kind == "table"] == log


def test_a_file_holds_whole_days_and_lies_under_the_first_of_them(bench: SpendBench, small: Path) -> None:
    restate(bench)
    files = bench.archive.refresh().table("cost_rows").recent
    assert len(files) > 4
    seen: set[tuple[int | None, Any]] = set()
    for file in files:
        days = parquet.read(bench.archive.read(file), ["day"])["day"].unique().to_pylist()
        assert file.dt == str(min(days))
        assert (file.first_at, file.last_at) == tuple(f"{day}T00:00:00.000000Z" for day in (min(days), max(days)))
        assert not {(file.seq, day) for day in days} & seen
        seen |= {(file.seq, day) for day in days}
    assert len(bench.archive.state.table("cost_days").recent) == 2


def test_it_verifies_whichever_way_it_was_written_and_is_read(bench: SpendBench, small: Path) -> None:
    restate(bench)
    assert made_again(bench).findings == []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gathered, "KEPT_ROWS", 100_000)
        patch.setattr(fold, "_FILE_ROWS", 125_000)
        assert made_again(bench).findings == []
        restate(bench)  # now as one file a pull
    bench.archive.settle()
    assert made_again(bench).findings == []
    assert verify(bench.archive.store, deep=True).findings == []
