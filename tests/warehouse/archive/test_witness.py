"""The witness: it signs what continues what it has seen, over changes of the key, and refuses everything else."""

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.warehouse.archive.rig import KEY, OTHER_KEY, open_archive, open_with_state, pull, resign, trusted
from tests.warehouse.archive.stores import Clock, Counting, MemoryStore
from tests.warehouse.archive.test_rotate import THIRD_KEY
from warehouse.archive import keys
from warehouse.archive.archive import Archive
from warehouse.archive.cosignature import Cosigner, cosigned_at
from warehouse.archive.errors import LogError, WitnessStateInvalid
from warehouse.archive.note import parse_note
from warehouse.archive.rotate import rotate
from warehouse.archive.witness import Cosigned, Refused, WitnessState, cosign_newest

WITNESS = Cosigner("witness.example.com/alex", THIRD_KEY)


@pytest.fixture
def state(tmp_path: Path) -> WitnessState:
    memory = WitnessState(tmp_path / "witness.json", WITNESS.key.vkey)
    memory.save()
    return memory


def grown(store: MemoryStore, pulls: int, *, first: int = 0, key=KEY) -> Archive:  # type: ignore[no-untyped-def]
    archive = open_archive(store, key=key)
    for number in range(first, first + pulls):
        pull(archive, number)
    archive.settle()
    return archive


def cosign(store: MemoryStore, state: WitnessState, log_key: str | None = None) -> Cosigned:
    """As the next run does it: with what the file says."""
    again = WitnessState.load(state.path)
    return cosign_newest(Archive(store, clock=store.clock), again, WITNESS, log_key)


def test_it_cosigns_the_newest_checkpoint_and_remembers_it(memory: MemoryStore, state: WitnessState) -> None:
    grown(memory, 5)
    done = cosign(memory, state)
    assert (done.checkpoint.size, done.before) == (6, None)
    text, signatures = parse_note(done.note)
    assert done.note.startswith(memory.get(keys.checkpoint(6)).decode())
    assert cosigned_at(text, signatures, WITNESS.key) == done.at == memory.clock()
    seen = WitnessState.load(state.path).seen
    assert seen is not None
    assert (seen.size, seen.key) == (6, trusted(open_with_state(memory))[0].vkey)


def test_a_log_that_grew_is_cosigned_again(memory: MemoryStore, state: WitnessState) -> None:
    sizes = []
    for step in (1, 0, 3, 7, 250, 5):
        grown(memory, step, first=len(memory.names(keys.ENTRIES)))
        sizes.append((cosign(memory, state).before, cosign(memory, state).checkpoint.size))
    assert sizes == [(None, 2), (2, 2), (2, 5), (5, 12), (12, 262), (262, 267)]


def test_it_costs_the_same_however_long_the_log_is(memory: MemoryStore, state: WitnessState) -> None:
    grown(memory, 600)
    cosign(memory, state)
    grown(memory, 20, first=600)
    counting = Counting(memory)
    cosign_newest(Archive(counting, clock=memory.clock), WitnessState.load(state.path), WITNESS)
    assert counting.asked["put"] == 0
    assert counting.reads < 250  # the entries since the snapshot, and a handful of tiles


def cut_off(store: MemoryStore) -> None:
    for seq in (4, 5):
        store.delete(keys.entry(seq))
        store.delete(keys.checkpoint(seq + 1))
        for name in [name for name in store.names(keys.TILES) if keys.tile_size(name) == seq + 1]:
            store.delete(name)


def rewritten(store: MemoryStore, *, keep: int = 0) -> None:
    """Another history with the log's own name and key, from entry `keep` on."""
    data = [store.get(name) for name in store.names(keys.ENTRIES)]
    origin = open_with_state(store).state.origin
    assert origin is not None
    other = MemoryStore(Clock(store.clock.now))
    for seq in range(keep):
        other.overwrite(keys.entry(seq), data[seq])
    resign(other, data[:keep] or [data[0]], origin)
    archive = open_archive(other)
    for number in range(max(keep, 1) - 1, len(data) - 1):
        pull(archive, number, query="of another history")
    objects = {key: versions for key, versions in store.versions.items() if not key.startswith("log/")}
    store.versions = objects | other.versions


def signed_by_a_stranger(store: MemoryStore) -> None:
    origin = open_with_state(store).state.origin
    assert origin is not None
    resign(store, [store.get(name) for name in store.names(keys.ENTRIES)], origin, OTHER_KEY)


def begun_anew(store: MemoryStore) -> None:
    other = MemoryStore(Clock(store.clock.now))
    grown(other, 9)
    store.versions = other.versions


def emptied(store: MemoryStore) -> None:
    store.versions = {}


def tile_gone(store: MemoryStore) -> None:
    grown(store, 2, first=5)
    for name in store.names(keys.TILES):
        store.delete(name)


def unsigned(store: MemoryStore) -> None:
    grown(store, 2, first=5)
    for size in (7, 8):
        store.delete(keys.checkpoint(size))


def hole(store: MemoryStore) -> None:
    store.delete(keys.entry(3))
    store.delete(keys.entry(5))


@pytest.mark.parametrize(
    ("tamper", "code"),
    [
        (cut_off, "rolled_back"),
        (emptied, "rolled_back"),
        (rewritten, "forked"),
        (lambda store: rewritten(store, keep=4), "forked"),
        (lambda store: (rewritten(store, keep=4), grown(store, 3, first=60)), "forked"),
        (signed_by_a_stranger, "foreign_key"),
        (begun_anew, "forked"),
        (tile_gone, "missing"),
        (unsigned, "missing"),
        (hole, "unreadable"),
    ],
    ids=["cut", "emptied", "rewritten", "tail", "tail and more", "stranger", "anew", "tiles", "unsigned", "hole"],
)
def test_what_does_not_continue_the_log_is_refused_and_forgets_nothing(
    memory: MemoryStore, state: WitnessState, tamper: Callable[[MemoryStore], object], code: str
) -> None:
    grown(memory, 5)
    cosign(memory, state)
    before = state.path.read_bytes()
    tamper(memory)
    with pytest.raises(Refused) as refused:
        cosign(memory, state)
    assert refused.value.code == code, refused.value
    assert state.path.read_bytes() == before


def test_a_thief_of_the_key_who_hands_the_log_on_is_seen(memory: MemoryStore, state: WitnessState) -> None:
    """The rewriting must begin before what was cosigned, or the old signature must stand."""
    grown(memory, 5)
    cosign(memory, state)
    rewritten(memory, keep=4)
    rotate(open_archive(memory), OTHER_KEY)
    with pytest.raises(Refused, match="forked"):
        cosign(memory, state)


def test_a_change_of_the_key_is_followed_and_told(memory: MemoryStore, state: WitnessState) -> None:
    grown(memory, 3)
    cosign(memory, state)
    rotate(open_archive(memory), OTHER_KEY)
    done = cosign(memory, state)
    second = trusted(open_with_state(memory), OTHER_KEY)[0].vkey
    assert (done.before, done.checkpoint.size, done.handed_over, done.key) == (4, 6, [4], second)
    assert cosign(memory, state).handed_over == []


def test_several_changes_between_two_runs_are_followed_one_by_one(
    memory: MemoryStore, state: WitnessState
) -> None:
    grown(memory, 3)
    cosign(memory, state)
    rotate(open_archive(memory), OTHER_KEY)
    grown(memory, 4, first=3, key=OTHER_KEY)
    rotate(open_archive(memory, key=OTHER_KEY), THIRD_KEY)
    grown(memory, 2, first=7, key=THIRD_KEY)
    done = cosign(memory, state)
    assert done.handed_over == [4, 10]
    assert done.key == trusted(open_with_state(memory), THIRD_KEY)[0].vkey


def test_right_at_the_change_it_stops_on_either_side(memory: MemoryStore, state: WitnessState) -> None:
    """A witness that cosigned exactly the size over the key entry goes on with the new key."""
    grown(memory, 3)
    rotate(open_archive(memory), OTHER_KEY)
    newest = memory.copy()
    memory.delete(keys.entry(5))
    memory.delete(keys.checkpoint(6))
    assert cosign(memory, state).checkpoint.size == 5
    memory.versions = newest.versions
    done = cosign(memory, state)
    assert (done.before, done.checkpoint.size, done.handed_over) == (5, 6, [4])


def test_a_change_that_only_the_state_speaks_of_is_refused(memory: MemoryStore, state: WitnessState) -> None:
    """Snapshots are shortcuts: a forged one may name another key, the entries and signatures decide."""
    grown(memory, 4)
    cosign(memory, state)
    forged = open_with_state(memory).state
    archive = open_archive(memory)
    stranger = trusted(archive_with(archive), OTHER_KEY)[0].vkey
    document = forged.to_builtins()
    document["signed_from"].append({"size": 4, "public_key": stranger})
    data = [memory.get(name) for name in memory.names(keys.ENTRIES)]
    assert forged.origin is not None
    resign(memory, [*data, snapshot(document, data)], forged.origin, OTHER_KEY)
    with pytest.raises(Refused, match="foreign_key"):
        cosign(memory, state)


def archive_with(archive: Archive) -> Archive:
    archive.refresh()
    return archive


def snapshot(state: dict, data: list[bytes]) -> bytes:  # type: ignore[type-arg]
    from warehouse.archive.entry import Draft, place, sha256_hex

    return place(
        Draft(kind="snapshot", state=state), seq=len(data), writer="x", committed_at="2026-11-20T12:00:00Z",
        snapshot=0, previous=sha256_hex(data[-1]),
    ).to_bytes()  # fmt: skip


def test_the_first_time_a_key_that_was_told_must_have_signed(memory: MemoryStore, state: WitnessState) -> None:
    archive = grown(memory, 3)
    with pytest.raises(Refused, match="foreign_key"):
        cosign(memory, state, trusted(archive, OTHER_KEY)[0].vkey)
    assert WitnessState.load(state.path).seen is None
    assert cosign(memory, state, trusted(archive)[0].vkey).checkpoint.size == 4


def test_the_first_time_a_key_that_has_handed_the_log_on_is_followed(
    memory: MemoryStore, state: WitnessState
) -> None:
    old = trusted(grown(memory, 3))[0].vkey
    rotate(open_archive(memory), OTHER_KEY)
    grown(memory, 4, first=3, key=OTHER_KEY)
    rotate(open_archive(memory, key=OTHER_KEY), THIRD_KEY)
    grown(memory, 2, first=7, key=THIRD_KEY)
    done = cosign(memory, state, old)
    assert (done.before, done.handed_over) == (None, [4, 10])
    assert done.key == trusted(open_with_state(memory), THIRD_KEY)[0].vkey


def test_an_empty_archive_is_nothing_to_cosign(memory: MemoryStore, state: WitnessState) -> None:
    with pytest.raises(LogError, match="nothing to cosign"):
        cosign(memory, state)


def test_a_head_that_is_about_to_be_signed_is_left_for_the_next_time(
    memory: MemoryStore, state: WitnessState
) -> None:
    grown(memory, 4)
    memory.delete(keys.checkpoint(5))
    assert cosign(memory, state).checkpoint.size == 4


def test_a_clock_that_was_set_back_makes_no_older_cosignature(memory: MemoryStore, state: WitnessState) -> None:
    grown(memory, 1)
    first = cosign(memory, state).at
    memory.clock.advance(hours=-3)
    grown(memory, 1, first=1)
    assert cosign(memory, state).at == first


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda text: "",
        lambda text: "[]",
        lambda text: text.replace("ledgerline-witness/1", "ledgerline-witness/2"),
        lambda text: text.replace('"size": 2', '"size": "2"').replace('"size": "2"', '"size": -2'),
        lambda text: text.replace('"root": "', '"root": "A'),
        lambda text: json.dumps(json.loads(text) | {"seen": {"size": 3}}),
    ],
    ids=["cut", "empty", "list", "format", "size", "root", "fields"],
)
def test_a_state_that_is_damaged_is_refused_and_never_begun_anew(
    memory: MemoryStore, state: WitnessState, damage: Callable[[str], str]
) -> None:
    grown(memory, 1)
    cosign(memory, state)
    state.path.write_text(damage(state.path.read_text()))
    with pytest.raises(WitnessStateInvalid, match="restore"):
        WitnessState.load(state.path)


def test_two_runs_at_once_do_not_share_a_memory(state: WitnessState) -> None:
    at_work = pytest.raises(WitnessStateInvalid, match="another run is at work")
    with WitnessState.alone(state.path), at_work, WitnessState.alone(state.path):
        raise AssertionError("both at work")
    with WitnessState.alone(state.path):
        assert WitnessState.load(state.path) == state


def test_any_entry_that_is_changed_under_what_was_cosigned_is_refused(
    memory: MemoryStore, state: WitnessState
) -> None:
    grown(memory, 40)
    cosign(memory, state)
    whole = memory.copy()
    for seed in range(25):
        rng = random.Random(seed)
        memory.versions = whole.copy().versions
        rewritten(memory, keep=rng.randrange(1, 41))
        grown(memory, rng.randrange(4), first=200)
        with pytest.raises(Refused, match="forked"):
            cosign(memory, state)
