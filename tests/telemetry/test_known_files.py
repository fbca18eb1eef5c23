"""Which files have landed: told by an index beside the cache, which reads only what is new of the archive."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.telemetry.places import Place
from warehouse.archive.archive import Archive
from warehouse.tables.telemetry import KnownFiles
from warehouse.tables.telemetry.known import INDEX


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files of `otel_files` that are read from the store."""
    found: list[str] = []
    genuine: Callable[..., Any] = Archive.read

    def noted(archive: Archive, file: Any) -> Any:
        if "/otel_files/" in file.key:
            found.append(file.key)
        return genuine(archive, file)

    monkeypatch.setattr(Archive, "read", noted)
    return found


def one_more(place: Place, number: int) -> list[str]:
    """Lands one more file; what became of each of those that are there."""
    record = f'{{"timeUnixNano":"17951688000000000{number:02d}"}}'
    text = f'{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{record}]}}]}}]}}'
    place.put(f"logs-{number:02d}.json", text.encode())
    return [one["status"] for one in place.land().files]


def test_a_landing_reads_only_what_landed_since_the_last_one(place: Place, read: list[str]) -> None:
    reads = []
    for number in range(6):
        read.clear()
        assert one_more(place, number) == ["duplicate"] * number + ["landed"]
        reads.append(len(read))
    assert reads == [0, 1, 1, 1, 1, 1]


@pytest.mark.parametrize("damage", ["gone", "other bytes", "of another archive"])
def test_an_index_that_is_lost_or_wrong_is_made_anew(
    place: Place, read: list[str], tmp_path: Path, damage: str
) -> None:
    for number in range(3):
        one_more(place, number)
    (index,) = place.folder.rglob(INDEX)
    if damage == "gone":
        index.unlink()
    elif damage == "other bytes":
        index.write_bytes(b"this is no database" * 500)
    else:
        other = Place(tmp_path / "other")
        one_more(other, 7)
        one_more(other, 8)
        index.write_bytes(next(other.folder.rglob(INDEX)).read_bytes())
    read.clear()
    assert one_more(place, 3) == ["duplicate"] * 3 + ["landed"]
    assert len(read) == 3


def test_what_the_log_no_longer_names_is_forgotten(place: Place) -> None:
    one_more(place, 0)
    one_more(place, 1)
    with place.open() as workshop:
        archive = workshop.archive
        shas = [row[0] for row in place.ask("select source_sha256 from otel_files order by commit_seq")]
        with KnownFiles(archive) as known:
            assert [known.has_bytes(one) for one in shas] == [True, True]
            assert not known.has_object("logs-00.json", "v1")
        del archive.state.table("otel_files").recent[0]
        with KnownFiles(archive) as known:
            assert [known.has_bytes(one) for one in shas] == [False, True]
