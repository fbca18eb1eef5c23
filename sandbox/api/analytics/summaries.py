"""`summaries`: active people by day, over 7 and 30 days, seats, invites and adoption (reference 3.2)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from sandbox.api.analytics.dates import Days
from sandbox.clock import rfc3339
from sandbox.tenant.groups import groups_of
from sandbox.tenant.spend.line import first_minute, moment
from sandbox.tenant.tenant import Tenant

_TRIPLES = ("chat", "claude_code", "claude_design", "office_agent", "chat_cowork_unified")
_WINDOWS = (("daily", 1), ("weekly", 7), ("monthly", 30))


def summaries(tenant: Tenant, days: Days, groups: frozenset[str]) -> list[dict[str, Any]]:
    """One row for each day, oldest first; for members of `groups` only, where some are given."""
    active = _active(tenant, days, groups)
    return [_row(tenant, day, active, scoped=bool(groups)) for day in days.all()]


def _active(tenant: Tenant, days: Days, groups: frozenset[str]) -> dict[date, dict[str, set[str]]]:
    """Who was active, by day and product, from 29 days before the first day on; `""` is any product."""
    now, found = tenant.clock.now(), {}
    day = days.start - timedelta(days=29)
    while day < days.end:
        people: dict[str, set[str]] = {"": set()}
        for session in tenant.engagement.sessions(day, now):
            if groups and groups.isdisjoint(groups_of(tenant.world, session.person)):
                continue
            people[""].add(session.person.user_id)
            people.setdefault(session.product, set()).add(session.person.user_id)
        found[day] = people
        day += timedelta(days=1)
    return found


def _row(tenant: Tenant, day: date, active: dict[date, dict[str, set[str]]], *, scoped: bool) -> dict[str, Any]:
    def count(product: str, window: int) -> int:
        length = 28 if window == 30 and product == "chat_cowork_unified" and not scoped else window
        past = (active[day - timedelta(days=back)].get(product, set()) for back in range(length))
        return len(set().union(*past))

    seats = None if scoped else len(tenant.world.people.on(day))
    start = first_minute(day)
    invites = tenant.directory.pending_invites(moment(start + 1440))
    row: dict[str, Any] = {"starting_at": rfc3339(moment(start)), "ending_at": rfc3339(moment(start + 1440))}
    row |= {f"{name}_active_user_count": count("", window) for name, window in _WINDOWS}
    row |= {"assigned_seat_count": seats, "pending_invite_count": None if scoped else invites}
    row |= {
        f"{name}_adoption_rate": None
        if seats is None
        else round(row[f"{name}_active_user_count"] / seats * 100, 1)
        for name, _ in _WINDOWS
    }
    for product in ("cowork", *_TRIPLES):
        row |= {f"{product}_{name}_active_user_count": count(product, window) for name, window in _WINDOWS}
    return row
