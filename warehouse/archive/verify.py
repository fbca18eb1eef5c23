"""The verifier: replays the log from its first entry and compares all that it names with what is stored.

Promise: needs neither Dagster nor the signing key, writes nothing, and reports each difference by its own code
with the object it concerns. Coverage gaps are findings; the time since the last window is not (that is lag).
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec

from warehouse.archive import keys
from warehouse.archive.archive import decompress_page
from warehouse.archive.derive import apply
from warehouse.archive.entry import Entry, ObjectRef, parse, sha256_hex
from warehouse.archive.errors import EntryUnreadable, KeyMissing, ObjectAltered
from warehouse.archive.merkle import Edge, Tile, leaf_hash, root_of
from warehouse.archive.note import Checkpoint, NoteError, Verifier, open_note
from warehouse.archive.state import LogState
from warehouse.archive.store import ObjectInfo, Store
from warehouse.wire.records import NotAPage, split_page
from warehouse.wire.times import parse_rfc3339
from warehouse.wire.windows import Window, gaps

UNEXPLAINED_AFTER = timedelta(hours=1)  # an object without an entry, older than this before the newest entry
_WORKERS = 2
_MARKER_UNWRITTEN = "the seal's marker is not written yet; run `ledgerline pull` again to finish the seal"


@dataclass(frozen=True)
class Finding:
    """One difference: `code` (design 5.4), the object or window it concerns, and what was seen."""

    code: str
    subject: str
    detail: str


@dataclass
class Verification:
    """`checked` counts entries, objects, bytes and records; `notes` say what the result does not rest on."""

    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    checked: dict[str, int] = field(default_factory=lambda: {"entries": 0, "objects": 0, "bytes": 0, "records": 0})

    @property
    def ok(self) -> bool:
        return not self.findings

    def found(self, code: str, subject: str, detail: str) -> None:
        self.findings.append(Finding(code, subject, detail))


def verify(
    store: Store,
    *,
    trusted: list[Verifier] | None = None,
    since: datetime | None = None,
    deep: bool = False,
    on_progress: Callable[[str, int, int], None] | None = None,
) -> Verification:
    """Check a whole archive, or with `since` the objects of entries committed from then on.

    The log is always replayed whole. `trusted`: keys that may sign checkpoints; without it the key that the
    log's first entry names, and a note says so. `deep` also recomputes each page's root over its records.
    `on_progress(phase, done, total)`. Raises StoreError when the store cannot be read.
    """
    result = Verification()
    listed = {info.key: info for prefix in keys.OURS for info in store.list(prefix)}
    entries = _replay(store, listed, result)
    if not entries:
        ours = [key for key in listed if not key.startswith(keys.TILES)]
        if ours:
            result.found("missing", keys.entry(0), f"{len(ours)} objects of ours are here but no log names them")
        else:
            result.notes.append("the archive is empty: there is nothing to verify yet")
        return result
    state = _state_of(entries, result)
    _checkpoints(store, listed, entries, state, trusted, result)
    _objects(store, listed, [entry for entry, _ in entries], since, deep, result, on_progress)
    _unexplained(listed, entries, result)
    for name, stream in state.streams.items():
        if stream.covered:
            whole = Window(stream.covered[0].start, stream.covered[-1].end)
            for hole in gaps(stream.covered, whole):
                result.found(
                    "gap", f"{name} {hole}", "no complete pull covers this window; run `ledgerline pull` for it"
                )
    if not store.immutable:
        result.notes.append("archive.lock is none: the store itself does not prevent changes")
    result.notes.append(
        "no pinned checkpoint was given: entries removed from the end of the log would not be seen"
    )
    return result


def _replay(store: Store, listed: dict[str, ObjectInfo], result: Verification) -> list[tuple[Entry, bytes]]:
    """Every entry in order of its number, with findings for holes, foreign names, and broken chains."""
    numbers: dict[int, str] = {}
    for key in listed:
        if key.startswith(keys.ENTRIES):
            seq = keys.entry_seq(key)
            if seq is None:
                result.found("added", key, "is not the name of an entry; nothing of ours writes it")
            else:
                numbers[seq] = key
    if not numbers:
        return []
    newest = max(numbers)
    for seq in range(newest):
        if seq not in numbers:
            result.found(
                "missing", keys.entry(seq), f"the entry is gone although {numbers[newest]} exists; restore it"
            )
    entries: list[tuple[Entry, bytes]] = []
    previous: tuple[int, str] | None = None
    with ThreadPoolExecutor(8) as pool:
        ordered = [numbers[seq] for seq in sorted(numbers)]
        for key, data in zip(ordered, pool.map(store.get, ordered), strict=True):
            result.checked["entries"] += 1
            try:
                entry = parse(data, key)
            except EntryUnreadable as error:
                result.found("altered", key, str(error))
                previous = None
                continue
            if msgspec.json.encode(msgspec.json.decode(data), order="sorted") != data:
                result.found("altered", key, "is not in canonical form; nothing of ours writes it so")
            seq = keys.entry_seq(key)
            assert seq is not None
            if entry.seq != seq:
                result.found("renumbered", key, f"says inside that it is entry {entry.seq}")
            elif previous is not None and previous[0] == seq - 1 and entry.previous != previous[1]:
                result.found(
                    "altered", keys.entry(seq - 1), f"{key} names another hash for it: one of the two was altered"
                )
            elif seq == 0 and entry.previous is not None:
                result.found("truncated", key, "names an entry before the first one")
            if entries and entry.committed_at < entries[-1][0].committed_at:
                result.found("reordered", key, "was committed before the entry that stands before it")
            previous = (seq, sha256_hex(data))
            entries.append((entry, data))
    return entries


def _state_of(entries: list[tuple[Entry, bytes]], result: Verification) -> LogState:
    """The state that the entries lead to; each snapshot must say the same as the entries before it."""
    state = LogState()
    edge = Edge()
    for entry, data in entries:
        if entry.seq == state.size:
            if entry.kind == "snapshot" and entry.state != state.to_builtins():
                result.found(
                    "altered", keys.entry(entry.seq), "the snapshot says otherwise than the entries before it"
                )
            apply(state, entry)
            state.head_sha256 = sha256_hex(data)
            edge.append(leaf_hash(data))
            state.edge_size, state.edge_levels = edge.size, edge.levels
        else:
            state.seq = entry.seq
    return state


def _checkpoints(
    store: Store,
    listed: dict[str, ObjectInfo],
    entries: list[tuple[Entry, bytes]],
    state: LogState,
    trusted: list[Verifier] | None,
    result: Verification,
) -> None:
    """Every checkpoint must be signed by a trusted key and be the root of exactly its entries."""
    if trusted is None:
        first = entries[0][0]
        if not isinstance(first.public_key, str):
            result.found("signature", keys.entry(0), "the first entry names no public key")
            return
        try:
            trusted = [Verifier.from_vkey(first.public_key)]
        except NoteError as error:
            result.found("signature", keys.entry(0), str(error))
            return
        result.notes.append(
            f"signatures were checked with the key the log itself names ({first.public_key}); "
            f"compare it with the one your engineer gave you"
        )
    sizes: dict[int, str] = {}
    for key in listed:
        if key.startswith(keys.CHECKPOINTS):
            size = keys.checkpoint_size(key)
            if size is None:
                result.found("added", key, "is not the name of a checkpoint; nothing of ours writes it")
            else:
                sizes[size] = key
    edge = Edge()
    tiles: dict[str, Tile] = {}
    for entry, data in entries:
        if entry.seq != edge.size:
            return  # a hole: reported already, and no root beyond it can be recomputed
        for tile in edge.append(leaf_hash(data)):
            tiles[keys.tile(tile.level, tile.index, tile.width)] = tile
        if edge.size in sizes:
            key = sizes.pop(edge.size)
            _check_checkpoint(key, store.get(key), edge, state, trusted, result)
            newest = edge.size
    for size, key in sizes.items():
        result.found(
            "truncated", key, f"was signed over {size} entries but the log has {edge.size}: entries were removed"
        )
    if keys.checkpoint(edge.size) not in listed:
        result.found(
            "signature",
            keys.checkpoint(edge.size),
            "the head of the log is not signed; a run that was killed leaves it so: run `ledgerline pull` again",
        )
        newest = max((size for size in range(edge.size) if keys.checkpoint(size) in listed), default=0)
    _check_tiles(store, listed, tiles, newest, result)


def _check_checkpoint(
    key: str, note: bytes, edge: Edge, state: LogState, trusted: list[Verifier], result: Verification
) -> None:
    try:
        text, _ = open_note(note.decode(), trusted)
        checkpoint = Checkpoint.from_text(text)
    except (NoteError, UnicodeDecodeError) as error:
        code = "foreign_key" if "no key that is trusted" in str(error) else "signature"
        result.found(code, key, str(error))
        return
    if state.origin is not None and checkpoint.origin != state.origin:
        result.found("forked", key, f"is of the log {checkpoint.origin}, this is {state.origin}")
    elif checkpoint.size != edge.size:
        result.found("renumbered", key, f"is a checkpoint over {checkpoint.size} entries under another number")
    elif checkpoint.root != edge.root():
        result.found("forked", key, "was signed over other entries than the ones stored")


def _check_tiles(
    store: Store, listed: dict[str, ObjectInfo], tiles: dict[str, Tile], newest: int, result: Verification
) -> None:
    for key in listed:
        if key.startswith(keys.TILES):
            tile = tiles.get(key)
            if tile is None:
                # tiles are written before their checkpoint, so a killed run may leave some ahead of it
                continue
            if store.get(key) != tile.data:
                result.found("altered", key, "does not hold the hashes of its entries")
    full = (tile for tile in tiles.values() if (tile.index + 1) << (8 * (tile.level + 1)) <= newest)
    for tile in full:
        if tile.width == 256 and keys.tile(tile.level, tile.index, tile.width) not in listed:
            result.found(
                "missing",
                keys.tile(tile.level, tile.index, tile.width),
                "the tile is gone; its hashes follow from the entries",
            )


def _objects(
    store: Store,
    listed: dict[str, ObjectInfo],
    entries: list[Entry],
    since: datetime | None,
    deep: bool,
    result: Verification,
    on_progress: Callable[[str, int, int], None] | None,
) -> None:
    """Every object that an entry names must be there with the bytes it was named with."""
    wanted: dict[tuple[str, str | None], ObjectRef] = {}
    superseded = _superseded(entries)
    for entry in entries:
        if since is None or parse_rfc3339(entry.committed_at) >= since:
            for ref in entry.objects:
                wanted[ref.key, ref.version_id] = ref
    missing_markers = _markers(entries)

    def check(ref: ObjectRef) -> tuple[ObjectRef, str | None, str, int]:
        return _check_object(store, ref, deep)

    done = 0
    with ThreadPoolExecutor(_WORKERS) as pool:
        for ref, code, detail, records in pool.map(check, wanted.values()):
            done += 1
            if on_progress and done % 50 == 0:
                on_progress("objects", done, len(wanted))
            if code == "missing" and ref.key in superseded:
                continue  # a recent file whose rows a seal took over may expire
            if code is not None:
                unwritten = code == "missing" and ref.key in missing_markers
                result.found(code, ref.key, _MARKER_UNWRITTEN if unwritten else detail)
                continue
            result.checked["objects"] += 1
            result.checked["bytes"] += ref.bytes
            result.checked["records"] += records
    if on_progress:
        on_progress("objects", done, len(wanted))


def _check_object(store: Store, ref: ObjectRef, deep: bool) -> tuple[ObjectRef, str | None, str, int]:
    records = ref.records if isinstance(ref.records, int) and ref.key.startswith("pages/") else 0
    try:
        data = store.get(ref.key, ref.version_id)
    except KeyMissing:
        return ref, "missing", "is named by the log and is not there; restore it from a copy or a version", 0
    if sha256_hex(data) != ref.sha256:
        return ref, "altered", f"has other bytes than the log names (sha256 {sha256_hex(data)})", 0
    if deep and isinstance(ref.records_root, str):
        try:
            root = root_of(split_page(decompress_page(data, ref)).records).hex()
        except (ObjectAltered, NotAPage) as error:
            return ref, "altered", str(error), 0
        if root != ref.records_root:
            return ref, "altered", "the root over its records is not the one the log names", 0
    return ref, None, "", records


def _superseded(entries: list[Entry]) -> set[str]:
    """Keys of recent table files whose rows a later seal took over."""
    recent = {
        source: [ref.key for ref in entry.objects if ref.key.startswith("tables/recent/")]
        for entry in entries
        if entry.kind == "table"
        for source in entry.derived_from
    }
    seals = [entry for entry in entries if entry.kind == "seal"]
    return {key for seal in seals for seq in seal.derived_from for key in recent.get(seq, [])}


def _markers(entries: list[Entry]) -> set[str]:
    seals = [entry for entry in entries if entry.kind == "seal"]
    return {ref.key for seal in seals for ref in seal.objects if ref.key.startswith("seals/")}


def _unexplained(listed: dict[str, ObjectInfo], entries: list[tuple[Entry, bytes]], result: Verification) -> None:
    """Objects under our prefixes that no entry names: crash leftovers while young, findings when old."""
    named = {ref.key for entry, _ in entries for ref in entry.objects}
    newest = parse_rfc3339(entries[-1][0].committed_at)
    young = 0
    for key, info in listed.items():
        if key.startswith(keys.EXPLAINED) and key not in named:
            if info.modified < newest - UNEXPLAINED_AFTER:
                result.found("added", key, "stands under our prefixes and no entry names it")
            else:
                young += 1
    if young:
        result.notes.append(f"{young} objects have no entry yet: work in progress, or left by a killed run")
