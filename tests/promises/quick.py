"""Pulling in this process, with waits of milliseconds and the tenant's own clock: many faults, little time."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

from assets.pull_report import PullReport
from assets.pulling import pull_activities
from assets.workshop import Workshop
from sandbox import Served
from tests.promises.site import Site
from warehouse.anthropic.activities import ActivityFeed
from warehouse.anthropic.http import Client
from warehouse.anthropic.patience import Patience, Timeouts
from warehouse.anthropic.surfaces import COMPLIANCE
from warehouse.wire.times import Clock, midnight


@contextmanager
def open_quickly(
    site: Site, served: Served, *, tries: int = 4, page_limit: int = 40, clock: Clock | None = None
) -> Iterator[Workshop]:
    """The workshop of a site with a client that hardly waits; small pages, so that windows have several."""
    clock = clock or served.clock.now
    with site.open(clock=clock) as workshop:
        client = Client(
            COMPLIANCE,
            base_url=served.url,
            key=lambda: site.key,
            writer=workshop.archive.writer,
            patience=Patience(tries=tries, first=0.005),
            timeouts=Timeouts(read=0.25),
            clock=clock,
        )
        with client:
            workshop.feed = ActivityFeed(client, page_limit)
            yield workshop


def pull(
    site: Site,
    served: Served,
    start: date | datetime | None = None,
    end: date | datetime | None = None,
    **how: Any,
) -> PullReport:
    """One run of the pipeline: what is due, or days from `start` to (not including) `end`."""
    with open_quickly(site, served, **how) as workshop:
        return pull_activities(workshop, start=_moment(start), end=_moment(end))


def _moment(value: date | datetime | None) -> datetime | None:
    return value if value is None or isinstance(value, datetime) else midnight(value)


def elsewhere(served: Served, url: str) -> Served:
    """The same tenant and clock, asked at another address: a scripted server's."""
    return Served(url, served.tenant)
