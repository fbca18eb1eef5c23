"""The workbook of a statement, read as what it is: XML in a ZIP."""

import io
import zipfile
from decimal import Decimal
from xml.etree import ElementTree

from tests.warehouse.finops.bookkeeping import Company
from tests.warehouse.finops.made_rows import OCTOBER, cost, mapping, simple
from warehouse.finops.money import total
from warehouse.finops.statement import Statement
from warehouse.finops.workbook import workbook

NS = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}


def sheet(body: bytes, number: int) -> dict[str, tuple[str, str, str | None]]:
    """The cells of a sheet: type, value (texts resolved), formula."""
    with zipfile.ZipFile(io.BytesIO(body)) as parts:
        shared = ElementTree.fromstring(parts.read("xl/sharedStrings.xml"))
        texts = ["".join(one.itertext()) for one in shared.findall("m:si", NS)]
        tree = ElementTree.fromstring(parts.read(f"xl/worksheets/sheet{number}.xml"))
    cells = {}
    for cell in tree.iterfind(".//m:c", NS):
        kind, value = cell.get("t", "n"), cell.findtext("m:v", "", NS)
        said = texts[int(value)] if kind == "s" else value
        cells[cell.attrib["r"]] = (kind, said, cell.findtext("m:f", None, NS))
    return cells


def statement(*rows: tuple[str, str], centers: tuple[str, ...] = ("ada:platform", "bob:data")) -> Statement:
    company = Company(simple(*centers))
    company.rows[OCTOBER] = [cost(amount, actor=f"user_{name}") for amount, name in rows]
    return company.prepare(OCTOBER).statement


def test_the_summary_has_each_centre_and_the_total_as_value_and_as_formula() -> None:
    cells = sheet(workbook(statement(("10.005", "ada"), ("2.50", "bob"))), 1)
    assert [cells[name][1] for name in ("A8", "B8", "A9", "B9", "A10", "B10")] == [
        "data", "2.50", "platform", "10.01", "Total", "12.51",
    ]  # fmt: skip
    assert cells["C9"] == ("n", "10.01", "SUMPRODUCT(EXACT(Lines!$A$2:$A$3,A9)*Lines!$H$2:$H$3)")
    assert cells["C10"] == ("n", "12.51", "SUM(Lines!$H$2:$H$3)")


def test_amounts_keep_all_their_digits() -> None:
    made = statement(("1234567.12345678", "ada"))
    cells = sheet(workbook(made), 2)
    assert (cells["H2"][1], cells["I2"][1]) == ("1234567.12", "1234567.12345678")
    assert total([Decimal(cells["I2"][1])]) == made.lines[0].exact


def test_a_name_that_looks_like_a_formula_is_a_text() -> None:
    company = Company(mapping(',user_ada,"=HYPERLINK(""http://example.com"")",2026-01-01,'))
    company.rows[OCTOBER] = [cost("1")]
    cells = sheet(workbook(company.prepare(OCTOBER).statement), 2)
    assert cells["A2"] == ("s", '=HYPERLINK("http://example.com")', None)


def test_the_same_statement_gives_the_same_bytes() -> None:
    made = statement(("10.005", "ada"), ("2.50", "bob"))
    assert workbook(made) == workbook(made)


def test_a_month_without_cost_is_a_workbook_too() -> None:
    assert sheet(workbook(statement()), 1)["A7"][1] == "Cost centre"
