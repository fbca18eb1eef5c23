"""The entry: one line of the log, canonical JSON, the unit that makes a commit exist.

Promise: format `ledgerline-entry/1` is final; the same entry always has the same bytes (sorted keys, no spaces,
UTF-8). Fields that do not concern an entry's kind are absent, except the common ones, which are null.
"""

import hashlib
from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from warehouse.archive.errors import EntryUnreadable

FORMAT = "ledgerline-entry/1"

Kind = Literal[
    "pull", "table", "seal", "delivery", "period", "snapshot", "adopt", "retention", "key", "restriction",
    "payers",
]  # fmt: skip


class ObjectRef(msgspec.Struct, frozen=True, kw_only=True):
    """One stored object as an entry names it. `sha256` and `bytes` are those of the object as stored.

    Pages add the served body's hash and size, the count and RFC 6962 root of its records, and how it was
    asked for; table files add table, day (`dt`), rows (`records`) and the span of `created_at` they cover.
    """

    key: str
    version_id: str | None
    sha256: str
    bytes: int
    body_sha256: str | UnsetType = UNSET
    body_bytes: int | UnsetType = UNSET
    records: int | UnsetType = UNSET
    records_root: str | UnsetType = UNSET
    request_id: str | None | UnsetType = UNSET
    status: int | UnsetType = UNSET
    requested_at: str | UnsetType = UNSET
    query: str | UnsetType = UNSET
    headers: dict[str, str] | UnsetType = UNSET
    cursor_in: str | None | UnsetType = UNSET
    last_id: str | None | UnsetType = UNSET
    table: str | UnsetType = UNSET
    dt: str | UnsetType = UNSET
    part: int | UnsetType = UNSET
    through_seq: int | UnsetType = UNSET
    covers: list[str] | UnsetType = UNSET


class Draft(msgspec.Struct, kw_only=True):
    """What a caller wants to have committed; the log adds place, time, writer and chain.

    `api_version`: the `anthropic-version` header of the requests. `audited`: the vendor records each request
    of this pull in the activity feed. `attempts`: requests that served no page ({requested_at, status,
    request_id, detail}), which may leave footprints too. `error`: why a window is incomplete. `footprints`:
    own request ids found in the feed, and who else asked. `findings`: {code, subject, detail} seen at work.
    `retention`: what was done to locks and holds (`retention.Change`). `restriction`: whose records are masked at
    reading (`restriction.Change`).
    `delivery`: how far a destination was served (`deliveries.Step`).
    `period`: the step of a chargeback month ({period, state, number, at, by, ...}).
    `public_key`: the key that signs from here on, `possession`: its own word for it (`key_change`).
    `recording`: records that the vendor's recording was switched ({event_id, at, enabled, logging, by}).
    `settles_after`: the age in days at which the figures of a day move no more, of streams whose answers do not
    say how fresh they are.
    """

    kind: Kind
    stream: str | None = None
    window: list[str] | None = None
    query: str | None = None
    complete: bool | None = None
    objects: list[ObjectRef] = []
    derived_from: list[int] = []
    counts: dict[str, Any] = {}
    data_refreshed_at: str | None = None
    settles_after: int | UnsetType = UNSET
    audited: bool | UnsetType = UNSET
    api_version: str | UnsetType = UNSET
    attempts: list[dict[str, Any]] | UnsetType = UNSET
    error: str | UnsetType = UNSET
    footprints: dict[str, Any] | UnsetType = UNSET
    findings: list[dict[str, str]] | UnsetType = UNSET
    recording: list[dict[str, Any]] | UnsetType = UNSET
    table: str | UnsetType = UNSET
    state: dict[str, Any] | UnsetType = UNSET
    origin: str | UnsetType = UNSET
    public_key: str | UnsetType = UNSET
    retention: dict[str, Any] | UnsetType = UNSET
    restriction: dict[str, Any] | UnsetType = UNSET
    period: dict[str, Any] | UnsetType = UNSET
    delivery: dict[str, Any] | UnsetType = UNSET
    possession: str | UnsetType = UNSET


class Entry(Draft, kw_only=True):
    """A draft with its place in the log. `previous` is the SHA-256 of the previous entry's bytes (null for
    entry 0); `snapshot` is the newest snapshot before this entry."""

    format: str
    seq: int
    writer: str
    committed_at: str
    snapshot: int | None
    previous: str | None

    def to_bytes(self) -> bytes:
        return msgspec.json.encode(self, order="sorted")


_decoder = msgspec.json.Decoder(Entry)


def place(
    draft: Draft, *, seq: int, writer: str, committed_at: str, snapshot: int | None, previous: str | None
) -> Entry:
    """The entry that a draft becomes at a place in the log."""
    fields = {name: getattr(draft, name) for name in Draft.__struct_fields__}
    return Entry(
        format=FORMAT,
        seq=seq,
        writer=writer,
        committed_at=committed_at,
        snapshot=snapshot,
        previous=previous,
        **fields,
    )


def parse(data: bytes, key: str) -> Entry:
    """Read an entry. Raises EntryUnreadable, naming the key, when it is damaged or of a newer format."""
    try:
        entry = _decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise EntryUnreadable(
            f"{key} is not a readable entry ({error}); run `ledgerline verify` and restore the object from "
            f"its earlier version or from a copy"
        ) from error
    if entry.format != FORMAT:
        raise EntryUnreadable(
            f"{key} has format {entry.format!r}; this version reads {FORMAT!r}: install a newer Ledgerline"
        )
    return entry


def sha256_hex(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
