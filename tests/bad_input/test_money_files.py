"""Files of who pays, invoices and months that cannot be taken: each refusal names file, row, rule and remedy, ends
with 2, and leaves everything as it was."""

import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from sandbox import Tenant, serve
from tests.joins.chargeback import FEBRUARY, Installation
from tests.joins.spend import pull
from tests.promises.conftest import Command, ledgerline
from tests.promises.site import Site

__all__ = ["ledgerline"]

MAPPING = "user_email,user_id,cost_center,valid_from,valid_to,percent"
INVOICE = "invoice_id,issue_date,currency,kind,description,amount"
SEATS = "tier,quantity,unit_price,currency,valid_from,valid_to"
BUDGETS = "cost_center,period,amount,currency"
NEVER = "0.00000000000000000000001"  # far finer than money is written


@pytest.fixture(scope="module")
def pulled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """It is 4 March; February is pulled but for its last day, and everybody has a cost centre."""
    tenant = Tenant(seed=5, users=3, days=1, clock="2026-03-04T10:00:00Z", analytics_rate_limit=0)
    with serve(tenant) as served:
        folder = tmp_path_factory.mktemp("money")
        site = Site(folder / "site", served.url, served.keys["compliance"], FEBRUARY.start)
        made = Installation(site, served)
        for stream in ("cost", "usage"):
            pull(site, served, stream, FEBRUARY.start, date(2026, 2, 28), page_limit=1000)
        made.map_actors()
        yield made


@pytest.fixture
def company(pulled: Installation, tmp_path: Path) -> Installation:
    folder = shutil.copytree(pulled.site.folder, tmp_path / "site")
    return Installation(Site(folder, pulled.site.url, pulled.site.key, FEBRUARY.start), pulled.served)


def everything(company: Installation) -> dict[str, bytes]:
    return {
        str(path.relative_to(company.site.folder)): path.read_bytes()
        for path in company.site.folder.rglob("*")
        if path.is_file() and "cache" not in path.parts
    }


def refused(company: Installation, ledgerline: Command, *words: str) -> dict[str, Any]:
    """The error of a command that must change nothing."""
    before = everything(company)
    ended = ledgerline(company.site, "finops", *words, "--json")
    assert ended.code == 2, ended.out + ended.err
    assert everything(company) == before
    error: dict[str, Any] = ended.json()["error"]
    return error


def with_file(company: Installation, setting: str, text: str) -> None:
    """Write a file of the customer and name it in the configuration."""
    (company.site.folder / f"{setting}.csv").write_text(text)
    if setting != "cost_centers":
        with (company.site.folder / "ledgerline.toml").open("a") as settings:
            settings.write(f'[finops]\n{setting} = "./{setting}.csv"\n')


CASES = {
    "rows that overlap": (
        "cost_centers", f"{MAPPING}\n,user_a,x,2026-01-01,,\n,user_a,y,2026-02-01,,", 3, "overlap",
    ),
    "end before start": ("cost_centers", f"{MAPPING}\n,user_a,x,2026-02-01,2026-01-01,", 2, "dates"),
    "names nobody": ("cost_centers", f"{MAPPING}\n,,x,2026-01-01,,", 2, "nobody"),
    "an empty centre": ("cost_centers", f"{MAPPING}\n,user_a,,2026-01-01,,", 2, "cost_center"),
    "percentages of 99.99": (
        "cost_centers", f"{MAPPING}\n,user_a,x,2026-01-01,,50\n,user_a,y,2026-01-01,,49.99", 3, "percent_sum",
    ),
    "a percentage like 1e3": ("cost_centers", f"{MAPPING}\n,user_a,x,2026-01-01,,1e3", 2, "amount"),
    "an override that overlaps": (
        "overrides", f"{MAPPING}\n,user_a,x,2026-01-01,,\n,user_a,y,2026-02-01,,", 3, "overlap",
    ),
    "a group without a centre": ("group_centers", "group,cost_center\ncc-platform,", 2, "cost_center"),
    "a price like 1e3": ("seat_contracts", f"{SEATS}\nstandard,1,1e3,USD,2026-01-01,", 2, "amount"),
    "an empty price": ("seat_contracts", f"{SEATS}\nstandard,1,,USD,2026-01-01,", 2, "amount"),
    "a negative price": ("seat_contracts", f"{SEATS}\nstandard,1,-3,USD,2026-01-01,", 2, "unit_price"),
    "seats in euros": ("seat_contracts", f"{SEATS}\nstandard,1,3,EUR,2026-01-01,", 2, "currency"),
    "a budget for nobody's centre": ("budgets", f"{BUDGETS}\nno-such,2026-02,10,USD", 2, "unknown_center"),
    "a negative budget": ("budgets", f"{BUDGETS}\ndata,2026-02,-10,USD", 2, "amount"),
    "a budget like 1e3": ("budgets", f"{BUDGETS}\ndata,2026-02,1e3,USD", 2, "amount"),
}  # fmt: skip


@pytest.mark.fault(
    "The files of cost centres, contracts, budgets, invoices or rules have mistakes.",
    area="money",
    data="Nothing is allocated by them.",
    user="Every mistake is listed with file, row, rule and remedy.",
    recovery="Correct the file.",
)
@pytest.mark.parametrize("case", CASES)
def test_a_file_with_a_mistake_is_refused_with_file_row_rule_and_remedy(
    company: Installation, ledgerline: Command, case: str
) -> None:
    setting, text, row, rule = CASES[case]
    with_file(company, setting, f"{text}\n")
    problems = refused(company, ledgerline, "statement", "--period", "2026-02")["problems"]
    assert [(one["file"], one["row"], one["rule"]) for one in problems] == [(f"{setting}.csv", row, rule)]
    assert all(one["what"] and one["remedy"] for one in problems)


def test_formula_text_is_kept_remarked_on_and_never_run(company: Installation, ledgerline: Command) -> None:
    rows = company.mapping.read_text().replace(",data,", ",=1+1,")
    company.mapping.write_text(rows)
    ended = ledgerline(company.site, "finops", "statement", "--period", "2026-02", "--out", "out", "--no-pdf")
    assert ended.code == 0
    assert "cost_centers.csv, row" in ended.err
    assert "formula_text" in ended.err
    assert ",'=1+1," in (company.site.folder / "out" / "statement.csv").read_text()


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        ("INV-1,2026-03-03,EUR,usage,,1.00", "currency"),
        ("INV-1,2026-03-03,USD,usage,,1e3", "amount"),
        ("INV-1,2026-03-03,USD,usage,,", "amount"),
        ("INV-1,2026-03-03,USD,usage,,-5", "sign"),
        (f"INV-1,2026-03-03,USD,usage,,{NEVER}", "amount"),
        ("INV-1,2026-03-03,USD,gift,,1.00", "kind"),
    ],
)
def test_an_invoice_that_cannot_be_taken_names_its_row(
    company: Installation, ledgerline: Command, row: str, rule: str
) -> None:
    (company.site.folder / "invoice.csv").write_text(f"{INVOICE}\n{row}\n")
    (problem,) = refused(company, ledgerline, "reconcile", "--period", "2026-02", "invoice.csv")["problems"]
    assert (problem["file"], problem["row"], problem["rule"]) == ("invoice.csv", 2, rule)
    assert problem["remedy"]


@pytest.mark.fault(
    "A month is to be closed that lacks a day.",
    area="money",
    data="Nothing is closed.",
    user="The days that are missing, and the command that pulls them.",
    recovery="Pull them and close again.",
)
def test_a_month_with_a_missing_day_is_not_closed_and_the_command_that_helps_is_named(
    company: Installation, ledgerline: Command
) -> None:
    said = refused(company, ledgerline, "close", "--period", "2026-02")["message"]
    assert "1 of its 28 days are not complete (2026-02-28)" in said
    assert "`ledgerline pull cost --from 2026-02-28 --to 2026-03-01`" in said


def test_a_month_is_not_closed_twice(company: Installation, ledgerline: Command) -> None:
    with company.desk() as desk:
        desk.close(FEBRUARY, by="ana", reason="early", forced=True)
    said = refused(company, ledgerline, "close", "--period", "2026-02", "--force", "--reason", "again")["message"]
    assert "closed already" in said


@pytest.mark.fault(
    "The vendor's rows do not add up to the vendor's own total.",
    area="money",
    data="Nothing is closed.",
    user="The day on which they differ.",
    recovery="Read that day again. If it stays so, ask the vendor.",
)
def test_a_month_whose_rows_do_not_add_up_is_not_closed_and_the_day_is_named(
    company: Installation, ledgerline: Command
) -> None:
    company.served.faults.on("short_rows", next=1)
    try:
        pull(company.site, company.served, "cost", date(2026, 2, 28), date(2026, 3, 1), page_limit=1000)
    finally:
        company.served.faults.clear()
    assert company.site.sql("select day from cost_days where not agrees") == [(date(2026, 2, 28),)]
    said = refused(company, ledgerline, "close", "--period", "2026-02")["message"]
    assert "do not add up to the vendor's total (first 2026-02-28" in said
    # every dollar is in the statement all the same: what no row explains has no owner
    with company.desk() as desk:
        statement = desk.statement(FEBRUARY)
    assert statement.source_total == company.truth(FEBRUARY)
