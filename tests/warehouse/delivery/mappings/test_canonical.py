"""Every row becomes one canonical event, whatever is in it, and the record inside stays verbatim."""

import json
from datetime import UTC, datetime

import msgspec
import pytest

from tests.warehouse.delivery.mappings.rows import ACTOR, every_type, record, rows
from warehouse.delivery.mappings.canonical import (
    canonical_event,
    canonical_events,
    restamped,
    to_canonical,
)
from warehouse.delivery.mappings.event_kind import read_targets
from warehouse.taxonomy import load

encode = msgspec.json.encode


def sent(*records, **how):
    """What goes out for some records, as a receiver reads it; and the lines themselves."""
    lines = [encode(to_canonical(event)) for event in canonical_events(rows(*records, **how))]
    return [json.loads(line) for line in lines], lines


def test_an_event_says_who_did_what_to_what_from_where_and_how_it_ended():
    (event,), _ = sent(record("claude_file_uploaded", claude_file_id="claude_file_01", filename="q3.xlsx"))
    raw = event.pop("raw")
    assert event == {
        "event_id": "activity_01ABC",
        "event_time": "2026-11-23T01:02:03.456789Z",
        "source": "anthropic:claude",
        "mapping_version": "2026-11-01",
        "type": "claude_file_uploaded",
        "category": "file",
        "verb": "uploaded",
        "outcome": "success",
        "severity": "informational",
        "actor": {"type": "user_actor", "id": "user_01Ana", "email": "ana@example.com"},
        "client": {"ip": "203.0.113.7", "user_agent": "Mozilla/5.0 (Macintosh)"},
        "object": {"type": "file", "id": "claude_file_01", "name": "q3.xlsx"},
        "org": {"id": "org_01", "uuid": "91012d09-e48b-438e-a489-1bebfd8fa6f9"},
        "unknown_event": False,
        "archive": {"commit_seq": 7, "version": 1, "fold": "first"},
    }
    assert raw["filename"] == "q3.xlsx"


def test_the_record_goes_out_byte_for_byte():
    served = b'{"type": "claude_chat_viewed",  "id":"a1","n":1e400,"big":123456789012345678901}'
    _, (line,) = sent(served)
    assert served in line


def test_every_listed_type_becomes_an_event_with_its_own_words_and_an_object():
    events, _ = sent(*every_type())
    assert [event["type"] for event in events] == list(load().types)
    for event, known in zip(events, load().types.values(), strict=True):
        assert (event["category"], event["verb"], event["severity"]) == (
            known.category,
            known.verb,
            known.severity,
        )
        assert event["unknown_event"] is False
        assert event["outcome"] == known.outcome_of(event["raw"])
        assert event["object"]["type"] == known.object


def test_the_places_of_the_subjects_are_listed_for_exactly_the_listed_types_and_name_declared_fields():
    targets = read_targets()
    assert list(targets) == list(load().types)
    for name, slots in targets.items():
        declared = {field.name for field in load().types[name].fields}
        named = {text for slot in slots for place in slot for text in (place.field, place.other) if text}
        assert named <= declared, name


def test_a_type_nobody_has_listed_is_tagged_and_classified_from_its_name():
    (event,), _ = sent(record("quantum_vault_shared", vault_id="v1"))
    assert event["unknown_event"] is True
    assert (event["category"], event["verb"], event["severity"]) == ("unknown", "published", "medium")
    assert event["raw"]["vault_id"] == "v1"


def test_a_known_type_by_an_unheard_of_actor_is_tagged_and_never_informational():
    (event,), _ = sent(record("claude_chat_viewed", actor={**ACTOR, "type": "robot_actor"}))
    assert event["unknown_event"] is True
    assert event["severity"] == "low"
    assert event["actor"]["type"] == "robot_actor"


def test_a_field_nobody_has_listed_is_named():
    (event,), _ = sent(record("claude_chat_viewed", mood="good"))
    assert event["unknown_fields"] == ["mood"]
    assert event["unknown_event"] is False


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(200, "success"), (403, "failure"), ("500", "failure"), (None, "unknown"), ([1], "unknown")],
)
def test_the_outcome_is_read_from_the_record_where_the_type_does_not_say(status, outcome):
    (event,), _ = sent(
        record("compliance_api_accessed", status_code=status, request_id="r1", url="https://example.com/")
    )
    assert event["outcome"] == outcome


def test_an_outcome_that_stands_deeper_in_the_record_is_found():
    event = sent(record("platform_federated_authentication", status={"outcome": "denied"}))[0][0]
    assert event["outcome"] == "failure"


def test_the_one_member_that_was_added_is_the_target_and_several_are_left_to_the_record():
    one, two = sent(
        record("group_member_added", group_id="g1", member_ids=["user_2"]),
        record("group_member_added", group_id="g1", member_ids=["user_2", "user_3"]),
    )[0]
    assert one["target"] == {"user_id": "user_2", "group_id": "g1"}
    assert two["target"] == {"group_id": "g1"}


def test_a_principal_is_a_target_user_only_where_the_record_says_that_it_is_one():
    user, group = sent(
        record("rbac_role_assigned", principal_id="user_2", principal_type="user", role_id="r"),
        record("rbac_role_assigned", principal_id="rbac_group_2", principal_type="rbac_group", role_id="r"),
    )[0]
    assert user["target"] == {"user_id": "user_2"}
    assert group["target"] == {"group_id": "rbac_group_2"}


def test_a_value_of_another_kind_than_declared_loses_no_event():
    (event,), _ = sent(record("claude_file_uploaded", claude_file_id=17, filename=["a", "b"]))
    assert event["object"] == {"type": "file", "id": "17"}


def test_a_field_named_as_our_own_slot_is_not_taken_for_it():
    (event,), _ = sent(record("claude_chat_viewed", claude_chat_id="c1", object_name="liar", user_email="liar"))
    assert event["object"] == {"type": "chat", "id": "c1"}
    assert "target" not in event


BROKEN = {
    "invalid UTF-8": b'{"id":"a1","type":"claude_chat_viewed","x":"\xff"}',
    "a lone surrogate": rb'{"id":"a1","type":"claude_chat_viewed","x":"\ud800"}',
    "a key twice": b'{"id":"a1","type":"claude_chat_viewed","x":1,"x":2}',
    "a control character": b'{"id":"a1","type":"claude_chat_viewed","x":"\x01"}',
    "no object": b"[1,2]",
    "a number": b"17",
    "deep nesting": b'{"id":"a1","type":"claude_chat_viewed","x":' + b"[" * 5000 + b"]" * 5000 + b"}",
}


@pytest.mark.parametrize("served", BROKEN.values(), ids=BROKEN)
def test_a_record_that_no_strict_reader_takes_is_carried_as_a_text_and_is_valid_json(served):
    (event,), (line,) = sent(served)
    assert event["raw"] == served.decode("utf-8", "replace")
    assert event["unknown_fields"]
    assert b"\n" not in line


def test_a_record_served_over_several_lines_goes_out_on_one():
    served = json.dumps(record("claude_chat_viewed", claude_chat_id="c\n1"), indent=2).encode()
    (event,), (line,) = sent(served)
    assert b"\n" not in line
    assert event["raw"] == json.loads(served)


def test_a_record_without_a_readable_time_is_stamped_with_the_time_it_was_seen():
    (event,) = canonical_events(rows(record(created_at="yesterday")))
    assert event.event_time is None
    assert event.stamp == "2026-11-23T01:05:00.000000Z"
    assert event.stamp_us == 1_795_395_900_000_000


def test_a_revision_is_told_from_the_first_version_and_has_an_id_of_its_own_for_receivers_that_refuse_repeats():
    (event,) = canonical_events(rows(record(), version=2, fold="revised"))
    assert to_canonical(event)["archive"] == {"commit_seq": 7, "version": 2, "fold": "revised"}
    assert event.event_id == "activity_01ABC"
    assert event.document_id == "activity_01ABC.v2"
    assert canonical_events(rows(record()))[0].document_id == "activity_01ABC"


def test_a_restamped_event_keeps_its_true_time():
    (event,) = canonical_events(rows(record()))
    late = restamped(event, datetime(2026, 12, 1, 0, 0, 0, 5, tzinfo=UTC))
    assert (late.stamp, late.stamp_us) == ("2026-12-01T00:00:00.000005Z", 1_796_083_200_000_005)
    assert late.event_time == event.event_time == event.stamp


def test_one_row_given_as_a_mapping_makes_the_same_event_as_in_a_table():
    table = rows(record("claude_file_uploaded", claude_file_id="f1", filename="q3.xlsx", mood=1))
    assert encode(to_canonical(canonical_event(table.to_pylist()[0]))) == encode(
        to_canonical(canonical_events(table)[0])
    )


def test_no_rows_make_no_events():
    assert canonical_events(rows(record()).slice(0, 0)) == []
