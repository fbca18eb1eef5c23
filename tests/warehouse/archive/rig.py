"""The shortest way to an archive with something in it: one key, one clock, pulls without a network."""

import hashlib
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.warehouse.archive.stores import BEGIN, Clock, MemoryStore
from warehouse.archive import keys
from warehouse.archive.archive import Archive, ServedPage
from warehouse.archive.entry import Draft, Entry, ObjectRef, sha256_hex
from warehouse.archive.merkle import Edge, leaf_hash
from warehouse.archive.note import Checkpoint, Signer, Verifier
from warehouse.archive.store import Store
from warehouse.archive.verify import Verification, verify
from warehouse.wire.windows import Window

KEY = Ed25519PrivateKey.from_private_bytes(b"\x01" * 32)
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(b"\x02" * 32)
STREAM = "activities"
TABLE = "audit_events"
SIZE = 16  # entries in an archive that `filled` made


def open_archive(
    store: Store,
    *,
    key: Ed25519PrivateKey | None = KEY,
    clock: Callable[[], datetime] | None = None,
    cache: Path | None = None,
    writer: str | None = None,
) -> Archive:
    clock = clock or getattr(store, "clock", None) or Clock()
    return Archive(store, key=(lambda: key) if key else None, clock=clock, cache=cache, writer=writer)


def hour(number: int) -> Window:
    """Windows in a row, each an hour long."""
    start = BEGIN - timedelta(days=3) + timedelta(hours=number)
    return Window(start, start + timedelta(hours=1))


def record(name: str) -> bytes:
    return b'{"id":"activity_%s","type":"claude_chat_created"}' % name.encode()


def page_of(archive: Archive, records: list[bytes], index: int = 1, **more: Any) -> ServedPage:
    fields: dict[str, Any] = {
        "index": index,
        "body": b'{"data":[' + b",".join(records) + b'],"has_more":false}',
        "records": records,
        "status": 200,
        "request_id": f"req_{hashlib.sha256(b''.join(records)).hexdigest()[:12]}",
        "requested_at": archive.clock(),
        "query": "limit=5000",
        "headers": {"request-id": "x"},
        "cursor_in": None,
        "last_id": None,
    }
    return ServedPage(**{**fields, **more})


def pull_draft(archive: Archive, number: int, **more: Any) -> Draft:
    """A complete pull of one hour with one page in the store."""
    window = hour(number)
    ref = archive.put_page(STREAM, window, page_of(archive, [record(f"{number}a"), record(f"{number}b")]))
    fields: dict[str, Any] = {"stream": STREAM, "window": window.as_text(), "complete": True, "objects": [ref]}
    return Draft(kind="pull", **{**fields, **more})


def pull(archive: Archive, number: int, **more: Any) -> Entry:
    return archive.commit(pull_draft(archive, number, **more))


def table_file(archive: Archive, day: str, seq: int, text: str, *, covers: list[str] | None = None) -> ObjectRef:
    """A recent file of a table; its bytes are no Parquet, which the archive does not care about."""
    data = f"PAR1 {text}".encode()
    stored = archive.put(
        keys.recent(TABLE, datetime.fromisoformat(day).date(), seq, sha256_hex(data)), data, recent=True
    )
    more: dict[str, Any] = {"covers": covers} if covers else {}
    return ObjectRef(
        key=stored.key, version_id=stored.version_id, sha256=stored.sha256, bytes=stored.bytes,
        records=2, table=TABLE, dt=day, **more,
    )  # fmt: skip


def fold(archive: Archive, pulled: Entry, *days: str, **more: Any) -> Entry:
    """The table entry of a pull, with one recent file a day."""
    files = [table_file(archive, day, pulled.seq, f"{pulled.seq} {day}") for day in days]
    fields: dict[str, Any] = {"stream": STREAM, "table": TABLE, "derived_from": [pulled.seq], "objects": files}
    return archive.commit(Draft(kind="table", **{**fields, **more}))


def seal(
    archive: Archive, day: str, through: int, seqs: list[int], *, part: int = 1, marker: bool = True
) -> Entry:
    """The seal of a day: part, entry, then the marker."""
    at = datetime.fromisoformat(day).date()
    data = f"PAR1 sealed {day} {part} {through}".encode()
    stored = archive.put(keys.sealed(TABLE, at, part, sha256_hex(data)), data)
    mark = f"PAR1 marker {stored.key}".encode()
    common: dict[str, Any] = {"table": TABLE, "dt": day, "part": part, "through_seq": through}
    refs = [
        ObjectRef(
            key=stored.key, version_id=stored.version_id, sha256=stored.sha256, bytes=stored.bytes,
            records=2, **common,
        ),
        ObjectRef(
            key=keys.seal_marker(TABLE, at, part, stored.sha256), version_id=None,
            sha256=sha256_hex(mark), bytes=len(mark), **common,
        ),
    ]  # fmt: skip
    entry = archive.commit(Draft(kind="seal", stream=STREAM, table=TABLE, objects=refs, derived_from=seqs))
    if marker:
        archive.put(refs[1].key, mark)
    return entry


def filled(store: Store, pulls: int = 6, clock: Clock | None = None) -> Archive:
    """An archive with everything in it: pulls folded into two days, one of them sealed, a snapshot, a tail."""
    archive = open_archive(store, clock=clock)
    for number in range(pulls):
        entry = pull(archive, number)
        fold(archive, entry, "2026-11-17", "2026-11-18")
        if isinstance(archive.clock, Clock):
            archive.clock.advance(minutes=5)
    seal(archive, "2026-11-17", archive.state.table(TABLE).folded_through, [1])
    archive.log.snapshot()
    if isinstance(archive.clock, Clock):
        archive.clock.advance(hours=2)  # what stands there unnamed is old by the newest entry
    pull(archive, pulls)
    archive.settle()
    return archive


def long_log(entries: int) -> MemoryStore:
    """A log that was written in one go, with a snapshot where one is due."""
    store = MemoryStore(Clock())
    archive = open_archive(store)
    while archive.state.size < entries:
        archive.commit(Draft(kind="pull", stream=STREAM))
    return store


def trusted(archive: Archive, key: Ed25519PrivateKey = KEY) -> list[Verifier]:
    assert archive.state.origin is not None
    return [Signer(archive.state.origin, key).verifier]


def open_with_state(store: Store, **options: Any) -> Archive:
    archive = open_archive(store, **options)
    archive.refresh()
    return archive


def canonical_bytes(document: dict[str, Any]) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def resign(store: MemoryStore, data: list[bytes], origin: str, key: Any = KEY) -> None:
    """Write entries with checkpoints and tiles that fit them."""
    edge, signer = Edge(), Signer(origin, key)
    for seq, entry in enumerate(data):
        store.versions[keys.entry(seq)] = []
        store.overwrite(keys.entry(seq), entry)
        for tile in edge.append(leaf_hash(entry)):
            store.overwrite(keys.tile(tile.level, tile.index, tile.width), tile.data)
        note = signer.sign(Checkpoint(origin, seq + 1, edge.root()).text)
        store.overwrite(keys.checkpoint(seq + 1), note.encode())


def codes(result: Verification) -> set[tuple[str, str]]:
    return {(finding.code, finding.subject) for finding in result.findings}


def found(store: Store, **options: Any) -> set[tuple[str, str]]:
    return codes(verify(store, **options))


def assert_clean(store: Store, **options: Any) -> Verification:
    result = verify(store, **options)
    assert result.findings == []
    return result
