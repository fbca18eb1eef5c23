"""What the marts say of a small archive that holds every actor kind and every kind of trouble."""

from collections.abc import Callable
from datetime import date
from typing import Any

Ask = Callable[[str], list[tuple[Any, ...]]]


def test_each_event_is_counted_once_and_none_is_dropped(ask: Ask) -> None:
    assert ask("select sum(events), sum(withdrawn_count) from fct_actor_activity_daily") == [(23, 2)]
    assert ask("select count(*), count(*) filter (where fold = 'withdrawn') from archive.audit_events") == [
        (25, 2)
    ]


def test_every_actor_kind_has_a_row_under_its_own_key(ask: Ask) -> None:
    keys = dict(ask("select actor_key, actor_kind from dim_actor"))
    assert keys == {
        "user:01XyDMpzjS89pFZXqSFUBDr6": "user",
        "user:01KimAbCdEfGhJkLmNpQrStU": "user",
        "api_key:01HxPipeline0000000000000": "api_key",
        "admin_api_key:01AdminAbCdEfGhJkLmNpQr": "admin_api_key",
        "service_account:01ServiceAbCdEfGhJkLmNpQ": "service_account",
        "scim_directory:directory_01": "scim_directory",
        "federated_identity:https://idp.example.com|repo:x": "federated_identity",
        "federated_workload:aws/111122223333|role/x": "federated_workload",
        "device:k9|app1": "device",
        "unauthenticated:kim@example.com": "unauthenticated",
        "anthropic:": "anthropic",
        "system:billing": "system",
        "unknown:robot_actor:": "unknown",
    }


def test_a_person_who_changed_address_is_one_actor_with_a_history(ask: Ask) -> None:
    found = ask(
        "select user_key, user_id, id_suffix, latest_email, all_emails, email_count, events, withdrawn_count, "
        "cast(first_seen_at as varchar), cast(last_seen_at as varchar) "
        "from dim_actor where user_id = 'user_01XyDMpzjS89pFZXqSFUBDr6'"
    )
    assert found == [
        (
            "user:01XyDMpzjS89pFZXqSFUBDr6",
            "user_01XyDMpzjS89pFZXqSFUBDr6",
            "01XyDMpzjS89pFZXqSFUBDr6",
            # the newest event of the 22nd and 23rd came under the first address again
            "priya@example.com",
            ["priya.s@example.com", "priya@example.com"],
            2,
            7,
            1,
            "2026-11-20 08:00:00+00",
            "2026-11-23 08:00:00+00",
        )
    ]


def test_a_failed_login_points_to_the_user_who_had_the_claimed_address(ask: Ask) -> None:
    assert ask("select probable_user_key from dim_actor where actor_kind = 'unauthenticated'") == [
        ("user:01KimAbCdEfGhJkLmNpQrStU",)
    ]


def test_what_vouches_for_an_identity_is_shown(ask: Ask) -> None:
    assert dict(ask("select actor_kind, authority from dim_actor where authority is not null")) == {
        "scim_directory": "OktaSCIMV2",
        "federated_identity": "https://idp.example.com",
        "federated_workload": "aws/111122223333",
        "device": "k9",
    }


def test_every_listed_event_type_is_there_and_every_unlisted_one_is_marked(ask: Ask) -> None:
    assert ask("select count(*) from dim_event_type where is_known") == [(514,)]
    assert ask(
        "select event_type, severity, verb, events from dim_event_type where not is_known order by all"
    ) == [
        ("(none)", "medium", "unknown", 1),
        ("quantum_teleport_succeeded", "medium", "unknown", 1),
    ]


def test_deletions_are_never_creations_and_failures_never_successes(ask: Ask) -> None:
    assert ask(
        "select event_type, verb, outcome from dim_event_type where is_known and ("
        "(event_type like '%\\_deleted' escape '\\' and verb in ('created', 'updated', 'added')) or "
        "(event_type like '%\\_failed' escape '\\' and outcome = 'success'))"
    ) == []  # fmt: skip


def test_logins_are_rows_by_outcome_with_the_withdrawn_one_marked(ask: Ask) -> None:
    assert ask("select event_id, outcome, method, email, is_withdrawn from fct_login order by created_at") == [
        ("begun", "attempt", "sso", "kim@example.com", False),
        ("failed", "failure", "sso", "kim@example.com", False),
        ("signed-in", "success", "sso", "kim@example.com", False),
        ("device", "failure", "device_attestation", None, False),
        ("gone-login", "success", "sso", "kim@example.com", True),
    ]


def test_an_admin_change_says_who_changed_what_from_what_to_what(ask: Ask) -> None:
    assert ask(
        "select actor_key, target_type, target_id, target_name, setting, previous_value, new_value "
        "from fct_admin_change where event_id = 'role'"
    ) == [("user:01KimAbCdEfGhJkLmNpQrStU", "user", "user_9", "bo@example.com", "role", "user", "admin")]


def test_data_movement_has_uploads_and_exports_with_the_newest_name(ask: Ask) -> None:
    assert ask(
        "select event_id, movement, outcome, object_name, export_type, version, fold "
        "from fct_data_movement order by created_at"
    ) == [
        ("upload", "upload", "success", "q3.xlsx", None, 1, "first"),
        ("export", "export", "attempt", None, "conversations", 1, "first"),
        ("fixed", "upload", "success", "[redacted]", None, 2, "revised"),
    ]


def test_the_outcome_comes_from_the_status_code_where_the_record_has_one(ask: Ask) -> None:
    assert ask(
        "select day, outcome, client, events from fct_actor_activity_daily "
        "where actor_kind = 'api_key' order by day"
    ) == [(date(2026, 11, 20), "success", "api", 1), (date(2026, 11, 21), "failure", "api", 1)]


def test_withdrawn_events_are_counted_apart_and_their_actor_and_type_stay(ask: Ask) -> None:
    assert ask(
        "select category, events, withdrawn_count, distinct_addresses, first_at is null "
        "from fct_actor_activity_daily where withdrawn_count > 0 order by all"
    ) == [("authentication", 0, 1, 0, True), ("content", 1, 1, 1, False)]
    assert ask("select events, withdrawn_count from dim_event_type where event_type = 'claude_chat_deleted'") == [
        (0, 1)
    ]


def test_saved_queries_of_the_exposures_find_their_marts(ask: Ask) -> None:
    for mart in ("dim_actor", "dim_event_type", "fct_actor_activity_daily", "fct_login", "fct_admin_change",
                 "fct_data_movement"):  # fmt: skip
        assert ask(f"select count(*) > 0 from {mart}") == [(True,)], mart
