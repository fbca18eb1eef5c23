"""The reference's own two rows, and the committed sample with all the vendor's quirks: nothing is lost."""

import csv
import io

from tests.warehouse.tables.audit_export.made_exports import SAMPLE, rows_of
from warehouse.tables.audit_export import FIELDS

REFERENCE = """\
created_at,actor_info,event,event_info,entity_info,ip_address,device_id,user_agent,client_platform
2026-11-20T10:00:00.123456Z,"{'name': 'Jane Doe', 'uuid': '6f0c1d5e-0000-4000-8000-000000000001', 'metadata': {'email_address': 'jane@example.com'}}",user_signed_in_sso,{'domain': 'example.com'},,192.0.2.34,,Mozilla/5.0,web
2026-11-20T10:02:11Z,"{'name': 'Reece O'Sullivan', 'uuid': '6f0c1d5e-0000-4000-8000-000000000002', 'metadata': {'email_address': 'reece@example.com'}}",conversation_created,{},"{'type': 'chat_conversation', 'uuid': '0d3b8f72-6c1e-4a59-b2de-7f4c9a1e5b60', 'name': None, 'metadata': None}",198.51.100.4,,Mozilla/5.0,
"""  # noqa: E501


def test_the_references_rows_come_out_with_all_nine_fields_as_written() -> None:
    rows = rows_of(REFERENCE)
    written = list(csv.DictReader(io.StringIO(REFERENCE)))
    assert [dict(row.fields) for row in rows] == written
    assert [row.raw for row in rows] == REFERENCE.splitlines()[1:]
    assert [row.problems for row in rows] == [(), ()]


def test_the_apostrophe_of_o_sullivan_costs_nothing() -> None:
    jane, reece = rows_of(REFERENCE)
    assert (jane.actor_name, jane.parse_status) == ("Jane Doe", "literal")
    assert (reece.actor_name, reece.parse_status) == ("Reece O'Sullivan", "scanned")
    assert reece.actor_email == "reece@example.com"
    assert reece.actor_uuid == "6f0c1d5e-0000-4000-8000-000000000002"
    assert (reece.entity_type, reece.entity_uuid, reece.entity_name) == (
        "chat_conversation",
        "0d3b8f72-6c1e-4a59-b2de-7f4c9a1e5b60",
        None,
    )
    assert (jane.feed_type, reece.feed_type) == ("sso_login_succeeded", "claude_chat_created")


def test_the_sample_file_is_read_to_the_last_name() -> None:
    rows = rows_of(SAMPLE.read_bytes())
    assert [row.actor_name for row in rows] == [
        "Jane Doe",
        *["Reece O'Sullivan"] * 4,
        "Siobhán O'Brien",
        "Kenji Sato",
        "D'Arcy ''Dee'' Ní Dhomhnaill",
        None,
        None,
    ]
    assert rows[2].entity_name == "Reece's 'Q4' plans"
    assert [row.parse_status for row in rows] == [
        "literal",
        *["scanned"] * 4,
        "literal",
        "json",
        "scanned",
        "literal",
        "unreadable",
    ]
    assert [len(row.problems) for row in rows] == [0] * 9 + [1]


def test_the_sample_file_is_the_sum_of_its_rows() -> None:
    data = SAMPLE.read_bytes()
    rows = rows_of(data)
    assert b"\r\n".join([data.split(b"\r\n", 1)[0], *[row.raw.encode() for row in rows], b""]) == data
    for row in rows:
        assert row.offset is not None
        assert data[row.offset :].startswith(row.raw.encode())
    assert set(rows[0].fields) == set(FIELDS)
