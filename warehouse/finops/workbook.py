"""A statement as a workbook: summary, lines, what has no owner, and what it was made from.

Promise: texts are texts, whatever they begin with; totals stand as values and as formulas over the lines; the same
statement gives the same bytes. Rule book: reference finops, section 8.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from io import BytesIO
from typing import Any

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from warehouse.finops.cost_centers import UNALLOCATED
from warehouse.finops.inputs import CURRENCY
from warehouse.finops.money import text
from warehouse.finops.statement import Line, Statement

_COLUMNS = (
    ("cost_center", 24), ("service", 22), ("model", 22), ("charge_category", 14), ("charge_class", 12),
    ("original_period", 14), ("reversal", 9), ("billed", 14), ("exact", 18), ("rounding", 14), ("list", 18),
    ("quantity", 16), ("unit", 12),
)  # fmt: skip
_BILLED = "H"  # the column of `billed` in the sheet of lines
_OPTIONS: Mapping[str, Any] = {
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_numbers": False,
    "strings_to_urls": False,
}


def workbook(statement: Statement) -> bytes:
    """The workbook as bytes. Money is written as numbers with all their digits, never through a float."""
    sink = BytesIO()
    book = xlsxwriter.Workbook(sink, dict(_OPTIONS))
    end = statement.period.end
    # the only clock in the file: the end of the period, so that a rerun gives the same bytes
    book.set_properties(
        {"title": f"Claude chargeback {statement.period}", "created": datetime(end.year, end.month, end.day)}  # noqa: DTZ001
    )
    styles = _Styles(
        bold=book.add_format({"bold": True}),
        cents=book.add_format({"num_format": "#,##0.00"}),
        exact=book.add_format({"num_format": "#,##0.00000000"}),
        count=book.add_format({"num_format": "#,##0"}),
    )
    summary, lines = book.add_worksheet("Summary"), book.add_worksheet("Lines")
    _lines(lines, list(statement.lines), styles)
    _summary(summary, statement, styles)
    _lines(
        book.add_worksheet("Unallocated"),
        [line for line in statement.lines if line.key.cost_center == UNALLOCATED],
        styles,
    )
    _assumptions(book.add_worksheet("Assumptions"), statement, styles)
    book.close()
    return sink.getvalue()


class _Styles:
    def __init__(self, bold: Format, cents: Format, exact: Format, count: Format) -> None:
        self.bold, self.cents, self.exact, self.count = bold, cents, exact, count

    def of(self, column: str) -> Format:
        return self.cents if column == "billed" else self.count if column == "quantity" else self.exact


def _lines(sheet: Worksheet, lines: list[Line], styles: _Styles) -> None:
    numbers = {"billed", "exact", "rounding", "list", "quantity"}
    for place, (name, width) in enumerate(_COLUMNS):
        sheet.write_string(0, place, name, styles.bold)
        sheet.set_column(place, place, width)
    for row, line in enumerate(lines, start=1):
        document = line.document()
        for place, (name, _) in enumerate(_COLUMNS):
            value = document[name]
            if value is None:
                continue
            if name in numbers:
                sheet.write_number(row, place, Decimal(value), styles.of(name))
            elif isinstance(value, bool):
                sheet.write_boolean(row, place, value)
            else:
                sheet.write_string(row, place, value)
    sheet.freeze_panes(1, 1)
    if lines:
        sheet.autofilter(0, 0, len(lines), len(_COLUMNS) - 1)


def _summary(sheet: Worksheet, statement: Statement, styles: _Styles) -> None:
    last = len(statement.lines) + 1
    sheet.set_column(0, 0, 32)
    sheet.set_column(1, 2, 18)
    heads = (
        ("Period", str(statement.period)),
        ("State", statement.state),
        ("Statement", str(statement.number)),
        ("Currency", CURRENCY),
        ("Source, exact", text(statement.source_total)),
    )
    for row, (name, value) in enumerate(heads):
        sheet.write_string(row, 0, name, styles.bold)
        sheet.write_string(row, 1, value)
    top = len(heads) + 1
    for place, name in enumerate(("Cost centre", "Billed", "Sum of its lines")):
        sheet.write_string(top, place, name, styles.bold)
    row = top
    for row, (center, amount) in enumerate(statement.by_center().items(), start=top + 1):
        sheet.write_string(row, 0, center)
        sheet.write_number(row, 1, amount, styles.cents)
        # EXACT and not SUMIF, to which `>5` or `a*` would be a condition and `Data` the same as `data`
        formula = f"=SUMPRODUCT(EXACT(Lines!$A$2:$A${last},A{row + 1})*Lines!${_BILLED}$2:${_BILLED}${last})"
        sheet.write_formula(row, 2, formula, styles.cents, amount)
    sheet.write_string(row + 1, 0, "Total", styles.bold)
    sheet.write_number(row + 1, 1, statement.total, styles.cents)
    sheet.write_formula(
        row + 1, 2, f"=SUM(Lines!${_BILLED}$2:${_BILLED}${max(last, 2)})", styles.cents, statement.total
    )  # fmt: skip


def _assumptions(sheet: Worksheet, statement: Statement, styles: _Styles) -> None:
    sheet.set_column(0, 0, 16)
    sheet.set_column(1, 1, 70)
    notes = [(f"{name}, SHA-256", str(value)) for name, value in sorted(statement.versions.items())]
    notes.append(("rounding", "once a month: to centres, then to lines, by the largest remainder; see `rounding`"))
    for row, (name, value) in enumerate(notes):
        sheet.write_string(row, 0, name, styles.bold)
        sheet.write_string(row, 1, value)
