"""An archive with some days of the pretend tenant's feed, and receivers of events."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import date
from typing import Any

import pytest

from assets.delivering import deliver
from assets.workshop import Workshop
from tests.delivery.receiver import Receiver, plain, receiving
from tests.promises.conftest import Command, Standing, ledgerline, past, site, standing, tenant
from tests.promises.quick import open_quickly, pull
from warehouse.delivery.chunk import Report
from warehouse.delivery.patience import Patience

__all__ = ["Command", "ledgerline", "past", "site", "standing", "tenant"]

FIRST, NEXT, LAST = date(2026, 11, 18), date(2026, 11, 20), date(2026, 11, 22)
QUICK = Patience(tries=3, first=0.002, longest=0.01, asked=2.0)


@pytest.fixture
def receivers() -> Iterator[Callable[[], Receiver]]:
    """Makes receivers."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(receiving())


@pytest.fixture
def receiver(receivers: Callable[[], Receiver]) -> Receiver:
    return receivers()


class Shop:
    """An archive that was pulled, to be delivered from: each delivery opens it anew, as a run does."""

    def __init__(self, standing: Standing) -> None:
        self.served, self.site = standing()
        pull(self.site, self.served, FIRST, NEXT)

    def pull_more(self) -> None:
        pull(self.site, self.served, NEXT, LAST)

    def open(self) -> Any:
        return open_quickly(self.site, self.served)

    def deliver(self, *destinations: Any, modules: dict[str, Any] | None = None, **how: Any) -> dict[str, Report]:
        """Deliver what is due to these; returns their reports by name."""
        load = (modules or {"plain": plain()}).__getitem__
        with self.open() as workshop:
            assert isinstance(workshop, Workshop)
            workshop.destinations = destinations
            reports = deliver(workshop, load=load, **({"patience": QUICK} | how))
        return {report.name: report for report in reports}

    def events(self, condition: str = "true") -> list[str]:
        """Ids of the archived versions that meet a condition, ascending."""
        found = self.site.sql(f"select id from audit_event_versions where {condition} order by 1")
        return [row[0] for row in found]

    def state(self) -> Any:
        with self.site.open(for_writing=False) as workshop:
            return workshop.archive.refresh()


@pytest.fixture
def shop(standing: Standing) -> Shop:
    return Shop(standing)
