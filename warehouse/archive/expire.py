"""Expiry of the recent tier: derived files whose lock has passed and whose rows a seal took over are deleted.

Promise: never anything else, never under a hold, never before the sealed rows that replace a file were read and
compared with their hash, never without saying so in the log first.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime

import msgspec

from warehouse.archive.archive import Archive
from warehouse.archive.concerns import Span
from warehouse.archive.entry import Draft, sha256_hex
from warehouse.archive.errors import KeyMissing, ObjectAltered
from warehouse.archive.locks import locks_of
from warehouse.archive.retention import Change
from warehouse.archive.state import LogState, TableFile
from warehouse.archive.store import ObjectInfo
from warehouse.wire.times import parse_rfc3339
from warehouse.wire.windows import Window

_RECENT = "tables/recent/"
_FILE = re.compile(r"tables/recent/([a-z0-9_]+)/dt=([0-9]{4}-[0-9]{2}-[0-9]{2})/([0-9]{12})-[0-9a-f]{16}\.parquet")
_AT_ONCE = 500  # files named in one entry


@dataclass
class Expired:
    """`deleted` (or, in a dry run, what would be); `kept` says of the others why, by reason; `bytes` of the
    deleted; `strange` are files that `ledgerline verify` should be asked about."""

    deleted: list[str] = field(default_factory=list)
    bytes: int = 0
    kept: dict[str, int] = field(default_factory=dict)
    strange: list[str] = field(default_factory=list)

    def keep(self, reason: str) -> None:
        self.kept[reason] = self.kept.get(reason, 0) + 1


def expire(archive: Archive, *, dry_run: bool = False, tell: Callable[[int], None] = lambda _: None) -> Expired:
    """Delete what the recent tier does not need any more. Raises what the store and the log raise.

    A killed run is finished by the next: what it announced and did not delete is found again.
    """
    state, result = archive.refresh(), Expired()
    locks, batch = locks_of(archive.store), list[ObjectInfo]()

    def delete() -> None:
        if batch and not dry_run:
            _announce(archive, batch)
        for info in batch:
            if dry_run or locks.remove(info.key, info.version_id):
                result.deleted.append(info.key)
                result.bytes += info.size
                tell(len(result.deleted))
        batch.clear()

    for info in _free(archive, state, result):
        batch.append(info)
        if len(batch) >= _AT_ONCE:
            delete()
    delete()
    return result


def _free(archive: Archive, state: LogState, result: Expired) -> Iterator[ObjectInfo]:
    """The files that may go, by the log, by the store and by what replaced them."""
    needed = {file.key for table in state.tables.values() for file in table.recent}
    sound: dict[tuple[str, str], bool] = {}
    for listed in archive.store.list(_RECENT):
        named = _FILE.fullmatch(listed.key)
        if named is None or listed.key in needed:
            result.keep("not replaced by a seal")
            continue
        table, day, seq = named.group(1), named.group(2), int(named.group(3))
        parts = _parts(state, table, day, seq)
        if not parts:
            result.keep("not replaced by a seal")
        elif _is_held(state, day):
            result.keep("under a legal hold")
        elif (info := _whole(archive, listed.key)) is None:
            result.strange.append(listed.key)
        elif info.legal_hold:
            result.keep("under a legal hold")
        elif _locked_until(archive, state, info, day) > archive.clock():
            result.keep("locked still")
        else:
            if (table, day) not in sound:
                sound[table, day] = _are_there(archive, state, table, parts)
            if sound[table, day]:
                yield info
            else:
                result.strange.append(listed.key)


def _parts(state: LogState, table: str, day: str, seq: int) -> list[TableFile]:
    """The sealed files of a day, if they took over the rows of this pull."""
    parts = [file for file in state.table(table).sealed if file.dt == day]
    through = max((part.through_seq for part in parts if part.through_seq is not None), default=-1)
    return parts if seq <= through else []


def _is_held(state: LogState, day: str) -> bool:
    whole = Window.of_day(date.fromisoformat(day))
    # a hold that is being released still holds until the log says that it is gone
    return any(Span(hold.window, None).takes(whole, None) for hold in (state.holds or {}).values())


def _whole(archive: Archive, key: str) -> ObjectInfo | None:
    """The object under a key, if it is one object, once written, as its name says: else nobody touches it."""
    versions = [info for info in archive.store.list_versions(key) if info.key == key]
    if len(versions) != 1 or versions[0].delete_marker:
        return None
    found = archive.store.head(key, versions[0].version_id)
    if found is None:
        return None
    digest = sha256_hex(archive.store.get(key, found.version_id))
    return found if f"-{digest[:16]}." in key else None


def _locked_until(archive: Archive, state: LogState, info: ObjectInfo, day: str) -> datetime:
    """Until when a file stays: its own date where the store keeps one, else counted from its writing."""
    until = info.retain_until or info.modified + archive.retention.recent
    whole = Window.of_day(date.fromisoformat(day))
    for longer in state.extensions or []:
        if Span(longer.window, None).takes(whole, None) and info.retain_until is None:
            until = max(until, parse_rfc3339(longer.until))
    return until


def _are_there(archive: Archive, state: LogState, table: str, parts: list[TableFile]) -> bool:
    """Whether each sealed file has its bytes, and its marker stands."""
    markers = {part: marker for marker, part in state.table(table).markers.items()}
    try:
        for part in parts:
            archive.read(part)
            if part.key not in markers or archive.store.head(markers[part.key]) is None:
                return False
    except (KeyMissing, ObjectAltered):
        return False
    return True


def _announce(archive: Archive, batch: list[ObjectInfo]) -> None:
    change = Change(action="expire", keys=[info.key for info in batch])
    counts = {"objects": len(batch), "bytes": sum(info.size for info in batch)}
    archive.commit(Draft(kind="retention", counts=counts, retention=msgspec.to_builtins(change)))
