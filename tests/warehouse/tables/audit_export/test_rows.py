"""Rows: times, keys, what they are in the feed, and hostile text that stays text."""

import hashlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.warehouse.tables.audit_export.made_exports import (
    HEADER,
    actor,
    csv_text,
    only_row,
    record,
    rows_of,
    vendor_text,
)
from warehouse.tables.audit_export import FIELDS, read_export
from warehouse.tables.audit_export.parse import NO_TIME, NOT_UTF8
from warehouse.taxonomy import ExportMapping

TEN = datetime(2026, 11, 20, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-20T10:00:00Z", TEN),
        ("2026-11-20T10:00:00.123456Z", TEN.replace(microsecond=123456)),
        ("2026-11-20T10:00:00.1234567899Z", TEN.replace(microsecond=123456)),
        ("2026-11-20T10:00:00,5Z", TEN.replace(microsecond=500000)),
        ("2026-11-20t10:00:00z", TEN),
        ("2026-11-20 10:00:00+00:00", TEN),
        ("2026-11-20 10:00:00 UTC", TEN),
        ("2026-11-20T15:30:00+05:30", TEN),
        ("2026-11-20T15:30:00+0530", TEN),
        ("2026-11-20T02:00:00-08", TEN),
        ("2026-11-20T10:00Z", TEN),
        (" 2026-11-20T10:00:00Z ", TEN),
    ],
)
def test_the_ways_to_write_a_time_with_an_offset_are_read(text: str, moment: datetime) -> None:
    row = only_row(created_at=text)
    assert (row.created_at, row.problems, row.fields["created_at"]) == (moment, (), text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2026-11-20",
        "2026-11-20T10:00:00",
        "2026-13-20T10:00:00Z",
        "0001-01-01T00:00:00+10:00",
        "1790000000",
    ],
)
def test_a_time_that_cannot_be_placed_is_null_and_reported_with_its_text_kept(text: str) -> None:
    row = only_row(created_at=text)
    assert (row.created_at, row.problems, row.fields["created_at"]) == (None, (NO_TIME,), text)


def test_the_row_key_can_be_computed_by_anyone_from_the_row() -> None:
    row = only_row()
    assert row.row_key == hashlib.sha256(row.raw.encode() + b"\x000").hexdigest()


def test_equal_rows_of_one_file_have_different_keys() -> None:
    first, other, second = rows_of(csv_text(record(), record(event="user_signed_out"), record()))
    assert len({first.row_key, other.row_key, second.row_key}) == 3
    assert second.row_key == hashlib.sha256(second.raw.encode() + b"\x001").hexdigest()


@given(st.lists(st.integers(0, 5), max_size=12), st.data())
def test_overlapping_exports_have_the_same_keys_for_the_same_rows(numbers: list[int], data: st.DataObject) -> None:
    all_rows = [record(device_id=str(number)) for number in numbers]
    cut = data.draw(st.integers(0, len(numbers)))
    back = data.draw(st.integers(0, cut))
    whole = {row.row_key for row in rows_of(csv_text(*all_rows))}
    later = {row.row_key for row in rows_of(csv_text(*data.draw(st.permutations(all_rows))))}
    early = {row.row_key for row in rows_of(csv_text(*all_rows[:cut]))}
    late = {row.row_key for row in rows_of(csv_text(*all_rows[back:]))}
    assert len(whole) == len(numbers)
    assert later == whole
    assert early | late <= whole


def test_the_feed_type_comes_from_the_mapping_with_its_note() -> None:
    plain = only_row(event="conversation_created")
    assert (plain.feed_type, plain.feed_type_note) == ("claude_chat_created", None)
    nothing = only_row(event="project_renamed")
    assert (nothing.feed_type, nothing.feed_type_note) == (None, "the feed has no such event")
    unknown = only_row(event="something_new")
    assert (unknown.feed_type, unknown.feed_type_note) == (None, "no feed type known for this event")
    empty = only_row(event="")
    assert (empty.feed_type, empty.feed_type_note) == (None, "the row names no event")


def test_an_event_that_may_be_one_of_several_is_left_open_with_the_choice() -> None:
    row = only_row(event="integration_org_enabled")
    assert row.feed_type is None
    assert row.feed_type_note == (
        "one of claude_gdrive_integration_created, claude_github_integration_created: "
        "the export row does not say which integration"
    )


def test_what_the_row_says_of_success_decides_the_feed_type() -> None:
    event = "user_attempted_magic_link_verification"
    assert only_row(event=event, event_info="{'is_successful': False}").feed_type == "magic_link_login_failed"
    assert only_row(event=event, event_info="{'is_successful': True}").feed_type == "magic_link_login_succeeded"


def test_another_mapping_can_be_handed_in() -> None:
    export = read_export(
        csv_text(record(event_info="{'a': 1}")).encode(),
        "a.csv",
        map_event=lambda event, info: ExportMapping((f"{event}/{info['a']}",), "", "renamed"),
    )
    assert [row.feed_type for row in export.rows()] == ["conversation_created/1"]


def test_a_sign_in_without_a_known_actor_has_the_address_that_was_typed() -> None:
    row = only_row(
        actor_info="", event="user_requested_magic_link", event_info="{'email_address': 'jane@example.com'}"
    )
    assert (row.actor_email, row.actor_name) == ("jane@example.com", None)
    named = only_row(event="user_signed_in_google", event_info="{'email_address': 'other@example.com'}")
    assert named.actor_email == "jane@example.com"


def test_a_problem_names_its_cell() -> None:
    row = only_row(entity_info="{'type': 'file', 'uuid': 'u', 'name': 'x")
    assert row.parse_status == "scanned"
    assert row.problems == ("entity_info: it does not parse as a whole; only type, uuid was read",)


@pytest.mark.parametrize(
    ("cells", "status"),
    [
        ({"actor_info": ""}, "empty"),
        ({"event_info": '{"a": 1}', "actor_info": "{}"}, "json"),
        ({"event_info": '{"a": 1}'}, "literal"),
        ({"entity_info": vendor_text({"name": "O'B"})}, "scanned"),
        ({"entity_info": vendor_text({"name": "O'B"}), "event_info": "??"}, "unreadable"),
    ],
)
def test_the_parse_status_is_that_of_the_worst_cell(cells: dict[str, str], status: str) -> None:
    assert only_row(**cells).parse_status == status


@given(st.lists(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=9, max_size=9), max_size=4))
def test_whatever_the_nine_fields_hold_comes_back_as_written(records: list[list[str]]) -> None:
    rows = rows_of(csv_text(*records))
    assert [[row.fields[name] for name in FIELDS] for row in rows] == records


@pytest.mark.parametrize(
    "text",
    [
        '=HYPERLINK("http://x.example.com","a")',
        "@SUM(1+1)|cmd",
        "\x1b[31mred\x07\x08",
        "a\0b",
        "<script>alert(1)</script>",
        "\u202egnp.exe",
        "x" * 1_000_000,
        "line\r\nline",
        "'; drop table audit_events; --",
    ],
    ids=["formula", "formula 2", "control", "nul", "html", "bidi", "megabyte", "lines", "sql"],
)
@pytest.mark.parametrize("place", ["user_agent", "event", "created_at", "device_id", "actor_info"])
def test_hostile_text_stays_text(text: str, place: str) -> None:
    hostile, after = rows_of(csv_text(record(**{place: text}), record()))
    assert hostile.fields[place] == text
    assert text.replace('"', '""') in hostile.raw
    assert after.problems == ()


def test_a_hostile_name_is_read_as_the_name_it_is() -> None:
    name = '=cmd|"/c calc"!A1 \x1b[2J O\'B'
    assert only_row(actor_info=actor(name)).actor_name == name


def test_invalid_utf_8_is_kept_to_the_byte_and_reported() -> None:
    data = csv_text(record(user_agent="Mozilla§"), record()).encode().replace("§".encode(), b"\xff\xfe\x80")
    odd, good = rows_of(data)
    assert odd.fields["user_agent"] == "Mozilla���"
    assert odd.raw_bytes is not None
    assert odd.raw_bytes in data
    assert (odd.raw, odd.problems) == (odd.raw_bytes.decode("utf-8", "replace"), (NOT_UTF8,))
    assert odd.row_key == hashlib.sha256(odd.raw_bytes + b"\x000").hexdigest()
    assert (good.raw_bytes, good.problems) == (None, ())


def test_a_utf_16_file_with_half_a_character_is_read_and_reported() -> None:
    text = csv_text(record(user_agent="x\ud800y"), record())
    data = b"\xff\xfe" + text.encode("utf-16-le", "surrogatepass") + b"\x00"
    export = read_export(data, "a.csv")
    odd, good = list(export.rows())[:2]
    assert odd.problems == (NOT_UTF8,)
    assert good.problems == ()
    assert export.notes == ("the file ends in the middle of a utf-16-le character",)


def test_a_stray_quote_keeps_every_other_row() -> None:
    lines = csv_text(*[record(device_id=str(number)) for number in range(5)]).split("\r\n")
    lines[3] = lines[3].replace("Mozilla", '"Mozilla')
    rows = rows_of("\r\n".join(lines))
    assert [row.fields["device_id"] for row in rows] == list("01234")
    assert [bool(row.problems) for row in rows] == [False, False, True, False, False]
    assert rows[2].raw == lines[3]
    assert rows[2].fields["user_agent"] == '"Mozilla/5.0'


def test_a_short_row_keeps_what_it_has() -> None:
    (row,) = rows_of(HEADER + "\n2026-11-20T10:00:00Z,,user_signed_out\n")
    assert (row.created_at, row.feed_type, row.fields["device_id"]) == (TEN, "user_logged_out", None)
    assert row.problems == ("the row has 3 fields where the header has 9; fields may be out of place",)


def test_rows_can_be_read_more_than_once() -> None:
    export = read_export(csv_text(record(), record()).encode(), "a.csv")
    assert list(export.rows()) == list(export.rows())
