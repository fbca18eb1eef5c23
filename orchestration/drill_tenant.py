"""What the drill does to the pretend tenant: it turns its clock, and plays the cases of rules over computed rows.

Promise: such a case is played where the vendor would show it (a booked day of spend, a changed list, an hour that
nobody wrote about), so that the whole way from the API to the alert is tried.
"""

import json
import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import duckdb

from warehouse.wire.times import rfc3339, system_clock

# Who is there on most days, so that there is something usual to differ from; the directory lists them today.
_PEOPLE = """
select c.actor_id, any_value(c.actor_email) as email
from cost_rows as c join directory_users as u on u.id = c.actor_id
where c.actor_type = 'user_actor' and c.actor_email is not null and u.fold <> 'withdrawn' and u.role = 'user'
group by c.actor_id having count(distinct c.day) >= 20 order by count(distinct c.day) desc, c.actor_id
"""
# Whose input comes out of the cache.
_CACHED = """
select actor_id, product, model from usage_rows
where actor_type = 'user_actor' and actor_id is not null and model is not null and day >= $since
group by all having count(distinct day) >= 10 and sum(cache_read_input_tokens) > 3 * sum(
  uncached_input_tokens + cache_creation_5m_input_tokens + cache_creation_1h_input_tokens)
order by actor_id, product, model limit 1
"""
_WORKING_HOURS = (time(8), time(20))


@dataclass
class DrillClock:
    """The present of the drill: that of this machine, or so long ago."""

    behind: timedelta = field(default_factory=timedelta)

    def __call__(self) -> datetime:
        return system_clock() - self.behind


class PretendTenant:
    """The switches of the pretend tenant behind a loopback address."""

    def __init__(self, url: str, clock: DrillClock) -> None:
        self._url, self._clock = url, clock

    def go_to(self, behind: timedelta) -> datetime:
        """Let it be so long ago, for the tenant and for us; gives that moment."""
        self._clock.behind = behind
        now = self._clock()
        self.tell("clock", {"now": rfc3339(now)})
        return now

    def tell(self, what: str, wish: dict[str, Any]) -> dict[str, Any]:
        """One of the tenant's own switches."""
        said: dict[str, Any] = json.loads(self._ask(what, json.dumps(wish).encode()))
        return said

    def change_lists(self, *, promoted: str, removed: str) -> None:
        """A setting, a role and a key change, and somebody is no longer listed, all without an activity."""
        self.tell("setting", {"name": "session_timeout_minutes", "value": 9_999})
        self.tell("directory", {"role": [promoted, "admin"]})
        self.tell("directory", {"key": ["apikey_01DrillAppeared", "appeared"]})
        self.tell("directory", {"remove": removed})

    def fall_silent(self, today: date) -> None:
        """Nothing is known of the working hours of the last working day."""
        day = today - timedelta(days=1)
        while day.weekday() > 4:
            day -= timedelta(days=1)
        start, end = (datetime.combine(day, hour, UTC) for hour in _WORKING_HOURS)
        records = self._ask(f"truth?start={rfc3339(start)}&end={rfc3339(end)}").splitlines()
        self.tell("withdraw", {"ids": [json.loads(record)["id"] for record in records]})

    def spend(self, day: date, lines: Iterable[dict[str, Any]]) -> None:
        """Book spend of a day."""
        booked = [
            {"day": day.isoformat(), "product": "claude_code", "model": "claude-sonnet-5"} | one for one in lines
        ]
        self.tell("spend", {"lines": booked})

    def _ask(self, what: str, body: bytes | None = None) -> bytes:
        request = urllib.request.Request(  # noqa: S310 - our own loopback address
            f"{self._url}/_sandbox/{what}", body, {"content-type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
            data: bytes = answer.read()
        return data


@dataclass(frozen=True)
class Cast:
    """Who plays which part: ids of people, and their addresses."""

    spender: str
    guessed: str
    guessed_email: str
    leaver: str
    deleted: str
    promoted: str
    cached: tuple[str, str, str]  # actor, product, model

    @classmethod
    def of(cls, db: duckdb.DuckDBPyConnection, today: date) -> "Cast":
        """The cast from among those whom the archive knows. Raises ValueError where the company is too small."""
        people = db.execute(_PEOPLE).fetchall()
        cached = db.execute(_CACHED, {"since": today - timedelta(days=28)}).fetchone()
        if len(people) < 5 or cached is None:
            raise ValueError("the pretend company is too small for the drill: give it more people and days")
        names = [str(row[0]) for row in people if row[0] != cached[0]]
        emails = {str(row[0]): str(row[1]) for row in people}
        spender, guessed, leaver, deleted, promoted = names[:5]
        return cls(spender, guessed, emails[guessed], leaver, deleted, promoted, tuple(cached))

    def spend(self) -> list[dict[str, Any]]:
        """What they cost on the day of the drill."""
        actor, product, model = self.cached
        return [
            {"actor_id": self.spender, "usd": 2_500, "input": 1_000, "output": 1_000_000},
            {"actor_id": self.guessed, "usd": 1_500, "input": 1_000, "output": 1_000_000},
            {"actor_id": self.leaver, "usd": 20, "output": 10_000},
            {"actor_id": self.deleted, "usd": 20, "output": 10_000},
            {"actor_id": "apikey_01DrillUnlisted", "product": "messages_api", "usd": 20, "output": 10_000},
            {
                "actor_id": actor,
                "product": product,
                "model": model,
                "usd": 100,
                "input": 900_000_000,
                "output": 50_000,
            },
            {"actor_id": self.spender, "model": "claude-drill-1", "usd": 500, "output": 1_000_000},
        ]

    def records(self, day: date) -> list[dict[str, Any]]:
        """What the feed says of them: a failed sign-in beside the spend, a removal some days before it."""
        at = datetime.combine(day, time(7), UTC)
        return [
            _record(at, "sso_login_failed", {"type": "user_actor", "email_address": self.guessed_email}),
            _record(
                at - timedelta(days=2),
                "scim_user_deleted",
                {"type": "scim_directory_sync_actor", "directory_id": "dir_drill"},
                user_id=self.leaver,
            ),
        ]


def _record(at: datetime, kind: str, actor: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"created_at": rfc3339(at), "type": kind, "actor": {"ip_address": "203.0.113.77"} | actor, **more}
