"""Statements and the report as PDF, by WeasyPrint, which is an optional extra and needs Pango.

Promise: the same page gives the same bytes, nothing is fetched; where WeasyPrint or Pango is missing, one line
says what to install, and nothing else is held up by it.
"""

import hashlib
import logging
from collections.abc import Callable
from functools import cache
from typing import Any

from warehouse.finops.errors import PdfRefused
from warehouse.finops.inputs import CURRENCY
from warehouse.finops.money import total
from warehouse.finops.report import month_name
from warehouse.finops.report_moves import percent
from warehouse.finops.report_page import environment
from warehouse.finops.statement import Statement

INSTALL = "no PDF was made: WeasyPrint needs `make install EXTRAS=pdf`, and Pango (Debian: libpangoft2-1.0-0)"


def missing() -> str | None:
    """What to install before PDF files can be made; None where they can."""
    return None if _printer() is not None else INSTALL


@cache
def _printer() -> Any:
    try:
        import weasyprint  # noqa: PLC0415
    except (ImportError, OSError):  # the package is not there; or it is, and Pango is not
        return None
    # it tells of each rule of a style sheet that paper has no use for
    logging.getLogger("weasyprint").setLevel(logging.ERROR)
    return weasyprint


def pdf_bytes(html: str) -> bytes:
    """A page of ours as PDF. Raises PdfRefused where it cannot be made."""
    printer = _printer()
    if printer is None:
        raise PdfRefused(INSTALL)
    made: bytes = printer.HTML(string=html, url_fetcher=_nothing).write_pdf()
    return made


def _nothing(url: str, *_: object, **__: object) -> dict[str, object]:
    raise PdfRefused(f"a page of ours asks for {url!r}, and pages of ours fetch nothing")


def center_statement(statement: Statement, center: str) -> str:
    """The page of one centre's statement, to be printed."""
    lines = statement.of_center(center)
    own = [line for line in lines if line.original_period is None]
    corrections = [line for line in lines if line.original_period is not None]
    whole = total(line.billed for line in lines)
    show: Callable[..., str] = environment().get_template("center_statement.html.j2").render
    return show(
        s=statement,
        center=center,
        month=month_name(statement.period),
        currency=CURRENCY,
        total=whole,
        share=percent(whole, statement.total),
        own=own,
        own_total=total(line.billed for line in own),
        corrections=corrections,
        corrected=total(line.billed for line in corrections),
        sha256=hashlib.sha256(statement.to_csv(center)).hexdigest(),
    )
