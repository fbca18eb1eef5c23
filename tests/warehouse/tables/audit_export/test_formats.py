"""The shapes in which the export may come: encodings, line ends, column orders, ZIP, JSON."""

import json

import pytest

from tests.warehouse.tables.audit_export.made_exports import SAMPLE, actor, csv_text, record, rows_of, zipped
from warehouse.tables.audit_export import FIELDS, read_export

REECE = "Reece O'Sullivan"
TWO = csv_text(record(), record(actor_info=actor(REECE), user_agent='multi\nline, "quoted" é 🦊'))
NAMES = ["Jane Doe", REECE]


@pytest.mark.parametrize(
    ("mark", "encoding", "named"),
    [
        (b"", "utf-8", "utf-8"),
        (b"\xef\xbb\xbf", "utf-8", "utf-8"),
        (b"\xff\xfe", "utf-16-le", "utf-16-le"),
        (b"\xfe\xff", "utf-16-be", "utf-16-be"),
        (b"\xff\xfe\x00\x00", "utf-32-le", "utf-32-le"),
    ],
)
def test_byte_order_marks_and_utf_16_are_understood(mark: bytes, encoding: str, named: str) -> None:
    data = mark + TWO.encode(encoding)
    assert read_export(data, "a.csv").encoding == named
    assert [row.fields for row in rows_of(data)] == [row.fields for row in rows_of(TWO)]


def test_the_row_key_does_not_depend_on_encoding_or_line_end() -> None:
    one_line = csv_text(record(), record(actor_info=actor(REECE)))
    keys = [row.row_key for row in rows_of(one_line)]
    assert [row.row_key for row in rows_of(b"\xff\xfe" + one_line.encode("utf-16-le"))] == keys
    assert [row.row_key for row in rows_of(one_line.replace("\r\n", "\n"))] == keys


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_any_line_end_will_do(line_end: str) -> None:
    rows = rows_of(csv_text(record(), record(actor_info=actor(REECE)), line_end=line_end))
    assert [row.actor_name for row in rows] == NAMES


def test_the_last_line_needs_no_line_end() -> None:
    assert len(rows_of(TWO.rstrip("\r\n"))) == 2


def test_columns_may_stand_in_any_order_with_more_beside_them() -> None:
    order = ["organization", *reversed(FIELDS), "Extra Column"]
    values = dict(zip(FIELDS, record(actor_info=actor(REECE)), strict=True))
    text = csv_text([values.get(name, "more") for name in order], header=",".join(order))
    export = read_export(text.encode(), "a.csv")
    (row,) = export.rows()
    assert dict(row.fields) == values
    assert export.extra_columns == ("organization", "Extra Column")
    assert row.raw.startswith("more,")
    assert row.raw.endswith(",more")


def test_a_header_alone_is_an_export_without_rows() -> None:
    assert rows_of(csv_text()) == []


def test_header_names_are_known_with_quotes_blanks_and_capitals() -> None:
    header = ",".join(f'" {name.upper()} "' for name in FIELDS)
    assert [row.actor_name for row in rows_of(csv_text(record(), header=header))] == ["Jane Doe"]


def test_a_zip_gives_its_largest_table_and_names_the_others() -> None:
    data = zipped({"logs/readme.txt": b"x" * 99_999, "a.csv": b"small", "../../logs/audit.CSV": TWO.encode()})
    export = read_export(data, "export.zip")
    assert export.member == "../../logs/audit.CSV"
    assert export.notes == ("the ZIP also holds a.csv; only ../../logs/audit.CSV, the largest, was read",)
    assert [row.actor_name for row in export.rows()] == NAMES


def test_what_macos_adds_to_a_zip_is_passed_over() -> None:
    export = read_export(zipped({"a.csv": TWO.encode(), "__MACOSX/._a.csv": b"\0" * 9999}), "export.zip")
    assert (export.member, export.notes) == ("a.csv", ())


def test_the_same_rows_have_the_same_keys_in_and_out_of_a_zip() -> None:
    plain = rows_of(SAMPLE.read_bytes())
    packed = rows_of(zipped({"audit_logs.csv": SAMPLE.read_bytes()}), "export.zip")
    assert [row.row_key for row in packed] == [row.row_key for row in plain]


def test_the_export_id_is_the_hash_of_the_file_as_given() -> None:
    packed = zipped({"a.csv": TWO.encode()})
    assert read_export(packed, "a.zip").export_id != read_export(TWO.encode(), "a.csv").export_id
    assert read_export(TWO.encode(), "b.csv").export_id == read_export(TWO.encode(), "a.csv").export_id


JSON_RECORDS = [
    dict(zip(FIELDS, record(), strict=True)),
    {
        **dict(zip(FIELDS, record(), strict=True)),
        "actor_info": {"name": REECE, "uuid": "u", "metadata": {"email_address": "reece@example.com"}},
        "event_info": {},
        "ip_address": None,
    },
]


@pytest.mark.parametrize(
    ("text", "form"),
    [
        (json.dumps(JSON_RECORDS), "json"),
        (json.dumps(JSON_RECORDS, indent=2), "json"),
        (json.dumps({"has_more": False, "data": JSON_RECORDS}), "json"),
        ("\n".join(json.dumps(one) for one in JSON_RECORDS), "ndjson"),
        ("\r\n\r\n".join(json.dumps(one) for one in JSON_RECORDS) + "\r\n", "ndjson"),
    ],
    ids=["array", "indented", "data", "lines", "crlf lines"],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_json_in_its_three_shapes_gives_the_same_rows(text: str, form: str, encoding: str) -> None:
    export = read_export(text.encode(encoding), "a.json")
    jane, reece = export.rows()
    assert export.form == form
    assert (jane.actor_name, reece.actor_name, reece.actor_email) == (*NAMES, "reece@example.com")
    assert (jane.parse_status, reece.parse_status) == ("literal", "json")
    assert reece.fields["ip_address"] is None
    assert json.loads(reece.raw) == JSON_RECORDS[1]
    assert json.loads(reece.fields["actor_info"] or "") == JSON_RECORDS[1]["actor_info"]
    assert (jane.problems, reece.problems) == ((), ())


def test_json_records_keep_their_exact_bytes() -> None:
    first = (
        '{ "created_at" : "2026-11-20T10:00:00Z",'
        + ",".join(f'"{name}":null' for name in FIELDS[1:])
        + ', "n": 1e400}'
    )
    (row,) = rows_of(f"[ {first} ]")
    assert row.raw == first


def test_a_line_that_is_no_json_is_kept_and_reported() -> None:
    whole = json.dumps(JSON_RECORDS[0])
    first, broken, last = rows_of(f"{whole}\n{whole[:50]}\n{whole}\n")
    assert (first.problems, last.problems) == ((), ())
    assert broken.raw == whole[:50]
    assert broken.problems[0] == "the line is not JSON"


def test_a_json_record_without_some_fields_or_of_another_kind_is_kept_and_reported() -> None:
    some = {"created_at": "2026-11-20T10:00:00Z", "event": "user_signed_out"}
    _, partial, number = rows_of(json.dumps([JSON_RECORDS[0], some, 5]))
    assert (partial.feed_type, partial.fields["device_id"]) == ("user_logged_out", None)
    assert partial.problems[0].startswith("the record has no actor_info, event_info,")
    assert (number.raw, number.problems[0]) == ("5", "the record is not an object")


def test_a_key_that_a_json_record_holds_twice_is_reported() -> None:
    whole = json.dumps(JSON_RECORDS[0])
    (row,) = rows_of("[" + whole[:-1] + ', "event": "user_signed_out"}]')
    assert row.feed_type == "user_logged_out"
    assert row.problems == ("the record holds a key twice; the last one was read",)


def test_json_with_broken_characters_is_kept_and_reported() -> None:
    good, bad = json.dumps(JSON_RECORDS[0]).encode(), json.dumps(JSON_RECORDS[0]).replace("Jane", "J@ne").encode()
    one, two, three = rows_of(
        b"[" + good + b"," + bad.replace(b"@", b"\xff") + b"," + bad.replace(b"@", b"\\ud800") + b"]"
    )
    assert one.problems == ()
    assert two.actor_name == three.actor_name == "J�ne Doe"
    assert two.raw_bytes == bad.replace(b"@", b"\xff")
