"""Pulling usage and cost in this process: a tenant that stands at one moment, small pages, hardly a wait."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from assets.spend_pulling import SpendReport, pull_spend
from assets.workshop import Workshop
from sandbox import Served
from tests.promises.site import Site
from warehouse.anthropic.http import Client
from warehouse.anthropic.patience import Patience, Timeouts
from warehouse.anthropic.spend import SpendReports
from warehouse.anthropic.spend_queries import QUERIES, Stream
from warehouse.anthropic.surfaces import ANALYTICS
from warehouse.wire.times import midnight


@contextmanager
def open_spend(
    site: Site, served: Served, *, page_limit: int = 40, tries: int = 4, key: str = "analytics"
) -> Iterator[Workshop]:
    """The workshop of a site with a client that hardly waits; small pages, so that windows have several."""
    with site.open(clock=served.clock.now) as workshop:
        client = Client(
            ANALYTICS,
            base_url=served.url,
            key=lambda: served.keys[key],
            writer=workshop.archive.writer,
            patience=Patience(tries=tries, first=0.005),
            timeouts=Timeouts(read=2),
            clock=served.clock.now,
            sleep=lambda seconds: None,
        )
        with client:
            workshop.spend = {name: SpendReports(client, name, page_limit) for name in QUERIES}
            yield workshop


def pull(
    site: Site,
    served: Served,
    stream: Stream = "cost",
    start: date | None = None,
    end: date | None = None,
    **how: Any,
) -> SpendReport:
    """One run of a stream: what is due, or the days from `start` to (not including) `end`."""
    with open_spend(site, served, **how) as workshop:
        return pull_spend(workshop, stream, start=start and midnight(start), end=end and midnight(end))


Sums = dict[tuple[Any, ...], Decimal]


def truth(served: Served, start: date, end: date, *by: str, at: datetime | None = None) -> Sums:
    """What the tenant's ledger says the days cost, in USD, by some of its keys; nothing where it is nothing."""
    totals = served.tenant.spend.totals(start, end, by, at=at)
    return {key: Decimal(money.amount).scaleb(-8) for key, money in totals.items() if money.amount}


def in_sql(site: Site, *by: str, table: str = "cost_rows", where: str = "true") -> Sums:
    """The same from a table, by some of its columns."""
    columns = ", ".join(f"cast({name} as varchar)" for name in by)
    grouped = f"{columns}, sum(amount) from {table} where {where} group by {columns}"
    rows = site.sql(f"select {grouped}" if by else f"select sum(amount) from {table} where {where}")
    return {row[:-1]: row[-1] for row in rows if row[-1]}
