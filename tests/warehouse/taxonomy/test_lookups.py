"""What the parser asks once per record: known fields, known actor fields, known values."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from warehouse.taxonomy import ACTOR_FIELDS, ENVELOPE_FIELDS, load
from warehouse.taxonomy.declared import parse_fields
from warehouse.taxonomy.taxonomy import EVENT_TYPES_CSV, read

TAXONOMY = load()


def test_known_fields_are_the_envelope_and_the_fields_of_the_type():
    assert TAXONOMY.known_fields("claude_file_uploaded") == ENVELOPE_FIELDS | {
        "claude_file_id",
        "filename",
        "claude_chat_id",
        "claude_project_id",
    }


def test_a_type_without_extra_fields_knows_its_envelope():
    assert TAXONOMY.known_fields("user_logged_out") == ENVELOPE_FIELDS


def test_the_fields_of_47_listed_types_are_not_documented_so_none_of_them_can_be_called_unknown():
    undocumented = [name for name, row in TAXONOMY.types.items() if not row.documented_fields]
    assert len(undocumented) == 47
    assert {TAXONOMY.known_fields(name) for name in undocumented} == {None}


def test_an_unlisted_type_has_no_known_fields_and_no_known_values():
    assert TAXONOMY.known_fields("never_heard_of") is None
    assert TAXONOMY.enums("never_heard_of") == {}


def test_actor_fields_include_the_discriminator():
    assert TAXONOMY.known_actor_fields("scim_directory_sync_actor") == {
        "type",
        "workos_event_id",
        "directory_id",
        "idp_connection_type",
    }


def test_an_unlisted_actor_kind_has_no_known_fields():
    assert TAXONOMY.known_actor_fields("martian_actor") is None


def test_known_values_are_read_from_the_declared_text():
    assert TAXONOMY.enums("claude_file_exported") == {
        "export_destination": frozenset({"google_drive", "unspecified"})
    }


def test_optional_and_nullable_value_lists_hold_only_the_texts():
    assert TAXONOMY.enums("social_login_succeeded") == {
        "provider": frozenset({"apple", "google", "microsoft"}),
        "auth_method": frozenset({"social"}),
        "mfa_method": frozenset({"not_used"}),
    }


def test_a_value_list_that_the_reference_cut_short_is_no_value_list():
    assert "platform" not in TAXONOMY.enums("trusted_device_enrolled")
    assert "enrollment_method" in TAXONOMY.enums("trusted_device_enrolled")


def test_optionality_and_nullability_are_kept_apart():
    filename, chat, values = parse_fields('filename: string or null; chat_id: optional string; x: "a" or "b"')
    assert (filename.optional, filename.nullable, filename.values) == (False, True, None)
    assert (chat.optional, chat.nullable, chat.values) == (True, False, None)
    assert (values.optional, values.nullable, values.values) == (False, False, frozenset("ab"))


def test_an_object_with_commas_and_a_count_is_one_field():
    (basis,) = parse_fields("basis: optional object { slack_team_id, 3 more } or null")
    assert basis.name == "basis"
    assert basis.values is None


def test_every_declared_text_of_the_table_is_kept_as_written():
    fields = TAXONOMY.types["abuse_decision_received"].fields
    assert [f"{field.name}: {field.declared}" for field in fields] == [
        'decision: "blocked" or "unspecified"',
        "abuse_session_id: optional string or null",
    ]


def test_a_malformed_field_is_named_in_the_error():
    with pytest.raises(ValueError, match="no_type_here"):
        parse_fields("no_type_here")


def test_no_extra_field_repeats_an_envelope_field():
    for row in TAXONOMY.types.values():
        assert ENVELOPE_FIELDS.isdisjoint(field.name for field in row.fields), row.type


def test_the_taxonomy_is_read_once_per_process():
    assert load() is load()


def test_the_actor_kinds_are_those_of_the_reference():
    assert TAXONOMY.actor_kinds is ACTOR_FIELDS


def test_loading_takes_less_than_30_milliseconds():
    def seconds() -> float:
        start = time.perf_counter()
        read(EVENT_TYPES_CSV)
        return time.perf_counter() - start

    assert min(seconds() for _ in range(5)) < 0.030


def test_the_loader_needs_nothing_but_the_standard_library():
    code = "import sys, warehouse.taxonomy as t; t.load(); print(*{m.split('.')[0] for m in sys.modules})"
    root = Path(__file__).parents[3]
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
    ).stdout.split()
    assert {"pandas", "pyarrow", "numpy", "msgspec", "pydantic", "duckdb"}.isdisjoint(loaded)
