"""Alerts as a destination is sent them: each version of each alert, with the events it names.

Promise: an alert goes out once it is committed, in the order of the log, and never without its event ids; of its
events those are with it that the archive has. Persons who are restricted are masked.
"""

import threading
from collections.abc import Iterator, Sequence
from typing import Any

import duckdb

from assets.delivery_queue import Commit, Queue
from warehouse.archive.archive import Archive
from warehouse.archive.state import TableFile
from warehouse.delivery.chunk import Chunk
from warehouse.delivery.facts import NONE, facts
from warehouse.delivery.mappings.alert import CanonicalAlert, canonical_alert
from warehouse.delivery.mappings.canonical import COLUMNS, CanonicalEvent, canonical_events
from warehouse.delivery.positions import Position, Span
from warehouse.delivery.slices import Slice
from warehouse.tables.alerts import ALERTS, TABLE
from warehouse.tables.catalog import connect
from warehouse.tables.file_rows import rows_of

_AT_ONCE = 500


class AlertReader:
    """Reads the alerts of commits over a connection of its own. A context manager. `lock`: of all who append."""

    def __init__(self, archive: Archive, slice: Slice, lock: threading.Lock) -> None:
        self._archive, self._slice, self._lock = archive, slice, lock
        self._db: duckdb.DuckDBPyConnection | None = None

    def __enter__(self) -> "AlertReader":
        return self

    def __exit__(self, *_: object) -> None:
        if self._db is not None:
            self._db.close()

    def check(self) -> None:
        """Nothing can be wrong with a slice of alerts that `parse_slice` let pass."""

    def chunks(self, queue: Queue, begun: Position, ahead: Sequence[Span], passed: int) -> Iterator[Chunk]:
        """The alerts of the slice after `begun`, but for the spans `ahead`; see `delivery_rows.Reader`."""
        files = {file.key: file for file in self._archive.state.table(TABLE).recent}
        passed -= begun.row if any(commit.seq == begun.seq for commit in queue.of(TABLE, begun)) else 0
        for commit in queue.of(TABLE, begun):
            rows = self._rows(commit, files)
            wanted = [
                (number, row)
                for number, row in enumerate(rows)
                if (commit.seq, number) >= begun
                and not any(start <= (commit.seq, number) < end for start, end in ahead)
                and (self._slice.rule is None or row["rule_id"] == self._slice.rule)
            ]
            for start in range(0, len(wanted), _AT_ONCE):
                some = wanted[start : start + _AT_ONCE]
                row = some[-1][0] + 1
                yield self._chunk(commit, some, Position(commit.seq, row), passed + row)
            passed += commit.rows
            yield Chunk(NONE, [], Position(commit.seq, commit.rows), passed)

    def _rows(self, commit: Commit, files: dict[str, TableFile]) -> list[dict[str, Any]]:
        db = self._connected()
        source, _ = rows_of(self._archive, [files[key] for key in commit.keys], TABLE, ALERTS)
        names = ", ".join(ALERTS.names)
        found = db.execute(f"select {names} from ({source}) as stored order by alert_id, version")
        return [dict(zip(ALERTS.names, row, strict=True)) for row in found.fetchall()]

    def _chunk(
        self, commit: Commit, rows: Sequence[tuple[int, dict[str, Any]]], scanned: Position, passed: int
    ) -> Chunk:
        events = self._events([one for _, row in rows for one in row["event_ids"]])
        alerts: list[CanonicalAlert] = [
            canonical_alert(row, [events[one] for one in row["event_ids"] if one in events]) for _, row in rows
        ]
        found = facts(
            [alert.alert_id for alert in alerts],
            [alert.version for alert in alerts],
            [commit.seq] * len(rows),
            [number for number, _ in rows],
            [alert.stamp_us for alert in alerts],
        )
        return Chunk(found, alerts, scanned, passed)

    def _events(self, ids: Sequence[str]) -> dict[str, CanonicalEvent]:
        names = ", ".join(COLUMNS)
        query = f"select {names} from audit_events where id in (select unnest(?))"
        found = self._connected().execute(query, [sorted(set(ids))]).to_arrow_table()
        return {event.event_id: event for event in canonical_events(found)}

    def _connected(self) -> duckdb.DuckDBPyConnection:
        if self._db is None:
            with self._lock:  # the catalogue is made from the state, which whoever appends changes
                self._db = connect(self._archive)
        return self._db
