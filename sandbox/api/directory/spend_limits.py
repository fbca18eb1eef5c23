"""Spend limits: what each member may spend this month and has spent (shapes from the vendor's Python types).

Read-only: `/v1/organizations/spend_limits/effective` and `/v1/organizations/spend_limit_increase_requests`.
The spend of a period is the ledger's, as the newest export shows it.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from random import Random
from typing import Any
from zlib import crc32

from starlette.requests import Request

from sandbox.api.analytics.actors import Actors
from sandbox.api.analytics.body import Rows
from sandbox.api.analytics.query import Query
from sandbox.api.directory.listing import TOKENS, by_token
from sandbox.api.errors import invalid
from sandbox.clock import rfc3339
from sandbox.tenant.ids import tagged
from sandbox.tenant.people import Person
from sandbox.tenant.spend.ledger import FLOOR
from sandbox.tenant.spend.line import Who
from sandbox.tenant.tenant import Tenant
from sandbox.tenant.world import Key

PERIODS = ("daily", "weekly", "monthly")
_SEAT_TIERS = {"standard": "20000", "premium": "100000"}  # cents a month
_STATUSES = ("pending", "approved", "denied")


class SpendLimits:
    """The spend limits of one tenant."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant

    def effective(self, request: Request, _key: Key) -> Rows:
        """One row per member for the month: limit, where it comes from, spend so far."""
        query = Query.of(request.url.query, TOKENS, ("period", "user_ids"))
        periods, users = query.members("period", PERIODS), query.members("user_ids")
        for position, value in enumerate(users):
            if not value.startswith("user_"):
                raise invalid(f"user_ids[].{position}: Invalid user_id format: '{value}'")
        people = self.tenant.world.people.on(self.tenant.clock.now().date())
        spent = self._spent()
        rows = [
            self._summary(person, spent.get(person.user_id, 0))
            for person in people
            if (not users or person.user_id in users) and (not periods or "monthly" in periods)
        ]
        return by_token(query, rows, says_more=False)

    def increase_requests(self, request: Request, _key: Key) -> Rows:
        """Requests for a higher limit: one a week, the newest still pending."""
        query = Query.of(request.url.query, TOKENS, ("actor_ids", "status"))
        statuses, actors = query.members("status", _STATUSES), query.members("actor_ids")
        rows = [
            asked
            for asked in self._requests()
            if (not statuses or asked["status"] in statuses)
            and (not actors or asked["actor"]["user_id"] in actors)
        ]
        return by_token(query, rows, says_more=False)

    def _spent(self) -> dict[str | None, int]:
        """Micro-cents of the month so far by user."""
        today = self.tenant.clock.now().date()
        start = max(FLOOR, today.replace(day=1))
        totals = self.tenant.spend.totals(start, today + timedelta(days=1), ("actor",))
        return {who: money.amount for (who,), money in totals.items()}

    def _summary(self, person: Person, spent: int) -> dict[str, Any]:
        tier = "premium" if person.persona == "power" else "standard"
        own = crc32(person.user_id.encode()) % 10 == 0
        return {
            "actor": self._actor(person),
            "scope": {"type": "user", "user_id": person.user_id},
            "source": {"type": "user", "user_id": person.user_id}
            if own
            else {"type": "seat_tier", "seat_tier": tier},
            "amount": "50000" if own else _SEAT_TIERS[tier],
            "currency": "USD",
            "period": "monthly",
            "period_to_date_spend": _three_places(spent),
            "spend_limit_id": tagged("spl", Random(f"{self.tenant.seed}/spl/{person.user_id if own else tier}")),
        }

    def _requests(self) -> list[dict[str, Any]]:
        now = self.tenant.clock.now()
        monday = now.date() - timedelta(days=now.weekday())
        rows = []
        for week in range(8):
            day = monday - timedelta(days=7 * week)
            asked = datetime.combine(day, time(10, 15), UTC)
            people = self.tenant.world.people.on(day)
            rng = Random(f"{self.tenant.seed}/increase/{day}")
            person = people[rng.randrange(len(people))]
            if asked > now:
                continue
            status = "pending" if not week else rng.choice(("approved", "denied"))
            resolved = None if status == "pending" else asked + timedelta(hours=5)
            rows.append(
                {
                    "type": "spend_limit_increase_request",
                    "id": tagged("slir", rng),
                    "actor": self._actor(person),
                    "period": "monthly",
                    "status": status,
                    "created_at": rfc3339(asked),
                    "resolved_at": rfc3339(resolved) if resolved else None,
                    "resolved_by": self._actor(self.tenant.world.people.owner) if resolved else None,
                    "spend_summary": None,
                }
            )
        return rows

    def _actor(self, person: Person) -> dict[str, Any] | None:
        actors = Actors(self.tenant.world, self.tenant.clock.now().date())
        return actors.describe(Who("user_actor", person.user_id, person))


def _three_places(micro: int) -> str:
    """Micro-cents as cents with at most three places, as these rows carry them."""
    thousandths = micro // 1000
    text = f"{thousandths // 1000}.{thousandths % 1000:03}".rstrip("0").rstrip(".")
    return text or "0"
