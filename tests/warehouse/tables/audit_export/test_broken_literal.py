"""Literals with unescaped quotes: every value comes back wherever the text allows only one reading."""

import re
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from tests.warehouse.tables.audit_export.made_exports import vendor_text
from warehouse.tables.audit_export.broken_literal import NoReading, Reading, read_broken_literal
from warehouse.tables.audit_export.cells import read_cell

# A quote before one of these may be the end of a string: only such texts can be read in two ways.
_two_ways = re.compile(r"'[ \t\r\n]*[,:}\]]")

names = st.text(
    st.one_of(
        st.sampled_from("'''\"\"\\,:{}[]#() \n\t"),
        st.characters(exclude_categories=["Cs"]),
        st.sampled_from("aZ0é"),
    ),
    max_size=24,
).filter(lambda text: not _two_ways.search(text))
keys = st.sampled_from(["name", "uuid", "email_address", "type", "metadata", "old_name", "filename", "x y"])
cells = st.dictionaries(
    keys,
    names
    | st.none()
    | st.booleans()
    | st.dictionaries(keys, names | st.none(), max_size=3)
    | st.lists(names, max_size=3),
    min_size=1,
    max_size=5,
)


@given(cells)
@example({"name": "Reece O'Sullivan"})
@example({"name": "'", "uuid": "''", "type": ""})
@example({"name": "a\\", "uuid": "\\'b"})
@example({"name": 'say "it\'s"', "metadata": {"email_address": "o'neil@example.com"}})
def test_every_value_comes_back_from_the_vendors_writing(value: dict[str, Any]) -> None:
    reading = read_broken_literal(vendor_text(value))
    assert reading == Reading(value, repeated=frozenset(), posing=False, escaped=True)


@given(cells)
def test_the_whole_cell_reader_agrees_with_it(value: dict[str, Any]) -> None:
    cell = read_cell(vendor_text(value))
    assert cell.value == value
    assert cell.problems == ()


@given(cells)
def test_a_repr_whose_double_quotes_were_all_made_single_is_read(value: dict[str, Any]) -> None:
    assume(not any(mark in repr(value) for mark in ('\\"', "\\'")))
    broken = repr(value).replace('"', "'")
    expected = _with_single_quotes(value)
    assert read_cell(broken).value == expected


def _with_single_quotes(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace('"', "'")
    if isinstance(value, dict):
        return {key: _with_single_quotes(item) for key, item in value.items()}
    return [_with_single_quotes(item) for item in value] if isinstance(value, list) else value


def test_unescaped_double_quotes_are_read_the_same_way() -> None:
    text = """{"name": "Dwayne "The Rock" O'J", 'uuid': "u"}"""
    assert read_broken_literal(text).value == {"name": 'Dwayne "The Rock" O\'J', "uuid": "u"}


def test_what_looks_like_a_key_but_leads_nowhere_stays_in_the_value() -> None:
    value = {"name": "a', 'b': hello, you", "uuid": "u"}
    reading = read_broken_literal(vendor_text(value))
    assert (reading.value, reading.posing) == (value, True)


def test_a_bracket_after_a_quote_inside_a_value_stays_in_the_value() -> None:
    value = {"name": "smile :'} and :'] too", "metadata": {"email_address": "x'}y"}}
    reading = read_broken_literal(vendor_text(value))
    assert (reading.value, reading.posing) == (value, False)


def test_of_two_readings_the_one_with_the_earlier_end_is_taken_and_the_repeat_named() -> None:
    reading = read_broken_literal(vendor_text({"name": "a', 'uuid': 'b", "uuid": "real"}))
    assert (reading.value["name"], reading.repeated) == ("a", {"uuid"})


@pytest.mark.parametrize(
    "text", ["", "[]", "{'a' 'b'}", "{'a': 'b'", "{'a': 'b'} tail", "{'a': ,}", "{a: 'b'}", "{'a': 'b',}"]
)
def test_a_text_without_a_reading_is_refused(text: str) -> None:
    with pytest.raises(NoReading):
        read_broken_literal(text)
