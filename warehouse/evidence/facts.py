"""The facts of a certificate that come from the tables: events, callers, late arrivals, changes, unknown things.

Promise: each function asks one question of one period over one connection, and answers in plain JSON values.
"""

from datetime import datetime, timedelta
from typing import Any

import duckdb

from warehouse.archive.state import LogState, caller_identity
from warehouse.evidence.pulls import Pulls
from warehouse.wire.times import rfc3339
from warehouse.wire.windows import Window

LISTED = 200  # of what may be very many, so many are named one by one; the count is of all
_AROUND = timedelta(hours=1)  # the record of a request is made about a second after it

_LATE = """
with late as (
  select e.id, e.type, e.created_at, e.observed_at, min(p.committed_at) as complete_at
  from audit_event_versions as e
  join pulls_made as p
    on p.begins <= e.created_at and e.created_at < p.ends and p.seq < e.commit_seq
  where e.version = 1 and e.created_at >= {start} and e.created_at < {end}
  group by e.id, e.type, e.created_at, e.observed_at
)
select * from late order by observed_at - complete_at desc, id
"""


class Facts:
    """Questions about the events of one period, over a connection that has the archive's tables."""

    def __init__(self, db: duckdb.DuckDBPyConnection, period: Window) -> None:
        self._db = db
        self._start, self._end = _moment(period.start), _moment(period.end)
        self._inside = f"created_at >= {self._start} and created_at < {self._end}"
        self._around = (
            f"created_at >= {_moment(_shifted(period.start, -_AROUND))} "
            f"and created_at < {_moment(_shifted(period.end, _AROUND))}"
        )

    def _rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self._db.execute(sql).fetchall()

    def events(self) -> dict[str, Any]:
        """How many there are, and the longest time in which there is none."""
        ((count, kinds, withdrawn, first, last),) = self._rows(
            f"select count(*), count(distinct type), count(*) filter (fold = 'withdrawn'), min(created_at), "
            f"max(created_at) from audit_events where {self._inside}"
        )
        silence = self._rows(
            f"select created_at, next_at from (select created_at, lead(created_at) over (order by created_at) as "
            f"next_at from audit_events where {self._inside}) where next_at is not null "
            f"order by next_at - created_at desc, created_at limit 1"
        )
        return {
            "count": count,
            "kinds": kinds,
            "withdrawn": withdrawn,
            "first_at": _text(first),
            "last_at": _text(last),
            "longest_silence": {
                "from": _text(silence[0][0]),
                "to": _text(silence[0][1]),
                "seconds": round((silence[0][1] - silence[0][0]).total_seconds()),
            }
            if silence
            else None,
        }

    def seen_requests(self) -> set[str]:
        """Request ids of every record of a use of the Compliance API around the period."""
        rows = self._rows(
            f"select distinct request_id from audit_events where type = 'compliance_api_accessed' "
            f"and request_id is not null and {self._around}"
        )
        return {row[0] for row in rows}

    def callers(self, pulls: Pulls, state: LogState) -> tuple[list[dict[str, Any]], int]:
        """Who else used the Compliance API, caller by caller; and how many requests are of runs of ours that ended
        before they committed."""
        rows = self._rows(
            f"select id, created_at, actor_id, ip_address, user_agent, request_id, url, "
            f"try_cast(json_extract_scalar(raw, '$.status_code') as integer) as status from audit_events "
            f"where type = 'compliance_api_accessed' and {self._inside} order by created_at, id"
        )
        ours, foreign, unclaimed = set(state.footprints.identities), dict[str, dict[str, Any]](), 0
        for event_id, at, key_id, address, agent, request_id, url, status in rows:
            if request_id in pulls.own:
                continue
            identity = caller_identity(key_id, address, agent)
            if identity in ours:
                unclaimed += 1
                continue
            caller = foreign.setdefault(
                identity,
                {
                    "key_id": key_id,
                    "ip_address": address,
                    "user_agent": agent,
                    "requests": 0,
                    "refused": 0,
                    "first_at": _text(at),
                    "last_at": None,
                    "first_event_id": event_id,
                    "paths": {},
                },
            )
            caller["requests"] += 1
            caller["refused"] += status is not None and status >= 400
            caller["last_at"] = _text(at)
            path = (url or "").partition("?")[0][:200]
            if path in caller["paths"] or len(caller["paths"]) < 20:
                caller["paths"][path] = caller["paths"].get(path, 0) + 1
        return list(foreign.values()), unclaimed

    def late(self, pulls: Pulls) -> dict[str, Any]:
        """Events first seen after a pull of their time had been complete without them, and by how much."""
        complete = [pull for pull in pulls.found if pull.complete]
        if not complete:
            return {"count": 0, "largest_seconds": None, "median_seconds": None, "events": []}
        made = ", ".join(
            f"({p.seq}, {_moment(p.window.start)}, {_moment(p.window.end)}, {_moment(p.committed_at)})"
            for p in complete
        )
        self._db.execute(
            f"create or replace temp table pulls_made as select * from (values {made}) "
            f"as made(seq, begins, ends, committed_at)"
        )
        rows = self._rows(_LATE.format(start=self._start, end=self._end))
        seconds = [(row[3] - row[4]).total_seconds() for row in rows]
        return {
            "count": len(rows),
            "largest_seconds": round(seconds[0]) if seconds else None,
            "median_seconds": round(seconds[len(seconds) // 2]) if seconds else None,
            "events": [
                {
                    "id": event_id,
                    "type": kind,
                    "created_at": _text(at),
                    "complete_at": _text(complete_at),
                    "first_seen_at": _text(seen),
                    "late_seconds": round(late),
                }
                for (event_id, kind, at, seen, complete_at), late in list(zip(rows, seconds, strict=True))[:LISTED]
            ],
        }

    def changes(self) -> dict[str, Any]:
        """What the vendor changed or withdrew after it was archived."""
        counts = dict(
            self._rows(
                f"select fold, count(*) from audit_event_versions where fold <> 'first' and {self._inside} "
                f"group by 1"
            )
        )
        rows = self._rows(
            f"select id, type, created_at, version, fold, observed_at from audit_event_versions "
            f"where fold <> 'first' and {self._inside} order by observed_at, id, version limit {LISTED}"
        )
        names = "id", "type", "created_at", "version", "fold", "observed_at"
        return {
            "revised": counts.get("revised", 0),
            "withdrawn": counts.get("withdrawn", 0),
            "events": [{n: _plain(v) for n, v in zip(names, row, strict=True)} for row in rows],
        }

    def unknown(self) -> dict[str, Any]:
        """Types, kinds of actors, fields and values that nobody has listed, and how often they occur."""
        kinds = self._rows(
            f"select type, actor_type, count(*) from audit_events where unknown_event and {self._inside} "
            f"group by 1, 2 order by 3 desc, 1, 2 limit {LISTED}"
        )
        fields = self._rows(
            f"select type, field, count(*) from (select type, unnest(unknown_fields) as field from audit_events "
            f"where unknown_fields is not null and {self._inside}) "
            f"group by 1, 2 order by 3 desc, 1, 2 limit {LISTED}"
        )
        return {
            "types": [{"type": kind, "actor_type": actor, "events": count} for kind, actor, count in kinds],
            "fields": [{"type": kind, "field": name, "events": count} for kind, name, count in fields],
        }


def _moment(moment: datetime) -> str:
    return f"timestamptz '{rfc3339(moment)}'"


def _shifted(moment: datetime, by: timedelta) -> datetime:
    try:
        return moment + by
    except OverflowError:
        return moment


def _plain(value: Any) -> Any:
    return rfc3339(value) if isinstance(value, datetime) else value


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else rfc3339(moment)
