"""Restriction at reading: who is named is masked in every table, and everything else stays right."""

import json
from datetime import timedelta
from typing import Any

import pytest

from tests.warehouse.tables.conftest import DAY, Bench, event, verbatim
from warehouse.archive.restriction import lift_restriction, set_restriction
from warehouse.tables import catalog
from warehouse.tables.masking import EVERY_TABLE
from warehouse.wire.times import rfc3339
from warehouse.wire.windows import Window

WINDOW = Window(DAY, DAY + timedelta(days=1))
PRIYA, PRIYA_ID = "priya@example.com", "user_01XyDMpzjS89pFZXqSFUBDr6"
KIM = {
    "type": "user_actor",
    "email_address": "kim@example.com",
    "user_id": "user_01KimAbCdEfGhJkLmNpQrStU",
    "ip_address": "198.51.100.7",
    "user_agent": "Mozilla/5.0",
}
MARK = "[restricted]"
NAMING = "actor_id, actor_email, ip_address, user_agent, filename, url, user_id, raw, raw_bytes"
STAYING = (
    "id, created_at, created_at_text, type, organization_id, organization_uuid, actor_type, observed_at, "
    "commit_seq, page, position, version, fold, content_sha256, unknown_event, dt"
)


def at(hour: int, number: int, **fields: Any) -> bytes:
    return verbatim(event(number, DAY + timedelta(hours=hour), **fields))


@pytest.fixture
def busy(bench: Bench) -> Bench:
    """Priya acts, Kim acts, and Kim does something to Priya."""
    bench.pull(
        WINDOW,
        [
            at(8, 1, type="claude_file_uploaded", filename="priya's salary.xlsx", claude_file_id="file_1"),
            at(9, 2, actor=KIM, filename="q3.xlsx", url="https://example.com/q3"),
            at(10, 3, actor=KIM, type="claude_user_role_updated", user_id=PRIYA_ID, user_email=PRIYA,
               previous_role="user", current_role="admin"),
            at(11, 4, actor=KIM, type="group_members_added", member_ids=["user_9", PRIYA_ID], group_id="group_1"),
        ],
    )  # fmt: skip
    return bench


def restrict(bench: Bench, *identifiers: str, name: str = "dsr-1") -> None:
    set_restriction(bench.archive, name, identifiers, "request for erasure")


def rows(
    bench: Bench, columns: str = "*", where: str = "true", table: str = "audit_events"
) -> list[dict[str, Any]]:
    with bench.connect() as db:
        found = db.execute(f"select {columns} from {table} where {where} order by id, version")
        names = [column[0] for column in found.description or []]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def everything(bench: Bench) -> str:
    """All that the tables show, as one text."""
    with bench.connect() as db:
        views = [
            row[0] for row in db.execute("select view_name from duckdb_views() where not internal").fetchall()
        ]
        return "\n".join(str(db.execute(f'select * from "{view}"').fetchall()) for view in sorted(views))


# -- what is masked --------------------------------------------------------------------------------------------


def test_what_names_the_actor_is_the_mark(busy: Bench) -> None:
    restrict(busy, PRIYA)
    (row,) = rows(busy, NAMING, "id like '%0001'")
    assert row.pop("raw_bytes") is row.pop("url") is row.pop("user_id") is None
    assert json.loads(row.pop("raw"))["restricted"] is True
    assert set(row.values()) == {MARK}


def test_a_record_of_somebody_else_that_names_the_person_is_masked_too(busy: Bench) -> None:
    restrict(busy, PRIYA_ID)
    role, group = rows(busy, "user_id, actor_email, raw", "id similar to '.*000[34]'")
    assert (role["user_id"], role["actor_email"]) == (MARK, "kim@example.com")
    for row in (role, group):
        assert PRIYA_ID not in row["raw"]
        assert PRIYA not in row["raw"]


def test_of_a_masked_record_stays_what_kind_of_thing_happened(busy: Bench) -> None:
    restrict(busy, PRIYA)
    (row,) = rows(busy, "id, raw", "id like '%0003'")
    assert json.loads(row["raw"]) == {
        "restricted": True,
        "id": row["id"],
        "created_at": rfc3339(DAY + timedelta(hours=10)),
        "type": "claude_user_role_updated",
        "organization_id": "org_01Wv6QeBcDfGhJkLmNpQrSt8",
        "organization_uuid": "91012d09-e48b-438e-a489-1bebfd8fa6f9",
        "claude_chat_id": "claude_chat_3",
        "claude_project_id": None,
        "current_role": "admin",
        "previous_role": "user",
        "actor": {"restricted": True, "type": "user_actor"},
    }


def test_no_table_shows_an_identifier_anywhere(busy: Bench) -> None:
    restrict(busy, PRIYA, PRIYA_ID)
    shown = everything(busy)
    assert PRIYA_ID not in shown
    assert "priya" not in shown.lower()
    assert "kim@example.com" in shown


def test_counts_times_types_and_hashes_stay_right(busy: Bench) -> None:
    counted = ", ".join(f"count({name.strip()})" for name in f"{STAYING},{NAMING}".split(","))
    before = rows(busy, STAYING), busy.sql(f"select {counted} from audit_events")
    restrict(busy, PRIYA, PRIYA_ID)
    assert (rows(busy, STAYING), busy.sql(f"select {counted} from audit_events")) == before


def test_records_of_others_stay_as_they_are(busy: Bench) -> None:
    before = rows(busy, where="id like '%0002'")
    restrict(busy, PRIYA, PRIYA_ID)
    assert rows(busy, where="id like '%0002'") == before


# -- how somebody is found -------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", ["PRIYA@Example.COM", " priya@example.com ", PRIYA_ID.upper()])
def test_case_and_outer_blanks_do_not_matter(busy: Bench, given: str) -> None:
    restrict(busy, given)
    assert rows(busy, "actor_email", "id like '%0001'") == [{"actor_email": MARK}]


def test_an_address_is_found_however_the_record_spells_its_case(bench: Bench) -> None:
    bench.pull(WINDOW, [at(8, 1, actor={**KIM, "email_address": "Kim@Example.Com"})])
    restrict(bench, "kim@example.com")
    assert rows(bench, "actor_email, actor_id") == [{"actor_email": MARK, "actor_id": MARK}]


@pytest.mark.parametrize(
    "raw",
    [
        b'"invitee_email":"\\u0070riya@example.com"',
        b'"invitee_email":"PRIYA@EXAMPLE.COM"',
        b'"note":"sent to Priya <priya@example.com>."',
        b'"note":"\'priya@example.com\'"',
        b'"link":"https://example.com/x?who=priya%40example.com&n=1"',
        b'"link":"https://example.com/x?who=priya%40example.com&bad=%zz"',
        b'"members":{"priya@example.com":"owner"}',
        b'"deep":[[{"x":["priya@example.com"]}]]',
        b'"request_body":"{\\"email\\":\\"priya@example.com\\"}"',
        b'"twice":"priya@example.com","twice":"other"',
        b'"broken":"\\ud800","invitee_email":"priya@example.com"',
        b'"broken":"\xff","invitee_email":"priya@example.com"',
    ],
    ids=["escaped", "upper case", "in a sentence", "quoted", "in an address", "in a bad address", "as a key",
         "nested", "JSON in JSON", "a repeated key", "a lone surrogate", "broken UTF-8"],
)  # fmt: skip
def test_a_name_is_found_wherever_it_hides_in_a_record(bench: Bench, raw: bytes) -> None:
    plain = at(8, 1, actor=KIM)
    bench.pull(WINDOW, [plain[:-1] + b"," + raw + b"}", at(9, 2, actor=KIM)])
    restrict(bench, PRIYA)
    masked, other = rows(bench, "raw, raw_bytes")
    assert b"priya" not in raw or "priya" not in masked["raw"].lower()
    assert masked["raw"].startswith('{"restricted":true')
    assert masked["raw_bytes"] is None
    assert other["raw"] == at(9, 2, actor=KIM).decode()


def test_a_record_that_is_no_object_is_searched_too(bench: Bench) -> None:
    bench.pull(WINDOW, [b'"priya@example.com"', b'["priya@example.com", 1]', b"17"])
    restrict(bench, PRIYA)
    seventeen, *masked = sorted(row["raw"] for row in rows(bench, "raw"))
    assert seventeen == "17"
    assert masked == ['{"restricted":true,"actor":{"restricted":true}}'] * 2


@pytest.mark.parametrize(
    "identifier",
    ["o'brien@example.com", 'a"b\\c@example.com', "x'; drop table audit_events; --@example.com",
     "jürgen@example.com",
     "\u0130stanbul@example.com", "ΟΔΥΣΣΕΥΣ@example.com", "repo:org/x:ref", "%%_@example.com", "{0}@example.com"],
)  # fmt: skip
def test_hostile_identifiers_are_data(bench: Bench, identifier: str) -> None:
    bench.pull(
        WINDOW,
        [at(8, 1, actor={**KIM, "email_address": identifier}), at(9, 2, actor=KIM, invitee_email=identifier),
         at(10, 3, actor=KIM)],
    )  # fmt: skip
    restrict(bench, identifier)
    acted, invited, other = rows(bench, "actor_email, raw")
    assert acted["actor_email"] == MARK
    assert "invitee_email" not in json.loads(invited["raw"])
    assert other == {"actor_email": "kim@example.com", "raw": at(10, 3, actor=KIM).decode()}


def test_a_composed_letter_and_a_letter_with_an_accent_are_the_same(bench: Bench) -> None:
    bench.pull(WINDOW, [at(8, 1, actor={**KIM, "email_address": "ju\u0308rgen@example.com"})])
    restrict(bench, "j\u00fcrgen@example.com")
    assert rows(bench, "actor_email") == [{"actor_email": MARK}]


def test_another_person_whose_address_contains_the_persons_is_not_masked(bench: Bench) -> None:
    other = {**KIM, "email_address": "anti.priya@example.com", "user_id": f"{PRIYA_ID}x"}
    bench.pull(WINDOW, [at(8, 1, actor=other)])
    restrict(bench, PRIYA, PRIYA_ID)
    assert rows(bench, "actor_email") == [{"actor_email": "anti.priya@example.com"}]


def test_what_stays_of_a_record_is_dropped_as_a_whole_where_it_names_the_person(bench: Bench) -> None:
    bench.pull(WINDOW, [at(8, 1, actor=KIM, session_id=PRIYA_ID)])
    restrict(bench, PRIYA_ID)
    assert rows(bench, "raw") == [{"raw": '{"restricted":true}'}]


def test_what_nobody_had_listed_is_searched_for_the_person(bench: Bench) -> None:
    bench.pull(WINDOW, [at(8, 1, actor=KIM, type="compliance_api_accessed", request_method=PRIYA)])
    before = rows(bench, "unknown_fields")
    restrict(bench, PRIYA)
    assert f"request_method={PRIYA}" in str(before)
    assert PRIYA not in everything(bench)


# -- when ------------------------------------------------------------------------------------------------------


def test_the_past_is_masked_too(busy: Bench) -> None:
    moment = rfc3339(busy.now[0])
    busy.advance(hours=1)
    restrict(busy, PRIYA, PRIYA_ID)
    with busy.connect() as db:
        macro = db.execute(f"select * from audit_events_as_of(timestamptz '{moment}')").fetchall()
        for statement in catalog.as_of_statements(moment, busy.archive.state):
            db.execute(statement)
        view = db.execute("select * from audit_events").fetchall()
        versions = db.execute("select * from audit_event_versions").fetchall()
    assert len(macro) == len(view) == len(versions) == 4
    assert "priya" not in f"{macro}{view}{versions}".lower()


def test_every_version_is_masked_and_later_events_are(busy: Bench) -> None:
    restrict(busy, PRIYA)
    busy.advance(hours=1)
    busy.pull(WINDOW, [at(8, 1, type="claude_file_uploaded", filename="renamed"), at(12, 5)])
    found = rows(busy, "id, actor_email, filename, version", "actor_type = 'user_actor'", "audit_event_versions")
    assert {row["actor_email"] for row in found if row["id"].endswith(("1", "5"))} == {MARK}
    assert [row["version"] for row in found if row["id"].endswith("1")] == [1, 2]


def test_a_lifted_restriction_masks_nothing_more(busy: Bench) -> None:
    before = rows(busy)
    restrict(busy, PRIYA)
    assert rows(busy) != before
    lift_restriction(busy.archive, "dsr-1", "request withdrawn")
    assert rows(busy) == before


def test_two_restrictions_hold_beside_each_other_and_end_one_by_one(busy: Bench) -> None:
    restrict(busy, PRIYA)
    restrict(busy, "kim@example.com", name="dsr-2")
    assert {row["actor_email"] for row in rows(busy, "actor_email")} == {MARK}
    lift_restriction(busy.archive, "dsr-1", "withdrawn")
    assert {row["actor_email"] for row in rows(busy, "actor_email")} == {MARK, PRIYA}


def test_without_a_restriction_the_tables_are_made_as_ever(busy: Bench) -> None:
    def made() -> list[str]:
        return [sql for sql in catalog.statements(busy.archive) if "log_entries as" not in sql]

    busy.archive.refresh()
    before = made()
    restrict(busy, PRIYA)
    assert made() != before
    lift_restriction(busy.archive, "dsr-1", "withdrawn")
    assert made() == before
    assert "sha256(" not in " ".join(before)


def test_who_may_reads_unmasked(busy: Bench) -> None:
    before = rows(busy)
    restrict(busy, PRIYA, PRIYA_ID)
    with catalog.connect(busy.archive, unmasked=[EVERY_TABLE]) as db:
        found = db.execute("select * from audit_events order by id, version").fetchall()
    assert found == [tuple(row.values()) for row in before]
