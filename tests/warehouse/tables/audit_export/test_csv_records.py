"""CSV bytes into records: each byte in one record, each record's fields right, a stray quote contained."""

import csv
import io

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from warehouse.tables.audit_export.csv_records import UNBALANCED, split_records

LINE_ENDS = ["\n", "\r\n", "\r"]
fields = st.lists(
    st.lists(
        st.text(st.sampled_from("ab',\"\r\n{}é\0 ") | st.characters(exclude_categories=["Cs"])),
        min_size=3,
        max_size=3,
    ),
    max_size=6,
)


def written(rows: list[list[str]], line_end: str) -> bytes:
    text = io.StringIO()
    # with another line end than its own, Python's writer forgets to quote a lone CR
    quoting = csv.QUOTE_MINIMAL if line_end == "\r\n" else csv.QUOTE_ALL
    csv.writer(text, lineterminator=line_end, quoting=quoting).writerows(rows)
    return text.getvalue().encode()


@given(fields, st.sampled_from(LINE_ENDS))
@example([['a"', "\r\n", ","]], "\n")
def test_what_a_csv_writer_wrote_is_read_back(rows: list[list[str]], line_end: str) -> None:
    records = list(split_records(written(rows, line_end), 3))
    assert [[field.decode() for field in record.fields] for record in records] == rows


@given(fields, st.sampled_from(LINE_ENDS))
def test_every_byte_is_in_one_record_or_is_a_line_end(rows: list[list[str]], line_end: str) -> None:
    data = written(rows, line_end)
    rebuilt = b"".join(record.raw + line_end.encode() for record in split_records(data, 3))
    assert rebuilt == data


@given(
    st.binary(max_size=200) | st.text(st.sampled_from('a",\r\n'), max_size=60).map(str.encode), st.integers(1, 4)
)
def test_no_bytes_make_it_fail_or_lose_a_byte(data: bytes, expected: int) -> None:
    position = 0
    for record in split_records(data, expected):
        assert data[position : record.offset].strip(b"\r\n") == b""
        assert data[record.offset : record.offset + len(record.raw)] == record.raw
        position = record.offset + len(record.raw)
    assert data[position:].strip(b"\r\n") == b""


def test_crlf_and_lf_may_be_mixed_and_blank_lines_are_no_records() -> None:
    records = list(split_records(b"a,b\r\nc,d\ne,f\n\n\r\ng,h", 2))
    assert [record.fields for record in records] == [[b"a", b"b"], [b"c", b"d"], [b"e", b"f"], [b"g", b"h"]]


def test_a_lone_cr_in_a_file_of_lf_lines_begins_no_row() -> None:
    (header, row) = split_records(b"a,b\n1,x\r2026-11-20T10:00:00Z\n", 2)
    assert (header.fields, row.fields) == ([b"a", b"b"], [b"1", b"x\r2026-11-20T10:00:00Z"])
    assert row.problems == ("1 line(s) inside a field of this row look like rows of their own",)


def test_a_file_of_cr_lines_is_told_by_its_first_line() -> None:
    records = list(split_records(b'"a\nb",b\r1,x\n2\r3,4\r', 2))
    assert [record.fields for record in records] == [[b"a\nb", b"b"], [b"1", b"x\n2"], [b"3", b"4"]]


def test_a_quoted_field_keeps_its_line_ends_and_the_record_its_bytes() -> None:
    (first, second) = split_records(b'1,"x\r\ny\nz"\r\n2,b\r\n', 2)
    assert first.fields == [b"1", b"x\r\ny\nz"]
    assert first.raw == b'1,"x\r\ny\nz"'
    assert (second.offset, second.raw) == (12, b"2,b")


@pytest.mark.parametrize(
    ("stray", "fields_read"),
    [
        (b'1,"b,c', [b"1", b'"b', b"c"]),  # opened, never closed
        (b'1,b,"c', [b"1", b"b", b'"c']),
        (b'1,"b" x,c', [b"1", b'"b" x', b"c"]),  # closed in the wrong place
        (b'1,"b"c,d",e', [b"1", b'b"c,d', b"e"]),  # not doubled inside: still three fields
    ],
)
def test_a_stray_quote_costs_its_own_line_only_and_is_reported(stray: bytes, fields_read: list[bytes]) -> None:
    before, odd, after, last = split_records(b'a,"b\nb",c\n' + stray + b'\nx,"y, z",w\n1,2,3\n', 3)
    assert before.fields == [b"a", b"b\nb", b"c"]
    assert (odd.raw, odd.fields, odd.problems) == (stray, fields_read, (UNBALANCED,))
    assert (after.fields, after.problems) == ([b"x", b"y, z", b"w"], ())
    assert last.fields == [b"1", b"2", b"3"]


def test_a_stray_quote_in_the_last_line_is_contained() -> None:
    *_, odd = split_records(b'1,2\n3,"4', 2)
    assert (odd.fields, odd.problems) == ([b"3", b'"4'], (UNBALANCED,))


def test_a_quote_inside_a_bare_field_is_just_a_character() -> None:
    (record,) = split_records(b"5'10\" tall,b\n", 2)
    assert (record.fields, record.problems) == ([b"5'10\" tall", b"b"], ())


@pytest.mark.parametrize("line", [b"1,2", b"1,2,3,4"])
def test_a_row_with_too_few_or_too_many_fields_is_kept_and_reported(line: bytes) -> None:
    odd, good = split_records(line + b"\n1,2,3\n", 3)
    assert odd.fields == line.split(b",")
    assert odd.problems == (
        f"the row has {len(odd.fields)} fields where the header has 3; fields may be out of place",
    )
    assert good.problems == ()


def test_lines_inside_a_quoted_field_that_look_like_rows_are_reported_but_stay_inside() -> None:
    (record,) = split_records(b'1,"agent\n2026-11-20T10:00:00Z,forged",3\n', 3)
    assert record.fields[1] == b"agent\n2026-11-20T10:00:00Z,forged"
    assert record.problems == ("1 line(s) inside a field of this row look like rows of their own",)


def test_two_stray_quotes_that_would_swallow_rows_do_not() -> None:
    records = list(split_records(b'a,b,"c\n1,2,3\n4,5,6\nd",e,f\n', 3))
    assert [record.raw for record in records] == [b'a,b,"c', b"1,2,3", b"4,5,6", b'd",e,f']


def test_many_stray_quotes_are_read_in_time_that_grows_with_the_file_only() -> None:
    lines = b'a,"",b\n"",",\n' * 20_000 + b'x,"\n' * 20_000 + b'"""",\n' * 20_000
    records = list(split_records(lines, 3))
    assert sum(len(record.raw) for record in records) <= len(lines)
