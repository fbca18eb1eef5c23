"""A small archive of audit events as Parquet, in the archive's final columns, for building marts on.

Promise: what a test records is what the marts read: JSON in `raw`, one row per version, one folder per day.
"""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from warehouse.tables.schema import ACTOR_ID_FIELD, AUDIT_EVENTS, EXTRA_FIELDS

USER = {"type": "user_actor", "user_id": "user_01XyDMpzjS89pFZXqSFUBDr6", "email_address": "Priya@example.com"}
BROWSER = {
    "ip_address": "192.0.2.34",
    "user_agent": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Safari/605.1.15",
}


def at(text: str) -> datetime:
    """`20 08:30` is that day of November 2026, UTC."""
    day, time = text.split(" ")
    hour, minute = time.split(":")
    return datetime(2026, 11, int(day), int(hour), int(minute), tzinfo=UTC)


@dataclass
class Feed:
    """What an archive has seen. `write` puts it on disk; `statements` are the catalogue's views over the files."""

    root: Path
    rows: list[dict[str, Any]] = field(default_factory=list)
    commits: int = 0

    def record(
        self, id: str, when: str, type: str | None, actor: dict[str, Any] | None = None, **fields: Any
    ) -> str:
        """The event as first seen."""
        actor = {**USER, **BROWSER} if actor is None else actor
        created = at(when)
        document = {
            "id": id,
            "created_at": created.isoformat().replace("+00:00", "Z"),
            "organization_id": None,
            "organization_uuid": None,
            "actor": actor,
            "type": type,
            **fields,
        }
        self._add(document, created, version=1, fold="first")
        return id

    def revise(self, id: str, when: str | None = None, **changes: Any) -> None:
        """A later pull found the record changed; `when` moves it to another time."""
        last = self._last(id)
        document = {**json.loads(last["raw"]), **changes}
        created = at(when) if when else last["created_at"]
        self._add(document, created, version=last["version"] + 1, fold="revised")

    def withdraw(self, id: str) -> None:
        """A later pull of its window did not serve it any more."""
        last = self._last(id)
        self.commits += 1
        self.rows.append({**last, "version": last["version"] + 1, "fold": "withdrawn", "commit_seq": self.commits})

    def damage(self, id: str, raw: str) -> None:
        """Let the verbatim text be something that the engine's JSON parser refuses."""
        self._last(id)["raw"] = raw

    def _last(self, id: str) -> dict[str, Any]:
        return max((row for row in self.rows if row["id"] == id), key=lambda row: row["version"])

    def _add(self, document: dict[str, Any], created: datetime, *, version: int, fold: str) -> None:
        self.commits += 1
        actor = document["actor"]
        kind = actor.get("type")
        self.rows.append(
            {
                "id": document["id"],
                "created_at": created,
                "created_at_text": document["created_at"],
                "type": document["type"],
                "actor_type": kind,
                "actor_id": actor.get(ACTOR_ID_FIELD.get(kind, "")),
                "actor_email": actor.get("email_address") or actor.get("unauthenticated_email_address"),
                "ip_address": actor.get("ip_address"),
                "user_agent": actor.get("user_agent"),
                **{name: value for name in EXTRA_FIELDS if isinstance(value := document.get(name), str)},
                "raw": json.dumps(document),
                "observed_at": created + timedelta(minutes=self.commits),
                "commit_seq": self.commits,
                "page": 0,
                "position": 0,
                "version": version,
                "fold": fold,
                "content_sha256": f"{document['id']}/{version}",
                "unknown_event": document["type"] in (None, "quantum_teleport_succeeded") or kind == "robot_actor",
                "unknown_fields": [],
            }
        )

    def statements(self) -> list[str]:
        """Write one file per day, and say the SQL that shows them as the archive's views."""
        folder = self.root / f"after-{self.commits}"
        days: dict[str, list[dict[str, Any]]] = {}
        for row in self.rows:
            days.setdefault(row["created_at"].date().isoformat(), []).append(row)
        files = []
        for day, rows in sorted(days.items()):
            path = folder / f"dt={day}" / "0.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(pa.Table.from_pylist(rows, schema=AUDIT_EVENTS), path)
            files.append(f"'{path}'")
        if not files:
            folder.mkdir(parents=True, exist_ok=True)
            pq.write_table(AUDIT_EVENTS.empty_table(), folder / "empty.parquet")
            versions = f"select *, cast(null as date) as dt from read_parquet('{folder / 'empty.parquet'}')"
        else:
            versions = (
                f"select * from read_parquet([{', '.join(files)}], "
                "hive_partitioning = true, hive_types = {'dt': date})"
            )
        return [
            f"create view audit_event_versions as {versions}",
            "create view audit_events as select v.* from audit_event_versions as v where not exists ("
            "select 1 from audit_event_versions as n "
            "where n.version > 1 and n.id = v.id and n.version = v.version + 1)",
        ]
