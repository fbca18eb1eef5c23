"""Fourteen months as they go: each is closed early, restated for weeks after, and corrected in the next."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from sandbox import Tenant, serve
from tests.joins.chargeback import Installation, billed
from tests.promises.site import Site
from warehouse.archive.verify import verify
from warehouse.finops.money import to_cents, total
from warehouse.finops.periods import Period

pytestmark = pytest.mark.slow

FIRST, MONTHS = Period(2026, 1), 14


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Installation]:
    tenant = Tenant(seed=9, users=3, days=1, clock="2026-02-05T10:00:00Z", analytics_rate_limit=0)
    with serve(tenant) as served:
        yield Installation(Site(tmp_path / "site", served.url, served.keys["compliance"], FIRST.start), served)


def test_over_fourteen_months_of_restatements_all_statements_add_up_to_the_ledger_to_the_cent(
    company: Installation,
) -> None:
    months = [FIRST]
    while len(months) < MONTHS:
        months.append(months[-1].next)
    kept: dict[str, bytes] = {}
    corrected = 0
    for number, month in enumerate(months):
        company.wait_until(month.end + timedelta(days=4))  # the books close on the fifth
        for known in months[max(0, number - 1) : number + 1]:  # what still moves
            company.pull(known)
        company.map_actors(leave_out=number % 3)  # people come and go in the mapping as well
        with company.desk() as desk:
            entry, statement = desk.close(month, by="ana", reason="the books close on the fifth", forced=True)
            corrected += any(line.original_period for line in statement.lines)
        kept |= {ref.key: (company.site.root / ref.key).read_bytes() for ref in entry.objects}
    following = months[-1].next
    company.wait_until(date(following.end.year, following.end.month, 5))
    company.pull(months[-1])
    with company.desk() as desk:
        for month in months:
            assert billed(desk, month, *months, following) == to_cents(company.truth(month)), month
        everything = total(desk.statement(month).total for month in [*months, following])
        assert everything == total(to_cents(company.truth(month)) for month in months)
    assert corrected >= MONTHS - 2
    assert {key: (company.site.root / key).read_bytes() for key in kept} == kept
    with company.site.open(for_writing=False) as workshop:
        assert verify(workshop.archive.store).findings == []
