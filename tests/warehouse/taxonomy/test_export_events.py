"""Events of the console's audit-log export and what they are in the feed."""

import csv

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse.taxonomy import feed_type_for_export_event, load
from warehouse.taxonomy.export_events import EXPORT_EVENTS_CSV, documented_events

TYPES = load().types


def test_all_35_documented_events_have_a_rule():
    events = documented_events()
    assert len(events) == 35
    assert {event for event in events if feed_type_for_export_event(event).relation == "unknown"} == set()


def test_every_feed_type_the_table_names_is_listed():
    with EXPORT_EVENTS_CSV.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if not row["event"].endswith("*")]
    for row in rows:
        assert {name for name in row["feed_types"].split("|") if name} <= TYPES.keys(), row["event"]
        assert bool(row["feed_types"]) == (row["relation"] != "none"), row["event"]


@pytest.mark.parametrize(
    ("event", "feed_type"),
    [
        ("user_signed_in_sso", "sso_login_succeeded"),
        ("user_signed_in_google", "social_login_succeeded"),
        ("user_signed_in_microsoft", "social_login_succeeded"),
        ("user_requested_magic_link", "magic_link_login_initiated"),
        ("user_sent_phone_code", "phone_code_sent"),
        ("user_age_verified", "age_verified"),
        ("user_signed_out_all_sessions", "user_logged_out"),
        ("user_revoked_session", "session_revoked"),
        ("user_name_changed", "claude_user_settings_updated"),
        ("org_user_updated", "claude_user_role_updated"),
        ("org_data_retention_policy_changed", "claude_organization_settings_updated"),
        ("org_claude_code_managed_settings_deleted", "claude_organization_settings_updated"),
        ("project_visibility_changed", "claude_project_sharing_updated"),
        ("project_document_created", "claude_project_document_uploaded"),
        ("file_deleted", "claude_file_deleted"),
        ("conversation_renamed", "claude_chat_settings_updated"),
        ("skill_replaced", "claude_skill_replaced"),
        ("command_created", "claude_command_created"),
        ("plugin_enabled", "claude_plugin_enabled"),
    ],
)
def test_an_event_with_another_name_in_the_feed_is_renamed(event, feed_type):
    mapping = feed_type_for_export_event(event)
    assert (mapping.feed_types, mapping.feed_type, mapping.relation) == ((feed_type,), feed_type, "renamed")


@pytest.mark.parametrize(
    "event",
    [
        "org_sso_toggled",
        "org_ip_restriction_deleted",
        "marketplace_created",
        "session_share_revoked",
        "integration_user_connected",
        "lti_platform_created",
        "role_assignment_granted",
        "prepaid_auto_recharge_updated",
        "extra_usage_spend_limit_deleted",
        "ghe_user_connected",
    ],
)
def test_an_event_of_a_family_that_keeps_its_names_maps_to_itself(event):
    mapping = feed_type_for_export_event(event)
    assert (mapping.feed_types, mapping.relation) == ((event,), "same")


def test_a_plugin_event_that_keeps_its_name_in_the_feed_is_not_renamed():
    assert feed_type_for_export_event("plugin_installation_preference_updated").feed_types == (
        "plugin_installation_preference_updated",
    )


@pytest.mark.parametrize("event", ["project_renamed", "org_jit_toggled"])
def test_an_event_the_feed_lacks_maps_to_nothing_and_says_so(event):
    mapping = feed_type_for_export_event(event)
    assert (mapping.feed_types, mapping.feed_type, mapping.relation) == ((), None, "none")
    assert "no such event" in mapping.note


def test_an_ambiguous_event_names_every_candidate_and_picks_none():
    mapping = feed_type_for_export_event("integration_org_enabled")
    assert mapping.feed_types == ("claude_gdrive_integration_created", "claude_github_integration_created")
    assert mapping.feed_type is None
    assert mapping.relation == "one_of"


@pytest.mark.parametrize(
    ("event_info", "feed_type"),
    [
        ({"is_successful": False}, "magic_link_login_failed"),
        ({"is_successful": "False"}, "magic_link_login_failed"),
        ({"is_successful": True}, "magic_link_login_succeeded"),
        ({}, "magic_link_login_succeeded"),
        (None, "magic_link_login_succeeded"),
    ],
)
def test_a_magic_link_attempt_is_a_failure_only_where_the_row_says_so(event_info, feed_type):
    mapping = feed_type_for_export_event("user_attempted_magic_link_verification", event_info)
    assert mapping.feed_type == feed_type


def test_an_event_of_a_known_family_that_the_feed_does_not_list_is_unknown_rather_than_invented():
    mapping = feed_type_for_export_event("org_quantum_enabled")
    assert (mapping.feed_types, mapping.relation) == ((), "unknown")


def test_an_event_outside_every_family_maps_to_the_feed_type_of_its_name():
    assert feed_type_for_export_event("group_created").feed_types == ("group_created",)


@given(st.text())
def test_no_event_name_raises(event):
    assert set(feed_type_for_export_event(event).feed_types) <= TYPES.keys()
