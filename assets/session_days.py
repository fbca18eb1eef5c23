"""Sessions of Claude Code out of telemetry's tables, with whose they were: what the money room weighs by.

Promise: an account's id counts before its UUID, that before its address, that before what the machine says of its
user; what is ambiguous is nobody's. Knows no Dagster.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date

import duckdb

from warehouse.finops.session_cost import SessionDay

# Repeats are marked and left out; what a client could not price weighs nothing.
_SESSIONS = """
select cast("time" at time zone 'UTC' as date) as day, session_id,
       max(user_account_id) as account_id, max(user_account_uuid) as account_uuid, max(user_email) as email,
       max(enduser_id) as enduser_id, max(organization_id) as organization, model,
       cast(sum(case when cost_usd between 0 and 1000000000 then cost_usd else 0 end) as decimal(38, 8))
         as estimate,
       count(*) as requests,
       max(cost_center) as cost_center, max(department) as department, max(team) as team, max(repo) as repository,
       min(service_version) as version
from otel_events
where event_name = 'api_request' and not duplicate and session_id is not null and "time" is not null
  and (cast("time" at time zone 'UTC' as date) between $start and $last)
group by day, session_id, model order by all
"""
_PEOPLE = """
select id, lower(email) from directory_users where id is not null
union select actor_id, lower(actor_email) from cost_rows where actor_type = 'user_actor' and actor_id is not null
"""
_ACCOUNTS = """
select distinct user_account_id, lower(user_account_uuid) from otel_events
where user_account_id is not null and user_account_uuid is not null
"""


def sessions_of(db: duckdb.DuckDBPyConnection, start: date, last: date) -> list[SessionDay]:
    """The sessions of the days from `start` to `last`, in a stable order."""
    return list(_sessions(db, start, last, _People(db)))


def _sessions(db: duckdb.DuckDBPyConnection, start: date, last: date, people: "_People") -> Iterator[SessionDay]:
    for row in db.execute(_SESSIONS, {"start": start, "last": last}).fetchall():
        day, session, account, uuid, email, end_user, organization, model, estimate, requests, *about = row
        actor_id, address, identity = people.who(account, uuid, email, end_user)
        yield SessionDay(
            day, session, actor_id, address, identity, organization, model, estimate, requests, *about
        )


class _People:
    """Who an account is, by the sources that give an id: the directory, the cost report, telemetry itself."""

    def __init__(self, db: duckdb.DuckDBPyConnection) -> None:
        self._ids: dict[str, str] = {}
        self._emails: dict[str, set[str]] = defaultdict(set)
        self._addresses: dict[str, str] = {}
        self._uuids: dict[str, set[str]] = defaultdict(set)
        for actor, email in db.execute(_PEOPLE).fetchall():
            self._ids[_suffix(actor)] = actor
            if email:
                self._emails[email].add(actor)
                self._addresses[actor] = email
        for account, uuid in db.execute(_ACCOUNTS).fetchall():
            self._uuids[uuid].add(self._ids.get(_suffix(account), account))

    def who(
        self, account: str | None, uuid: str | None, email: str | None, end_user: str | None
    ) -> tuple[str | None, str | None, str]:
        """Id, address, and by what they were found."""
        if account:
            return self._named(self._ids.get(_suffix(account), account), email, "account_id")
        if uuid and len(found := self._uuids.get(uuid.lower(), set())) == 1:
            return self._named(next(iter(found)), email, "account_uuid")
        if email:
            return self._by_address(email.lower(), "email")
        if end_user and "@" in end_user:
            return self._by_address(end_user.lower(), "enduser_id")
        if end_user and _suffix(end_user) in self._ids:
            return self._named(self._ids[_suffix(end_user)], None, "enduser_id")
        return None, None, "none"

    def _by_address(self, email: str, by: str) -> tuple[str | None, str | None, str]:
        found = self._emails.get(email, set())
        return (next(iter(found)), email, by) if len(found) == 1 else (None, email, by)

    def _named(self, actor: str, email: str | None, by: str) -> tuple[str | None, str | None, str]:
        return actor, email or self._addresses.get(actor), by


def _suffix(identifier: str) -> str:
    """What of a tagged id stays the same under another tag."""
    return identifier.rpartition("_")[2]
