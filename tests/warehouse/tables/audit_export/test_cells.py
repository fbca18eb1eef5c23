"""Cells of actor_info, event_info and entity_info: what is read, how, and what is said about it."""

import ast
import time
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.warehouse.tables.audit_export.made_exports import vendor_text
from warehouse.tables.audit_export.cells import MAX_CELL, read_cell

plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize("text", ["", "   ", "{}", " {} ", "None", "null", None])
def test_a_cell_with_nothing_in_it_is_an_empty_dict(text: str | None) -> None:
    cell = read_cell(text)
    assert (dict(cell.value), cell.status, cell.problems) == ({}, "empty", ())


def test_json_is_read_as_json() -> None:
    cell = read_cell('{"name": "Reece O\'Sullivan", "metadata": {"email_address": null}}')
    assert (cell.status, cell.text("name"), cell.text("metadata", "email_address")) == (
        "json",
        "Reece O'Sullivan",
        None,
    )


def test_a_python_literal_is_read_with_its_truth_values_and_none() -> None:
    cell = read_cell("{'is_successful': True, 'old': False, 'name': None, 'n': -3, 'x': [1.5, (2,)]}")
    assert cell.status == "literal"
    assert cell.value == {"is_successful": True, "old": False, "name": None, "n": -3, "x": [1.5, (2,)]}


def test_both_quote_styles_may_stand_in_one_cell() -> None:
    cell = read_cell("""{'name': "Siobhan O'Brien", "uuid": 'u-1'}""")
    assert (cell.status, cell.text("name"), cell.text("uuid")) == ("literal", "Siobhan O'Brien", "u-1")


@given(st.dictionaries(st.text(), plain, min_size=1, max_size=4))
@example({"a": "\\", "b": "'", "c": '"'})
@example({"None": "True, None", "a": ["e", None, "'None'"]})
def test_whatever_repr_writes_is_read_back_exactly(value: dict[str, Any]) -> None:
    cell = read_cell(repr(value))
    assert cell.status in ("json", "literal")
    assert cell.value == value == ast.literal_eval(repr(value))
    assert cell.problems == ()


def test_an_unescaped_apostrophe_in_a_name_is_read() -> None:
    cell = read_cell(
        "{'name': 'Reece O'Sullivan', 'uuid': 'u-2', 'metadata': {'email_address': 'reece@example.com'}}"
    )
    assert cell.status == "scanned"
    assert cell.problems == ()
    assert cell.value == {
        "name": "Reece O'Sullivan",
        "uuid": "u-2",
        "metadata": {"email_address": "reece@example.com"},
    }


@pytest.mark.parametrize(
    "name",
    [
        "O' 'Brien",  # Python would join the two strings and lose the quotes
        "D''Arcy",
        "''",
        "'quoted'",
        "it's # a comment",
        "a' if True else 'b",
        "x'['y']",
        "O'Neil, Shaun 'the', 'sheep",
        "ends in '",
        "'",
        "a}'b]'c",
    ],
)
def test_no_character_of_a_name_is_lost(name: str) -> None:
    cell = read_cell(vendor_text({"type": "account", "name": name, "uuid": "u"}))
    assert cell.value == {"type": "account", "name": name, "uuid": "u"}
    assert cell.problems == ()


def test_a_name_with_a_comment_in_it_cannot_hide_who_it_is() -> None:
    # For Python everything after the # is a comment: it would read 'ceo@example.com' and nothing else.
    name = "x', 'uuid': 'fake', 'metadata': {'email_address': 'ceo@example.com'}} # "
    cell = read_cell(vendor_text({"name": name, "uuid": "real", "metadata": {"email_address": "m@example.com"}}))
    assert (cell.text("uuid"), cell.text("metadata", "email_address"), cell.text("name")) == (None, None, None)
    assert cell.problems == ("a text in it looks like further keys: it reads in two ways, neither is believed",)


@pytest.mark.parametrize("style", ["vendor", "json"])
def test_a_name_that_poses_as_structure_is_not_believed(style: str) -> None:
    if style == "vendor":
        name = "x', 'metadata': {'email_address': 'ceo@example.com'}, 'uuid': 'fake"
        text = vendor_text({"name": name, "uuid": "real", "metadata": {"email_address": "m@example.com"}})
    else:
        text = '{"name": "x", "uuid": "fake", "uuid": "real", "metadata": {}, "metadata": {"email_address": "m"}}'
    cell = read_cell(text)
    assert cell.text("uuid") is None
    assert cell.text("metadata", "email_address") is None
    assert cell.problems == ("metadata, uuid stands in it twice: neither occurrence is believed",)


def test_a_cut_off_cell_gives_the_keys_that_are_whole_and_says_so() -> None:
    cell = read_cell("{'type': 'chat_project', 'uuid': 'u-3', 'name': 'Reece's pla")
    assert (cell.status, cell.text("type"), cell.text("uuid"), cell.text("name")) == (
        "scanned",
        "chat_project",
        "u-3",
        None,
    )
    assert cell.problems == ("it does not parse as a whole; only type, uuid was read",)


def test_a_cut_off_actor_still_has_an_address_where_it_is_whole() -> None:
    cell = read_cell("{'metadata': {'email_address': 'reece@example.com'}, 'name': 'Reece O")
    assert cell.text("metadata", "email_address") == "reece@example.com"


@pytest.mark.parametrize("text", ["{", "not a dict", "{'name': 'x'", "<p>", "{1: 2}", "{'a'}", "\0", "{'a': }"])
def test_what_is_no_dict_is_unreadable_and_reported(text: str) -> None:
    cell = read_cell(text)
    assert (dict(cell.value), cell.status) == ({}, "unreadable")
    assert cell.problems


@pytest.mark.parametrize(
    ("text", "kind"), [("[1]", "a list"), ("'x'", "a text"), ("3", "a number"), ("True", "a truth value")]
)
def test_a_value_that_is_no_dict_is_named(text: str, kind: str) -> None:
    assert read_cell(text).problems == (f"it holds {kind} where a dict was expected",)


@pytest.mark.parametrize("opening", ["'", '"'])
def test_a_properly_quoted_text_that_poses_as_keys_is_not_believed_either(opening: str) -> None:
    # Nothing tells a proper literal from a forged one, so the identity stays open and the text stays whole.
    text = "{'name': " + repr(f"x{opening}, {opening}uuid{opening}: {opening}fake") + ", 'uuid': 'real'}"
    cell = read_cell(text)
    assert (cell.status, cell.text("uuid"), len(cell.problems)) == ("literal", None, 1)


def test_a_literal_as_deep_as_json_reads_is_no_trouble() -> None:
    depth = 400
    cell = read_cell("{'a': " + "[" * depth + "'x', 'b'" + "]" * depth + "}")
    assert cell.status in {"literal", "unreadable"}


def test_escapes_of_python_are_undone_in_a_broken_literal() -> None:
    cell = read_cell(r"{'name': 'O'Neil \\ \n \x41 é \U0001f600 \'q\'', 'uuid': 'u'}")
    assert cell.text("name") == "O'Neil \\ \n A é \U0001f600 'q'"


def test_a_backslash_that_only_makes_sense_as_itself_is_kept_and_reported() -> None:
    cell = read_cell(r"{'path': 'C:\O'Neil\', 'uuid': 'u'}")
    assert cell.value == {"path": "C:\\O'Neil\\", "uuid": "u"}
    assert cell.problems == ("its backslashes are read as themselves: escapes made no sense",)


def test_a_uuid_written_as_an_object_is_read_as_its_text() -> None:
    cell = read_cell("{'uuid': UUID('6f0c1d5e-0000-4000-8000-000000000002'), 'name': 'Reece O'Sullivan'}")
    assert (cell.text("uuid"), cell.text("name")) == ("6f0c1d5e-0000-4000-8000-000000000002", "Reece O'Sullivan")


def test_an_object_that_is_no_plain_literal_is_kept_as_its_text() -> None:
    assert read_cell("{'at': datetime.date(2026, 1, 2), 'name': 'x'}").value == {
        "at": "datetime.date(2026, 1, 2)",
        "name": "x",
    }


def test_lone_surrogates_become_text_that_can_be_stored_and_pairs_are_joined() -> None:
    cell = read_cell(r"{'name': 'a\ud800b', 'uuid': '\ud83d\ude00'}")
    assert (cell.text("name"), cell.text("uuid")) == ("a�b", "\U0001f600")


def test_a_cell_of_a_megabyte_is_read() -> None:
    name = "O'" * 500_000
    cell = read_cell(vendor_text({"name": name, "uuid": "u"}))
    assert (cell.text("name"), cell.text("uuid")) == (name, "u")


def test_a_cell_beyond_the_limit_is_reported_not_parsed() -> None:
    cell = read_cell("{'name': '" + "x" * MAX_CELL + "'}")
    assert (cell.status, len(cell.problems)) == ("unreadable", 1)


@pytest.mark.parametrize(
    "text",
    [
        "{'a': '" + "', 'a': '" * 100_000 + "'}x",
        "{'a': ['" + "','" * 200_000 + "]}x",
        "{'a':" * 100_000,
        '{"a":' * 100_000,
        "[" * 500_000,
        "{'a': " + "-" * 100_000 + "1}",
        "{'name': '" * 7_000,
        "{'a': " + "9" * 100_000 + ", 'b': ''''}",
        "{'a': \"" + "', \"b\": '" * 80_000,
    ],
    ids=["pairs", "list", "nested", "nested json", "brackets", "signs", "keys", "digits", "mixed"],
)
def test_a_cell_made_to_be_hard_is_given_up_soon(text: str) -> None:
    started = time.process_time()
    read_cell(text)
    assert time.process_time() - started < 60  # unbounded, these take hours or end the process


@given(st.text())
def test_no_text_makes_the_reader_fail(text: str) -> None:
    read_cell(text)
    read_cell("{" + text)
    read_cell("{'a': '" + text + "'}")
