"""PDF files: the same bytes for the same page, the statement's figures in it, one line where it cannot be."""

import hashlib
import sys
import time
from collections.abc import Iterator

import pytest

from tests.warehouse.finops.made_rows import OCTOBER, cost, simple
from warehouse.finops import pdf
from warehouse.finops.allocation import allocate
from warehouse.finops.errors import PdfRefused
from warehouse.finops.rules import DEFAULT_RULES
from warehouse.finops.statement import Statement, lines_of, make_statement

HOSTILE = '<img src="//evil.example/x">'


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    pdf._printer.cache_clear()
    yield
    pdf._printer.cache_clear()


def statement(center: str = "platform") -> Statement:
    lines = lines_of(allocate([cost("12.345")], simple(f"ada:{center}"), DEFAULT_RULES).lines)
    return make_statement(OCTOBER, lines, versions={"rows": "ab" * 32})


def _needs_a_printer() -> None:
    if pdf.missing() is not None:
        pytest.skip(pdf.INSTALL)


def test_the_same_statement_gives_the_same_pdf_whenever_it_is_made() -> None:
    _needs_a_printer()
    html = pdf.center_statement(statement(), "platform")
    first = pdf.pdf_bytes(html)
    time.sleep(1.1)
    assert hashlib.sha256(pdf.pdf_bytes(html)).digest() == hashlib.sha256(first).digest()
    assert first.startswith(b"%PDF-")


def test_the_page_has_the_figures_of_the_centre() -> None:
    html = pdf.center_statement(statement(), "platform")
    assert '<data value="12.35">12.35</data> USD' in html
    assert "12.34500000" in html
    assert "100.0 % of the whole statement" in html


def test_a_hostile_name_is_text_and_nothing_is_fetched() -> None:
    _needs_a_printer()
    html = pdf.center_statement(statement(HOSTILE), HOSTILE)
    assert "<img" not in html
    assert pdf.pdf_bytes(html).startswith(b"%PDF-")


def test_without_weasyprint_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    why = pdf.missing()
    assert why is not None
    assert "EXTRAS=pdf" in why
    assert "\n" not in why
    with pytest.raises(PdfRefused, match="EXTRAS=pdf"):
        pdf.pdf_bytes("<p>x</p>")
