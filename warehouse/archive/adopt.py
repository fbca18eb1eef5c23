"""Adoption: objects that a crash left without an entry are named in an entry of their own.

Promise: nothing under our prefixes stays unexplained; what is adopted is evidence that it was there, and of
nothing else (an adopted page makes no window complete).
"""

from datetime import datetime, timedelta

from warehouse.archive import keys
from warehouse.archive.archive import Archive
from warehouse.archive.entry import Draft, Entry, ObjectRef, sha256_hex
from warehouse.archive.log import Log
from warehouse.archive.state import LogState
from warehouse.wire.times import parse_rfc3339

# A writer that is alive commits within minutes of its first put; what is older has lost its writer.
GRACE = timedelta(minutes=15)
LOOK_BACK = timedelta(days=3)
_AT_ONCE = 500


def adopt_orphans(archive: Archive, *, grace: timedelta = GRACE, look_back: timedelta = LOOK_BACK) -> list[str]:
    """Sign in objects of the last days that no entry names and whose writer is gone; returns their keys.

    Older ones are left for `verify` to report: adopting them would hide what somebody slipped in.
    """
    archive.refresh()
    if archive.state.size == 0:
        return []
    now = archive.clock()
    named = _named_since(archive.log, archive.state, now - look_back - timedelta(hours=1))
    orphans = [
        info
        for prefix in keys.EXPLAINED
        for info in archive.store.list(prefix)
        if info.key not in named and now - look_back <= info.modified <= now - grace
    ]
    for start in range(0, len(orphans), _AT_ONCE):
        refs = []
        for info in orphans[start : start + _AT_ONCE]:
            data = archive.store.get(info.key, info.version_id)
            refs.append(
                ObjectRef(key=info.key, version_id=info.version_id, sha256=sha256_hex(data), bytes=len(data))
            )
        archive.commit(Draft(kind="adopt", objects=refs, counts={"objects": len(refs)}))
    return [info.key for info in orphans]


def _named_since(log: Log, state: LogState, since: datetime) -> set[str]:
    """Keys named by entries from `since` on, walking back from the head."""
    named: set[str] = set()
    for seq in range(state.seq, -1, -1):
        entry: Entry = log.entry(seq)
        named.update(ref.key for ref in entry.objects)
        if parse_rfc3339(entry.committed_at) < since:
            break
    return named
