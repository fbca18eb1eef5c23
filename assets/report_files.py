"""The monthly report on disk: the page, with the files of its statement beside it. Knows no Dagster.

Promise: a closed month is reported as it was published; the same archive and files give the same bytes.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from assets.closed_months import input_hashes, prepared
from assets.cost_lines import coverage, months
from assets.invoices import compared, invoice_file, invoice_of
from assets.outlooks import months_before, told
from assets.period_books import Bookkeeping
from assets.statement_files import CENTERS, center_files, write_statement
from warehouse.finops.pdf import missing, pdf_bytes
from warehouse.finops.periods import Period
from warehouse.finops.report import MONTHS_BEFORE, Report, make_report
from warehouse.finops.report_page import Beside, page

REPORT, PRINTED = "report.html", "report.pdf"
_WHAT = {
    "statement.xlsx": "the statement as a workbook",
    "statement.csv": "its lines",
    "statement.json": "its lines, for programs",
    "journal.csv": "the journal for the general ledger",
    f"{CENTERS}/index.csv": "which file is of which cost centre",
}


@dataclass(frozen=True)
class Written:
    """A report and the files that were written, the page first."""

    report: Report
    files: tuple[Path, ...]


def report_of(desk: Bookkeeping, period: Period) -> Report:
    """The figures of a month. Raises FinopsError as a statement does."""
    before = [month for month in months(desk.db) if month < period][-MONTHS_BEFORE:]
    last = prepared(desk, before[-1]) if before and before[-1].next == period else None
    unprepared = before[:-1] if last else before
    done = prepared(desk, period)
    invoice, body = invoice_of(desk, period), invoice_file(desk, period)
    return make_report(
        done,
        last,
        [*map(desk.statement, unprepared), *([last.statement] if last else [])],
        desk.books.events,
        len(coverage(desk.workshop.archive.state, period).complete),
        told(desk, period, done, months_before(desk, period, last)),
        input_hashes(desk, period) | ({"invoice.csv": hashlib.sha256(body).hexdigest()} if body else {}),
        compared(desk, period, invoice) if invoice else None,
    )


def write_report(desk: Bookkeeping, period: Period, folder: Path, *, pdf: bool = True) -> Written:
    """Write `report.html` and the files of the statement to a folder; with `pdf`, and where it can be made, both
    as PDF too."""
    report = report_of(desk, period)
    written = write_statement(report.statement, folder, pdf=pdf)
    beside = tuple(
        Beside(name, what, hashlib.sha256((folder / name).read_bytes()).hexdigest())
        for name, what in _WHAT.items()
    )
    path, printed = folder / REPORT, folder / PRINTED
    html = page(report, beside, center_files(report.statement))
    path.write_bytes(html.encode())
    printed.unlink(missing_ok=True)
    if pdf and missing() is None:
        printed.write_bytes(pdf_bytes(html))
        written = [printed, *written]
    return Written(report, (path, *written))
