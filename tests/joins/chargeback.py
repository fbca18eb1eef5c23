"""The books of a tenant that restates its days: a month is pulled, mapped, closed, and looked at later."""

import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

from assets.period_books import Bookkeeping, bookkeeping
from assets.workshop import PayerFiles
from sandbox import Served, Tenant, serve
from tests.joins.spend import pull, truth
from tests.promises.site import Site
from warehouse.finops.money import total
from warehouse.finops.periods import Period

HEADER = "user_email,user_id,cost_center,valid_from,valid_to"
FEBRUARY, MARCH = Period(2026, 2), Period(2026, 3)
MARCH_BEGUN = date(2026, 3, 4)


@dataclass
class Installation:
    """A site with its tenant. The mapping file lies beside the configuration."""

    site: Site
    served: Served

    @property
    def mapping(self) -> Path:
        return self.site.folder / "cost_centers.csv"

    def wait_until(self, day: date, hour: int = 10) -> None:
        now = self.served.clock.now()
        then = now.replace(year=day.year, month=day.month, day=day.day, hour=hour)
        self.served.clock.advance((then - now).total_seconds())

    def pull(self, period: Period) -> None:
        """Read the days of a month that the vendor has by now, cost and usage."""
        end = min(period.end, self.served.clock.now().date())
        for stream in ("cost", "usage"):
            pull(self.site, self.served, stream, period.start, end, page_limit=1000)

    def map_actors(self, *, leave_out: int = 0) -> None:
        """Give each actor of the tables one of three centres by turns, but for the last few."""
        found = self.site.sql("select distinct actor_id from cost_rows where actor_id is not null order by 1")
        actors = [actor for (actor,) in found]
        rows = [
            f",{actor},{('data', 'platform', 'research')[number % 3]},2026-01-01,"
            for number, actor in enumerate(actors[: len(actors) - leave_out])
        ]
        self.mapping.write_text("\n".join([HEADER, *rows, ""]))

    @contextmanager
    def desk(self) -> Iterator[Bookkeeping]:
        with self.site.open(clock=self.served.clock.now) as workshop:
            workshop.payers = PayerFiles(self.mapping)
            with bookkeeping(workshop) as desk:
                yield desk

    def truth(self, period: Period) -> Decimal:
        """What the tenant's ledger says a month costs now, unrounded."""
        return total(truth(self.served, period.start, period.end).values())

    def log_size(self) -> int:
        with self.site.open(for_writing=False) as workshop:
            return workshop.archive.refresh().size


@contextmanager
def installed(folder: Path, day: date, users: int = 5) -> Iterator[Installation]:
    """An installation on a day, with a tenant whose past is the same each time."""
    tenant = Tenant(seed=5, users=users, days=1, clock=f"{day}T10:00:00Z", analytics_rate_limit=0)
    with serve(tenant) as served:
        yield Installation(Site(folder, served.url, served.keys["compliance"], FEBRUARY.start), served)


def copied(of: Path, folder: Path, day: date) -> AbstractContextManager[Installation]:
    """A copy of such an installation on the same day."""
    return installed(shutil.copytree(of, folder), day)


def billed(desk: Bookkeeping, about: Period, *periods: Period) -> Decimal:
    """What the statements of some periods have for one month together."""
    return total(
        line.billed
        for period in periods
        for line in desk.statement(period).lines
        if (line.original_period or period) == about
    )
