"""Forecast, budgets, anomalies, unit costs and orphaned spend over the sandbox's tenant, at the command line."""

import shutil
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from assets.outlooks import told
from assets.workshop import PayerFiles
from sandbox import Tenant, serve
from tests.joins.chargeback import FEBRUARY, MARCH, Installation
from tests.joins.test_directory import snap
from tests.promises.conftest import Command
from tests.promises.site import Site
from warehouse.finops.money import to_cents, total

BUDGETS = "cost_center,period,amount,currency,owner\n"


@pytest.fixture(scope="module")
def pulled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """It is 20 March; February and March so far are pulled. Two actors have no cost centre."""
    tenant = Tenant(seed=5, users=12, days=1, clock="2026-03-20T10:00:00Z", analytics_rate_limit=0)
    with serve(tenant) as served:
        site = Site(
            tmp_path_factory.mktemp("pulled") / "site", served.url, served.keys["compliance"], FEBRUARY.start
        )
        made = Installation(site, served)
        for month in (FEBRUARY, MARCH):
            made.pull(month)
        made.map_actors(leave_out=2)
        yield made


@pytest.fixture
def company(pulled: Installation, tmp_path: Path) -> Installation:
    """A copy of it to work with; the tenant is the same, so what moves its clock stands last."""
    folder = shutil.copytree(pulled.site.folder, tmp_path / "site")
    return Installation(Site(folder, pulled.site.url, pulled.site.key, FEBRUARY.start), pulled.served)


def with_budgets(company: Installation, *rows: str) -> None:
    (company.site.folder / "budgets.csv").write_text(BUDGETS + "".join(f"{row}\n" for row in rows))
    settings = company.site.folder / "ledgerline.toml"
    if "budgets" not in settings.read_text():
        settings.write_text(f'{settings.read_text()}[finops]\nbudgets = "./budgets.csv"\n')


def test_the_forecast_begins_with_what_the_days_so_far_cost(company: Installation, ledgerline: Command) -> None:
    said = ledgerline(company.site, "finops", "forecast", "--period", "2026-03", "--json").json()
    whole, *centers = said["forecasts"]
    truth = company.site.sql("select sum(amount) from cost_rows where day >= '2026-03-01' and day < '2026-03-18'")
    assert (said["known_to"], whole["days_left"]) == ("2026-03-20", 14)
    assert Decimal(whole["to_date"]) == to_cents(truth[0][0])
    assert Decimal(whole["low"]) <= Decimal(whole["month_end"]) <= Decimal(whole["high"])
    assert {one["cost_center"] for one in centers} == {"data", "platform", "research", "UNALLOCATED"}
    assert total(Decimal(one["month_end"]) for one in centers) == Decimal(whole["month_end"])


def test_a_budget_that_is_used_up_is_told_and_ends_with_one(company: Installation, ledgerline: Command) -> None:
    with_budgets(company, "data,2026-03,1.00,USD,ana@example.com", "research,2026-03,1000000,USD,")
    ended = ledgerline(company.site, "finops", "budgets", "--period", "2026-03", "--json")
    assert ended.code == 1
    data, research = ended.json()["budgets"]
    assert (data["cost_center"], data["owner"], data["reached_percent"]) == ("data", "ana@example.com", 100)
    assert (research["reached_percent"], research["breach_forecast"]) == (0, False)
    assert "used up" in ledgerline(company.site, "finops", "budgets", "--period", "2026-03").out


def test_a_budget_for_a_centre_that_nobody_knows_names_file_row_rule_and_remedy(
    company: Installation, ledgerline: Command
) -> None:
    with_budgets(company, "data,2026-03,1.00,USD,", "reserch,2026-03,5,USD,")
    before = company.log_size()
    ended = ledgerline(company.site, "finops", "statement", "--period", "2026-03", "--json")
    assert ended.code == 2
    (problem,) = ended.json()["error"]["problems"]
    assert (problem["file"], problem["row"], problem["rule"]) == ("budgets.csv", 3, "unknown_center")
    assert "'research'" in problem["remedy"]
    assert company.log_size() == before
    assert not (company.site.folder / "data").exists()


def test_unit_costs_are_withheld_where_few_people_stand_behind_them(
    company: Installation, ledgerline: Command
) -> None:
    units = ledgerline(company.site, "finops", "units", "--period", "2026-03", "--json").json()["units"]
    people = {one["cost_center"]: one["users"] for one in units if one["unit"] == "active person"}
    # the mapping gives actors to three centres by turns, so each of them has four people or a few more
    assert all(one["suppressed"] == (one["per_unit"] is None and one["users"] is None) for one in units)
    assert all(count is None or count >= 5 for count in people.values())
    assert any(one["suppressed"] for one in units)


def test_what_a_deleted_person_still_costs_is_found_once_the_directory_has_lost_them(
    company: Installation, ledgerline: Command
) -> None:
    company.site.env = {"LEDGERLINE_DIRECTORY_KEY": company.served.keys["directory"]}
    deleted = company.site.sql(
        "select actor_id, sum(amount) from cost_rows where actor_deleted and day >= '2026-03-01' group by 1 "
        "having sum(amount) > 0"
    )
    assert deleted, "the tenant has nobody who left in March; take another seed"
    snap(company.site, company.served, "users", page_limit=100)
    ended = ledgerline(company.site, "finops", "orphans", "--period", "2026-03", "--json")
    assert ended.code == 1
    found = {one["actor_id"]: one for one in ended.json()["orphans"] if one["kind"] == "deleted_user"}
    assert {actor: Decimal(one["amount"]) for actor, one in found.items()} == dict(deleted)
    assert all(one["remedy"] and one["reason"] for one in found.values())


def test_the_build_puts_the_outlook_of_every_month_beside_the_marts(
    company: Installation, ledgerline: Command
) -> None:
    with_budgets(company, "data,2026-03,1.00,USD,")
    ended = ledgerline(company.site, "finops", "build", "--json")
    assert ended.code == 0, ended.err
    rows = ended.json()["rows"]
    assert {name for name, count in rows.items() if count} >= {"fct_budget", "fct_forecast", "fct_unit_economics"}
    asked = ledgerline(
        company.site,
        "sql",
        "--json",
        "select f.period, f.cost_center, b.spent, f.month_end, b.reached_percent from fct_forecast as f "
        "join fct_budget as b using (period, cost_center)",
    )
    (row,) = asked.json()
    assert (row["period"], row["cost_center"], row["reached_percent"]) == ("2026-03", "data", 100)


def test_what_is_told_of_a_closed_month_stays_when_budgets_and_days_have_changed(company: Installation) -> None:
    def seen() -> object:
        with company.desk() as desk:
            desk.workshop.payers = PayerFiles(company.mapping, budgets=company.site.folder / "budgets.csv")
            found = told(desk, FEBRUARY)
            return (found.outlook, found.orphans, found.units, found.restated)

    with_budgets(company, "data,2026-02,100,USD,")
    with company.desk() as desk:
        desk.workshop.payers = PayerFiles(company.mapping, budgets=company.site.folder / "budgets.csv")
        desk.close(FEBRUARY, by="ana", reason="early", forced=True)
    before = seen()
    with_budgets(company, "data,2026-02,900,USD,")
    company.wait_until(date(2026, 3, 29))
    company.pull(FEBRUARY)
    assert seen() == before
