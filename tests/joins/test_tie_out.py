"""The checks of a statement: good where the books are right, bad, with what to do, where they are made wrong."""

from collections.abc import Iterator
from copy import copy
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from assets.cost_verdicts import amounts_are_plausible, one_currency
from assets.statement_verdicts import OF_STATEMENT
from assets.tie_out_verdicts import (
    OF_TIE_OUT,
    actors_are_known,
    centres_have_somebody,
    closed_month_is_as_published,
    corrections_are_of_closed_months,
    days_are_complete,
    each_service_is_its_source,
    every_dollar_has_one_centre,
    invoice_is_explained,
)
from assets.workshop import PayerFiles
from sandbox import Tenant, serve
from tests.joins.chargeback import FEBRUARY, MARCH, Installation
from tests.promises.site import Site
from warehouse.finops.money import to_cents
from warehouse.finops.preparing import Prepared

INVOICE = "invoice_id,issue_date,currency,kind,description,amount\nINV-1,2026-03-03,USD,usage,Claude,{amount}\n"


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """It is 20 March. February was closed early on the 4th and has been restated since."""
    tenant = Tenant(seed=5, users=5, days=1, clock="2026-03-04T10:00:00Z", analytics_rate_limit=0)
    with serve(tenant) as served:
        folder = tmp_path_factory.mktemp("tie-out") / "site"
        made = Installation(Site(folder, served.url, served.keys["compliance"], FEBRUARY.start), served)
        made.pull(FEBRUARY)
        made.map_actors(leave_out=1)
        with made.desk() as desk:
            desk.close(FEBRUARY, by="ana", reason="early", forced=True)
        made.wait_until(date(2026, 3, 20))
        made.pull(FEBRUARY)
        made.pull(MARCH)
        yield made


def spoiled(done: Prepared) -> Prepared:
    """The same with one part of the allocation a micro-dollar dearer."""
    allocation = copy(done.allocation)
    first, *rest = allocation.lines
    allocation.lines = [replace(first, amount=first.amount + Decimal("0.000001")), *rest]
    return replace(done, allocation=allocation)


def test_a_right_month_passes_every_check_that_can_stop_it(company: Installation) -> None:
    with company.desk() as desk:
        done = desk.prepare(MARCH)
        verdicts = {
            judge.__name__: judge(desk.workshop, done.statement, done)
            for judge, blocking in (*OF_STATEMENT, *OF_TIE_OUT)
            if blocking and judge.__name__ != "unallocated_is_small"
        }
        assert {name for name, verdict in verdicts.items() if not verdict.good} == set()
        assert days_are_complete(desk.workshop, done.statement, done).good
        assert [judge(desk.workshop).good for judge in (one_currency, amounts_are_plausible)] == [True, True]
        assert centres_have_somebody(desk.workshop, done.statement, done).good


def test_a_part_that_is_a_micro_dollar_off_is_found_by_row_and_by_organisation(company: Installation) -> None:
    with company.desk() as desk:
        done = spoiled(desk.prepare(MARCH))
        by_row = every_dollar_has_one_centre(desk.workshop, done.statement, done)
        assert (by_row.good, by_row.severe, by_row.facts["wrong rows"]) == (False, True, 1)
        if done.allocation.lines[0].row.organization is not None:
            assert not each_service_is_its_source(desk.workshop, done.statement, done).good


def test_a_service_that_is_not_the_vendors_is_named(company: Installation) -> None:
    with company.desk() as desk:
        done = desk.prepare(MARCH)
        line = next(line for line in done.statement.lines if line.key.service and not line.original_period)
        dear = replace(line, exact=line.exact + 1)
        lines = tuple(dear if one is line else one for one in done.statement.lines)
        verdict = each_service_is_its_source(desk.workshop, replace(done.statement, lines=lines), done)
        assert (verdict.good, verdict.severe) == (False, True)
        assert str(line.key.service) in verdict.text
        assert "verify" in verdict.text


def test_a_closed_month_is_held_to_the_bytes_of_its_close(company: Installation) -> None:
    with company.desk() as desk:
        statement = desk.statement(FEBRUARY)
        assert closed_month_is_as_published(desk.workshop, statement, None).good
        other = replace(statement, lines=statement.lines[:-1])
        verdict = closed_month_is_as_published(desk.workshop, other, None)
        assert (verdict.good, verdict.severe) == (False, True)


def test_corrections_explain_the_difference_and_a_missing_one_is_found(company: Installation) -> None:
    with company.desk() as desk:
        done = desk.prepare(MARCH)
        right = corrections_are_of_closed_months(desk.workshop, done.statement, done)
        assert right.good
        assert right.facts["2026-02 today"] == str(to_cents(company.truth(FEBRUARY)))
        lost = next(line for line in done.statement.lines if line.original_period and line.billed)
        lines = tuple(line for line in done.statement.lines if line is not lost)
        verdict = corrections_are_of_closed_months(desk.workshop, replace(done.statement, lines=lines), done)
        assert (verdict.good, verdict.severe) == (False, True)
        backwards = replace(done.statement, period=FEBRUARY)
        assert not corrections_are_of_closed_months(desk.workshop, backwards, done).good


@pytest.mark.parametrize(("over", "good"), [("0.00", True), ("7.25", False)])
def test_an_invoice_that_is_not_explained_stops_the_month(
    company: Installation, over: str, good: bool, tmp_path: Path
) -> None:
    with company.desk() as desk:
        statement = desk.statement(FEBRUARY)
        amount = to_cents(statement.source_total) + Decimal(over)
        (tmp_path / "2026-02.csv").write_text(INVOICE.format(amount=amount))
        desk.workshop.payers = PayerFiles(company.mapping, invoices=tmp_path)
        verdict = invoice_is_explained(desk.workshop, statement, None)
    assert (verdict.good, verdict.severe) == (good, not good)
    assert good or f"{over} of the invoice's" in verdict.text


def test_missing_days_and_actors_nobody_named_are_told(company: Installation) -> None:
    with company.desk() as desk:
        done = desk.prepare(MARCH)
        april = replace(done.statement, period=MARCH.next)
        assert days_are_complete(desk.workshop, april, None).good  # nothing is due yet
        company.wait_until(date(2026, 4, 20))
        missing = days_are_complete(desk.workshop, april, None)
        assert (missing.good, "Backfill cost_rows" in missing.text) == (False, True)
        strangers = actors_are_known(desk.workshop, done.statement, done)
        assert (strangers.good, strangers.facts["unknown actors"] > 0) == (False, True)
