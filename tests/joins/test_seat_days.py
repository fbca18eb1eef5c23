"""Seats from the snapshots of the directory: who holds one, who is idle, what is vacant, what a close keeps."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from assets.period_books import Bookkeeping
from assets.report_files import report_of
from assets.workshop import PayerFiles
from sandbox import Tenant, serve
from tests.joins.chargeback import MARCH, Installation
from tests.joins.test_directory import members, snap
from tests.promises.site import Site
from warehouse.finops.money import total
from warehouse.finops.seats import ASSIGNED, IDLE, VACANT

CONTRACT = "tier,quantity,unit_price,currency,valid_from,valid_to,proration,owner_cost_center\n"
BOUGHT = 30


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Installation]:
    """It is 3 April; March is pulled, and a snapshot of the members was taken on 20 March and again today."""
    tenant = Tenant(seed=5, users=20, days=1, clock="2026-03-20T10:00:00Z", analytics_rate_limit=0)
    with serve(tenant) as served:
        made = Installation(Site(tmp_path / "site", served.url, served.keys["compliance"], MARCH.start), served)
        snap(made.site, served, "users", page_limit=100)
        made.wait_until(date(2026, 4, 3))
        snap(made.site, served, "users", page_limit=100)
        made.pull(MARCH)
        made.map_actors()
        (made.site.folder / "seats.csv").write_text(
            f"{CONTRACT}standard,{BOUGHT},31.00,USD,2026-01-01,,daily,licences\n"
        )
        yield made


@contextmanager
def desk_of(company: Installation) -> Iterator[Bookkeeping]:
    with company.desk() as desk:
        desk.workshop.payers = PayerFiles(company.mapping, seat_contracts=company.site.folder / "seats.csv")
        yield desk


def test_members_hold_seats_from_the_day_they_were_added_until_they_are_listed_no_more(
    company: Installation,
) -> None:
    with desk_of(company) as desk:
        seats = desk.prepare(MARCH).seats
        report = report_of(desk, MARCH)
    holders = {row.actor_id for row in seats.rows if row.cost_type != VACANT}
    ids = {user for user, _, _ in members(company.served)}
    assert ids <= holders
    assert total(row.amount for row in seats.rows) == BOUGHT * 31
    by_day: dict[date, Decimal] = {}
    for row in seats.rows:
        by_day[row.day] = by_day.get(row.day, Decimal(0)) + (row.quantity or 0)
    assert set(by_day.values()) == {Decimal(BOUGHT)}
    assert seats.seat_days[ASSIGNED] > seats.seat_days[IDLE]
    assert seats.seat_days[VACANT] == 31 * BOUGHT - seats.seat_days[ASSIGNED] - seats.seat_days[IDLE] > 0
    (use,) = report.seat_use
    assert use.fee == BOUGHT * 31


def test_who_is_idle_did_nothing_for_thirty_days(company: Installation) -> None:
    with desk_of(company) as desk:
        rows = desk.prepare(MARCH).seats.rows
    on_last = {row.actor_id: row.cost_type for row in rows if row.day == date(2026, 3, 31) and row.actor_id}
    active = {
        actor for (actor,) in company.site.sql("select distinct actor_id from usage_rows where day > '2026-03-01'")
    }
    assert {actor for actor, kind in on_last.items() if kind == ASSIGNED} == active & on_last.keys()


def test_the_holder_pays_for_a_seat_and_the_licence_owner_for_a_vacant_one(company: Installation) -> None:
    with desk_of(company) as desk:
        done = desk.prepare(MARCH)
    vacant = total(row.amount for row in done.seats.rows if row.cost_type == VACANT)
    paid = total(line.amount for line in done.allocation.lines if line.cost_center == "licences")
    assert paid == vacant > 0
    others = {line.cost_center for line in done.allocation.lines if line.row.cost_type == ASSIGNED}
    assert {"data", "platform", "research"} <= others


def test_a_closed_month_keeps_the_seats_of_its_close_when_people_have_left_since(company: Installation) -> None:
    with desk_of(company) as desk:
        _, closed = desk.close(MARCH, by="ana", reason="early", forced=True)
    company.wait_until(date(2026, 6, 1))
    snap(company.site, company.served, "users", page_limit=100)
    (company.site.folder / "seats.csv").write_text(f"{CONTRACT}standard,99,99.00,USD,2026-01-01,,daily,other\n")
    with desk_of(company) as desk:
        assert report_of(desk, MARCH).statement.to_json() == closed.to_json()
