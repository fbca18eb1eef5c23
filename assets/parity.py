"""The current API beside the legacy reports: do they agree, and what does the old report per user leave out?

Promise: what is missing in the old report is explained row by row from the current API, as spend without a person;
what that does not explain is shown and is never called agreement. Knows no Dagster.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb

from assets.verdicts import Verdict
from assets.workshop import Workshop
from warehouse.tables.catalog import connect
from warehouse.tables.masking import ACCOUNTING

_TOTALS = """
select count(*), min(day), max(day), sum(amount), sum(legacy_amount), sum(of_people), sum(legacy_of_people),
       sum(legacy_missing)
from cost_parity where comparable and day >= $start and day < $end"""
_OTHERS = """
select day from cost_parity where not comparable and day >= $start and day < $end order by day"""
_TOKENS = """
select count(*), coalesce(sum(tokens), 0), coalesce(sum(legacy_tokens), 0), coalesce(sum(of_people), 0),
       coalesce(sum(legacy_of_people), 0), coalesce(sum(legacy_missing), 0)
from usage_parity where comparable and day >= $start and day < $end"""
# What has no person in the current API, on the days that are compared; and what its own rows lack to its total.
_WITHOUT = """
with days as (select day, amount from cost_parity where comparable and day >= $start and day < $end),
     rows as (select c.* from cost_rows as c join days using (day))
select coalesce(actor_type, 'no actor'), coalesce(product, 'no product'), sum(amount), count(distinct actor_id)
from rows where actor_type is distinct from 'user_actor' group by 1, 2
union all
select 'no row', 'the rows do not add up to the total', sum(gap), 0 from (
  select d.amount - coalesce(sum(r.amount), 0) as gap from days as d left join rows as r using (day)
  group by d.day, d.amount) where gap <> 0 having sum(gap) <> 0
order by 3 desc, 1, 2"""


@dataclass(frozen=True)
class Missing:
    """Spend that the old report per user has no row for: what kind of actor, which product, how many of them."""

    actor_type: str
    product: str
    amount: Decimal
    actors: int


@dataclass(frozen=True)
class TokenParity:
    """The same of tokens: totals, those of people, and what the old report per user lacks to its own total."""

    days: int
    tokens: int
    legacy_tokens: int
    of_people: int
    legacy_of_people: int
    missing: int

    @property
    def agrees(self) -> bool:
        return (self.tokens, self.of_people, self.tokens - self.of_people) == (
            self.legacy_tokens,
            self.legacy_of_people,
            self.missing,
        )

    def document(self) -> dict[str, Any]:
        return {
            "days": self.days,
            "agrees": self.agrees,
            "tokens": self.tokens,
            "legacy_tokens": self.legacy_tokens,
            "of_people": self.of_people,
            "legacy_of_people": self.legacy_of_people,
            "legacy_missing": self.missing,
        }


@dataclass(frozen=True)
class Parity:
    """Both sources over days whose figures are of the same refresh. Amounts in USD, exact.

    `of_people` are rows with a person. `missing` is what the old report per user lacks to its own total,
    `explained` the same from the current API. `not_comparable` are days that the two were not read of in the same
    refresh.
    """

    days: int
    first: date | None
    last: date | None
    amount: Decimal
    legacy_amount: Decimal
    of_people: Decimal
    legacy_of_people: Decimal
    missing: Decimal
    explained: tuple[Missing, ...]
    not_comparable: tuple[date, ...]

    @property
    def difference(self) -> Decimal:
        """The old total less the new one."""
        return self.legacy_amount - self.amount

    @property
    def difference_of_people(self) -> Decimal:
        return self.legacy_of_people - self.of_people

    @property
    def unexplained(self) -> Decimal:
        """What is missing of the old report and has no row without a person in the new one."""
        return self.missing - sum((one.amount for one in self.explained), Decimal(0))

    @property
    def agrees(self) -> bool:
        return self.difference == self.difference_of_people == self.unexplained == 0

    def document(self) -> dict[str, Any]:
        """As JSON: amounts are decimal texts in USD."""
        return {
            "days": self.days,
            "first": self.first,
            "last": self.last,
            "agrees": self.agrees,
            "amount": self.amount,
            "legacy_amount": self.legacy_amount,
            "difference": self.difference,
            "of_people": self.of_people,
            "legacy_of_people": self.legacy_of_people,
            "difference_of_people": self.difference_of_people,
            "legacy_missing": self.missing,
            "explained": [
                {"actor_type": one.actor_type, "product": one.product, "amount": one.amount, "actors": one.actors}
                for one in self.explained
            ],
            "unexplained": self.unexplained,
            "not_comparable": list(self.not_comparable),
        }


def parity(db: duckdb.DuckDBPyConnection, start: date, end: date) -> Parity:
    """Compare the days `[start, end)` that were read of both sources. `db` has the tables unmasked."""
    span = {"start": start, "end": end}
    ((days, first, last, *sums),) = db.execute(_TOTALS, span).fetchall()
    new, old, people, old_people, missing = (amount or Decimal(0) for amount in sums)
    explained = db.execute(_WITHOUT, span).fetchall() if days else []
    others = db.execute(_OTHERS, span).fetchall()
    return Parity(
        days,
        first,
        last,
        new,
        old,
        people,
        old_people,
        missing,
        tuple(Missing(*row) for row in explained),
        tuple(day for (day,) in others),
    )


def token_parity(db: duckdb.DuckDBPyConnection, start: date, end: date) -> TokenParity:
    """Compare the tokens of the days `[start, end)` that were read of both sources."""
    ((days, *sums),) = db.execute(_TOKENS, {"start": start, "end": end}).fetchall()
    return TokenParity(days, *map(int, sums))


def old_and_new_usage_agree(workshop: Workshop) -> Verdict:
    """The legacy usage reports and the current API count the same tokens on each day of the same refresh: in
    total, of people, and those that the old report per user leaves out. When not, ask the vendor which of the two
    is right."""
    with connect(workshop.archive, unmasked=ACCOUNTING) as db:
        found = token_parity(db, date.min, date.max)
    if not found.days:
        return Verdict(False, "No day was read of both sources in the same refresh. Pull them together.")
    if found.agrees:
        return Verdict(
            True,
            f"{found.days} days agree to the last token. {found.missing:,} tokens are in no row of the report per "
            "user: keys, service accounts and what has no actor.",
            facts=found.document(),
        )
    return Verdict(
        False,
        f"Over {found.days} days the old total differs by {found.legacy_tokens - found.tokens:,} tokens, people "
        f"by {found.legacy_of_people - found.of_people:,}. `ledgerline finops parity` has the figures.",
        severe=True,
        facts=found.document(),
    )


def old_and_new_agree(workshop: Workshop) -> Verdict:
    """The legacy reports and the current API say the same of each day of the same refresh: in total, of people,
    and of what the old report per user leaves out. When not, ask the vendor which of the two is right; statements
    are made of the current API."""
    with connect(workshop.archive, unmasked=ACCOUNTING) as db:
        found = parity(db, date.min, date.max)
    facts: dict[str, Any] = {
        "days": found.days,
        "not comparable": len(found.not_comparable),
        "current USD": f"{found.amount:f}",
        "legacy USD": f"{found.legacy_amount:f}",
        "left out of the report per user USD": f"{found.missing:f}",
        "unexplained USD": f"{found.unexplained:f}",
    }
    if not found.days:
        return Verdict(
            False, "No day was read of both sources in the same refresh. Pull them together.", facts=facts
        )
    if found.agrees:
        return Verdict(
            True,
            f"{found.days} days agree to the last decimal. {found.missing:,.2f} USD are in no row of the report "
            "per user: keys, service accounts and what has no actor.",
            facts=facts,
        )
    return Verdict(
        False,
        f"Over {found.days} days the old total differs by {found.difference:f}, people by "
        f"{found.difference_of_people:f}, and {found.unexplained:f} USD are missing without an explanation. "
        "`ledgerline finops parity` has the figures.",
        severe=True,
        facts=facts,
    )
