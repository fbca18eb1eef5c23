"""`ledgerline checkpoint`: what is printed is the stored note, and its fingerprint is the same for everybody."""

from pathlib import Path

import pytest

from tests.orchestration.cli.conftest import Command
from warehouse.archive.fingerprint import misheard


def stored(folder: Path) -> list[Path]:
    return sorted((folder / "data" / "archive" / "log" / "checkpoint").iterdir())


def test_the_newest_checkpoint_is_printed_byte_for_byte(ledgerline: Command, pulled: Path) -> None:
    ended = ledgerline("checkpoint", folder=pulled)
    assert (ended.code, ended.err, ended.out) == (0, "", stored(pulled)[-1].read_text())


def test_an_earlier_one_is_printed_by_its_size(ledgerline: Command, pulled: Path) -> None:
    assert ledgerline("checkpoint", "--size", "2", folder=pulled).out == stored(pulled)[1].read_text()


def test_the_fingerprint_is_read_in_two_lines(ledgerline: Command, pulled: Path) -> None:
    ended = ledgerline("checkpoint", "--fingerprint", folder=pulled)
    head, *lines = ended.out.splitlines()
    origin, size, _ = stored(pulled)[-1].read_text().splitlines()[:3]
    assert head == f"log {origin}, {size} entries"
    assert [len(line.split()) for line in lines] == [5, 5]
    groups = " ".join(lines).split()
    assert misheard(groups) == []
    document = ledgerline("checkpoint", "--json", folder=pulled).json()
    assert document["fingerprint"] == groups
    assert (document["note"], document["size"]) == (stored(pulled)[-1].read_text(), int(size))
    assert document["key"] == ledgerline("key", "show", "--json", folder=pulled).json()["key"]


@pytest.mark.parametrize("size", ["0", "-1", "99999"])
def test_a_size_that_has_no_checkpoint_is_2(ledgerline: Command, pulled: Path, size: str) -> None:
    ended = ledgerline("checkpoint", "--size", size, folder=pulled)
    assert (ended.code, ended.out) == (2, "")
    assert "checkpoint" in ended.err


def test_an_empty_archive_has_none(ledgerline: Command, tmp_path: Path) -> None:
    ledgerline("init")
    (tmp_path / "data" / "archive").mkdir()
    for command in (["checkpoint"], ["key", "rotate", "--to", "file:new.key"]):
        ended = ledgerline(*command)
        assert ended.code == 2
        assert "the archive is empty" in ended.err
    assert not (tmp_path / "new.key").exists()
    assert "no key has signed" in ledgerline("key", "show").out
