"""Proofs made from an archive: of each record, under the newest checkpoint, and never from what is damaged."""

import pytest
import zstandard

from tests.warehouse.archive.rig import OTHER_KEY, STREAM, hour, open_archive, page_of, pull, record
from tests.warehouse.archive.stores import Clock, Counting, MemoryStore
from warehouse.archive import keys
from warehouse.archive.archive import Archive
from warehouse.archive.entry import Draft, Entry
from warehouse.archive.errors import ArchiveError, KeyMissing, LogError, ObjectAltered
from warehouse.archive.note import Checkpoint, Signer
from warehouse.archive.proof import CheckpointMissing, Place, Prover
from warehouse.archive.verify_proof import check

TIME = b'"created_at":"2026-11-17T12:30:00.25Z"'


def pull_of(archive: Archive, number: int, *pages: list[bytes], complete: bool = True) -> Entry:
    """A pull of these pages."""
    window = hour(number)
    refs = [
        archive.put_page(STREAM, window, page_of(archive, records, index))
        for index, records in enumerate(pages, 1)
    ]
    return archive.commit(
        Draft(kind="pull", stream=STREAM, window=window.as_text(), complete=complete, objects=refs)
    )


@pytest.fixture
def filled(archive: Archive) -> Archive:
    for number in range(20):
        pull(archive, number)
    return archive


def test_every_record_of_every_page_is_proven_with_its_bytes(archive: Archive) -> None:
    pages = [[record(f"{page}-{at}") for at in range(count)] for page, count in enumerate((7, 1, 4))]
    entry = pull_of(archive, 0, *pages)
    prover = Prover(archive)
    for number, records in enumerate(pages, 1):
        for position, expected in enumerate(records):
            made = prover.event(Place(entry.seq, number, position))
            assert check(made.text.encode(), [prover.vkey]).record == expected


def test_bytes_that_are_no_text_are_proven_as_they_were_served(archive: Archive) -> None:
    strange = [b'{"id":"a\xff"}', b'{"a":1,"a":2}', b'"\\ud800"', b"123456789012345678901234567890"]
    entry = pull_of(archive, 0, strange)
    for position, expected in enumerate(strange):
        assert Prover(archive).event(Place(entry.seq, 1, position)).checked.record == expected


def test_the_newest_checkpoint_is_used(filled: Archive) -> None:
    prover = Prover(filled)
    assert prover.head.checkpoint.size == filled.state.size == 21
    assert prover.head.note == filled.store.get(keys.checkpoint(21)).decode()
    assert prover.event(Place(20, 1, 0)).text.endswith(prover.head.note)


def test_an_older_checkpoint_is_used_where_it_is_asked_for(filled: Archive) -> None:
    prover = Prover(filled, 10)
    assert prover.event(Place(9, 1, 0)).checked.checkpoints[0].size == 10
    with pytest.raises(CheckpointMissing, match=r"entry/000000000010\.json is newer than the checkpoint of 10"):
        prover.event(Place(10, 1, 0))
    with pytest.raises(CheckpointMissing, match="no checkpoint of 22 entries; the log has 21"):
        Prover(filled, 22)


def test_while_the_head_is_not_signed_yet_the_checkpoint_before_it_is_used(
    filled: Archive, memory: MemoryStore
) -> None:
    memory.delete(keys.checkpoint(21))
    prover = Prover(open_archive(memory, key=None))
    assert prover.event(Place(19, 1, 1)).checked.checkpoints[0].size == 20
    with pytest.raises(CheckpointMissing, match="the next `ledgerline pull` does"):
        prover.event(Place(20, 1, 0))


def test_a_proof_reads_a_handful_of_objects_however_long_the_log(clock: Clock) -> None:
    memory = MemoryStore(clock)
    writer = open_archive(memory)
    for number in range(600):
        pull(writer, number % 48)
    counting = Counting(memory)
    reader = Archive(counting, clock=clock)
    reader.refresh()
    before = counting.reads
    Prover(reader).event(Place(17, 1, 1))
    assert counting.reads - before < 12


def test_proofs_of_one_page_read_it_once(filled: Archive, memory: MemoryStore, clock: Clock) -> None:
    counting = Counting(memory)
    prover = Prover(Archive(counting, clock=clock))
    prover.event(Place(3, 1, 0))
    before = counting.asked["get"]
    prover.event(Place(3, 1, 1))
    assert counting.asked["get"] - before <= 1  # the entry, for its bytes


def test_a_withdrawal_carries_the_later_pull_along(archive: Archive) -> None:
    first = pull_of(archive, 0, [b'{"id":"a",%s}' % TIME, record("b")])
    again = pull_of(archive, 0, [record("b")])
    checked = Prover(archive).event(Place(first.seq, 1, 0), withdrawn_by=again.seq).checked
    assert checked.record == b'{"id":"a",%s}' % TIME
    assert any(line.startswith(f"Entry {again.seq} says: a complete pull") for line in checked.proven)
    assert checked.not_proven[0].startswith(f"That the record is absent from the pages of entry {again.seq}")
    assert again.objects[0].sha256 in checked.not_proven[0]


def test_a_partial_pull_withdraws_nothing(archive: Archive) -> None:
    first = pull_of(archive, 0, [b'{"id":"a",%s}' % TIME])
    partial = pull_of(archive, 0, [record("b")], complete=False)
    with pytest.raises(ObjectAltered, match="does not prove it: entry 2 is no later, complete pull"):
        Prover(archive).event(Place(first.seq, 1, 0), withdrawn_by=partial.seq)


def test_growth_is_proven_between_any_two_checkpoints(filled: Archive) -> None:
    for new in (1, 2, 8, 13, 21):
        prover = Prover(filled, new)
        for old in range(1, new + 1):
            heads = check(prover.consistency(old).text.encode(), [prover.vkey]).checkpoints
            assert [head.size for head in heads] == [old, new]
    for outside in (0, 22):
        with pytest.raises((IndexError, CheckpointMissing)):
            Prover(filled).consistency(outside)


def test_the_genesis_entry_of_an_empty_archive_proves_nothing(archive: Archive) -> None:
    with pytest.raises(LogError, match="names no key of the log"):
        Prover(archive)


# -- what is damaged -------------------------------------------------------------------------------------------


def flipped(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


def forged_page(_: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(b'{"data":[{"id":"forged"}]}')


@pytest.mark.parametrize("how", [flipped, forged_page])
def test_an_altered_page_gives_no_proof(filled: Archive, memory: MemoryStore, how: object) -> None:
    key = filled.entry(5).objects[0].key
    memory.alter(key, how(memory.get(key)))  # type: ignore[operator]
    with pytest.raises(ObjectAltered, match="does not have the bytes its entry names"):
        Prover(filled).event(Place(5, 1, 0))


def test_an_altered_entry_gives_no_proof(filled: Archive, memory: MemoryStore) -> None:
    key = keys.entry(5)
    memory.alter(key, memory.get(key).replace(b'"limit=5000"', b'"limit=5001"'))
    with pytest.raises(ObjectAltered, match="the entry is not entry 5 of the 21 under the checkpoint"):
        Prover(filled).event(Place(5, 1, 0))


def test_an_altered_tile_gives_no_proof(filled: Archive, memory: MemoryStore) -> None:
    key = keys.tile(0, 0, 21)
    memory.alter(key, flipped(memory.get(key)))
    with pytest.raises(ObjectAltered, match="run `ledgerline verify`"):
        Prover(filled).event(Place(5, 1, 0))
    with pytest.raises(ObjectAltered, match="is not the beginning"):
        Prover(filled).consistency(5)


@pytest.mark.parametrize("length", [0, 31, 32 * 20, 32 * 22])
def test_a_tile_of_a_wrong_width_is_named(filled: Archive, memory: MemoryStore, length: int) -> None:
    memory.alter(keys.tile(0, 0, 21), bytes(length))
    with pytest.raises(LogError, match=rf"log/tile/0/000\.p/21 has {length} bytes instead of 672"):
        Prover(filled).event(Place(5, 1, 0))


def test_a_tile_that_is_gone_is_named(filled: Archive, memory: MemoryStore) -> None:
    memory.delete(keys.tile(0, 0, 21))
    with pytest.raises(LogError, match=r"log/tile/0/000\.p/21 is missing; restore it from a copy"):
        Prover(filled).event(Place(5, 1, 0))


def test_a_checkpoint_of_another_key_or_of_no_form_is_refused(filled: Archive, memory: MemoryStore) -> None:
    origin = filled.state.origin or ""
    key = keys.checkpoint(21)
    checkpoint = Checkpoint.from_text(memory.get(key).decode().partition("\n\n")[0] + "\n")
    forged = Signer(origin, OTHER_KEY).sign(checkpoint.text).encode()
    swapped = memory.get(keys.checkpoint(20))
    for data in (forged, swapped, b"", b"\xff", b"checkpoint\n"):
        memory.alter(key, data)
        with pytest.raises(LogError, match="log/checkpoint/000000000021 is"):
            Prover(filled)


def test_a_place_that_is_not_there_is_refused(filled: Archive) -> None:
    prover = Prover(filled)
    for place in (Place(5, 2, 0), Place(5, 0, 0), Place(0, 1, 0)):
        with pytest.raises(ObjectAltered, match="is not a pull with a page"):
            prover.event(place)
    for position in (-1, 2):
        with pytest.raises(ObjectAltered, match=f"2 records, none of them at position {position}"):
            prover.event(Place(5, 1, position))


def test_a_lost_page_and_a_lost_entry_are_named_by_the_store(filled: Archive, memory: MemoryStore) -> None:
    memory.delete(filled.entry(5).objects[0].key)
    memory.delete(keys.entry(6))
    for seq in (5, 6):
        with pytest.raises(KeyMissing) as caught:
            Prover(filled).event(Place(seq, 1, 0))
        assert isinstance(caught.value, ArchiveError)
