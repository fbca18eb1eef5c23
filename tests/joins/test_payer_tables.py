"""Who pays, and where the money came from, as tables beside the marts: in every version that a close has kept."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from assets.building import build
from assets.chargeback_build import build_chargeback
from assets.period_books import bookkeeping
from assets.workshop import PayerFiles
from sandbox import Tenant, serve
from tests.joins.chargeback import FEBRUARY, HEADER, Installation
from tests.promises.site import Site
from warehouse.finops.errors import FileRefused
from warehouse.finops.money import to_cents
from warehouse.tables.catalog import connect

CONTRACTS = """\
tier,quantity,unit_price,currency,valid_from,valid_to,proration,owner_cost_center
standard,10,28.00,USD,2026-02-01,2026-03-01,daily,it
"""
INVOICE = """\
invoice_id,issue_date,currency,kind,description,amount
INV-1,2026-03-03,USD,usage,Claude usage February,{usage}
INV-1,2026-03-03,USD,seats,Seats February,280.00
INV-1,2026-03-03,USD,tax,VAT,19.00
"""
LATER_HEADER = f"{HEADER},percent"


@dataclass
class House:
    """A built archive with its books: February is closed under one mapping, today's is another."""

    company: Installation

    @property
    def payers(self) -> PayerFiles:
        folder = self.company.site.folder
        return PayerFiles(self.company.mapping, None, folder / "seats.csv", None, folder / "invoices")

    def build(self) -> None:
        with self.company.site.open(clock=self.company.served.clock.now) as workshop:
            workshop.payers = self.payers
            build(workshop)
            with bookkeeping(workshop) as desk:
                build_chargeback(desk)

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        with (
            self.company.site.open(for_writing=False) as workshop,
            connect(workshop.archive, database=workshop.marts) as db,
        ):
            return db.execute(query).fetchall()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    tenant = Tenant(seed=5, users=5, days=1, clock="2026-03-04T10:00:00Z", analytics_rate_limit=0)
    with serve(tenant) as served:
        folder = tmp_path_factory.mktemp("payers") / "site"
        site = Site(folder, served.url, served.keys["compliance"], FEBRUARY.start)
        company = Installation(site, served)
        company.pull(FEBRUARY)
        company.map_actors(leave_out=1)
        made = House(company)
        (folder / "seats.csv").write_text(CONTRACTS)
        (folder / "invoices").mkdir()
        usage = to_cents(company.truth(FEBRUARY))
        (folder / "invoices" / "2026-02.csv").write_text(INVOICE.format(usage=usage))
        with company.site.open(clock=served.clock.now) as workshop:
            workshop.payers = made.payers
            with bookkeeping(workshop) as desk:
                desk.close(FEBRUARY, by="ana", reason="early", forced=True)
        someone = site.sql("select min(actor_id) from cost_rows where actor_id like 'user_%'")[0][0]
        company.mapping.write_text(
            f"{LATER_HEADER}\n,{someone},data,2026-01-01,,62.5\n,{someone},lab,2026-01-01,,37.5\n"
            ",svac_01sampleCI,platform,2026-01-01,2026-02-10,\n,arn:aws:example,platform,2026-01-01,2026-02-10,\nAda@example.com,,data,2026-01-01,,\n"
        )
        made.build()
        yield made


def test_the_mapping_of_a_close_stays_beside_that_of_today(house: House) -> None:
    versions = house.ask(
        "select is_current, recorded_at is not null, count(distinct version), count(*) > 1 "
        "from map_user_cost_center group by all order by all"
    )
    assert versions == [(False, True, 1, True), (True, False, 1, True)]
    today = house.ask(
        "select user_email, cost_center, percent, valid_to from map_user_cost_center where is_current order by row"
    )
    assert today == [
        (None, "data", Decimal("62.5"), None),
        (None, "lab", Decimal("37.5"), None),
        ("ada@example.com", "data", Decimal(100), None),
    ]
    machines = "select actor_kind, cost_center, cast(valid_to as varchar) from map_actor_cost_center "
    assert house.ask(machines + "where is_current order by row") == [
        ("service_account_actor", "platform", "2026-02-10"),
        ("unknown", "platform", "2026-02-10"),
    ]


def test_what_a_statement_was_mapped_by_is_the_version_that_stands_in_its_allocation(house: House) -> None:
    assert house.ask(
        "select distinct m.is_current from fct_allocation as a "
        "join map_user_cost_center as m on m.version = a.mapping_version where a.period = '2026-02'"
    ) == [(False,)]
    assert house.ask(
        "select count(*) from fct_allocation where rule_id not in (select rule_id from allocation_rule) "
        "and rule_id not like 'seat-vacant:%'"
    ) == [(0,)]


def test_every_centre_is_known_with_who_names_it_and_whether_it_still_is_one(house: House) -> None:
    centers = dict(house.ask("select cost_center, (named_by, is_active) from dim_cost_center"))
    assert centers["UNALLOCATED"][1]
    assert centers["it"] == (["seat_contracts", "statement"], False)
    assert centers["lab"] == (["mapping"], True)
    assert centers["platform"] == (["mapping", "statement"], False)
    assert house.ask(
        "select count(*) from fct_chargeback_line "
        "where cost_center not in (select cost_center from dim_cost_center)"
    ) == [(0,)]


def test_seats_stand_by_day_and_add_up_to_the_contract(house: House) -> None:
    assert house.ask(
        "select seat_status, count(distinct day), sum(seats), sum(fee) from fct_seat_day group by all"
    ) == [("vacant", 28, Decimal(280), Decimal(280))]
    assert house.ask("select tier, quantity, unit_price from seat_contract where is_current") == [
        ("standard", 10, Decimal(28))
    ]


def test_the_money_of_a_month_is_followed_from_the_vendor_to_the_statement_and_to_the_invoice(
    house: House,
) -> None:
    steps = house.ask(
        "select plane, reason, difference, explained_by is not null from fct_reconciliation "
        "where period = '2026-02' order by step"
    )
    usage = to_cents(house.company.truth(FEBRUARY))
    assert [row[:2] for row in steps] == [
        ("source", "usage"), ("source", "seats"), ("source", "corrections"), ("source", "rounding"),
        ("invoice", "usage"), ("invoice", "seats"), ("invoice", "invoice_tax"), ("invoice", "unexplained"),
    ]  # fmt: skip
    assert [row[2] for row in steps[:3]] == [0, 0, 0]
    assert abs(steps[3][2]) < Decimal("0.01")
    assert [row[2] for row in steps[4:]] == [usage, 280, 19, 0]
    assert house.ask("select sum(BilledCost), count(*) from invoice_detail") == [(usage + 299, 3)]
    assert house.ask("select BillingPeriodStatus from billing_period") == [("Closed",)]


def test_an_invoice_with_mistakes_is_refused_and_leaves_the_tables_as_they_were(house: House) -> None:
    path = house.payers.invoices
    assert path is not None
    good = (path / "2026-02.csv").read_text()
    (path / "2026-02.csv").write_text(good.replace("19.00", "1e3"))
    try:
        with pytest.raises(FileRefused, match=r"2026-02\.csv, row 4"):
            house.build()
    finally:
        (path / "2026-02.csv").write_text(good)
    assert house.ask("select count(*) from invoice_detail") == [(3,)]
