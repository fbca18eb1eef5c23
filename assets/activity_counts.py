"""What each cost centre did in a month, counted, beside what it cost: people, days, requests, tokens, chats.

Promise: a count goes to the centre that pays for its actor on that day; nobody is counted twice. Knows no Dagster.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

import duckdb

from warehouse.finops.allocation import AllocatedLine
from warehouse.finops.cost_centers import UNALLOCATED
from warehouse.finops.money import EXACT, ZERO
from warehouse.finops.periods import Period
from warehouse.finops.unit_economics import Activity

CHAT = frozenset({"chat", "chat_cowork_unified"})
# By actor and day. A chat is counted where the feed says that somebody began one.
_REQUESTS = """
select actor_id, day, sum(requests) from usage_rows
where day >= $start and day < $end and actor_id is not null group by all
"""
_CHATS = """
select actor_id, cast(created_at at time zone 'UTC' as date) as day, count(*) from audit_events
where type = 'claude_chat_created' and dt >= $start and dt < $end and actor_id is not null group by all
"""


@dataclass
class _Center:
    cost: Decimal = ZERO
    of_chat: Decimal = ZERO
    tokens: Decimal = ZERO
    requests: int = 0
    chats: int = 0
    people: set[str] = field(default_factory=set)
    days: set[tuple[str, date]] = field(default_factory=set)
    chatting: set[str] = field(default_factory=set)


def activity_of(
    lines: Iterable[AllocatedLine], db: duckdb.DuckDBPyConnection, period: Period
) -> Iterator[Activity]:
    """The counts of a month by centre and unit. `cost` is what its use cost; of a chat, that of chats only."""
    centers: dict[str, _Center] = defaultdict(_Center)
    payers: dict[tuple[str, date], tuple[Decimal, str]] = {}
    usual: dict[str, str] = {}
    for line in lines:
        row = line.row
        if row.charge_category != "Usage":
            continue
        of = centers[line.cost_center]
        of.cost = EXACT.add(of.cost, line.amount)
        if row.product in CHAT:
            of.of_chat = EXACT.add(of.of_chat, line.amount)
        if row.unit == "Tokens" and line.quantity is not None:
            of.tokens = EXACT.add(of.tokens, line.quantity)
        actor = row.actor_id or row.actor_email
        if actor is None:
            continue
        # where several centres pay for somebody, the one with the greatest part counts what they did
        place = payers.get((actor, row.day))
        if place is None or line.amount > place[0]:
            payers[actor, row.day] = (line.amount, line.cost_center)
            usual[actor] = line.cost_center
        if row.actor_kind == "user_actor" and line.amount > ZERO:
            of.people.add(actor)
            of.days.add((actor, row.day))

    def pays(actor: str, day: date) -> str:
        place = payers.get((actor, day))
        return place[1] if place else usual.get(actor, UNALLOCATED)

    span = {"start": period.start, "end": period.end}
    for actor, day, count in db.execute(_REQUESTS, span).fetchall():
        centers[pays(actor, day)].requests += int(count or 0)
    for actor, day, count in db.execute(_CHATS, span).fetchall():
        of = centers[pays(actor, day)]
        of.chats += count
        of.chatting.add(actor)
    for center, of in centers.items():
        users = len(of.people)
        yield Activity(center, "active person", of.cost, users, users)
        yield Activity(center, "person and day", of.cost, len(of.days), users)
        yield Activity(center, "thousand requests", of.cost, Decimal(of.requests) / 1000, users)
        yield Activity(center, "million tokens", of.cost, of.tokens.scaleb(-6), users)
        if of.chats:
            yield Activity(center, "chat begun", of.of_chat, of.chats, len(of.chatting))
