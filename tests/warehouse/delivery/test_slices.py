"""What a slice may say, and what is refused before anything runs."""

import duckdb
import pytest

from warehouse.delivery.errors import SliceInvalid
from warehouse.delivery.slices import parse_slice
from warehouse.tables.schema import AUDIT_EVENTS

COLUMNS = AUDIT_EVENTS.names


def condition(text: str) -> str:
    found = parse_slice(text, COLUMNS).condition
    assert found is not None
    return found


def test_the_two_words() -> None:
    assert parse_slice("all", COLUMNS).kind == "all"
    assert parse_slice(" Alerts ", COLUMNS).kind == "alerts"


@pytest.mark.parametrize(
    "text",
    [
        "type = 'sso_login_failed'",
        "actor_email ilike '%@example.com' and not unknown_event",
        "type in ('a', 'b') or unknown_event",
        "json_extract_string(raw, '$.actor.type') = 'user_actor'",
        "raw ->> 'type' = 'x'",
        "regexp_matches(user_agent, 'curl|wget')",
        "created_at >= timestamptz '2026-11-01' and hour(created_at) between 0 and 5",
        "len(unknown_fields) > 0",
        "list_contains(unknown_fields, 'x')",
        "case when type like 'sso%' then true else false end",
        "lower(coalesce(actor_email, '')) <> ''",
        "ip_address is not null",
        "unknown_event",
        "length(raw) > 100",
        "split_part(ip_address, '.', 1)::int = 10",
        "date_part('dow', created_at) in (0, 6)",
        "extract(hour from created_at) < 6",
        "contains(user_agent, 'bot')",
        "starts_with(type, 'claude_')",
    ],
)
def test_conditions_pass_and_the_engine_takes_what_is_made_of_them(text: str) -> None:
    kinds = {"timestamp[us, tz=UTC]": "timestamptz", "int32": "int", "int64": "bigint", "bool": "bool"}
    with duckdb.connect() as db:
        columns = ", ".join(
            f"{f.name} {'varchar[]' if 'list' in str(f.type) else kinds.get(str(f.type), 'varchar')}"
            for f in AUDIT_EVENTS
        )
        db.execute(f"create table audit_events ({columns})")
        assert db.execute(f"select * from audit_events where {condition(text)}").fetchall() == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("drop table audit_events", "condition"),
        ("delete from audit_events", "more than a condition"),
        ("insert into x values (1)", "more than a condition"),
        ("type = 'a'; drop table x", "not one condition"),
        ("select 1", "more than a condition"),
        ("id in (select id from audit_events)", "more than a condition"),
        ("exists (select 1)", "more than a condition"),
        ("copy x to 'y'", "more than a condition"),
        ("attach 'x.db'", "condition"),
        ("pragma version", "condition"),
        ("install httpfs", ""),
        ("type = read_text('/etc/passwd')", "read_text"),
        ("getenv('HOME') = type", "getenv"),
        ("type = (from read_csv('x'))", ""),
        ("count(*) > 1", "more than a condition"),
        ("row_number() over () = 1", "more than a condition"),
        ("typ = 'a'", "did you mean type"),
        ("other.type = 'a'", "no column"),
        ("type = = 'a'", "is not SQL"),
        ("type = 'a", "is not SQL"),
        ("(type = 'a'", "is not SQL"),
        ("'a'", "no condition"),
        ("alert", "did you mean 'alerts'"),
        ("category: Authenticaton", "did you mean"),
        ("0d1e3b3a-0000-4000-8000-000000000001", "Sigma rule"),
        ("rule: sso_off", "Sigma rule"),
        ("", "not one condition"),
        ("type = $1", ""),
        ("type = ?", ""),
    ],
)
def test_what_is_no_condition_is_refused_in_words_that_say_what_would_be_right(text: str, said: str) -> None:
    with pytest.raises(SliceInvalid) as refused:
        parse_slice(text, COLUMNS)
    assert said in str(refused.value)
    assert refused.value.remedy


def test_what_stands_in_a_comment_changes_nothing() -> None:
    made = condition("type = 'a' /* ) or true */ -- or true")
    assert "true" not in made.lower()
    assert "--" not in made


def test_a_category_is_its_types_and_whatever_nobody_has_listed() -> None:
    made = condition("category: Authentication, credential")
    assert made.startswith("(type IN (")
    assert "'sso_login_failed'" in made
    assert "'claude_chat_created'" not in made
    assert made.endswith("OR unknown_event)")


def test_a_rule_is_known_once_there_are_detections() -> None:
    rules = {"0d1e3b3a-0000-4000-8000-000000000001"}
    found = parse_slice("0d1e3b3a-0000-4000-8000-000000000001", COLUMNS, rules=rules)
    assert (found.kind, found.rule) == ("rule", "0d1e3b3a-0000-4000-8000-000000000001")
    with pytest.raises(SliceInvalid, match="the nearest is"):
        parse_slice("0d1e3b3a-0000-4000-8000-000000000002", COLUMNS, rules=rules)
