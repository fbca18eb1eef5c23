"""Handing the log to a new key: at any step killed, by two at once, and how it is told afterwards."""

import base64
from contextlib import suppress

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.warehouse.archive.rig import (
    KEY,
    OTHER_KEY,
    assert_clean,
    canonical_bytes,
    codes,
    found,
    open_archive,
    open_with_state,
    pull,
    resign,
    trusted,
)
from tests.warehouse.archive.stores import Clock, Counting, Dying, Killed, MemoryStore
from warehouse.archive import keys
from warehouse.archive.archive import Archive
from warehouse.archive.entry import Draft, sha256_hex
from warehouse.archive.errors import EntryUnreadable, LogError, SigningKeyInvalid
from warehouse.archive.key_change import key_draft, named_key, statement
from warehouse.archive.merkle_paths import LeafTree, root
from warehouse.archive.note import Checkpoint, Signer, Verifier, open_note
from warehouse.archive.proof import Place, Prover
from warehouse.archive.rotate import rotate
from warehouse.archive.state import SignedFrom
from warehouse.archive.store import Store
from warehouse.archive.verify import verify
from warehouse.archive.verify_proof import NotProven, check

THIRD_KEY = Ed25519PrivateKey.from_private_bytes(b"\x03" * 32)
CHANGE = 5  # the entry that names the second key in `rotated`
LATER = 9  # the one that names the third
WHO_SIGNED = {1: 0, 4: 0, 6: 0, 7: 1, 10: 1, 11: 2, 12: 2}  # key by size, in `rotated`


def begun(store: MemoryStore, pulls: int = 4) -> Archive:
    archive = open_archive(store)
    for number in range(pulls):
        pull(archive, number)
    archive.settle()
    return archive


@pytest.fixture
def rotated(memory: MemoryStore) -> MemoryStore:
    """Entries 0 to 4 under the first key, the change, a snapshot and pulls; then the same again."""
    rotate(begun(memory), OTHER_KEY)
    archive = open_archive(memory, key=OTHER_KEY)
    for number in (4, 5):
        pull(archive, number)
    rotate(archive, THIRD_KEY)
    pull(open_archive(memory, key=THIRD_KEY), 6)
    assert open_with_state(memory).state.size == 12
    return memory


def key(number: int, store: Store) -> Verifier:
    private = [KEY, OTHER_KEY, THIRD_KEY][number]
    return trusted(open_with_state(store), private)[0]


def signer_of(store: Store, size: int) -> str:
    known = [key(number, store) for number in range(3)]
    return open_note(store.get(keys.checkpoint(size)).decode(), known)[1][0].vkey


def test_a_foreign_key_has_handed_nothing_on(rotated: MemoryStore) -> None:
    stranger = Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)
    told = verify(rotated, trusted=trusted(open_with_state(rotated), stranger))
    assert not [note for note in told.notes if "handed the log on" in note]
    old = verify(rotated, trusted=[key(0, rotated)])
    assert [note for note in old.notes if "handed the log on" in note]


def test_the_old_key_signs_the_handing_over_and_the_new_one_all_that_follows(rotated: MemoryStore) -> None:
    first, second, third = (key(number, rotated).vkey for number in range(3))
    signed = [signer_of(rotated, size) for size in range(1, 13)]
    assert signed == [first] * 6 + [second] * 4 + [third] * 2
    state = open_with_state(rotated).state
    assert state.signed_from == [SignedFrom(1, first), SignedFrom(7, second), SignedFrom(11, third)]
    assert [state.key_at(size) for size in range(1, 13)] == signed


def test_a_cold_start_and_a_replay_know_the_same_keys(rotated: MemoryStore) -> None:
    replayed = Archive(rotated, clock=rotated.clock)
    for seq in (0, CHANGE, LATER):
        entry = replayed.entry(seq)
        assert (entry.public_key, entry.kind) == (key([0, CHANGE, LATER].index(seq), rotated).vkey, entry.kind)
    assert [e.kind for e in replayed.entries()].count("key") == 2
    newest = [e for e in replayed.entries() if e.kind == "snapshot"][-1]
    assert isinstance(newest.state, dict)
    assert [one["size"] for one in newest.state["signed_from"]] == [1, 7, 11]


def test_rotating_again_to_the_same_key_changes_nothing(memory: MemoryStore) -> None:
    archive = begun(memory)
    assert rotate(archive, OTHER_KEY) is not None
    before = memory.names()
    for private in (KEY, OTHER_KEY):
        assert rotate(open_archive(memory, key=private), OTHER_KEY) is None
    assert memory.names() == before


@pytest.mark.parametrize("back", [KEY, OTHER_KEY])
def test_a_key_that_was_given_up_never_signs_again(rotated: MemoryStore, back: Ed25519PrivateKey) -> None:
    size = open_with_state(rotated).state.size
    with pytest.raises(SigningKeyInvalid, match="was this log's key before"):
        rotate(open_archive(rotated, key=THIRD_KEY), back)
    assert open_with_state(rotated).state.size == size


def test_an_empty_archive_has_no_key_to_hand_over(memory: MemoryStore) -> None:
    with pytest.raises(LogError, match="empty"):
        rotate(open_archive(memory), OTHER_KEY)
    assert memory.names() == []


def test_the_old_key_is_refused_afterwards_and_told_which_one_signs(rotated: MemoryStore) -> None:
    names = rotated.names("log/")
    with pytest.raises(SigningKeyInvalid, match=r"000000000009\.json has handed the log to another key"):
        pull(open_archive(rotated, key=OTHER_KEY), 7)
    assert rotated.names("log/") == names


def test_a_stranger_cannot_rotate(rotated: MemoryStore) -> None:
    stranger = Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)
    names = rotated.names()
    with pytest.raises(SigningKeyInvalid, match="not the one of this log"):
        rotate(open_archive(rotated, key=stranger), Ed25519PrivateKey.generate())
    assert rotated.names() == names


# -- killed, and at once --------------------------------------------------------------------------------------


@pytest.mark.fault(
    "A change of the signing key is killed at any step.",
    area="clock and keys",
    data="The log names one key at every size.",
    user="`verify` is clean.",
    recovery="Run `ledgerline key rotate` again.",
)
def test_killed_at_any_step_a_rerun_completes_it() -> None:
    before = MemoryStore(Clock())
    begun(before)
    counting = Counting(before.copy())
    rotate(open_archive(counting, clock=before.clock), OTHER_KEY)
    for lives in range(counting.asked.total()):
        store = before.copy()
        with pytest.raises(Killed):
            rotate(open_archive(Dying(store, lives), clock=before.clock), OTHER_KEY)
        rotate(open_archive(store), OTHER_KEY)
        pull(open_archive(store, key=OTHER_KEY), 4)
        archive = open_with_state(store, key=OTHER_KEY)
        kinds = [entry.kind for entry in archive.entries()]
        assert kinds == ["snapshot", *["pull"] * 4, "key", "snapshot", "pull"], lives
        assert_clean(store, trusted=[key(1, store)])


def test_the_new_key_alone_cannot_complete_what_only_the_old_one_can_sign() -> None:
    store = MemoryStore(Clock())
    archive = begun(store)
    archive.log.append(lambda state: key_draft(key_of(archive, OTHER_KEY), state.size, state.head_sha256))
    store.delete(keys.checkpoint(6))
    with pytest.raises(SigningKeyInvalid, match="only the old key can do"):
        pull(open_archive(store, key=OTHER_KEY), 4)
    rotate(open_archive(store), OTHER_KEY)
    pull(open_archive(store, key=OTHER_KEY), 4)
    assert_clean(store)


def key_of(archive: Archive, private: Ed25519PrivateKey) -> Signer:
    assert archive.state.origin is not None
    return Signer(archive.state.origin, private)


class Meanwhile(MemoryStore):
    """Runs something once, right before the next entry is put."""

    act = None

    def put_if_absent(self, key: str, data: bytes, retain_until):  # type: ignore[no-untyped-def]
        act = self.act
        if act is not None and key.startswith(keys.ENTRIES):
            self.act = None
            act()
        return super().put_if_absent(key, data, retain_until)


def test_a_pull_that_loses_against_a_rotation_writes_nothing_more() -> None:
    store = Meanwhile(Clock())
    archive = begun(store)
    store.act = lambda: rotate(open_archive(store), OTHER_KEY)
    with pytest.raises(SigningKeyInvalid, match="has handed the log to another key"):
        pull(archive, 4)
    store.clock.advance(minutes=20)
    pull(open_archive(store, key=OTHER_KEY), 4)
    assert_clean(store, trusted=[key(1, store)])


def test_a_rotation_that_loses_against_a_pull_takes_the_place_after_it() -> None:
    store = Meanwhile(Clock())
    archive = begun(store)
    store.act = lambda: pull(open_archive(store), 4)
    entry = rotate(archive, OTHER_KEY)
    assert entry is not None
    assert entry.seq == CHANGE + 1
    assert_clean(store, trusted=[key(1, store)])


@pytest.mark.fault(
    "The signing key is changed twice at once.",
    area="clock and keys",
    data="One change wins.",
    user="The other one is told which key signs now.",
    recovery="Nothing.",
)
def test_of_two_rotations_at_once_one_wins_and_the_other_is_told() -> None:
    store = Meanwhile(Clock())
    archive = begun(store)
    store.act = lambda: rotate(open_archive(store), OTHER_KEY)
    with pytest.raises(SigningKeyInvalid, match="has handed the log to another key"):
        rotate(archive, THIRD_KEY)
    assert open_with_state(store).state.public_key == key(1, store).vkey
    assert_clean(store)


def test_a_rotation_that_is_killed_again_and_again_is_completed_by_the_one_that_lives() -> None:
    store = MemoryStore(Clock())
    begun(store)
    for lives in range(60):
        with suppress(Killed):
            rotate(open_archive(Dying(store, lives), clock=store.clock), OTHER_KEY)
    assert [entry.kind for entry in open_with_state(store).entries()].count("key") == 1
    assert_clean(store)


# -- verified -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("known", [[0], [1], [2], [0, 2], []])
def test_one_key_that_is_trusted_vouches_for_the_whole_log(rotated: MemoryStore, known: list[int]) -> None:
    assert_clean(rotated, trusted=[key(number, rotated) for number in known] or None)
    assert_clean(rotated, trusted=[key(number, rotated) for number in known] or None, since=rotated.clock())


def test_who_trusts_a_key_that_was_given_up_is_told_which_one_signs_now(rotated: MemoryStore) -> None:
    for number in (0, 1):
        notes = " ".join(assert_clean(rotated, trusted=[key(number, rotated)]).notes)
        assert f"{keys.entry(LATER)} names {key(2, rotated).vkey}" in notes
    for known in ([key(2, rotated)], [key(0, rotated), key(2, rotated)]):
        assert "handed the log on" not in " ".join(assert_clean(rotated, trusted=known).notes)


def test_a_log_of_which_no_key_is_trusted_is_foreign_from_end_to_end(rotated: MemoryStore) -> None:
    stranger = Signer(key(0, rotated).name, Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)).verifier
    assert found(rotated, trusted=[stranger]) == {("foreign_key", keys.CHECKPOINTS)}


@pytest.mark.parametrize(
    ("size", "wrong"),
    [(size, wrong) for size, right in WHO_SIGNED.items() for wrong in range(3) if wrong != right],
)
def test_the_wrong_key_at_a_size_is_foreign(rotated: MemoryStore, size: int, wrong: int) -> None:
    private = [KEY, OTHER_KEY, THIRD_KEY][wrong]
    name = keys.checkpoint(size)
    text = Checkpoint.from_text(rotated.get(name).decode().partition("\n\n")[0] + "\n").text
    rotated.alter(name, Signer(key(0, rotated).name, private).sign(text).encode())
    assert found(rotated) == {("foreign_key", name)}
    assert ("foreign_key", name) in found(rotated, trusted=[key(2, rotated)])


def test_an_altered_key_entry_is_one_finding_where_the_newest_key_is_trusted(rotated: MemoryStore) -> None:
    name = keys.entry(LATER)
    rotated.alter(name, rotated.get(name).replace(b"ledgerline-key", b"ledgerline-kez").replace(b"A", b"B", 1))
    assert found(rotated, trusted=[key(2, rotated)]) == {("altered", name)}


def test_a_key_entry_that_is_gone_is_missing_and_the_rest_is_judged_by_the_trusted_key(
    rotated: MemoryStore,
) -> None:
    rotated.delete(keys.entry(LATER))
    assert found(rotated, trusted=[key(2, rotated)]) == {("missing", keys.entry(LATER))}
    assert ("missing", keys.entry(LATER)) in found(rotated)


def test_a_log_cut_off_behind_its_rotation_is_truncated(rotated: MemoryStore) -> None:
    newest = key(2, rotated)
    for seq in range(LATER, 12):
        rotated.delete(keys.entry(seq))
    result = found(rotated, trusted=[newest])
    assert ("truncated", keys.checkpoint(12)) in result


def forged(store: MemoryStore, entries: list[dict]) -> None:  # type: ignore[type-arg]
    """The entries as the first key would sign them, chained and rooted anew."""
    data: list[bytes] = []
    for seq, entry in enumerate(entries):
        entry |= {"seq": seq, "previous": sha256_hex(data[-1]) if data else None}
        data.append(canonical_bytes(entry))
    resign(store, data, entries[0]["origin"])


def test_a_new_key_that_did_not_sign_for_itself_is_refused_before_it_is_written(memory: MemoryStore) -> None:
    archive = begun(memory)
    vkey = key_of(archive, OTHER_KEY).verifier.vkey
    place = statement(vkey, archive.state.size, archive.state.head_sha256).encode()
    elsewhere = statement(vkey, archive.state.size + 1, archive.state.head_sha256).encode()
    names = memory.names()
    for signature in (KEY.sign(place), OTHER_KEY.sign(elsewhere), b"", OTHER_KEY.sign(place)[:-1]):
        draft = Draft(kind="key", public_key=vkey, possession=base64.b64encode(signature).decode())
        with pytest.raises(EntryUnreadable, match="has not signed that it takes over"):
            archive.commit(draft)
    for draft in (Draft(kind="key"), Draft(kind="key", public_key=vkey), Draft(kind="key", possession="")):
        with pytest.raises(EntryUnreadable, match="names no key, or lacks"):
            archive.commit(draft)
    for bad in ("", "x", vkey[:-1]):
        with pytest.raises(EntryUnreadable, match="cannot be one"):
            archive.commit(Draft(kind="key", public_key=bad, possession="AAAA"))
    assert memory.names() == names


def test_a_key_of_another_log_takes_over_nothing(memory: MemoryStore) -> None:
    archive = begun(memory)
    other = Signer("ledgerline/other", OTHER_KEY)
    archive.log.append(lambda state: key_draft(other, state.size, state.head_sha256))
    pull(archive, 4)
    assert archive.state.public_key == key(0, memory).vkey
    assert found(memory) == {("foreign_key", keys.entry(CHANGE))}


def test_what_a_key_entry_says_is_checked_with_the_key_it_names(rotated: MemoryStore) -> None:
    entry = open_with_state(rotated).entry(CHANGE)
    assert named_key(entry) == key(1, rotated)
    assert isinstance(entry.public_key, str)
    assert isinstance(entry.possession, str)
    signed = f"ledgerline-key/1\n{entry.public_key}\n{CHANGE}\n{sha256_hex(rotated.get(keys.entry(4)))}\n".encode()
    OTHER_KEY.public_key().verify(base64.b64decode(entry.possession), signed)


# -- proven ---------------------------------------------------------------------------------------------------


def test_an_event_is_proven_by_the_key_of_its_checkpoint(rotated: MemoryStore) -> None:
    for size, number in ((4, 0), (6, 0), (7, 1), (10, 1), (11, 2), (12, 2)):
        made = Prover(open_archive(rotated), size).event(Place(2, 1, 1))
        assert made.vkeys == [key(number, rotated).vkey]
        assert check(made.text.encode(), made.vkeys).kind == "event"
        with pytest.raises(NotProven, match="not signed by the key that you gave"):
            check(made.text.encode(), [key((number + 1) % 3, rotated).vkey])


@pytest.mark.parametrize(
    ("old", "new", "by"), [(3, 6, [0]), (3, 7, [0, 1]), (6, 12, [0, 2]), (8, 9, [1]), (9, 11, [1, 2])]
)
def test_growth_across_a_rotation_names_both_keys(rotated: MemoryStore, old: int, new: int, by: list[int]) -> None:
    made = Prover(open_archive(rotated), new).consistency(old)
    vkeys = [key(number, rotated).vkey for number in by]
    assert made.vkeys == vkeys
    assert made.text.count("\nkey ") == len(by)
    heads = check(made.text.encode(), vkeys).checkpoints
    assert [(head.size, head.root) for head in heads] == [(size, root_of(rotated, size)) for size in (old, new)]
    if len(by) == 2:
        with pytest.raises(NotProven):
            check(made.text.encode(), vkeys[1:])


def root_of(store: MemoryStore, size: int) -> bytes:
    return root(LeafTree.of([store.get(keys.entry(seq)) for seq in range(size)]))


def test_verify_notes_only_the_keys_word_for_word(rotated: MemoryStore) -> None:
    result = verify(rotated)
    assert codes(result) == set()
    assert key(0, rotated).vkey in " ".join(result.notes)
