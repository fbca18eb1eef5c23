"""The rows of commits: one order, however they are read, from any position on and around what is settled ahead."""

import random
import sys
from collections.abc import Generator, Iterator
from contextlib import closing
from typing import Any, cast
from unittest.mock import Mock

import pytest

from assets import delivery_questions, delivery_rows, delivery_sorted
from assets.delivery_queue import FoldedBy, Queue
from assets.delivery_rows import Reader
from tests.delivery.conftest import LAST, NEXT, Shop
from tests.promises.quick import pull
from warehouse.delivery.chunk import Chunk
from warehouse.delivery.positions import BEGINNING, Position, Progress, Span
from warehouse.delivery.slices import Slice
from warehouse.tables.schema import TABLE

Row = tuple[str, int, int | None, int | None]


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    from tests.promises.conftest import standing

    made = standing.__wrapped__(tmp_path_factory.mktemp("rows"))
    shop = Shop(next(made))
    pull(shop.site, shop.served, NEXT, LAST)
    with shop.open() as workshop:
        workshop.archive.refresh()
        yield workshop.archive
    next(made, None)


def rows_in(chunk: Chunk) -> list[Row]:
    columns = (chunk.column(name) for name in ("event_id", "version", "entry_seq", "entry_row"))
    return list(zip(*columns, strict=True))


def read(
    archive: Any,
    *,
    begun: Position = BEGINNING,
    ahead: list[Span] | None = None,
    condition: str | None = None,
    sort: bool = False,
) -> tuple[list[Row], int]:
    """Rows with their places, and how many rows of the table were looked at. `sort`: the slow way."""
    queue = Queue.since(archive, begun.seq)
    passed = sum(one.rows for one in Queue.since(archive, 0).commits if one.table == TABLE and one.seq < begun.seq)
    with Reader(archive, Slice("x", "events" if condition else "all", condition)) as reader:
        reader._masked = sort
        found: list[Row] = []
        looked = 0
        for chunk in reader.chunks(queue, begun, ahead or [], passed + begun.row):
            found += rows_in(chunk)
            looked = chunk.passed
    return found, looked


def test_files_as_they_stand_and_sorted_rows_come_in_the_same_order(archive: Any) -> None:
    everything, looked = read(archive)
    assert len(everything) == looked > 500
    assert read(archive, sort=True) == (everything, looked)
    assert len({seq for _, _, seq, _ in everything}) > 1


def test_reading_goes_on_at_any_position_and_leaves_out_what_is_settled_ahead(archive: Any) -> None:
    draw = random.Random(3)
    everything, looked = read(archive)
    places = [Position(seq, row) for _, _, seq, row in everything if seq is not None and row is not None]
    for _ in range(12):
        begun = draw.choice(places)
        later = [place for place in places if place > begun]
        cuts = sorted(draw.sample(later, min(4, len(later) // 2 * 2)))
        ahead = list(zip(cuts[::2], cuts[1::2], strict=True))
        expected = [
            row
            for row, place in zip(everything, places, strict=True)
            if place >= begun and not any(start <= place < end for start, end in ahead)
        ]
        assert read(archive, begun=begun, ahead=ahead) == (expected, looked)
        assert read(archive, begun=begun, ahead=ahead, sort=True) == (expected, looked)


def test_every_other_row_may_be_settled_ahead(archive: Any) -> None:
    everything, looked = read(archive)
    ahead = [(Position(seq, row), Position(seq, row + 1)) for _, _, seq, row in everything[1::2]]  # type: ignore[arg-type,operator]
    for sort in (False, True):
        assert read(archive, ahead=ahead, sort=sort) == (everything[::2], looked)


def test_rows_are_sorted_however_wide_they_are(archive: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    everything, _ = read(archive)
    rows_of = delivery_sorted.rows_of

    def widened(*given: Any) -> tuple[str, list[str]]:
        source, setup = rows_of(*given)
        wide = "id || '/' || copy as id, repeat(md5(id || copy), 300) as raw"
        return f"select * replace ({wide}) from ({source}), range(8) as copies(copy)", setup

    monkeypatch.setattr(delivery_questions, "_MEMORY", "32MB")  # a sixth of what it is, for so many fewer rows
    monkeypatch.setattr(delivery_sorted, "rows_of", widened)
    for condition in (None, "length(raw) = 9600"):
        found, _ = read(archive, sort=True, condition=condition)
        assert len(found) == 8 * len(everything)


def test_a_condition_chooses_rows_and_keeps_their_places(archive: Any) -> None:
    everything = dict.fromkeys(read(archive)[0])
    condition = "type = 'claude_chat_created' or raw like '%projects%'"
    some, looked = read(archive, condition=condition)
    assert 0 < len(some) < len(everything)
    assert [row for row in everything if row in set(some)] == some
    assert read(archive, condition=condition, sort=True) == (some, looked)


@pytest.mark.parametrize(("rows_a_piece", "pieces"), [(3, 4), (60, 40), (100_000, 40)])
def test_rows_that_go_to_disk_in_pieces_come_in_the_same_order(
    archive: Any, monkeypatch: pytest.MonkeyPatch, rows_a_piece: int, pieces: int
) -> None:
    for module in (delivery_rows, delivery_sorted):
        monkeypatch.setattr(module, "ROWS_A_PIECE", rows_a_piece)
        monkeypatch.setattr(module, "MOST_PIECES", pieces)
    spread = Mock(wraps=delivery_sorted._spread)
    monkeypatch.setattr(delivery_sorted, "_spread", spread)
    everything, looked = read(archive)
    assert read(archive, sort=True) == (everything, looked)
    assert spread.called == (rows_a_piece < looked)
    draw = random.Random(7)
    for row in draw.sample(range(len(everything)), 5):
        begun = Position(*everything[row][2:])  # type: ignore[arg-type]
        assert read(archive, begun=begun, sort=True) == (everything[row:], looked)
    condition = "type = 'claude_chat_created' and raw like '%chat%'"
    assert read(archive, condition=condition, sort=True) == read(archive, condition=condition)


def test_what_was_put_on_disk_is_gone_when_a_reader_is_left_half_way(
    archive: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery_sorted, "ROWS_A_PIECE", 60)
    monkeypatch.setattr(delivery_rows, "ROWS_A_PIECE", 60)
    queue = Queue.since(archive, 0)
    with Reader(archive, Slice("all", "all")) as reader:
        reader._masked = True
        folder = reader._questions.folder
        with closing(cast("Generator[Chunk]", reader.chunks(queue, BEGINNING, [], 0))) as chunks:
            assert any(list(folder.rglob("*.arrow")) for _ in chunks)
        assert not list(folder.rglob("*.arrow"))
    assert not folder.exists()


def test_rows_that_somebody_leaves_after_their_reader_was_closed_are_left_without_a_word(
    archive: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery_sorted, "ROWS_A_PIECE", 60)
    monkeypatch.setattr(delivery_rows, "ROWS_A_PIECE", 60)
    said: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", said.append)
    reader = Reader(archive, Slice("all", "all"))
    reader._masked = True
    folder = reader._questions.folder
    with closing(cast("Generator[Chunk]", reader.chunks(Queue.since(archive, 0), BEGINNING, [], 0))) as chunks:
        assert any(list(folder.rglob("*.arrow")) for _ in chunks)
        reader.__exit__()  # as a run that fails does, while its traceback holds the rows
    del chunks
    assert (folder.exists(), said) == (False, [])


def test_progress_that_is_read_back_leaves_no_row_out(archive: Any) -> None:
    everything, _ = read(archive)
    draw = random.Random(5)
    progress = Progress(BEGINNING, [], 0)
    progress.learn(Queue.since(archive, 0).before(Slice("all", "all"), BEGINNING, 0))
    settled: set[Row] = set()
    with Reader(archive, Slice("all", "all")) as reader:
        for chunk in reader.chunks(Queue.since(archive, 0), BEGINNING, [], 0):
            first = progress.hand_out(chunk.column("entry_seq"), chunk.column("entry_row"))
            progress.scanned(chunk.scanned, chunk.passed)
            rows = rows_in(chunk)
            for start in range(0, len(rows), 5):
                if draw.random() < 0.5:
                    settled.update(rows[start : start + 5])
                    progress.settle(first + start, first + min(start + 5, len(rows)))
    rest, _ = read(archive, begun=progress.position(), ahead=progress.ahead())
    assert sorted([*rest, *settled]) == sorted(everything)
    assert settled.isdisjoint(rest)


def test_the_entry_that_folded_a_pull_is_found_by_reading_on_from_the_pull(archive: Any) -> None:
    commits = [one for one in Queue.since(archive, 0).commits if one.table == TABLE]
    folded = FoldedBy(archive)
    assert [folded[pull] for one in commits for pull in one.pulls] == [
        one.seq for one in commits for _ in one.pulls
    ]
    assert folded[archive.state.size + 5] is None
    assert folded[None] is None
