"""A page's bytes into its records' bytes, whatever is in them."""

import json
from contextlib import suppress
from itertools import cycle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse.wire.records import NotAPage, split_page

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
SPACE = st.text(alphabet=" \t\r\n", max_size=3)


@st.composite
def written(draw: st.DrawFn, value: Any) -> bytes:
    """The value as somebody might write it: any white space, escapes or not."""
    ascii_only = draw(st.booleans())

    def write(part: Any) -> str:
        if isinstance(part, dict):
            members = (
                f"{space()}{json.dumps(k, ensure_ascii=ascii_only)}{space()}:{write(v)}" for k, v in part.items()
            )
            return f"{space()}{{{','.join(members) or space()}}}{space()}"
        if isinstance(part, list):
            return f"{space()}[{','.join(map(write, part)) or space()}]{space()}"
        return f"{space()}{json.dumps(part, ensure_ascii=ascii_only)}{space()}"

    def space() -> str:
        return draw(SPACE)

    # lone surrogates have no UTF-8; the wire writes them as escapes
    return write(value).encode("utf-8", "backslashreplace")


records = JSON.flatmap(written)
# What no encoder would write, but a server may send.
ODD = [
    b'{"a":1,"a":2}',
    b'{"a":{"b":1,"b":1}}',
    b"123456789012345678901234567890",
    b"-0.10000000000000000000000000000000001e+400",
    b'"' + "é".encode("latin-1") + b'"',
    b'{"name":"\xff\xfe\xc3"}',
    b'"\\ud83d"',
    b'{"\\ud83d":1}',
    b'"\\u0000"',
    b'"tab\there and line\nthere"',
    b'"]},{\\"data\\":[["',
    b'{"data":[{"data":[]}]}',
    b"{}",
    b"[]",
    b'""',
    b"NaN",
]


def page(parts: list[bytes], space: bytes = b"", rest: bytes = b"") -> bytes:
    return b'{"data":[' + (space + b"," + space).join(parts) + b"]" + rest + b"}"


@given(st.lists(records, max_size=5))
def test_any_record_comes_out_as_the_bytes_that_were_served(parts: list[bytes]) -> None:
    assert split_page(page(parts)).records == [part.strip(b" \t\r\n") for part in parts]


@given(st.lists(st.sampled_from(ODD) | records, max_size=6))
def test_also_next_to_records_that_break_a_strict_decoder(parts: list[bytes]) -> None:
    assert split_page(page(parts)).records == [part.strip(b" \t\r\n") for part in parts]


@pytest.mark.parametrize("odd", ODD)
def test_an_odd_record_is_kept_to_the_byte(odd: bytes) -> None:
    assert split_page(page([b"1", odd, b"2"])).records == [b"1", odd, b"2"]


@given(SPACE.map(str.encode), SPACE.map(str.encode))
def test_white_space_may_stand_everywhere(one: bytes, two: bytes) -> None:
    tokens = [b"{", b'"has_more"', b":", b"false", b",", b'"data"', b":"]
    tokens += [b"[", b"1", b",", b'"\xff"', b"]", b"}", b""]
    body = b"".join(space + token for space, token in zip(cycle([one, two]), tokens, strict=False))
    assert split_page(body).records == [b"1", b'"\xff"']
    assert split_page(body.replace(b"\xff", b"x")).records == [b"1", b'"x"']


@pytest.mark.parametrize("record", [b"1", b'"\xff"'], ids=["strict", "broken"])
def test_the_envelope_is_read_on_either_way(record: bytes) -> None:
    rest = (
        ',"has_more":true,"first_id":"activity_ü","last_id":"activity_\\u00fc","next_page":null,'
        '"data_refreshed_at":"2026-11-22T10:00:00Z","extra":{"a":[1]}'
    )
    read = split_page(page([record], rest=rest.encode()))
    assert read.records == [record]
    assert (read.has_more, read.first_id, read.last_id) == (True, "activity_ü", "activity_ü")
    assert (read.next_page, read.data_refreshed_at) == (None, "2026-11-22T10:00:00Z")


@pytest.mark.parametrize(
    "rest",
    [
        b',"has_more":"yes","last_id":7',
        b',"has_more":null,"last_id":null',
        b',"last_id":"\xff"',
        b',"last_id":"\\ud800"',
    ],
)
def test_an_envelope_member_that_is_not_what_it_should_be_counts_as_absent(rest: bytes) -> None:
    read = split_page(page([b"1"], rest=rest))
    assert (read.records, read.has_more, read.last_id) == ([b"1"], None, None)


def test_members_named_data_inside_records_are_no_second_page() -> None:
    assert split_page(page([b'{"data":[1]}', b'{"data":[2]}'])).records == [b'{"data":[1]}', b'{"data":[2]}']


def test_the_array_s_former_name_is_read_as_the_page() -> None:
    read = split_page(b'{"summaries":[{"a":1},{"a":2}],"next_page":null}')
    assert (read.records, read.has_more, read.next_page) == ([b'{"a":1}', b'{"a":2}'], None, None)
    assert split_page(b'{"summaries":[1],"data":[2]}').records == [b"2"]


def test_the_settings_of_an_organisation_are_one_record_which_is_the_body() -> None:
    body = b'{"type":"effective_organization_settings","organization_id":"x","settings":[{"a": 1}],"api_keys":[]}'
    assert split_page(body + b"\n").records == [body]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"summaries":{}}', "no `data`"),
        (b'{"type":"effective_organization_settings","settings":{}}', "no `data`"),
        (b'{"type":"something_else","settings":[]}', "no `data`"),
        (b"", "not complete"),
        (b"   ", "not complete"),
        (b"null", "not a JSON object"),
        (b"[]", "not a JSON object"),
        (b"<html>504</html>", "not a JSON object"),
        (b'{"error":{"type":"overloaded_error"}}', "no `data`"),
        (b"{}", "no `data`"),
        (b'{"data":null}', "no `data`"),
        (b'{"data":{}}', "no `data`"),
        (b'{"data":"[]"}', "no `data`"),
        (b'{"data":[1],"data":[2]}', "two members"),
        (b'{"data":["\xff"],"data":[2]}', "two members"),
        (b'{"data":[1,2', "not complete"),
        (b'{"data":[1,2]', "not complete"),
        (b'{"data":[{"a":"b', "not complete"),
        (b'{"data":[1],"has_more":', "not complete"),
        (b'{"data":[1,]}', "not well-formed"),
        (b'{"data":[1]},', "more after the end"),
        (b'{"data":[1]}{"data":[2]}', "more after the end"),
        (b'{"data":[1 2]}', "not well-formed"),
        (b'{"data":[01]}', "not well-formed"),
        (b'{"data" [1]}', "not well-formed"),
        (b'{"data":[1],}', "not well-formed"),
        (b'{1:2,"data":[]}', "not well-formed"),
        (b'{[]:2,"data":[]}', "not well-formed"),
        (b'{{}:2,"data":[]}', "not well-formed"),
        (b'{"data":[' + b"[" * 100_000 + b"]" * 100_000 + b"]}", "nests deeper"),
        (b"\xef\xbb\xbf{}", "not a JSON object"),
    ],
)
def test_what_is_no_page_is_refused_with_the_reason(body: bytes, reason: str) -> None:
    with pytest.raises(NotAPage, match=reason):
        split_page(body)


@given(st.binary(max_size=60) | st.text(alphabet='{}[]",:data01 \\u', max_size=40).map(str.encode))
def test_any_bytes_are_a_page_or_refused_and_nothing_else(body: bytes) -> None:
    for candidate in (body, b'{"data":[' + body + b"]}", b'{"data":[],' + body + b"}"):
        with suppress(NotAPage):
            split_page(candidate)


@given(records, st.data())
def test_a_page_cut_anywhere_is_refused(record: bytes, data: st.DataObject) -> None:
    body = page([record, b'"\xff"'])
    with pytest.raises(NotAPage):
        split_page(body[: data.draw(st.integers(0, len(body) - 1))])
