"""The archive's face: objects stored, named and read back, byte for byte."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.warehouse.archive.rig import BEGIN, STREAM, hour, open_archive, page_of, pull, record
from tests.warehouse.archive.stores import Clock, MemoryStore, Wrapped
from warehouse.archive import keys
from warehouse.archive.archive import Archive, Retention, decompress_page
from warehouse.archive.entry import Draft, ObjectRef, sha256_hex
from warehouse.archive.errors import KeyMissing, ObjectAltered
from warehouse.archive.merkle import root_of
from warehouse.archive.store import Exists, Stored
from warehouse.wire.records import split_page


@given(st.binary(max_size=200), st.lists(st.binary(max_size=20), max_size=4))
@settings(max_examples=50)
def test_a_page_comes_back_as_the_bytes_that_were_served(body: bytes, records: list[bytes]) -> None:
    archive = open_archive(MemoryStore(Clock()))
    ref = archive.put_page(STREAM, hour(0), page_of(archive, records, body=body))
    assert archive.read_page(ref) == body
    assert (ref.body_sha256, ref.body_bytes, ref.records) == (sha256_hex(body), len(body), len(records))
    assert ref.records_root == root_of(records).hex()


def test_an_object_is_named_by_the_hash_of_what_is_stored(archive: Archive, memory: MemoryStore) -> None:
    ref = archive.put_page(STREAM, hour(0), page_of(archive, [record("a")], index=12))
    assert ref.key == (
        f"pages/activities/dt=2026-11-20/20261117T120000Z_20261117T130000Z/0012-{ref.sha256[:16]}.json.zst"
    )
    assert sha256_hex(memory.get(ref.key)) == ref.sha256
    assert len(memory.get(ref.key)) == ref.bytes


def test_the_day_in_a_pages_name_is_the_utc_day_of_the_request(archive: Archive) -> None:
    east = datetime(2026, 11, 21, 3, tzinfo=timezone(timedelta(hours=9)))
    ref = archive.put_page(STREAM, hour(0), page_of(archive, [], requested_at=east))
    assert "/dt=2026-11-20/" in ref.key
    assert ref.requested_at == "2026-11-20T18:00:00Z"


def test_how_a_page_was_asked_for_stays_with_it_and_secrets_do_not(archive: Archive) -> None:
    headers = {
        "request-id": "req_1", "Set-Cookie": "session=hush", "set-cookie": "hush", "AUTHORIZATION": "hush",
        "X-Api-Key": "hush", "date": "Fri, 20 Nov 2026 12:00:00 GMT",
    }  # fmt: skip
    page = page_of(archive, [], headers=headers, cursor_in="c1", last_id="l1", request_id="req_1", query="limit=5")
    ref = archive.put_page(STREAM, hour(0), page)
    archive.commit(Draft(kind="pull", stream=STREAM, window=hour(0).as_text(), objects=[ref]))
    (stored,) = archive.entry(1).objects
    assert stored.headers == {"request-id": "req_1", "date": "Fri, 20 Nov 2026 12:00:00 GMT"}
    assert (stored.cursor_in, stored.last_id, stored.request_id, stored.query) == ("c1", "l1", "req_1", "limit=5")
    assert "hush" not in json.dumps(msgspec.to_builtins(archive.entry(1)))


def test_putting_the_same_object_again_is_no_change(archive: Archive, memory: MemoryStore) -> None:
    first = archive.put("seals/x", b"bytes")
    before = dict(memory.versions)
    assert archive.put("seals/x", b"bytes") == first
    assert memory.versions == before


def test_other_bytes_under_a_taken_name_are_an_alarm(archive: Archive) -> None:
    archive.put("seals/x", b"bytes")
    with pytest.raises(ObjectAltered, match=r"seals/x .*ledgerline verify"):
        archive.put("seals/x", b"other")


def test_a_version_that_a_bucket_gives_is_in_the_name_and_is_what_is_read(clock: Clock) -> None:
    store = MemoryStore(clock, versioned=True)
    archive = open_archive(store)
    ref = archive.put("seals/x", b"bytes")
    assert ref.version_id == "v1"
    store.overwrite("seals/x", b"slipped in later")
    assert archive.read(ref) == b"bytes"
    # a put of the same again finds what stands there now, and says so
    with pytest.raises(ObjectAltered):
        archive.put("seals/x", b"bytes")


def test_several_objects_are_named_in_the_order_they_were_given(archive: Archive) -> None:
    objects = [(f"seals/{number}", b"%d" % number) for number in range(30)]
    assert [ref.key for ref in archive.put_all(objects)] == [key for key, _ in objects]


@pytest.mark.parametrize(
    "change",
    [
        lambda data: b"",
        lambda data: data[:-1],
        lambda data: data + b"x",
        lambda data: bytes([data[0] ^ 1]) + data[1:],
        lambda data: zstandard.compress(b'{"data":[]}'),
    ],
)
def test_a_page_whose_bytes_changed_is_not_handed_out(
    archive: Archive, memory: MemoryStore, change: Callable[[bytes], bytes]
) -> None:
    ref = archive.put_page(STREAM, hour(0), page_of(archive, [record("a")]))
    memory.alter(ref.key, change(memory.get(ref.key)))
    with pytest.raises(ObjectAltered, match="ledgerline verify"):
        archive.read_page(ref)


@pytest.mark.parametrize(
    ("data", "claims"),
    [
        (b"no zstd", {"body_bytes": 2}),
        (zstandard.compress(b"{}")[:-1], {"body_bytes": 2}),
        (zstandard.compress(b"{}"), {"body_bytes": 3}),
        (zstandard.compress(b"{}"), {"body_bytes": -1}),
        (zstandard.compress(b"{}"), {}),
        (zstandard.compress(b"{}"), {"body_bytes": 2, "body_sha256": "aa"}),
        # a frame that says it holds an exabyte
        (bytes.fromhex("28b52ffde0") + (2**60).to_bytes(8, "little") + b"\x01\x00\x00", {"body_bytes": 2**60}),
        (bytes.fromhex("28b52ffde0") + (2**60).to_bytes(8, "little") + b"\x01\x00\x00", {"body_bytes": 2}),
    ],
)
def test_a_page_that_is_not_what_its_entry_says_is_altered_whatever_is_wrong(
    data: bytes, claims: dict[str, Any]
) -> None:
    ref = ObjectRef(key="pages/x", version_id=None, sha256=sha256_hex(data), bytes=len(data), **claims)
    with pytest.raises(ObjectAltered):
        decompress_page(data, ref)


def test_what_is_gone_is_missing(archive: Archive, memory: MemoryStore) -> None:
    ref = archive.put("seals/x", b"bytes")
    memory.delete("seals/x")
    with pytest.raises(KeyMissing):
        archive.read(ref)


class Locked(Wrapped):
    """Remembers until when each object was to be kept."""

    def __init__(self, store: MemoryStore, immutable: bool) -> None:
        super().__init__(store)
        self.immutable = immutable
        self.until: dict[str, datetime | None] = {}

    def put_if_absent(self, key: str, data: bytes, retain_until: datetime | None) -> Stored | Exists:
        self.until[key] = retain_until
        return super().put_if_absent(key, data, retain_until)


@pytest.mark.parametrize("immutable", [True, False])
def test_everything_is_locked_as_long_as_its_kind_asks(memory: MemoryStore, immutable: bool) -> None:
    store = Locked(memory, immutable)
    retention = Retention(full=timedelta(days=100), recent=timedelta(days=3))
    key = open_archive(memory).log._make_signer
    assert key is not None
    archive = Archive(store, key=lambda: key("x").private_key, retention=retention, clock=memory.clock)
    archive.put("tables/recent/x", b"", recent=True)
    pull(archive, 0)
    short, full = (BEGIN + timedelta(days=3), BEGIN + timedelta(days=100)) if immutable else (None, None)
    assert store.until.pop("tables/recent/x") == short
    assert {name.split("/")[0] for name in store.until} == {"pages", "log"}
    assert set(store.until.values()) == {full}


def test_each_archive_that_is_opened_writes_under_a_name_of_its_own(memory: MemoryStore) -> None:
    assert len({open_archive(memory).writer for _ in range(50)}) == 50


def test_a_page_put_by_two_writers_is_one_object(memory: MemoryStore) -> None:
    one, two = open_archive(memory), open_archive(memory)
    refs = [archive.put_page(STREAM, hour(0), page_of(archive, [record("a")])) for archive in (one, two)]
    assert refs[0] == refs[1]
    assert memory.names("pages/") == [refs[0].key]
    assert split_page(two.read_page(refs[0])).records == [record("a")]
    assert keys.page(STREAM, BEGIN, hour(0), 1, refs[0].sha256) == refs[0].key
