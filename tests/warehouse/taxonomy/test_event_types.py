"""The table of event types: complete, in closed vocabularies, and true to each name's own verb."""

import re
from pathlib import Path

import pytest

from warehouse.taxonomy import (
    ACTOR_FIELDS,
    CATEGORIES,
    DATA_MOVEMENTS,
    OUTCOMES,
    SEVERITIES,
    VERBS,
    EventType,
    load,
)
from warehouse.taxonomy.vocabulary import READING_VERBS, UNKNOWN

LISTED = Path(__file__).with_name("listed_types.txt").read_text(encoding="utf-8").split()
TYPES = load().types
ROWS = list(TYPES.values())


def ending(*suffixes: str) -> list[EventType]:
    return [row for row in ROWS if row.type.endswith(suffixes)]


def test_each_of_the_514_listed_types_has_exactly_one_row_and_no_other_type_has_one():
    assert len(LISTED) == 514
    assert list(TYPES) == LISTED


@pytest.mark.parametrize(
    ("column", "vocabulary", "not_for_listed_types"),
    [
        ("verb", VERBS, {UNKNOWN}),
        ("category", CATEGORIES, {UNKNOWN}),
        ("outcome", OUTCOMES, set()),
        ("severity", SEVERITIES, set()),
        ("data_movement", {"": "none"} | DATA_MOVEMENTS, set()),
    ],
)
def test_a_column_uses_all_of_its_closed_vocabulary_and_nothing_else(column, vocabulary, not_for_listed_types):
    assert {getattr(row, column) for row in ROWS} == vocabulary.keys() - not_for_listed_types


def test_objects_are_plain_singular_words():
    assert [row.type for row in ROWS if not re.fullmatch(r"[a-z]+(_[a-z]+)*", row.object)] == []


# What a name's last word says comes first. Each exception is a judgement that the vendor's text supports.
VERB_OF_ENDING = {
    "_created": {"created"},
    "_deleted": {"deleted"},
    "_removed": {"removed", "revoked"},
    "_added": {"added", "granted"},
    "_updated": {"updated", "rotated"},
    "_changed": {"updated"},
    "_toggled": {"updated"},
    "_replaced": {"updated"},
    "_viewed": {"viewed", "listed"},
    "_listed": {"listed"},
    "_accessed": {"accessed", "downloaded"},
    "_exported": {"exported"},
    "_uploaded": {"uploaded"},
    "_downloaded": {"downloaded"},
    "_published": {"published"},
    "_unpublished": {"unpublished"},
    "_enabled": {"enabled"},
    "_disabled": {"disabled"},
    "_activated": {"enabled"},
    "_deactivated": {"disabled"},
    "_archived": {"archived"},
    "_restored": {"restored"},
    "_granted": {"granted"},
    "_assigned": {"granted"},
    "_revoked": {"revoked"},
    "_unassigned": {"revoked"},
    "_rotated": {"rotated"},
    "_minted": {"issued"},
    "_exchanged": {"issued"},
    "_accepted": {"accepted"},
    "_approved": {"accepted"},
    "_rejected": {"rejected"},
    "_dismissed": {"rejected"},
    "_cancelled": {"cancelled"},
    "_connected": {"connected"},
    "_disconnected": {"disconnected"},
    "_linked": {"connected"},
    "_unlinked": {"disconnected"},
    "_requested": {"requested", "deleted"},
    "_blocked": {"blocked"},
    "_reported": {"reported"},
    "_sent": {"invited", "verified"},
    "_login_succeeded": {"authenticated"},
    "_login_failed": {"authenticated"},
    "_login_initiated": {"authenticated"},
    "_access_failed": {"viewed"},
    "_deletion_failed": {"deleted"},
    "_verified": {"verified"},
    "_completed": {"completed", "exported"},
}
VERB_EXCEPTIONS = {
    "admin_request_created": "requested",
    "org_join_request_created": "requested",
    "org_parent_join_proposal_created": "requested",
    "platform_plugin_directory_submission_created": "requested",
    "verification_program_application_created": "requested",
    "claude_code_security_scan_created": "started",
}


@pytest.mark.parametrize(("suffix", "verbs"), VERB_OF_ENDING.items())
def test_the_verb_is_the_one_the_name_ends_with(suffix, verbs):
    rows = [row for row in ending(suffix) if row.type not in VERB_EXCEPTIONS]
    assert rows
    assert {row.type: row.verb for row in rows if row.verb not in verbs} == {}


def test_a_request_that_was_created_is_something_asked_for_and_a_scan_that_was_created_has_begun():
    assert {name: TYPES[name].verb for name in VERB_EXCEPTIONS} == VERB_EXCEPTIONS
    assert {TYPES[name].outcome for name in VERB_EXCEPTIONS} == {"attempt"}


def test_a_name_that_says_deleted_or_removed_is_never_a_creation():
    rows = [row for row in ROWS if re.search(r"delet|remov|revok|archiv", row.type)]
    assert len(rows) > 100
    assert {row.type for row in rows if row.verb in {"created", "added", "granted", "enabled", "issued"}} == set()


def test_a_name_that_says_failed_denied_blocked_or_invalid_is_never_a_success():
    rows = [row for row in ROWS if re.search(r"failed|denied|_blocked|invalid|truncated", row.type)]
    decisions = {"extra_usage_spend_limit_increase_request_denied"}
    assert {row.type for row in rows if row.outcome != "failure"} == decisions


def test_a_rejection_is_a_decision_carried_out():
    assert {row.outcome for row in ROWS if row.verb == "rejected"} == {"success"}


def test_what_is_initiated_started_requested_attempted_or_scheduled_is_an_attempt():
    rows = ending("_initiated", "_started", "_requested", "_attempted", "_scheduled", "_triggered", "_submitted")
    assert {row.type for row in rows if row.outcome != "attempt"} == {"subscription_started"}


def test_what_succeeded_or_completed_is_a_success():
    assert {row.outcome for row in ending("_succeeded", "_success", "_completed")} == {"success"}


def test_a_blocked_event_is_never_a_success():
    assert "success" not in {row.outcome for row in ROWS if row.verb == "blocked"}


def test_an_unknown_outcome_names_the_place_in_the_record_that_tells_it():
    silent = {row.type for row in ROWS if row.outcome == "unknown" and not row.outcome_field}
    assert silent == {"sso_second_factor_magic_link"}


def test_only_an_unknown_outcome_is_read_from_the_record():
    assert {row.type for row in ROWS if row.outcome_field and row.outcome != "unknown"} == set()


def test_an_outcome_is_read_from_a_field_that_the_type_has():
    for row in ROWS:
        if row.outcome_field:
            assert row.outcome_field.split(".")[0] in {field.name for field in row.fields}


@pytest.mark.parametrize(
    ("type", "record", "outcome"),
    [
        ("compliance_api_accessed", {"status_code": 200}, "success"),
        ("compliance_api_accessed", {"status_code": 403}, "failure"),
        ("compliance_api_accessed", {}, "unknown"),
        ("github_token_import", {"result": "imported"}, "success"),
        ("github_token_import", {"result": "rejected_feature_disabled"}, "failure"),
        ("github_token_import", {"result": "unspecified"}, "unknown"),
        ("platform_federated_authentication", {"status": {"outcome": "success"}}, "success"),
        ("platform_federated_authentication", {"status": {"outcome": "failure"}}, "failure"),
        ("platform_federated_authentication", {"status": None}, "unknown"),
        ("ccr_agent_proxy_network_events_listed", {"failed": True}, "failure"),
        ("ccr_agent_proxy_network_events_listed", {"failed": False}, "success"),
        ("org_external_key_validated", {"validation_result": "failure"}, "failure"),
        ("claude_chat_created", {"outcome": "failure"}, "success"),
    ],
)
def test_the_outcome_of_a_record_is_read_from_the_record_where_the_type_does_not_tell(type, record, outcome):
    assert TYPES[type].outcome_of(record) == outcome


def test_logins_are_sign_ins_with_their_attempts_and_failures_and_nothing_else():
    logins = {row.type: row.outcome for row in ROWS if row.is_login}
    assert logins == {
        "anonymous_mobile_login_attempted": "attempt",
        "lti_launch_initiated": "attempt",
        "lti_launch_success": "success",
        "magic_link_login_failed": "failure",
        "magic_link_login_initiated": "attempt",
        "magic_link_login_succeeded": "success",
        "platform_app_attest_authentication": "unknown",
        "platform_federated_authentication": "unknown",
        "social_login_succeeded": "success",
        "sso_login_failed": "failure",
        "sso_login_initiated": "attempt",
        "sso_login_succeeded": "success",
    }
    assert {row.category for row in ROWS if row.is_login} == {"authentication"}


def test_reading_or_moving_data_is_no_admin_change():
    assert {row.type for row in ROWS if row.is_admin_change and row.verb in READING_VERBS} == set()


@pytest.mark.parametrize("category", ["identity_provider", "security_settings"])
def test_every_change_to_identity_providers_and_security_settings_is_an_admin_change(category):
    mere_checks = {"org_external_key_validated"}
    assert {row.type for row in ROWS if row.category == category and not row.is_admin_change} <= mere_checks


def test_data_movement_agrees_with_the_verb():
    allowed = {
        "upload": {"uploaded"},
        "download": {"downloaded", "listed"},
        "export": {"exported"},
        "share": {"created", "added", "updated", "published", "accepted"},
        "unshare": {"deleted", "removed", "revoked", "unpublished"},
    }
    for row in ROWS:
        if row.data_movement:
            assert row.verb in allowed[row.data_movement], row.type


def test_every_export_is_a_data_movement():
    rows = [row for row in ROWS if row.verb in {"exported", "downloaded"}]
    assert {row.type for row in rows if row.data_movement not in {"export", "download"}} == set()


def test_only_the_compliance_interface_audits_itself():
    assert [row.type for row in ROWS if row.self_audit] == ["compliance_api_accessed"]


HIGH_OR_MORE_TEXT = """
    admin_api_key_created api_key_created audit_log_export_accessed audit_log_export_started
    claude_pubsec_identity_configured inference_hooks_circuit_breaker_tripped
    inference_hooks_config_deleted inference_hooks_config_updated org_bulk_delete_initiated
    org_claude_code_data_sharing_enabled org_claude_code_zero_data_retention_disabled
    org_compliance_api_settings_updated org_connector_domain_guard_updated
    org_cowork_otlp_settings_updated org_data_export_accessed org_data_export_completed
    org_data_export_started org_data_residency_updated org_deleted_via_bulk org_deletion_requested
    org_directory_sync_deleted org_domain_removed org_external_key_deleted
    org_ip_restriction_deleted org_ip_restriction_updated org_magic_link_second_factor_toggled
    org_sso_connection_deactivated org_sso_connection_deleted org_sso_group_role_mappings_updated
    org_sso_provisioning_mode_changed org_sso_toggled platform_federation_rule_created
    primary_owner_transferred tunnel_token_revealed
"""
HIGH_OR_MORE = HIGH_OR_MORE_TEXT.split()


@pytest.mark.parametrize("type", HIGH_OR_MORE)
def test_what_can_blind_expose_or_take_over_the_organisation_is_high_or_critical(type):
    assert TYPES[type].severity in {"high", "critical"}


@pytest.mark.parametrize(
    "type",
    [
        "org_bulk_delete_initiated",
        "org_compliance_api_settings_updated",
        "org_deleted_via_bulk",
        "org_deletion_requested",
        "org_external_key_deleted",
        "primary_owner_transferred",
    ],
)
def test_the_irrevocable_and_the_blinding_are_critical(type):
    assert TYPES[type].severity == "critical"


def test_critical_stays_rare_enough_to_be_answered_by_a_person():
    assert len([row for row in ROWS if row.severity == "critical"]) <= 10


def test_daily_use_is_informational():
    for type in ("claude_chat_created", "claude_chat_viewed", "claude_file_uploaded", "sso_login_succeeded"):
        assert TYPES[type].severity == "informational"


def test_nothing_that_failed_was_blocked_or_was_exported_is_informational():
    loud = [row for row in ROWS if row.outcome == "failure" or row.verb in {"blocked", "exported"}]
    assert {row.type for row in loud if row.severity == "informational"} == set()


def test_switching_a_protection_off_is_worse_than_switching_a_feature_off():
    order = list(SEVERITIES)
    off = TYPES["org_claude_code_zero_data_retention_disabled"].severity
    assert order.index(off) > order.index(TYPES["org_cowork_disabled"].severity)


def test_expected_actors_are_listed_actor_kinds():
    for row in ROWS:
        assert row.actor_types is None or row.actor_types <= ACTOR_FIELDS.keys(), row.type


def test_a_type_for_any_actor_expects_all_eleven_kinds():
    assert len(ACTOR_FIELDS) == 11
    assert TYPES["abuse_decision_received"].actor_types == ACTOR_FIELDS.keys()


def test_a_single_kind_is_expected_where_the_reference_names_one():
    assert TYPES["compliance_api_accessed"].actor_types == {"api_actor"}


def test_nothing_is_expected_of_the_actor_where_the_reference_is_silent():
    assert TYPES["platform_dream_created"].actor_types is None
