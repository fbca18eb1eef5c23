"""The tamper corpus: what can be done to an archive, by name, each with the code that `verify` must answer with.

It is done to a folder and to a bucket alike, with the hands of somebody who owns the storage (`hands`); where the
name says `signed`, with the hands of somebody who has stolen the signing key too.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.warehouse.archive.hands import Hands, move, swap
from tests.warehouse.archive.rig import KEY, OTHER_KEY, canonical_bytes
from warehouse.archive import keys
from warehouse.archive.entry import sha256_hex
from warehouse.archive.merkle import Edge, leaf_hash
from warehouse.archive.note import Checkpoint, Signer

SIZE = 10  # entries: snapshot, three pulls with their tables, seal, snapshot, pull
SNAPSHOT, HEAD = 8, 9
NEEDED = "tables/recent/audit_events/dt=2026-11-18/"
PAGE, RECENT, SEALED, MARKER = "pages/", NEEDED, "tables/sealed/", "seals/"


@dataclass(frozen=True)
class Mutation:
    """`pinned`: with a checkpoint that was kept elsewhere. `kept`: with what this machine kept."""

    name: str
    do: Callable[[Hands], object]
    code: str
    pinned: bool = False
    kept: bool = False
    deep: bool = False

    def __str__(self) -> str:
        return self.name.replace(" ", "-")


def _first(prefix: str, change: Callable[[bytes], bytes]) -> Callable[[Hands], None]:
    def do(hands: Hands) -> None:
        key = hands.names(prefix)[0]
        hands.write(key, change(hands.read(key)))

    return do


def _gone(prefix: str) -> Callable[[Hands], None]:
    return lambda hands: hands.remove(hands.names(prefix)[0])


def _planted(key: str) -> Callable[[Hands], None]:
    return lambda hands: hands.write(key, b"slipped in")


def _flip(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


def _cut(data: bytes) -> bytes:
    return data[:-1]


def _entry(seq: int, change: Callable[[bytes], bytes]) -> Callable[[Hands], None]:
    return lambda hands: hands.write(keys.entry(seq), change(hands.read(keys.entry(seq))))


def _note(size: int, change: Callable[[bytes], bytes]) -> Callable[[Hands], None]:
    return lambda hands: hands.write(keys.checkpoint(size), change(hands.read(keys.checkpoint(size))))


def _twice(data: bytes) -> bytes:
    return data.replace(b'"format":', b'"format":"ledgerline-entry/1","format":', 1)


def _fewer_records(data: bytes) -> bytes:
    return data.replace(b'"records":2', b'"records":1')


def _swap_two(prefix: str) -> Callable[[Hands], None]:
    return lambda hands: swap(hands, *hands.names(prefix)[:2])


def _renumber(hands: Hands) -> None:
    for seq in range(5, HEAD):
        hands.write(keys.entry(seq), hands.read(keys.entry(seq + 1)))
    hands.remove(keys.entry(HEAD))


def _cut_off(hands: Hands, *, entries: int = 1, traces: bool = False) -> None:
    """Remove entries from the end; without traces also checkpoints, tiles and the objects that they name."""
    for seq in range(SIZE - entries, SIZE):
        named = [ref["key"] for ref in json.loads(hands.read(keys.entry(seq)))["objects"]]
        hands.remove(keys.entry(seq))
        for key in () if traces else (*named, keys.checkpoint(seq + 1), keys.tile(0, 0, seq + 1)):
            hands.remove(key)


def _documents(hands: Hands) -> list[dict[str, Any]]:
    return [json.loads(hands.read(keys.entry(seq))) for seq in range(SIZE)]


def _sign_again(hands: Hands, documents: list[dict[str, Any]], key: Any = KEY, *, chain: bool = True) -> None:
    """Write a log of these entries, chained, with tiles and checkpoints that fit them."""
    origin, edge, previous = documents[0]["origin"], Edge(), None
    for seq, document in enumerate(documents):
        if chain:
            document["previous"] = previous
        data = canonical_bytes(document)
        previous = sha256_hex(data)
        hands.write(keys.entry(seq), data)
        for tile in edge.append(leaf_hash(data)):
            hands.write(keys.tile(tile.level, tile.index, tile.width), tile.data)
        note = Signer(origin, key).sign(Checkpoint(origin, seq + 1, edge.root()).text)
        hands.write(keys.checkpoint(seq + 1), note.encode())


def _signed(change: Callable[[list[dict[str, Any]]], object], *, chain: bool = True) -> Callable[[Hands], None]:
    def do(hands: Hands) -> None:
        documents = _documents(hands)
        change(documents)
        _sign_again(hands, documents, chain=chain)

    return do


def _restart(hands: Hands, key: Any, origin: str) -> None:
    """Begin the log again, as another one, over what is there."""
    documents = _documents(hands)
    documents[0].update(origin=origin, public_key=Signer(origin, key).verifier.vkey)
    documents[SNAPSHOT]["state"] = documents[0]["state"]
    _sign_again(hands, documents, key)


def _sign_with_another_key(hands: Hands) -> None:
    origin = json.loads(hands.read(keys.entry(0)))["origin"]
    root = Checkpoint.from_text(hands.read(keys.checkpoint(7)).decode().partition("\n\n")[0] + "\n").root
    hands.write(keys.checkpoint(7), Signer(origin, OTHER_KEY).sign(Checkpoint(origin, 7, root).text).encode())


def _sign_beyond(hands: Hands) -> None:
    origin = json.loads(hands.read(keys.entry(0)))["origin"]
    hands.write(keys.checkpoint(50), Signer(origin, KEY).sign(Checkpoint(origin, 50, bytes(32)).text).encode())


def _witnessed_by_nobody(note: bytes) -> bytes:
    text = note.decode()
    return (
        text + Signer("stranger", OTHER_KEY).sign(text.partition("\n\n")[0] + "\n").rpartition("\n\n")[2]
    ).encode()


def _all_gone(prefix: str) -> Callable[[Hands], None]:
    def do(hands: Hands) -> None:
        for key in hands.names(prefix):
            hands.remove(key)

    return do


TILE = keys.tile(0, 0, 7)

MUTATIONS = [
    # pages
    Mutation("a page with one bit flipped", _first(PAGE, _flip), "altered"),
    Mutation("a page cut short", _first(PAGE, _cut), "altered"),
    Mutation("a page emptied", _first(PAGE, lambda _: b""), "altered"),
    Mutation("a page made longer", _first(PAGE, lambda data: data + b"\0"), "altered"),
    Mutation("two pages in each others place", _swap_two(PAGE), "altered"),
    Mutation("a page removed", _gone(PAGE), "missing"),
    Mutation("a page under another name", lambda h: move(h, h.names(PAGE)[0], h.names(PAGE)[0] + "x"), "missing"),
    Mutation("a page forged and added", _planted("pages/activities/dt=2026-11-20/x/0001-0.json.zst"), "added"),
    # tables, both tiers, and the markers of seals
    Mutation("a recent file with one bit flipped", _first(RECENT, _flip), "altered"),
    Mutation("a recent file removed", _gone(RECENT), "missing"),
    Mutation("a recent file added", _planted(f"{RECENT}000000000003-0.parquet"), "added"),
    Mutation("a sealed part with one bit flipped", _first(SEALED, _flip), "altered"),
    Mutation("a sealed part removed", _gone(SEALED), "missing"),
    Mutation(
        "a sealed part added", _planted("tables/sealed/audit_events/dt=2026-11-17/part-0002-0.parquet"), "added"
    ),
    Mutation("a marker with one bit flipped", _first(MARKER, _flip), "altered"),
    Mutation("a marker removed", _gone(MARKER), "missing"),
    Mutation("a marker added", _planted("seals/audit_events/dt=2026-11-17/part-0002-0.parquet"), "added"),
    # what only entries may bring
    Mutation("a receipt added", _planted("receipts/soc/0001.json"), "added"),
    Mutation("a dead letter added", _planted("dead_letters/soc/0001.json"), "added"),
    Mutation("a period added", _planted("periods/2026-10/closed.json"), "added"),
    # entries
    Mutation("an entry with one bit flipped", _entry(5, _flip), "altered"),
    Mutation("an entry truncated", _entry(5, lambda data: data[: len(data) // 2]), "altered"),
    Mutation("an entry emptied", _entry(5, lambda _: b""), "altered"),
    Mutation("an entry with a key twice", _entry(5, _twice), "altered"),
    Mutation("an entry with spaces", _entry(5, lambda data: json.dumps(json.loads(data)).encode()), "altered"),
    Mutation("an entry that counts fewer records", _entry(5, _fewer_records), "altered"),
    Mutation("an entry removed", lambda h: h.remove(keys.entry(5)), "missing"),
    Mutation("the first entry removed", lambda h: h.remove(keys.entry(0)), "missing"),
    Mutation("two entries in each others place", lambda h: swap(h, keys.entry(3), keys.entry(5)), "reordered"),
    Mutation("entries moved up over one removed", _renumber, "renumbered"),
    Mutation(
        "a copy of an entry beyond the end", lambda h: h.write(keys.entry(12), h.read(keys.entry(3))), "renumbered"
    ),
    Mutation("a stray file beyond the end", _planted(keys.entry(SIZE)), "added"),
    Mutation("the last entry removed", lambda h: _cut_off(h, traces=True), "truncated"),
    Mutation("the last entry removed without a trace", _cut_off, "truncated", pinned=True),
    Mutation(
        "the last two entries removed without a trace", lambda h: _cut_off(h, entries=2), "truncated", pinned=True
    ),
    Mutation("an older state put in place", lambda h: _cut_off(h, entries=2), "rolled_back", kept=True),
    Mutation("all of the log removed", _all_gone("log/"), "missing"),
    Mutation("everything removed", _all_gone(""), "truncated", pinned=True),
    # with the stolen key
    Mutation(
        "a signed log rewritten", _signed(lambda d: d[5].update(writer="somebody else")), "forked", pinned=True
    ),
    Mutation(
        "a signed entry that does not follow",
        _signed(lambda d: d[5].update(previous="00" * 32), chain=False),
        "forked",
    ),
    Mutation(
        "a signed clock that runs backwards",
        _signed(lambda d: d[6].update(committed_at="2020-01-01T00:00:00Z")),
        "reordered",
    ),
    Mutation(
        "a signed snapshot that lies",
        _signed(lambda d: d[SNAPSHOT]["state"]["streams"]["activities"].update(records=1)),
        "altered",
    ),
    Mutation(
        "a signed entry of nonsense", _signed(lambda d: d[3].update(window=["yesterday", "today"])), "unreadable"
    ),
    Mutation("a signed window taken out", _signed(lambda d: d[3].update(complete=False, error="x")), "gap"),
    Mutation(
        "the chain restarted under the same name",
        lambda h: _restart(h, OTHER_KEY, _documents(h)[0]["origin"]),
        "foreign_key",
        pinned=True,
    ),
    Mutation(
        "the chain restarted under another name",
        lambda h: _restart(h, KEY, "ledgerline/another"),
        "forked",
        pinned=True,
    ),
    # checkpoints
    Mutation(
        "a checkpoint with one bit flipped",
        _note(7, lambda note: note[:-9] + _flip(note[-9:-1]) + b"\n"),
        "signature",
    ),
    Mutation(
        "a checkpoint with a bad line", _note(7, lambda note: note.replace(b"\n7\n", b"\n07\n")), "signature"
    ),
    Mutation("a checkpoint without signatures", _note(7, lambda note: note.partition(b"\n\n")[0]), "signature"),
    Mutation("a checkpoint of an unknown key", _sign_with_another_key, "foreign_key"),
    Mutation("a checkpoint removed", lambda h: h.remove(keys.checkpoint(7)), "missing"),
    Mutation("the newest checkpoint removed", lambda h: h.remove(keys.checkpoint(SIZE)), "signature"),
    Mutation(
        "two checkpoints in each others place",
        lambda h: swap(h, keys.checkpoint(5), keys.checkpoint(7)),
        "renumbered",
    ),
    Mutation("a signed checkpoint beyond the end", _sign_beyond, "truncated"),
    Mutation("something that is no checkpoint", _planted("log/checkpoint/latest"), "added"),
    # tiles
    Mutation("a tile with one bit flipped", lambda h: h.write(TILE, _flip(h.read(TILE))), "altered"),
    Mutation("a tile of the wrong width", lambda h: h.write(TILE, h.read(TILE)[:-32]), "altered"),
    Mutation("a tile removed", lambda h: h.remove(TILE), "missing"),
    Mutation("a tile of a longer log", lambda h: h.write(keys.tile(0, 0, 40), bytes(32 * 40)), "truncated"),
    Mutation("something that is no tile", _planted("log/tile/0/000.p/300"), "added"),
]
