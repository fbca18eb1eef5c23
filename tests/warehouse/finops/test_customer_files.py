"""CSV on its way out: no cell can act, numbers stay numbers."""

import csv
import io
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.warehouse.finops.made_rows import unhurried
from warehouse.finops.customer_files import Number, csv_bytes


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_a_text_that_a_spreadsheet_would_run_gets_an_apostrophe(text: str) -> None:
    _, row = csv.reader(io.StringIO(csv_bytes(["a"], [[text]]).decode(), newline=""))
    assert row == [f"'{text}"]


def test_a_negative_number_stays_a_number() -> None:
    assert csv_bytes(["a", "b"], [[Number("-1.50"), Decimal("-2E+3")]]) == b"a,b\n-1.50,-2000\n"


@unhurried
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=2, max_size=4))
def test_every_text_is_one_cell_whatever_is_in_it(texts: list[str]) -> None:
    body = csv_bytes([str(number) for number in range(len(texts))], [texts]).decode()
    _, row = csv.reader(io.StringIO(body, newline=""))
    assert [cell.removeprefix("'") for cell in row] == [text.removeprefix("'") for text in texts]
