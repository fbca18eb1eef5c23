"""The page about chargeback: its examples are files that are taken, its fields are those of a statement."""

from datetime import UTC, datetime
from decimal import Decimal

from assets.cost_verdicts import OF_COST
from assets.spend_verdicts import OF_SPEND
from assets.statement_verdicts import OF_STATEMENT
from assets.tie_out_verdicts import OF_TIE_OUT
from tests.docs.pages import first_column, names_in, page, tables
from tests.warehouse.finops.made_rows import OCTOBER, cost, simple
from warehouse.finops.allocation import allocate
from warehouse.finops.budgets import read_budgets
from warehouse.finops.cost_centers import read_cost_centers
from warehouse.finops.outlook_tables import SCHEMAS
from warehouse.finops.payer_tables import SCHEMAS as PAYERS
from warehouse.finops.reconciliation import KINDS, OPTIONAL, read_invoice
from warehouse.finops.reconciliation_tables import FCT_RECONCILIATION
from warehouse.finops.rules import CONDITIONS, DEFAULT_RULES, DEFAULTS, DRIVERS, METHODS, read_rules
from warehouse.finops.seats import read_contracts
from warehouse.finops.session_tables import SCHEMAS as SESSIONS
from warehouse.finops.statement import lines_of, make_statement

PAGE = page("docs/chargeback.md")
MAPPING, SEATS, BUDGETS, INVOICE = (block.text.encode() for block in PAGE.blocks("csv"))
(RULES,) = (block.text.encode() for block in PAGE.blocks("toml"))


def test_the_example_files_are_taken_without_a_remark() -> None:
    mapping = read_cost_centers(MAPPING, "cost_centers.csv", datetime(2026, 1, 1, tzinfo=UTC))
    assert (len(mapping.rows), mapping.notes) == (6, ())
    assert len(read_contracts(SEATS, "seats.csv")) == 2
    assert len(read_budgets(BUDGETS, "budgets.csv", {"platform", "research"})) == 2
    assert sum(line.amount for line in read_invoice(INVOICE, "invoice.csv", OCTOBER)) == Decimal("22292.40")
    assert [rule.rule_id for rule in read_rules(RULES, "rules.toml").rules[:2]] == [
        "code-execution",
        "platform-team-agreement",
    ]


def test_every_method_driver_condition_default_and_kind_is_named() -> None:
    assert first_column(PAGE.section("Rules"), "method") == list(METHODS)
    for name in (*DRIVERS, *CONDITIONS, *(rule.rule_id for rule in DEFAULTS)):
        assert f"`{name}`" in PAGE.section("Rules"), name
    for name in (*KINDS, *OPTIONAL):
        assert f"`{name}`" in PAGE.section("The invoice"), name


def test_every_field_of_a_statement_and_of_a_line_is_described() -> None:
    lines = lines_of(allocate([cost("1")], simple("ada:platform"), DEFAULT_RULES).lines)
    document = make_statement(OCTOBER, lines).document()
    section = PAGE.section("The statement")
    assert sorted(first_column(section, "field")) == sorted(document)
    assert sorted(first_column(section, "field of a line")) == sorted(document["lines"][0])


def test_every_table_beside_the_marts_is_described_with_its_columns() -> None:
    rows = {names_in(row[0])[0]: row[1] for header, rows in tables(PAGE.section("In SQL")) for row in rows}
    assert {"billing_period", "invoice_detail"} <= rows.keys()
    versions = {"version", "recorded_at", "is_current"}
    for table, schema in {**SCHEMAS, **PAYERS, **SESSIONS, "fct_reconciliation": FCT_RECONCILIATION}.items():
        told = set(names_in(rows[table])) | {"period", "cost_center", "day", "tier"} | versions
        assert set(schema.names) <= told, table


def test_every_check_of_a_statement_is_described_and_whether_it_stops() -> None:
    rows = {names_in(row[0])[0]: row[2] for header, rows in tables(PAGE.section("Checks")) for row in rows}
    assert {name: said != "warns" for name, said in rows.items()} == {
        judge.__name__: blocking for judge, blocking in (*OF_STATEMENT, *OF_TIE_OUT)
    }
    for judge in (*OF_SPEND, *OF_COST):
        assert f"`{judge.__name__}`" in PAGE.section("Checks")
