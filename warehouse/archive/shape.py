"""What an entry must say to count.

Promise: an entry that the state could not take in is refused before it is written, and named where somebody
slipped it in; what passes here, `derive.apply` can always take in.
"""

import re
from datetime import UTC, date, datetime
from typing import Any

import msgspec
from msgspec import UNSET

from warehouse.archive import restriction
from warehouse.archive.deliveries import step_of
from warehouse.archive.entry import Entry, ObjectRef, parse
from warehouse.archive.errors import EntryUnreadable
from warehouse.archive.key_change import named_key
from warehouse.archive.recording import Turn
from warehouse.archive.retention import change_of
from warehouse.archive.state import Caller
from warehouse.wire.times import parse_rfc3339
from warehouse.wire.windows import Window

ALWAYS = Window(datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC))


class Seen(msgspec.Struct):
    """The footprints that a fold met, as a table entry carries them."""

    found: list[str] = []
    identities: list[str] = []
    others: list[Caller] = []


def read(data: bytes, key: str) -> Entry:
    """An entry that can be taken in, from its bytes. Raises EntryUnreadable."""
    entry = parse(data, key)
    check(entry, key)
    return entry


def check(entry: Entry, key: str) -> None:
    """Raise EntryUnreadable, naming the key, when an entry lacks what its kind needs or says nonsense."""
    try:
        _check_place(entry)
        for ref in entry.objects:
            _check_object(ref)
        if entry.window is not None:
            window_of(entry.window)
        _check_kind(entry)
    except ValueError as error:
        raise EntryUnreadable(
            f"{key} has the form of an entry but cannot be one ({error}); run `ledgerline verify` and restore "
            f"the object from its earlier version or from a copy"
        ) from error


def _check_place(entry: Entry) -> None:
    if entry.seq < 0:
        raise ValueError(f"its number is {entry.seq}")
    if entry.snapshot is not None and not 0 <= entry.snapshot < entry.seq:
        raise ValueError(f"entry {entry.snapshot} cannot be the snapshot before it")
    parse_rfc3339(entry.committed_at)


def _check_object(ref: ObjectRef) -> None:
    if isinstance(ref.covers, list) and len(ref.covers) != 2:
        raise ValueError(f"{ref.key} covers {len(ref.covers)} times instead of two")
    if isinstance(ref.requested_at, str):
        parse_rfc3339(ref.requested_at)
    if isinstance(ref.dt, str):
        date.fromisoformat(ref.dt)


def _check_kind(entry: Entry) -> None:
    if entry.kind == "pull":
        if entry.stream is None:
            raise ValueError("it is a pull of no stream")
        if entry.data_refreshed_at is not None:
            parse_rfc3339(entry.data_refreshed_at)
        if isinstance(entry.settles_after, int) and entry.settles_after < 0:
            raise ValueError(f"its figures settle after {entry.settles_after} days")
        for attempt in attempts_of(entry):
            if isinstance(attempt.get("requested_at"), str):
                parse_rfc3339(attempt["requested_at"])
    elif entry.kind in ("table", "seal"):
        if entry.table is UNSET:
            raise ValueError(f"it is a {entry.kind} entry of no table")
        if entry.footprints is not UNSET:
            msgspec.convert(entry.footprints, Seen)
        for turn in turns_of(entry):
            parse_rfc3339(turn.at)
        names_of(entry, "unknown_types")
        names_of(entry, "unknown_fields")
    elif entry.kind == "retention":
        change_of(entry)
    elif entry.kind == "key":
        named_key(entry)
    elif entry.kind == "restriction":
        restriction.change_of(entry)
    elif entry.kind == "delivery":
        step_of(entry)
    elif entry.kind == "snapshot" and entry.state is UNSET:
        raise ValueError("it is a snapshot without a state")
    elif entry.kind == "period":
        _check_period(entry)


def _check_period(entry: Entry) -> None:
    step = entry.period if isinstance(entry.period, dict) else {}
    if not re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])", str(step.get("period"))):
        raise ValueError("it is a period entry that names no month")
    if step.get("state") not in ("provisional", "closed", "reopened"):
        raise ValueError(f"{step['period']} cannot become {step.get('state')!r}")


def window_of(pair: list[str]) -> Window:
    window = Window.from_text(pair)
    if window.end > ALWAYS.end:
        raise ValueError(f"its window ends after {ALWAYS.end:%Y-%m-%d}")
    return window


def attempts_of(entry: Entry) -> list[dict[str, Any]]:
    return entry.attempts if isinstance(entry.attempts, list) else []


def turns_of(entry: Entry) -> list[Turn]:
    return [] if entry.recording is UNSET else msgspec.convert(entry.recording, list[Turn])


def names_of(entry: Entry, count: str) -> dict[str, int]:
    return msgspec.convert(entry.counts.get(count) or {}, dict[str, int])
