"""The verifier against somebody who changes the log: whatever is done to an entry is named."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.warehouse.archive.rig import (
    BEGIN,
    SIZE,
    STREAM,
    assert_clean,
    canonical_bytes,
    found,
    open_with_state,
    pull,
    resign,
)
from tests.warehouse.archive.stores import Clock, MemoryStore
from warehouse.archive import keys
from warehouse.archive.archive import Archive
from warehouse.archive.entry import Draft, sha256_hex
from warehouse.archive.note import Verifier
from warehouse.archive.verify import verify
from warehouse.wire.times import rfc3339

FIRST, SNAPSHOT, HEAD = 0, 14, 15


@pytest.mark.parametrize("seq", [FIRST, 1, 7, 13, SNAPSHOT, HEAD])
@pytest.mark.parametrize(
    "change",
    [
        lambda data: data.replace(b'"writer":"ledgerline', b'"writer":"ledgerlinf'),
        lambda data: data[:-1],
        lambda data: b"",
        lambda data: b"{}",
        lambda data: data + b"\n",
        lambda data: b" " + data,
        lambda data: json.dumps(json.loads(data)).encode(),
        lambda data: data.replace(b'"format"', b'"extra":"\xff","format"'),
        lambda data: data.replace(b'"format"', b'"extra":"\\ud800","format"'),
        lambda data: data.replace(b'"committed_at":"2026', b'"committed_at":"yester'),
        lambda data: data.replace(b"ledgerline-entry/1", b"ledgerline-entry/9"),
    ],
    ids=["field", "cut", "emptied", "object", "longer", "space", "spread", "bytes", "surrogate", "time", "format"],
)
def test_an_entry_with_other_bytes_is_altered_and_nothing_else_is(
    whole: MemoryStore, seq: int, change: Callable[[bytes], bytes], signers: list[Verifier]
) -> None:
    whole.alter(keys.entry(seq), change(whole.get(keys.entry(seq))))
    # with the trusted key in hand: a damaged first entry cannot say whose signatures to trust
    # (objects that only this entry named are unexplained now, unless it still can be read)
    expected = {("altered", keys.entry(seq))}
    assert {f for f in found(whole, trusted=signers) if f[0] not in ("added", "missing")} == expected


def test_without_a_trusted_key_a_damaged_first_entry_says_that_signatures_cannot_be_checked(
    whole: MemoryStore,
) -> None:
    whole.alter(keys.entry(0), b"")
    assert found(whole) == {("altered", keys.entry(0)), ("signature", keys.entry(0))}


@pytest.mark.parametrize("seq", [FIRST, 1, 7, SNAPSHOT])
def test_an_entry_that_is_gone_is_missing(whole: MemoryStore, seq: int, signers: list[Verifier]) -> None:
    whole.delete(keys.entry(seq))
    expected = {("missing", keys.entry(seq))}
    assert {f for f in found(whole, trusted=signers) if f[0] != "added"} == expected


def test_several_entries_in_a_row_that_are_gone_are_each_missing(whole: MemoryStore) -> None:
    for seq in (3, 4, 5):
        whole.delete(keys.entry(seq))
    missing = {f for f in found(whole) if f[0] != "added"}
    assert missing == {("missing", keys.entry(seq)) for seq in (3, 4, 5)}


def test_entries_cut_off_the_end_are_truncated_as_long_as_a_signature_tells(whole: MemoryStore) -> None:
    for seq in (13, 14, 15):
        whole.delete(keys.entry(seq))
    assert {("truncated", keys.checkpoint(size)) for size in (14, 15, 16)} <= found(whole)


def test_entries_cut_off_with_their_signatures_are_still_told_by_a_tile(whole: MemoryStore) -> None:
    whole.delete(keys.entry(HEAD))
    whole.delete(keys.checkpoint(SIZE))
    assert ("truncated", keys.tile(0, 0, SIZE)) in found(whole)


def test_a_stray_file_where_the_tail_was_does_not_hide_that_it_was_cut_off(whole: MemoryStore) -> None:
    whole.alter(keys.entry(HEAD), b"?")
    whole.move(keys.checkpoint(SIZE), keys.checkpoint(SIZE + 4))
    result = found(whole)
    assert {("added", keys.entry(HEAD)), ("truncated", keys.tile(0, 0, SIZE))} <= result


def test_a_tail_cut_off_without_a_trace_needs_a_pinned_checkpoint_and_a_note_says_so(whole: MemoryStore) -> None:
    for key in (keys.entry(HEAD), keys.checkpoint(SIZE), keys.tile(0, 0, SIZE)):
        whole.delete(key)
    page = [key for key in whole.names("pages/") if "T180000Z_" in key]
    result = verify(whole)
    assert {f.code for f in result.findings} <= {"added"}
    assert page
    assert any("pinned" in note for note in result.notes)


def test_a_log_that_is_gone_altogether_is_missing(whole: MemoryStore) -> None:
    for key in whole.names("log/"):
        whole.delete(key)
    (finding,) = verify(whole).findings
    assert (finding.code, finding.subject) == ("missing", keys.entry(0))
    assert f"{len(whole.names())} objects" in finding.detail


def test_signatures_without_any_entry_are_a_log_that_is_gone(whole: MemoryStore) -> None:
    for key in [key for key in whole.names() if not key.startswith(keys.CHECKPOINTS)]:
        whole.delete(key)
    assert found(whole) == {("missing", keys.entry(0))}


def test_entries_in_each_others_place_are_reordered(whole: MemoryStore, signers: list[Verifier]) -> None:
    one, two = keys.entry(5), keys.entry(9)
    first, second = whole.get(one), whole.get(two)
    whole.alter(one, second)
    whole.alter(two, first)
    assert found(whole, trusted=signers) == {("reordered", one), ("reordered", two)}


def test_entries_moved_up_over_one_that_was_removed_are_renumbered(whole: MemoryStore) -> None:
    for seq in range(5, HEAD):
        whole.alter(keys.entry(seq), whole.get(keys.entry(seq + 1)))
    whole.delete(keys.entry(HEAD))
    result = found(whole)
    assert {("renumbered", keys.entry(seq)) for seq in range(5, HEAD)} <= result
    assert ("truncated", keys.checkpoint(SIZE)) in result


def test_entries_moved_up_and_given_new_numbers_inside_are_altered(whole: MemoryStore) -> None:
    for seq in range(5, HEAD):
        data = whole.get(keys.entry(seq + 1)).replace(b'"seq":%d,' % (seq + 1), b'"seq":%d,' % seq)
        whole.alter(keys.entry(seq), data)
    whole.delete(keys.entry(HEAD))
    result = found(whole)
    assert {("altered", keys.entry(seq)) for seq in range(5, HEAD)} <= result


def test_a_copy_of_an_entry_beyond_the_log_is_renumbered(whole: MemoryStore, signers: list[Verifier]) -> None:
    whole.overwrite(keys.entry(99), whole.get(keys.entry(5)))
    assert found(whole, trusted=signers) == {("renumbered", keys.entry(99))}


@pytest.mark.parametrize("seq", [SIZE, SIZE + 1, 5000, 999_999_999_999])
def test_a_stray_file_with_the_name_of_an_entry_is_added(whole: MemoryStore, seq: int) -> None:
    whole.overwrite(keys.entry(seq), b"?")
    assert found(whole) == {("added", keys.entry(seq))}


def test_an_entry_far_away_that_says_it_stands_there_leaves_a_hole_and_costs_no_time(whole: MemoryStore) -> None:
    seq = 999_999_999_998
    whole.overwrite(keys.entry(seq), whole.get(keys.entry(5)).replace(b'"seq":5,', b'"seq":%d,' % seq))
    result = found(whole)
    assert ("missing", keys.entry(SIZE)) in result
    assert len(result) < 10


@pytest.mark.parametrize(
    "name",
    ["entry/000000000005.json.bak", "entry/5.json", "entry/٠٠٠٠٠٠٠٠٠٠٠٥.json", "checkpoint/latest", "other/x", "x",
     "checkpoint/000000000000", "tile/0/0", "tile/0/000.p/300", "tile/entries/000"],
)  # fmt: skip
def test_what_has_no_business_in_the_log_is_added(whole: MemoryStore, name: str) -> None:
    whole.overwrite(f"log/{name}", b"?")
    assert found(whole) == {("added", f"log/{name}")}


def test_an_entry_of_somebody_without_the_key_leaves_the_head_unsigned(whole: MemoryStore) -> None:
    forged = json.loads(whole.get(keys.entry(HEAD)))
    forged.update(seq=SIZE, previous=sha256_hex(whole.get(keys.entry(HEAD))), objects=[])
    whole.overwrite(keys.entry(SIZE), canonical_bytes(forged))
    assert found(whole) == {("signature", keys.checkpoint(SIZE + 1))}


def test_an_entry_that_was_signed_and_does_not_follow_is_forked(whole: MemoryStore) -> None:
    """Somebody with the key writes another history on top of the first entries."""
    archive = open_with_state(whole)
    documents = [json.loads(whole.get(keys.entry(seq))) for seq in range(SIZE)]
    documents[9]["previous"] = "00" * 32
    data = [canonical_bytes(d) for d in documents]
    resign(whole, data, str(archive.state.origin))
    assert ("forked", keys.entry(9)) in found(whole)


def test_a_snapshot_that_says_otherwise_than_its_entries_is_altered_even_if_it_was_signed(
    whole: MemoryStore,
) -> None:
    archive = open_with_state(whole)
    documents = [json.loads(whole.get(keys.entry(seq))) for seq in range(SIZE)]
    documents[SNAPSHOT]["state"]["streams"][STREAM]["records"] += 1
    data = [canonical_bytes(d) for d in documents]
    documents[HEAD]["previous"] = sha256_hex(data[SNAPSHOT])
    data[HEAD] = canonical_bytes(documents[HEAD])
    resign(whole, data, str(archive.state.origin))
    assert found(whole) == {("altered", keys.entry(SNAPSHOT))}


def test_a_snapshot_after_a_delivery_says_what_the_entries_before_it_say(archive: Archive) -> None:
    step = {
        "destination": "soc",
        "type": "webhook",
        "slice": "all",
        "position": [3, 8],
        "ahead": [[[3, 9], [3, 11]]],
    }
    archive.commit(Draft(kind="delivery", delivery=step))
    archive.log.snapshot()
    assert_clean(archive.store)


def test_a_log_that_runs_backwards_in_time_is_reordered(whole: MemoryStore) -> None:
    archive = open_with_state(whole)
    data = [whole.get(keys.entry(seq)) for seq in range(SIZE)]
    document = json.loads(data[HEAD])
    document["committed_at"] = rfc3339(BEGIN - timedelta(days=1))
    data[HEAD] = canonical_bytes(document)
    resign(whole, data, str(archive.state.origin))
    assert ("reordered", keys.entry(HEAD)) in found(whole)


def test_fractions_of_a_second_are_no_step_back_in_time(archive: Archive, clock: Clock) -> None:
    pull(archive, 0)
    clock.advance(milliseconds=500)
    pull(archive, 1)
    clock.advance(milliseconds=500)
    pull(archive, 2)
    assert_clean(archive.store)
