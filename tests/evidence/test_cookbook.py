"""The cookbook: each question gives the answer that the tenant's own records give."""

from datetime import datetime
from typing import Any

import duckdb
import pytest

from tests.evidence.conftest import FIRST, LAST, Evidence
from tests.evidence.truth import Truth
from warehouse.evidence.errors import ParameterWrong, QuestionUnknown
from warehouse.evidence.questions import Value, cookbook, filled, question
from warehouse.wire.times import midnight, parse_rfc3339

START, END = midnight(FIRST), midnight(LAST)
# Questions of which the truth is worked out from what was done to the tenant, in tests of their own below.
_OF_VERSIONS = {"changed_by_the_vendor", "where_an_event_comes_from"}
# Values that make a small tenant have something to show.
_VALUES: dict[str, dict[str, Value]] = {
    "night_work": {"at_least": 10},
    "dormant_admins": {"days": 5},
    "admin_rights_on_a_date": {"moment": parse_rfc3339("2026-11-08T00:00:00Z")},
}
# What 14 people in 31 days need not have done.
_MAY_BE_EMPTY = {
    "acts_after_leaving",
    "admin_rights_on_a_date",
    "shared_accounts",
    "night_work",
    "dormant_admins",
    "deletions",
}


@pytest.fixture(scope="module")
def truth(evidence: Evidence) -> Truth:
    return Truth(evidence.truth.values(), START, END)


def answer(db: duckdb.DuckDBPyConnection, name: str, **values: Value) -> list[dict[str, Any]]:
    """The rows of a question, by column; the period is the tenant's unless given."""
    asked = question(name)
    known = {parameter.name for parameter in asked.parameters}
    period = {name: value for name, value in (("from", START), ("to", END)) if name in known}
    found = db.execute(filled(asked, period | values))
    columns = [column[0] for column in found.description or []]
    return [dict(zip(columns, row, strict=True)) for row in found.fetchall()]


def arguments(evidence: Evidence, name: str) -> dict[str, Value]:
    leaver = evidence.story("leaver_exports")["who"]
    if name in ("one_person", "done_to_one_person"):
        return {"person": leaver["user_id"]}
    if name == "one_actor":
        return {"actor": leaver["user_id"]}
    return _VALUES.get(name, {})


@pytest.mark.parametrize("name", sorted(set(cookbook()) - _OF_VERSIONS))
def test_the_answer_is_what_the_tenants_records_say(
    name: str, database: duckdb.DuckDBPyConnection, evidence: Evidence, truth: Truth
) -> None:
    values = arguments(evidence, name)
    given = {key: value for key, value in values.items() if key in ("person", "actor", "moment")}
    expected = getattr(truth, name)(**given)
    rows = answer(database, name, **values)
    columns = list(expected[0]) if expected else []
    assert [{column: row[column] for column in columns} for row in rows] == expected
    assert expected or name in _MAY_BE_EMPTY


def test_there_are_at_least_twenty_questions_each_with_words_and_a_test() -> None:
    assert len(cookbook()) >= 20
    for name, asked in cookbook().items():
        assert asked.title.endswith("?"), name
        assert len(asked.about) > 40, name
        assert name in _OF_VERSIONS or hasattr(Truth, name)


# the planted stories


def test_the_leaver_who_exported_is_found(database: duckdb.DuckDBPyConnection, evidence: Evidence) -> None:
    story = evidence.story("leaver_exports")
    rows = answer(database, "leavers_last_days")
    mine = {row["type"]: row["times"] for row in rows if row["person"] == story["who"]["user_id"]}
    assert mine["claude_file_exported"] >= 28
    assert mine["org_data_export_started"] >= 1


def test_the_mass_export_at_night_is_found(database: duckdb.DuckDBPyConnection, evidence: Evidence) -> None:
    story = evidence.story("mass_export_3am")
    rows = answer(database, "mass_exports", at_least=60)
    assert story["who"]["email"] in {row["who"] for row in rows} | {"[redacted]"}


def test_single_sign_on_switched_off_and_the_key_made_meanwhile_are_found(
    database: duckdb.DuckDBPyConnection, evidence: Evidence
) -> None:
    story = evidence.story("sso_switch_off")
    ids = {event["type"]: event["id"] for event in story["events"]}
    assert ids["org_sso_connection_deactivated"] in {row["id"] for row in answer(database, "sso_changes")}
    assert ids["admin_api_key_created"] in {row["id"] for row in answer(database, "api_keys")}
    assert ids["magic_link_login_succeeded"] in {row["id"] for row in answer(database, "logins_without_sso")}


def test_the_strangers_reading_with_the_tenants_key_is_found(
    database: duckdb.DuckDBPyConnection, evidence: Evidence
) -> None:
    story = evidence.story("leaked_compliance_key")
    rows = [row for row in answer(database, "readers_of_the_audit_trail") if row["key_id"] == evidence.own_key]
    stranger = [row for row in rows if row["ip_address"] == story["who"]["address"]]
    assert [(row["requests"], row["refused"]) for row in stranger] == [(40, 5)]


def test_the_evening_without_recording_is_found(database: duckdb.DuckDBPyConnection, evidence: Evidence) -> None:
    story = evidence.story("recording_switched_off")
    rows = {row["id"]: row for row in answer(database, "recording_switch")}
    off = rows[story["events"][0]["id"]]
    assert (off["logging_enabled"], off["next_record_at"]) == ("false", parse_rfc3339(story["last_at"]))


def test_rights_at_a_moment_follow_from_the_changes_before_it_and_else_from_those_after_it(
    database: duckdb.DuckDBPyConnection,
) -> None:
    changes = [
        ("a", "2026-11-01", "made_admin", "user", "admin"),
        ("b", "2026-11-01", "was_admin", "admin", "user"),
        ("c", "2026-11-03", "made_admin", "admin", "user"),
        ("d", "2026-11-20", "admin_until_later", "owner", "user"),
        ("e", "2026-11-20", "admin_only_later", "user", "admin"),
        ("f", "2026-11-02", "twice", "user", "admin"),
        ("g", "2026-11-04", "twice", "admin", "owner"),
    ]
    rows = ", ".join(
        f"('{name}', 'claude_user_role_updated', timestamptz '{day} 00:00:00+00', '{user}', "
        f"""'{{"user_email": "{user}@Example.com", "previous_role": "{before}", "current_role": "{after}"}}')"""
        for name, day, user, before, after in changes
    )
    database.execute(
        f"create temp view audit_events as select * from (values {rows}) as t(id, type, created_at, user_id, raw)"
    )
    at = answer(database, "admin_rights_on_a_date", moment=parse_rfc3339("2026-11-02T12:00:00Z"))
    assert [(row["user_id"], row["role"], row["email"]) for row in at] == [
        ("admin_until_later", "owner", "admin_until_later@example.com"),
        ("made_admin", "admin", "made_admin@example.com"),
        ("twice", "admin", "twice@example.com"),
    ]


# versions


def test_what_the_vendor_changed_or_withdrew_is_listed_with_both_texts(
    database: duckdb.DuckDBPyConnection, evidence: Evidence
) -> None:
    rows = answer(database, "changed_by_the_vendor")
    assert {row["id"] for row in rows if row["fold"] == "revised"} == evidence.changed
    assert {row["id"] for row in rows if row["fold"] == "withdrawn"} == evidence.withdrawn
    assert all(row["raw_before"] != row["raw_after"] for row in rows if row["fold"] == "revised")


def test_an_event_is_traced_to_the_answers_that_held_it(
    database: duckdb.DuckDBPyConnection, evidence: Evidence
) -> None:
    event = min(evidence.changed)
    rows = answer(database, "where_an_event_comes_from", event=event)
    assert [row["version"] for row in rows] == [1, 2]
    assert all(row["request_id"].startswith("req_") and len(row["body_sha256"]) == 64 for row in rows)


# parameters


def test_a_value_can_only_be_a_literal(database: duckdb.DuckDBPyConnection) -> None:
    hostile = "x' or 1=1 or '"
    assert answer(database, "one_person", person=hostile) == []
    assert "'x'' or 1=1 or ''' /*person*/" in filled(question("one_person"), {"person": hostile})


@pytest.mark.parametrize(
    ("name", "values", "said"),
    [
        ("one_person", {}, "needs a value for person"),
        ("mass_exports", {"at_last": 3}, "Did you mean at_least"),
        ("mass_exports", {"at_least": "3; drop"}, "whole number"),
        ("mass_exports", {"at_least": "-1"}, "whole number"),
        ("mass_exports", {"from": "soon"}, "from is a time"),
        ("one_person", {"person": "a\0b"}, "null characters"),
    ],
)
def test_a_wrong_value_is_refused_in_words(name: str, values: dict[str, Value], said: str) -> None:
    with pytest.raises(ParameterWrong, match=said):
        filled(question(name), values)


def test_an_unknown_question_is_refused_with_the_nearest() -> None:
    with pytest.raises(QuestionUnknown, match="mass_exports"):
        question("mass_export")


def test_a_moment_is_written_with_its_microseconds() -> None:
    moment = datetime.fromisoformat("2026-11-01T00:00:00.000001+01:00")
    assert "timestamp '2026-10-31 23:00:00.000001' /*from*/" in filled(question("shares"), {"from": moment})
