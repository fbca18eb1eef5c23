"""Types nobody has listed: never an error, never `informational`, never a success that the name does not say."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from warehouse.taxonomy import DATA_MOVEMENTS, OUTCOMES, SEVERITIES, VERBS, classify_unknown, load

TAXONOMY = load()
PARTS = st.sampled_from(sorted({word for name in TAXONOMY.types for word in name.split("_")} | {"quantum"}))
NAMES = st.lists(PARTS, min_size=1, max_size=7).map("_".join)


@given(st.one_of(st.text(), NAMES))
@example("")
@example("\x00")
@example("type with spaces")
def test_any_text_at_all_is_classified_with_words_of_the_vocabularies(type):
    seen = classify_unknown(type)
    assert seen.type == type
    assert seen.category == "unknown"
    assert seen.listed is False
    assert seen.verb in VERBS
    assert seen.outcome in OUTCOMES
    assert seen.severity in SEVERITIES.keys() - {"informational"}
    assert seen.data_movement in {""} | DATA_MOVEMENTS.keys()
    assert seen.object


@given(NAMES)
def test_a_word_of_failure_anywhere_makes_it_a_failure(name):
    assert classify_unknown(f"{name}_failed").outcome == "failure"
    assert classify_unknown(f"denied_{name}").outcome == "failure"


@given(NAMES)
def test_what_is_started_or_requested_is_never_a_success(name):
    for ending in ("started", "initiated", "requested"):
        assert classify_unknown(f"{name}_{ending}").outcome in {"attempt", "failure"}


@given(NAMES)
def test_what_is_deleted_is_never_a_creation(name):
    assert classify_unknown(f"{name}_deleted").verb == "deleted"


@pytest.mark.parametrize(
    ("type", "verb", "outcome", "severity"),
    [
        ("quantum_vault_created", "created", "success", "medium"),
        ("quantum_vault_deletion_failed", "deleted", "failure", "medium"),
        ("quantum_vault_access_failed", "viewed", "failure", "medium"),
        ("quantum_vault_viewed", "viewed", "success", "low"),
        ("quantum_vault_export_started", "exported", "attempt", "high"),
        ("passkey_login_succeeded", "authenticated", "success", "medium"),
        ("passkey_login_failed", "authenticated", "failure", "medium"),
        ("account_migration_completed", "completed", "success", "medium"),
        ("account_migration_failed", "failed", "failure", "medium"),
        ("org_sso_fallback_toggled", "updated", "success", "high"),
        ("vault_access_request_created", "requested", "attempt", "medium"),
        ("vault_request_dismissed", "rejected", "unknown", "medium"),
        ("anthropic_access", "viewed", "unknown", "high"),
        ("cmek_preserve", "unknown", "unknown", "high"),
        ("frobnicated", "unknown", "unknown", "medium"),
    ],
)
def test_a_name_tells_what_it_can(type, verb, outcome, severity):
    seen = classify_unknown(type)
    assert (seen.verb, seen.outcome, seen.severity) == (verb, outcome, severity)


def test_an_unlisted_sign_in_is_a_login():
    assert classify_unknown("passkey_login_succeeded").is_login
    assert not classify_unknown("passkey_created").is_login


def test_an_unlisted_change_by_the_organisation_is_an_admin_change_and_a_read_is_not():
    assert classify_unknown("org_quantum_enabled").is_admin_change
    assert not classify_unknown("org_quantum_viewed").is_admin_change
    assert not classify_unknown("org_quantum_exported").is_admin_change


def test_an_unlisted_export_upload_or_share_is_a_data_movement():
    assert classify_unknown("quantum_vault_exported").data_movement == "export"
    assert classify_unknown("quantum_vault_uploaded").data_movement == "upload"
    assert classify_unknown("quantum_vault_shared").data_movement == "share"
    assert classify_unknown("quantum_vault_unshared").data_movement == "unshare"


def test_names_alone_never_turn_a_listed_failure_into_a_success():
    wrong = {
        name: classify_unknown(name).outcome
        for name, row in TAXONOMY.types.items()
        if row.outcome == "failure" and classify_unknown(name).outcome == "success"
    }
    assert wrong == {}


def test_names_alone_find_the_verb_of_nine_listed_types_in_ten():
    right = [name for name, row in TAXONOMY.types.items() if classify_unknown(name).verb == row.verb]
    assert len(right) / len(TAXONOMY.types) > 0.9


def test_the_taxonomy_answers_for_listed_and_unlisted_types_alike():
    assert TAXONOMY.get("claude_chat_created") is TAXONOMY.types["claude_chat_created"]
    assert TAXONOMY.get("quantum_vault_created") == classify_unknown("quantum_vault_created")
