"""Builds an archive for the verify benchmark. Prints one JSON line: entries, objects, bytes, seconds.

Pages are JSON that parses, compressed as the archive does it; table files are bytes of the size that Parquet files
of as many events have (156 B an event), since a verifier only hashes them. Log, entries, checkpoints, tiles, seals
and snapshots are made by the very code that makes them in operation. Files are not synced to the disk one by one.
"""

import argparse
import json
import os
import random
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from warehouse.archive import keys
from warehouse.archive.archive import Archive, ServedPage
from warehouse.archive.entry import Draft, Entry, ObjectRef, sha256_hex
from warehouse.archive.signing import create_key, load_key
from warehouse.archive.store import Store, open_store
from warehouse.wire.windows import Window

STREAM, TABLE = "activities", "audit_events"
FIRST = datetime(2025, 1, 1, tzinfo=UTC)
PAGE = 5000  # records at most
_EVENT_BYTES = 156  # of a Parquet file
_TYPES = ("claude_chat_created", "claude_file_uploaded", "social_login_succeeded", "claude_project_viewed")


class _Clock:
    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--days", type=int, required=True)
    parser.add_argument("--skip", type=int, default=0, help="days before the first one, already there")
    parser.add_argument("--per-day", type=int, required=True)
    parser.add_argument(
        "--commits", type=int, default=1, help="pulls a day: 1 as by a backfill, 288 as by the tail"
    )
    options = parser.parse_args()
    os.fsync = lambda _handle: None  # type: ignore[assignment]
    began = time.monotonic()
    key = options.folder / "signing.key"
    options.folder.mkdir(parents=True, exist_ok=True)
    if not key.exists():
        create_key(key)
    store = open_store(f"file:{options.folder}/archive")
    size = fill(store, key, days=options.days, per_day=options.per_day, commits=options.commits, skip=options.skip)
    print(json.dumps({"entries": size, "seconds": time.monotonic() - began}))


def fill(
    store: Store, key: Path, *, days: int, per_day: int, commits: int = 1, skip: int = 0, first: datetime = FIRST
) -> int:
    """Pull, fold and seal `days` days after the first `skip`; returns how many entries there are then."""
    clock = _Clock(first)
    with Archive(store, key=lambda: load_key(key), clock=clock) as archive:
        for day in range(skip, skip + days):
            _day(archive, clock, first + timedelta(days=day), per_day, commits)
        archive.settle()
        return archive.state.size


def _day(archive: Archive, clock: _Clock, day: datetime, per_day: int, commits: int) -> None:
    step = timedelta(days=1) / commits
    rng = random.Random(day.toordinal())
    pulls: list[int] = []
    for number in range(commits):
        window = Window(day + number * step, day + (number + 1) * step)
        clock.now = max(clock.now, window.end)
        count = per_day * (number + 1) // commits - per_day * number // commits
        pulls.append(_pull(archive, window, count, rng).seq)
    clock.now = max(clock.now, day + timedelta(days=1, hours=2, minutes=30))
    _seal(archive, day, pulls, per_day)
    archive.log.snapshot()


def _pull(archive: Archive, window: Window, count: int, rng: random.Random) -> Entry:
    refs = []
    for index in range(max(1, -(-count // PAGE))):
        records = [_record(rng, window.start) for _ in range(min(PAGE, count - index * PAGE))]
        body = b'{"data":[' + b",".join(records) + b'],"has_more":false}'
        page = ServedPage(
            index=index + 1, body=body, records=records, status=200, request_id=f"req_{rng.getrandbits(64):016x}",
            requested_at=archive.clock(), query="limit=5000", headers={}, cursor_in=None, last_id=None,
        )  # fmt: skip
        refs.append(archive.put_page(STREAM, window, page))
    pulled = archive.commit(
        Draft(
            kind="pull",
            stream=STREAM,
            window=window.as_text(),
            complete=True,
            objects=refs,
            counts={"records": count},
        )
    )
    data = rng.randbytes(max(count, 1) * _EVENT_BYTES)
    day = window.start.date()
    stored = archive.put(keys.recent(TABLE, day, pulled.seq, sha256_hex(data)), data, recent=True)
    return archive.commit(
        Draft(
            kind="table", stream=STREAM, table=TABLE, derived_from=[pulled.seq], window=window.as_text(),
            objects=[_table_ref(stored, records=count, dt=day.isoformat())],
        )
    )  # fmt: skip


def _seal(archive: Archive, day: datetime, pulls: list[int], per_day: int) -> None:
    data = random.Random(day.toordinal() + 1).randbytes(max(per_day, 1) * _EVENT_BYTES)
    date = day.date()
    through = archive.state.table(TABLE).folded_through
    stored = archive.put(keys.sealed(TABLE, date, 1, sha256_hex(data)), data)
    common: dict[str, Any] = {"dt": date.isoformat(), "part": 1, "through_seq": through}
    mark = f"marker of {stored.key}".encode()
    marker = ObjectRef(
        key=keys.seal_marker(TABLE, date, 1, stored.sha256), version_id=None, sha256=sha256_hex(mark),
        bytes=len(mark), table=TABLE, **common,
    )  # fmt: skip
    sealed = _table_ref(stored, records=per_day, **common)
    archive.commit(Draft(kind="seal", stream=STREAM, table=TABLE, objects=[sealed, marker], derived_from=pulls))
    archive.put(marker.key, mark)


def _table_ref(stored: ObjectRef, **more: Any) -> ObjectRef:
    return ObjectRef(
        key=stored.key, version_id=stored.version_id, sha256=stored.sha256, bytes=stored.bytes, table=TABLE, **more
    )


def _record(rng: random.Random, at: datetime) -> bytes:
    """About 800 bytes, as the feed's records are on average."""
    return (
        b'{"id":"activity_%024x","created_at":"%s","type":"%s","organization_uuid":"%s","actor":{"type":"user_actor",'
        b'"user_id":"user_%012x","email_address":"person%d@example.com","ip_address":"192.0.2.%d","user_agent":"%s"},'
        b'"filler":"%s"}'
    ) % (
        rng.getrandbits(96), at.isoformat().encode(), _TYPES[rng.randrange(4)].encode(), _UUID,
        rng.getrandbits(16), rng.getrandbits(9), rng.getrandbits(8), _AGENT, _FILLER[rng.randrange(64) :],
    )  # fmt: skip


_UUID = b"694ef5fa-dc39-4935-a5b1-0bd32b5c74e6"
_AGENT = b"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36"
_FILLER = random.Random(7).randbytes(220).hex().encode()


if __name__ == "__main__":
    main()
