"""What each cost centre did in a month, counted, beside what it cost: people, days, requests, tokens, work.

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
from warehouse.finops.money import EXACT, ZERO, total
from warehouse.finops.periods import Period
from warehouse.finops.unit_economics import Activity

CHAT, CODE = frozenset({"chat", "chat_cowork_unified"}), frozenset({"claude_code"})
_REQUESTS = """
select actor_id, day, sum(requests) from usage_rows
where day >= $start and day < $end and actor_id is not null group by all
"""
_COUNTED = """
select user_id, day, {column} from engagement_users
where day >= $start and day < $end and fold <> 'withdrawn' and {column} > 0
"""
# A unit of engagement, the column that counts it, how many make one, and the products whose cost is its numerator.
_ENGAGED = (
    ("session", "claude_code_distinct_session_count", 1, CODE),
    ("commit", "claude_code_commit_count", 1, CODE),
    ("pull request", "claude_code_pull_request_count", 1, CODE),
    ("thousand lines", "claude_code_lines_added_count", 1000, CODE),
    ("chat message", "chat_message_count", 1, CHAT),
)


@dataclass
class _Center:
    cost: Decimal = ZERO
    tokens: Decimal = ZERO
    requests: int = 0
    people: set[str] = field(default_factory=set)
    days: set[tuple[str, date]] = field(default_factory=set)
    by_product: dict[str | None, Decimal] = field(default_factory=lambda: defaultdict(Decimal))


def activity_of(
    lines: Iterable[AllocatedLine], db: duckdb.DuckDBPyConnection, period: Period
) -> Iterator[Activity]:
    """The counts of a month by centre and unit. `cost` is what its use cost; of a unit of engagement, what the
    product cost that it is of."""
    centers: dict[str, _Center] = defaultdict(_Center)
    payers: dict[tuple[str, date], tuple[Decimal, str]] = {}
    usual: dict[str, str] = {}
    for line in lines:
        row = line.row
        if row.charge_category != "Usage":
            continue
        of = centers[line.cost_center]
        of.cost = EXACT.add(of.cost, line.amount)
        of.by_product[row.product] = EXACT.add(of.by_product[row.product], line.amount)
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
    for center, of in centers.items():
        users = len(of.people)
        yield Activity(center, "active person", of.cost, users, users)
        yield Activity(center, "person and day", of.cost, len(of.days), users)
        yield Activity(center, "thousand requests", of.cost, Decimal(of.requests) / 1000, users)
        yield Activity(center, "million tokens", of.cost, of.tokens.scaleb(-6), users)
    for unit, column, size, products in _ENGAGED:
        counts: dict[str, int] = defaultdict(int)
        people: dict[str, set[str]] = defaultdict(set)
        for actor, day, count in db.execute(_COUNTED.format(column=column), span).fetchall():
            center = pays(actor, day)
            counts[center] += count
            people[center].add(actor)
        for center, count in counts.items():
            cost = total(centers[center].by_product[product] for product in products)
            yield Activity(center, unit, cost, Decimal(count) / size, len(people[center]))
