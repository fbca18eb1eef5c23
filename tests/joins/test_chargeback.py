"""From the vendor's cost to closed books: statements that tie out, months that stay, corrections that explain."""

import csv
import io
import json
import shutil
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from assets.cost_lines import rows_of
from assets.focus_files import cost_and_usage_of, periods_of
from assets.restricting import restrict
from tests.joins.chargeback import FEBRUARY, HEADER, MARCH, MARCH_BEGUN, Installation, billed
from tests.promises.conftest import Command
from tests.promises.mortal import Counted, Died, Mortal, give
from warehouse.archive.adopt import adopt_orphans
from warehouse.archive.verify import verify
from warehouse.finops.cost_centers import UNALLOCATED
from warehouse.finops.errors import CurrencyRefused, PeriodRefused, TooEarly
from warehouse.finops.money import to_cents, total
from warehouse.tables.catalog import connect

FINAL = date(2026, 3, 31)


def test_a_statement_is_the_ledger_to_the_cent_and_names_what_has_no_owner(company: Installation) -> None:
    with company.desk() as desk:
        statement = desk.statement(FEBRUARY)
    assert statement.source_total == company.truth(FEBRUARY)
    assert statement.total == to_cents(company.truth(FEBRUARY)) == total(line.billed for line in statement.lines)
    assert statement.state == "provisional"
    assert set(statement.by_center()) == {"data", "platform", "research", UNALLOCATED}
    assert statement.unallocated > 0


def test_tokens_are_counted_beside_their_cost(company: Installation) -> None:
    with company.site.open(for_writing=False) as workshop, connect(workshop.archive) as db:
        rows = list(rows_of(db, FEBRUARY))
        counted = db.execute(
            "select sum(uncached_input_tokens + output_tokens + cache_read_input_tokens + "
            "cache_creation_5m_input_tokens + cache_creation_1h_input_tokens) from usage_rows"
        ).fetchall()[0][0]
    tokens = total(row.quantity for row in rows if row.unit == "Tokens" and row.quantity is not None)
    assert tokens == counted > 0


def test_a_month_that_may_be_restated_is_not_closed_and_nothing_is_written(company: Installation) -> None:
    before = company.log_size()
    with company.desk() as desk, pytest.raises(TooEarly, match="from 2026-03-31 on"):
        desk.close(FEBRUARY, by="ana")
    assert company.log_size() == before


def test_a_month_with_a_missing_day_is_not_closed(company: Installation) -> None:
    company.wait_until(date(2026, 5, 2))
    with company.desk() as desk, pytest.raises(TooEarly, match="31 of its 31 days are not complete"):
        desk.close(MARCH, by="ana")


def test_a_month_whose_figures_are_old_is_read_once_more_before_it_is_closed(company: Installation) -> None:
    company.wait_until(FINAL)
    with company.desk() as desk, pytest.raises(TooEarly, match="`ledgerline pull cost` once more"):
        desk.close(FEBRUARY, by="ana")
    company.pull(FEBRUARY)
    with company.desk() as desk:
        _, statement = desk.close(FEBRUARY, by="ana")
    assert statement.total == to_cents(company.truth(FEBRUARY))


def test_a_closed_month_is_the_same_after_a_month_of_restatements_and_the_next_explains_the_difference(
    company: Installation,
) -> None:
    with company.desk() as desk:
        entry, statement = desk.close(FEBRUARY, by="ana", reason="the books close on the third", forced=True)
    stored = {ref.key: (company.site.root / ref.key).read_bytes() for ref in entry.objects}
    then = company.truth(FEBRUARY)
    for day in (date(2026, 3, 12), date(2026, 3, 22), date(2026, 4, 2)):
        company.wait_until(day)
        company.pull(FEBRUARY)
    company.pull(MARCH)
    now = company.truth(FEBRUARY)
    assert now != then
    with company.desk() as desk:
        assert desk.statement(FEBRUARY).to_json() == statement.to_json()
        march = desk.statement(MARCH)
        corrections = [line for line in march.lines if line.original_period]
        assert {str(line.original_period) for line in corrections} == {"2026-02"}
        assert total(line.billed for line in corrections) == to_cents(now) - to_cents(then)
        assert billed(desk, FEBRUARY, FEBRUARY, MARCH) == to_cents(now)
        assert total(line.billed for line in march.own_lines) == to_cents(company.truth(MARCH))
    assert {key: (company.site.root / key).read_bytes() for key in stored} == stored


def test_the_focus_file_of_a_closed_month_is_still_that_of_the_close_when_everything_has_changed(
    company: Installation,
) -> None:
    with company.desk() as desk:
        desk.close(FEBRUARY, by="ana", reason="early", forced=True)
        before = cost_and_usage_of(desk, FEBRUARY)
    company.wait_until(FINAL)
    company.pull(FEBRUARY)
    company.mapping.write_text(f"{HEADER}\n,user_else,other,2026-01-01,\n")
    with company.desk() as desk:
        after = cost_and_usage_of(desk, FEBRUARY)
        assert total(after.column("BilledCost").to_pylist()) == desk.statement(FEBRUARY).total
        assert periods_of(desk, MARCH).column("BillingPeriodStatus").to_pylist() == ["Closed", "Open"]
    assert after.equals(before)


def test_the_archive_verifies_after_a_close_and_a_reopening(company: Installation) -> None:
    with company.desk() as desk:
        desk.close(FEBRUARY, by="ana", reason="early", forced=True)
        desk.reopen(FEBRUARY, by="ana", reason="wrong mapping")
        desk.close(FEBRUARY, by="ana", reason="early", forced=True)
    with company.site.open(for_writing=False) as workshop:
        assert verify(workshop.archive.store).findings == []


def test_the_books_follow_from_the_log_alone(company: Installation) -> None:
    with company.desk() as desk:
        desk.close(FEBRUARY, by="ana", reason="early", forced=True)
        known = desk.books
    for path in sorted((company.site.folder / "cache").rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    with company.desk() as desk:
        assert (desk.books.states, desk.books.statements) == (known.states, known.statements)


def test_of_two_who_close_a_month_at_once_the_second_is_refused(company: Installation) -> None:
    with company.desk() as one, company.desk() as other:
        one.close(FEBRUARY, by="ana", reason="early", forced=True)
        with pytest.raises(PeriodRefused, match="somebody else"):
            other.close(FEBRUARY, by="bo", reason="early", forced=True)


def test_a_close_killed_at_any_put_is_done_wholly_or_not_at_all(company: Installation, tmp_path: Path) -> None:
    def at(folder: str) -> Installation:
        shutil.copytree(company.site.folder, tmp_path / folder)
        return Installation(replace(company.site, folder=tmp_path / folder), company.served)

    def close(one: Installation, store: Counted | None = None) -> None:
        with one.desk() as desk:
            if store is not None:
                give(desk.workshop, store)
            desk.close(FEBRUARY, by="ana", reason="early", forced=True)

    whole = at("whole")
    counted = Counted(whole.site.store())
    close(whole, counted)
    assert counted.puts > 5
    for last in range(1, counted.puts + 1):
        one = at(str(last))
        with pytest.raises(Died):
            close(one, Mortal(one.site.store(), last, before=last % 2 == 0))
        with one.desk() as desk:
            if desk.books.state(FEBRUARY) != "closed":
                desk.close(FEBRUARY, by="ana", reason="early", forced=True)
            assert desk.statement(FEBRUARY).number == 1
            assert desk.statement(FEBRUARY).total == to_cents(company.truth(FEBRUARY))
        with one.site.open() as workshop:  # by the real clock, which dates the files
            adopt_orphans(workshop.archive, grace=timedelta(0))
            workshop.archive.settle()  # as every run ends: the head is signed
            assert verify(workshop.archive.store).findings == []


def test_cost_in_another_currency_makes_no_statement(company: Installation) -> None:
    with company.site.open(for_writing=False) as workshop, connect(workshop.archive) as db:
        db.execute("create temp table euros as select * replace ('EUR' as currency) from cost_rows")
        db.execute("create temp view cost_rows as select * from euros")
        with pytest.raises(CurrencyRefused, match="EUR"):
            list(rows_of(db, FEBRUARY))


# the command line


def test_closing_from_the_command_line_publishes_and_a_second_close_is_refused(
    company: Installation, ledgerline: Command
) -> None:
    company.wait_until(FINAL)
    company.pull(FEBRUARY)
    closed = ledgerline(company.site, "finops", "close", "--period", "2026-02", "--by", "ana", "--json")
    assert closed.code == 0, closed.err
    said = closed.json()
    assert (said["state"], said["total"]) == ("closed", str(to_cents(company.truth(FEBRUARY))))
    assert {Path(one["key"]).name.split("-")[1] for one in said["files"]} == {"statement", "manifest", "input"}
    again = ledgerline(company.site, "finops", "close", "--period", "2026-02", "--json")
    assert (again.code, again.json()["error"]["kind"]) == (2, "finops")
    assert "closed already" in again.json()["error"]["message"]


def test_the_statement_has_the_form_that_others_script_against(company: Installation, ledgerline: Command) -> None:
    ended = ledgerline(company.site, "finops", "statement", "--period", "2026-02", "--json", "--out", "out")
    assert ended.code == 0, ended.err
    said = ended.json()
    assert {"period", "state", "currency", "total", "source_total", "unallocated", "lines"} <= said.keys()
    assert (said["period"], said["currency"]) == ("2026-02", "USD")
    assert {
        "cost_center", "service", "model", "charge_category", "charge_class", "original_period", "billed", "list",
        "quantity", "unit",
    } <= said["lines"][0].keys()  # fmt: skip
    assert total(Decimal(line["billed"]) for line in said["lines"]) == Decimal(said["total"])
    written = company.site.folder / "out"
    assert json.loads((written / "statement.json").read_bytes())["lines"] == said["lines"]
    index = list(csv.DictReader(io.StringIO((written / "centers" / "index.csv").read_text())))
    assert {row["cost_center"]: row["billed"] for row in index} == said["cost_centers"]
    for row in index:
        lines = list(csv.DictReader(io.StringIO((written / "centers" / row["file"]).read_text())))
        assert total(Decimal(line["billed"]) for line in lines) == Decimal(row["billed"])
    assert (written / "statement.xlsx").read_bytes()[:2] == b"PK"
    journal = list(csv.DictReader(io.StringIO((written / "journal.csv").read_text())))
    assert total(Decimal(row["debit"]) for row in journal) == total(Decimal(row["credit"]) for row in journal)


def test_a_month_is_reopened_only_with_a_reason(company: Installation, ledgerline: Command) -> None:
    with company.desk() as desk:
        desk.close(FEBRUARY, by="ana", reason="early", forced=True)
    silent = ledgerline(company.site, "finops", "reopen", "--period", "2026-02")
    assert (silent.code, "--reason" in silent.err) == (2, True)
    ended = ledgerline(company.site, "finops", "reopen", "--period", "2026-02", "--reason", "wrong rule", "--json")
    assert (ended.code, ended.json()["state"], ended.json()["reason"]) == (0, "reopened", "wrong rule")


def test_every_mistake_of_the_mapping_is_told_and_nothing_is_changed(
    company: Installation, ledgerline: Command
) -> None:
    before = company.log_size()
    company.mapping.write_text(f"{HEADER}\n,,platform,2026-01-01,\nada@example.com,,,2026-02-01,2026-01-01\n")
    ended = ledgerline(company.site, "finops", "close", "--period", "2026-02", "--json")
    problems = ended.json()["error"]["problems"]
    assert ended.code == 2
    assert [(one["file"], one["row"], one["rule"]) for one in problems] == [
        ("cost_centers.csv", 2, "nobody"),
        ("cost_centers.csv", 3, "cost_center"),
        ("cost_centers.csv", 3, "dates"),
    ]
    assert all(one["remedy"] for one in problems)
    assert company.log_size() == before


@pytest.mark.parametrize("period", ["2026-13", "febuary", "../../etc"])
def test_a_period_that_is_none_is_refused(company: Installation, ledgerline: Command, period: str) -> None:
    ended = ledgerline(company.site, "finops", "statement", "--period", period)
    assert (ended.code, "YYYY-MM" in ended.err) == (2, True)


def test_a_mapping_that_is_not_there_is_named(company: Installation, ledgerline: Command) -> None:
    company.mapping.unlink()
    ended = ledgerline(company.site, "finops", "statement", "--period", "2026-02")
    assert (ended.code, "cost_centers.csv" in ended.err) == (2, True)


def test_what_is_published_is_shown_without_the_customers_files(
    company: Installation, ledgerline: Command
) -> None:
    with company.desk() as desk:
        _, closed = desk.close(FEBRUARY, by="ana", reason="early", forced=True)
    company.mapping.unlink()
    shown = ledgerline(company.site, "finops", "statement", "--period", "2026-02", "--json")
    assert (shown.code, shown.json()["total"]) == (0, str(closed.total))
    rows = ledgerline(company.site, "finops", "focus", "--period", "2026-02", "--out", "f.csv", "--json")
    assert rows.code == 0, rows.err


def test_an_invoice_that_is_the_statement_ties_and_another_shows_what_is_unexplained(
    company: Installation, ledgerline: Command
) -> None:
    with company.desk() as desk:
        amount = desk.statement(FEBRUARY).total
    head = "invoice_id,issue_date,currency,kind,description,amount\n"
    for name, added, code, left in (("same", Decimal(0), 0, "0.00"), ("more", Decimal("12.34"), 1, "12.34")):
        (company.site.folder / f"{name}.csv").write_text(
            f"{head}INV-1,{MARCH_BEGUN},USD,usage,,{amount + added}\nINV-1,{MARCH_BEGUN},USD,tax,VAT,19.00\n"
        )
        ended = ledgerline(company.site, "finops", "reconcile", "--period", "2026-02", f"{name}.csv", "--json")
        assert (ended.code, ended.json()["unexplained"]) == (code, left)
        assert ended.json()["invoice_total"] == str(amount + added + 19)


def test_what_was_restated_after_the_invoice_is_a_late_change(company: Installation, ledgerline: Command) -> None:
    then = to_cents(company.truth(FEBRUARY))
    company.wait_until(FINAL)
    company.pull(FEBRUARY)
    (company.site.folder / "i.csv").write_text(
        f"invoice_id,issue_date,currency,kind,description,amount\nINV-1,{MARCH_BEGUN},USD,usage,,{then}\n"
    )
    ended = ledgerline(
        company.site, "finops", "reconcile", "--period", "2026-02", "i.csv", "--json", "--detail", "detail.csv"
    )
    steps = {step["reason"]: Decimal(step["amount"]) for step in ended.json()["steps"]}
    assert steps["late_changes"] == then - to_cents(company.truth(FEBRUARY)) != 0
    assert (ended.code, ended.json()["unexplained"]) == (0, "0.00")
    assert "INV-1" in (company.site.folder / "detail.csv").read_text()


def test_an_invoice_in_another_currency_is_refused(company: Installation, ledgerline: Command) -> None:
    (company.site.folder / "i.csv").write_text(
        f"invoice_id,issue_date,currency,kind,description,amount\nINV-1,{MARCH_BEGUN},EUR,usage,,1.00\n"
    )
    ended = ledgerline(company.site, "finops", "reconcile", "--period", "2026-02", "i.csv")
    assert (ended.code, "i.csv, row 2: currency is 'EUR'" in ended.err) == (2, True)


@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_focus_rows_are_written_by_the_ending_and_add_up(
    company: Installation, ledgerline: Command, ending: str
) -> None:
    path = company.site.folder / f"february.{ending}"
    ended = ledgerline(company.site, "finops", "focus", "--period", "2026-02", "--out", path.name, "--json")
    assert ended.code == 0, ended.err
    if ending == "parquet":
        amounts = pq.read_table(path).column("BilledCost").to_pylist()
    else:
        amounts = [Decimal(row["BilledCost"]) for row in csv.DictReader(io.StringIO(path.read_text()))]
    assert (len(amounts), total(amounts)) == (ended.json()["rows"], to_cents(company.truth(FEBRUARY)))


def test_another_ending_of_a_focus_file_is_refused_before_anything_is_read(
    company: Installation, ledgerline: Command
) -> None:
    ended = ledgerline(company.site, "finops", "focus", "--period", "2026-02", "--out", "february.xlsx")
    assert (ended.code, ".parquet or .csv" in ended.err) == (2, True)


def test_a_build_puts_allocation_and_statements_beside_the_marts(
    company: Installation, ledgerline: Command
) -> None:
    with company.desk() as desk:
        _, closed = desk.close(FEBRUARY, by="ana", reason="early", forced=True)
    ended = ledgerline(company.site, "finops", "build", "--json")
    assert ended.code == 0, ended.err
    assert ended.json()["periods"][0] | {"lines": 0} == {
        "period": "2026-02", "state": "closed", "total": str(closed.total), "lines": 0,
    }  # fmt: skip
    asked = ledgerline(
        company.site,
        "sql",
        "--json",
        "select (select sum(amount) from fct_allocation) as allocated, "
        "(select sum(billed) from fct_chargeback_line) as billed, "
        "(select manifest_sha256 is not null from fct_period) as closed",
    )
    (row,) = asked.json()
    assert Decimal(row["allocated"]) == closed.source_total
    assert (Decimal(row["billed"]), row["closed"]) == (closed.total, True)
    again = ledgerline(company.site, "build", "--json")
    assert again.code == 0, again.err
    kept = ledgerline(company.site, "sql", "--json", "select count(*) as rows from fct_allocation")
    assert kept.json()[0]["rows"] > 0


def test_a_restricted_person_is_masked_in_allocation_and_focus_and_no_money_moves(
    company: Installation, ledgerline: Command
) -> None:
    ((person,),) = company.site.sql("select min(actor_id) from cost_rows where actor_type = 'user_actor'")
    with company.desk() as desk:
        before = desk.statement(FEBRUARY)
        assert person in str(cost_and_usage_of(desk, FEBRUARY).column("ResourceId").to_pylist())
        restrict(desk.workshop, "dsr-1", [person], "request for erasure")
        desk.workshop.archive.settle()
    with company.desk() as desk:
        assert desk.statement(FEBRUARY).to_json() == before.to_json()
        shown = cost_and_usage_of(desk, FEBRUARY)
        assert person not in str(shown.to_pylist())
        assert total(shown.column("BilledCost").to_pylist()) == before.total
    ended = ledgerline(company.site, "finops", "build", "--json")
    assert ended.code == 0, ended.err
    asked = ledgerline(
        company.site,
        "sql",
        "--json",
        f"select sum(amount) as amount, count(*) filter (where actor_id = '{person}') as named, "
        "count(*) filter (where actor_id = '[restricted]') as masked from fct_allocation",
    )
    (row,) = asked.json()
    assert (Decimal(row["amount"]), row["named"]) == (before.source_total, 0)
    assert row["masked"] > 0


def test_a_closed_month_is_added_up_again_only_where_something_has_changed_since(company: Installation) -> None:
    with company.desk() as desk:
        desk.close(FEBRUARY, by="ana", reason="early", forced=True)
        assert desk.inputs.unchanged(FEBRUARY)
    mapping = company.mapping.read_text()
    company.mapping.write_text(mapping.replace(",data,", ",other,"))
    with company.desk() as desk:
        assert not desk.inputs.unchanged(FEBRUARY)
    company.mapping.write_text(mapping)
    company.wait_until(date(2026, 3, 22))
    company.pull(FEBRUARY)
    with company.desk() as desk:
        assert not desk.inputs.unchanged(FEBRUARY)
