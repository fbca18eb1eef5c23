"""Adoption: objects that a crash left without an entry are named in an entry of their own.

Promise: nothing under our prefixes stays unexplained; what is adopted is evidence that it was there, and of
nothing else (an adopted page makes no window complete). Costs what happened lately costs, not what the archive
holds, so that every run may begin with it.
"""

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import partial

from warehouse.archive import keys
from warehouse.archive.archive import Archive
from warehouse.archive.entry import Draft, Entry, ObjectRef, sha256_hex
from warehouse.archive.errors import KeyInvalid, KeyMissing
from warehouse.archive.head import hole
from warehouse.archive.state import LogState
from warehouse.archive.store import ObjectInfo, Store
from warehouse.wire.times import parse_rfc3339
from warehouse.wire.windows import Window

# A writer that is alive commits within minutes of its first put; what is older has lost its writer.
GRACE = timedelta(minutes=15)
LOOK_BACK = timedelta(days=1)
_SKEW = timedelta(hours=1)  # the store's clock dates objects, ours dates entries
_MISDATED = timedelta(days=2)  # a folder has the day of its writer's clock, which may be days off
_AT_ONCE = 500  # objects in one entry
_CHUNK = 128  # entries read at once on the way back
_OUR_NAME = re.compile(r"[a-z0-9_-]+")  # streams and tables; strangers are left for `verify` to name
_LONGEST = 31  # days of one window whose tables are looked through; the vendor's longest window


def adopt_orphans(archive: Archive, *, grace: timedelta = GRACE, look_back: timedelta = LOOK_BACK) -> list[str]:
    """Sign in objects that no entry names and whose writer is gone; returns their keys.

    Looks at objects older than `grace` and younger than `look_back` before the archive was last at work, so
    that a machine that was off for a month still finds what it left. Older ones are left for `verify` to
    report: adopting them would hide what somebody slipped in. Raises what reading and appending raise.
    """
    state = archive.refresh()
    if state.size == 0:
        return []
    now, looked = archive.clock(), state.size
    horizon, entries = _lately(archive, state, now - grace, look_back)
    named = {ref.key for entry in entries for ref in entry.objects}
    days = set(Window(horizon - _MISDATED, now + _MISDATED).days())
    table_days = days.union(*map(_days_of, entries))
    for table in state.tables.values():
        named.update(file.key for file in (*table.recent, *table.sealed))
        table_days.update(date.fromisoformat(file.dt) for file in table.recent if file.dt)
    orphans = [
        info
        for info in _candidates(archive.store, days, table_days)
        if info.key not in named and horizon <= info.modified <= now - grace
    ]
    adopted: list[str] = []
    for start in range(0, len(orphans), _AT_ONCE):
        seen = (_seen(archive.store, info) for info in orphans[start : start + _AT_ONCE])
        made = archive.append(partial(_draft, archive, [ref for ref in seen if ref is not None], looked))
        adopted += [ref.key for ref in made.objects] if made is not None else []
    return adopted


def _lately(
    archive: Archive, state: LogState, before: datetime, look_back: timedelta
) -> tuple[datetime, list[Entry]]:
    """Since when to look, and the entries committed since: back from the last that was committed by `before`."""
    horizon: datetime | None = None
    entries: list[Entry] = []
    end = state.size
    while end > 0:
        start = max(0, end - _CHUNK)
        chunk = list(archive.entries(start, end))
        if len(chunk) != end - start:
            raise hole(start + len(chunk), keys.entry(state.seq))
        entries += chunk
        times = [parse_rfc3339(entry.committed_at) for entry in chunk]
        if horizon is None:
            horizon = max((at - look_back for at in times if at <= before), default=None)
        if horizon is not None and times[0] < horizon - _SKEW:
            break
        end = start
    return horizon or before - look_back, entries


def _draft(archive: Archive, refs: list[ObjectRef], looked: int, state: LogState) -> Draft | None:
    """What is still unnamed by entries that other writers appended since we looked."""
    since = {ref.key for entry in archive.entries(looked, state.size) for ref in entry.objects}
    left = [ref for ref in refs if ref.key not in since]
    return Draft(kind="adopt", objects=left, counts={"objects": len(left)}) if left else None


def _seen(store: Store, info: ObjectInfo) -> ObjectRef | None:
    """The object as it stands, by the version that stands there (a listing may not tell); None if it is gone."""
    try:
        found = store.head(info.key)
        if found is None:
            return None
        data = store.get(info.key, found.version_id)
    except (KeyMissing, KeyInvalid):  # gone meanwhile; or a name that no writer of ours gives
        return None
    return ObjectRef(key=info.key, version_id=found.version_id, sha256=sha256_hex(data), bytes=len(data))


def _candidates(store: Store, days: set[date], table_days: set[date]) -> Iterator[ObjectInfo]:
    """Objects where a writer may have left some. Pages lie under the day of the pull, tables and seals under the
    day of the events; the other prefixes hold little."""
    for stream in _folders(store, "pages/"):
        for day in sorted(days):
            yield from store.list(keys.pages_of_day(stream, day))
    for tier in ("tables/recent/", "tables/sealed/", "seals/"):
        for table in _folders(store, tier):
            for day in sorted(table_days):
                yield from store.list(f"{tier}{table}/dt={day.isoformat()}/")
    for prefix in keys.EXPLAINED:
        if prefix not in ("pages/", "tables/", "seals/"):
            yield from store.list(prefix)


def _folders(store: Store, prefix: str) -> Iterator[str]:
    """The names right below a prefix, found by leaping over all that a name holds."""
    start_after = ""
    while True:
        info = next(iter(store.list(prefix, start_after)), None)
        if info is None:
            return
        name, slash, _ = info.key.removeprefix(prefix).partition("/")
        if slash and _OUR_NAME.fullmatch(name):
            yield name
        start_after = f"{prefix}{name}0" if slash else info.key  # "0" follows "/" in the order of keys


def _days_of(entry: Entry) -> list[date]:
    if entry.window is None:
        return []
    days = Window.from_text(entry.window).days()
    return days if len(days) <= _LONGEST + 1 else []
