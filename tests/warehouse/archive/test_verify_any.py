"""The verifier against anything at all: no change stays unseen, and none ends in a traceback."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.warehouse.archive import s3_server
from tests.warehouse.archive.rig import (
    OTHER_KEY,
    STREAM,
    TABLE,
    assert_clean,
    filled,
    fold,
    found,
    open_archive,
    pull,
    seal,
    trusted,
)
from tests.warehouse.archive.stores import Clock, MemoryStore
from warehouse.archive import keys
from warehouse.archive.cosignature import Cosigner
from warehouse.archive.entry import Draft
from warehouse.archive.errors import LogHole
from warehouse.archive.note import Verifier
from warehouse.archive.rotate import rotate
from warehouse.archive.store import open_store
from warehouse.archive.verify import verify
from warehouse.wire.times import system_clock

ALEX = Cosigner("witness.example.com/alex", OTHER_KEY)

# a page, a file of the recent tier that readers need, a sealed part, its marker
OBJECTS = ("pages/", "tables/recent/audit_events/dt=2026-11-18/", "tables/sealed/", "seals/")


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_any_change_to_any_object_is_found(
    original: MemoryStore, signers: list[Verifier], data: st.DataObject
) -> None:
    store = original.copy()
    key = data.draw(st.sampled_from([k for k in store.names() if "dt=2026-11-17" not in k or "recent" not in k]))
    content = store.get(key)
    position = data.draw(st.integers(0, len(content) - 1))
    how = data.draw(st.sampled_from(["flip", "flip", "flip", "cut", "insert", "drop", "replace"]))
    changed = {
        "flip": content[:position] + bytes([content[position] ^ (1 << data.draw(st.integers(0, 7)))])
        + content[position + 1 :],
        "cut": content[:position],
        "insert": content[:position] + data.draw(st.binary(min_size=1, max_size=3)) + content[position:],
        "drop": content[:position] + content[position + 1 :],
        "replace": data.draw(st.binary(max_size=50)),
    }[how]  # fmt: skip
    if changed == content:
        return
    store.alter(key, changed)
    result = verify(store, trusted=signers if data.draw(st.booleans()) else None, deep=data.draw(st.booleans()))
    assert result.findings
    assert not result.ok


@pytest.fixture(scope="module")
def watched() -> MemoryStore:
    """A log that changed its key and that a witness has cosigned, before and after."""
    store = MemoryStore(Clock())
    archive = open_archive(store)
    for number in range(3):
        pull(archive, number)
    rotate(archive, OTHER_KEY)
    pull(open_archive(store, key=OTHER_KEY), 3)
    for size in (3, 7):
        note = store.get(keys.checkpoint(size)).decode()
        cosigned = note + ALEX.line(note.partition("\n\n")[0] + "\n", store.clock())
        store.overwrite(keys.cosignature(size, ALEX.key.key_hash), cosigned.encode())
    assert_clean(store, witnesses=[ALEX.key])
    return store


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_any_change_to_a_log_with_two_keys_and_a_witness_is_found(
    watched: MemoryStore, data: st.DataObject
) -> None:
    store = watched.copy()
    key = data.draw(st.sampled_from(store.names("log/")))
    content = store.get(key)
    position = data.draw(st.integers(0, len(content) - 1))
    bit = 1 << data.draw(st.integers(0, 7))
    flipped = content[:position] + bytes([content[position] ^ bit]) + content[position + 1 :]
    store.alter(key, data.draw(st.sampled_from([flipped, flipped, flipped, content[:position], b""])))
    archive = open_archive(watched)
    archive.refresh()
    known = data.draw(st.sampled_from([None, trusted(archive), trusted(archive, OTHER_KEY)]))
    assert verify(store, trusted=known, witnesses=[ALEX.key]).findings


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_any_number_of_changes_is_survived(original: MemoryStore, data: st.DataObject) -> None:
    store = original.copy()
    names = [key for key in store.names() if "recent" not in key]
    for key in data.draw(st.lists(st.sampled_from(names), min_size=1, max_size=8, unique=True)):
        how = data.draw(st.sampled_from(["delete", "junk", "other"]))
        if how == "delete":
            store.delete(key)
        else:
            other = store.get(data.draw(st.sampled_from(store.names())))
            store.alter(key, other if how == "other" else data.draw(st.binary(max_size=30)))
    unchanged = {key: version[-1].data for key, version in store.versions.items()} == {
        key: version[-1].data for key, version in original.versions.items()
    }
    assert verify(store, deep=True).ok == unchanged


# -- buckets --------------------------------------------------------------------------------------------------


@pytest.fixture
def bucket(clock: Clock) -> MemoryStore:
    store = MemoryStore(clock, versioned=True)
    filled(store)
    assert_clean(store, deep=True)
    return store


@pytest.mark.parametrize("prefix", [*OBJECTS, "log/checkpoint/", "log/tile/"])
def test_something_written_over_an_object_is_found_though_the_first_version_is_kept(
    bucket: MemoryStore, prefix: str
) -> None:
    key = bucket.names(prefix)[0]
    bucket.overwrite(key, b"newer")
    assert {code for code, subject in found(bucket) if subject == key} <= {"altered", "signature"}
    assert key in {subject for _, subject in found(bucket)}


@pytest.mark.parametrize("prefix", [*OBJECTS, keys.ENTRIES, "log/checkpoint/", "log/tile/"])
def test_a_delete_marker_is_named_as_such(bucket: MemoryStore, prefix: str) -> None:
    key = bucket.names(prefix)[0]
    bucket.delete(key)
    assert ("delete_marker", key) in found(bucket)


def test_the_delete_marker_of_an_expired_recent_file_is_nothing_to_report(bucket: MemoryStore) -> None:
    bucket.delete(bucket.names("tables/recent/audit_events/dt=2026-11-17/")[0])
    assert_clean(bucket)


def test_a_bucket_over_http_is_written_read_and_judged_the_same() -> None:
    bucket, client = s3_server.new_bucket(), s3_server.client()
    store = open_store(f"s3://{bucket}/some/prefix", s3_client=client)
    archive = open_archive(store, clock=system_clock)
    for number in range(3):
        fold(archive, pull(archive, number), "2026-11-17", "2026-11-18")
    sealed = seal(archive, "2026-11-17", archive.state.table(TABLE).folded_through, [1, 3, 5])
    archive.settle()
    assert all(ref.version_id for entry in archive.entries() if entry.kind == "pull" for ref in entry.objects)
    assert_clean(store, deep=True, trusted=trusted(archive))
    assert open_archive(store, key=None).refresh() == archive.state

    page = archive.entry(1).objects[0].key
    part, marker = (ref.key for ref in sealed.objects)
    client.put_object(Bucket=bucket, Key=f"some/prefix/{page}", Body=b"slipped over it")
    client.put_object(Bucket=bucket, Key=f"some/prefix/{marker}", Body=b"slipped over it")
    client.delete_object(Bucket=bucket, Key=f"some/prefix/{part}")
    client.delete_object(Bucket=bucket, Key=f"some/prefix/{keys.entry(4)}")
    assert {("altered", page), ("altered", marker), ("delete_marker", part)} <= found(store)
    assert {("delete_marker", keys.entry(4)), ("missing", keys.entry(4))} <= found(store)
    with pytest.raises(LogHole, match="delete marker"):
        open_archive(store, clock=system_clock).commit(Draft(kind="pull", stream=STREAM))
