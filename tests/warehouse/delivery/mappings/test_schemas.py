"""Every listed type goes through every schema, with the fields and values that the schema allows."""

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import msgspec
import pytest

from tests.warehouse.delivery.mappings import allowed
from tests.warehouse.delivery.mappings.rows import ACTOR, every_type, record, rows
from tests.warehouse.delivery.mappings.test_alert import ROW
from warehouse.delivery.mappings.alert import canonical_alert
from warehouse.delivery.mappings.asim import COLUMNS
from warehouse.delivery.mappings.canonical import canonical_events, restamped
from warehouse.delivery.mappings.schemas import SCHEMAS
from warehouse.taxonomy import ACTOR_FIELDS, load

TYPES = load().types


@cache
def documents(name: str) -> list[dict[str, Any]]:
    """Every listed type in a schema, as its receiver reads it."""
    return [put(name, event) for event in canonical_events(rows(*every_type()))]


def put(name: str, event: Any) -> dict[str, Any]:
    return json.loads(msgspec.json.encode(SCHEMAS[name].event(event)))


def one(name: str, type: str, **fields: Any) -> dict[str, Any]:
    return put(name, canonical_events(rows(record(type, **fields)))[0])


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from leaves(inner, f"{path}.{name}" if path else name)
    else:
        yield path, value


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_listed_type_goes_through_and_says_its_id_its_true_time_the_mapping_version_and_its_record(name):
    sent = documents(name)
    assert len(sent) == len(TYPES)
    for served, document in zip(every_type(), sent, strict=True):
        values = [value for _, value in leaves(document)]
        assert served["id"] in values
        assert served["type"] in values
        assert "2026-11-23T01:02:03.456789Z" in values
        assert "2026-11-01" in values
        assert "anthropic:claude" in values
        assert served in list(_objects(document)), name


def _objects(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from _objects(inner)


@pytest.mark.parametrize("name", SCHEMAS)
def test_no_field_of_ours_says_null_not_even_where_a_record_has_next_to_nothing(name):
    bare = record(
        "claude_chat_viewed", actor=None, created_at="yesterday", organization_id=None, organization_uuid=None
    )
    for document in [*documents(name), put(name, canonical_events(rows(bare))[0])]:
        document = {path: value for path, value in leaves(document)}  # noqa: PLW2901
        ours = {path for path in document if not re.search(r"\b(raw|record|RawEvent)\b", path)}
        assert [path for path in ours if document[path] is None] == []


@pytest.mark.parametrize("name", SCHEMAS)
@pytest.mark.parametrize("verb", ["shared", "quantified"])
def test_a_type_nobody_has_listed_is_sent_tagged_and_above_informational(name, verb):
    text = msgspec.json.encode(SCHEMAS[name].event(canonical_events(rows(record(f"vault_{verb}", vault="v")))[0]))
    document = json.loads(text)
    tags = {path.rpartition(".")[2]: value for path, value in leaves(document)}
    assert tags.get("unknown_event", tags.get("UnknownEvent")) is True
    severity = {
        "canonical": lambda d: d["severity"] != "informational",
        "cim": lambda d: d["severity"] != "informational",
        "ecs": lambda d: d["event"]["severity"] > 10 and d["tags"] == ["unknown_event"],
        "asim": lambda d: d["AsimEventSeverity"] != "Informational",
        "ocsf": lambda d: d["severity_id"] > 1,
        "datadog": lambda d: d["status"] != "info",
        "udm": lambda d: d["securityResult"][0]["severity"] != "INFORMATIONAL",
    }[name]
    assert severity(document)


@pytest.mark.parametrize("name", SCHEMAS)
@pytest.mark.parametrize("kind", [*ACTOR_FIELDS, "robot_actor"])
def test_every_kind_of_actor_goes_through_with_or_without_its_fields(name, kind):
    whole = {"type": kind, **{field: "x@example.com" for field in ACTOR_FIELDS.get(kind, ()) if field != "type"}}
    for actor in (whole, {"type": kind}, None):
        assert one(name, "sso_login_failed", actor=actor)


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_client_address_that_is_none_and_hostile_names_are_data_and_break_nothing(name):
    hostile = '"}\n\u202e<script>\u0000=cmd|'
    document = one(
        name,
        "claude_file_uploaded",
        claude_file_id="f1",
        filename=hostile,
        actor={**ACTOR, "ip_address": "not an address", "email_address": hostile},
    )
    assert hostile in [value for _, value in leaves(document)]


def test_ecs_uses_only_fields_of_ecs_and_its_own_corner():
    for document in documents("ecs"):
        outside = {path for path, _ in leaves(document) if not path.startswith("anthropic.")}
        assert outside <= set(allowed.ECS_FIELDS)
        assert document["event"]["kind"] in allowed.ECS_KINDS
        assert document["event"]["outcome"] in allowed.ECS_OUTCOMES
        assert document["event"]["action"] == document["anthropic"]["record"]["type"]


def test_an_address_that_is_none_is_no_ip_field_that_a_receiver_would_refuse():
    ecs = one("ecs", "claude_chat_viewed", actor={**ACTOR, "ip_address": "fe80::1%eth0"})
    assert ecs["source"] == {"address": "fe80::1%eth0"}
    assert "ip" not in ecs["related"]
    assert "ip" not in one("udm", "claude_chat_viewed", actor={**ACTOR, "ip_address": "x"})["principal"]


def test_cim_uses_only_fields_of_cim_and_our_own_and_actions_of_the_model():
    for document in documents("cim"):
        assert set(document) <= allowed.CIM_FIELDS | allowed.CIM_OUR_OWN


def test_in_cim_the_user_is_the_changed_account_and_the_doer_is_the_src_user():
    added = one("cim", "group_member_added", group_id="g1", member_ids=["user_2"])
    assert (added["user"], added["src_user"], added["src_user_id"]) == ("user_2", "ana@example.com", "user_01Ana")
    viewed = one("cim", "claude_chat_viewed", claude_chat_id="c1")
    assert (viewed["user"], viewed["user_id"], viewed["action"]) == ("ana@example.com", "user_01Ana", "read")
    assert "src_user" not in viewed


def test_in_cim_a_sign_in_that_failed_says_so_in_its_action():
    assert one("cim", "sso_login_failed")["action"] == "failure"
    assert one("cim", "sso_login_succeeded")["action"] == "success"
    assert one("cim", "sso_login_initiated")["action"] == "pending"


def test_a_sentinel_row_has_only_declared_columns_of_the_declared_types():
    kinds = {
        "string": str,
        "datetime": str,
        "int": int,
        "long": int,
        "boolean": bool,
        "dynamic": (dict, list),
    }
    for document in documents("asim"):
        assert set(document) <= set(COLUMNS)
        for name, value in document.items():
            assert isinstance(value, kinds[COLUMNS[name]]), name
        assert document["AsimEventType"] in allowed.ASIM_EVENT_TYPES[document["AsimSchema"]]


def test_datadog_has_what_its_intake_and_its_facets_want():
    for document in documents("datadog"):
        assert document["message"]
        assert document["ddsource"] == "anthropic"
        assert document["status"] in allowed.DATADOG_STATUSES
        assert document["timestamp"] == 1_795_395_723_456
        assert {"name", "category", "outcome"} <= set(document["evt"])
        assert max(path.count(".") for path, _ in leaves({**document, "record": 0})) < 10
    assert document["usr"]["id"] == "user_01Ana"
    assert document["network"] == {"client": {"ip": "203.0.113.7"}}


def test_udm_has_the_nouns_that_each_event_type_requires():
    for document in documents("udm"):
        kind = document["metadata"]["eventType"]
        assert kind in allowed.UDM_EVENT_TYPES
        assert document["principal"]["user"]["userid"] == "user_01Ana"
        if kind in ("USER_CREATION", "USER_DELETION", "USER_CHANGE_PERMISSIONS", "USER_LOGIN"):
            assert document["target"]["user"]
        if kind.startswith("GROUP_"):
            assert document["target"]["group"]
        if kind == "USER_LOGIN":
            assert document["extensions"]["auth"]["type"]


def test_udm_goes_back_to_a_general_type_rather_than_invent_a_noun():
    assert one("udm", "rbac_role_assigned", role_id="r")["metadata"]["eventType"] == (
        "USER_RESOURCE_UPDATE_PERMISSIONS"
    )
    assert one("udm", "scim_user_created")["metadata"]["eventType"] == "USER_UNCATEGORIZED"
    assert one("udm", "claude_chat_viewed", actor={"type": "anthropic_actor"})["metadata"]["eventType"] == (
        "GENERIC_EVENT"
    )


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("ecs", lambda d: d["@timestamp"]),
        ("asim", lambda d: d["TimeGenerated"]),
        ("udm", lambda d: d["metadata"]["eventTimestamp"]),
        ("datadog", lambda d: d["timestamp"]),
        ("ocsf", lambda d: d["time"]),
    ],
)
def test_a_restamped_event_shows_the_new_time_to_the_receiver_and_keeps_the_true_one_beside_it(name, place):
    (event,) = canonical_events(rows(record()))
    document = put(name, restamped(event, "2026-12-01T00:00:00Z"))
    assert place(document) in ("2026-12-01T00:00:00.000000Z", 1_796_083_200_000)
    assert "2026-11-23T01:02:03.456789Z" in [value for _, value in leaves(document)]


@pytest.mark.parametrize("name", SCHEMAS)
@pytest.mark.parametrize("severity", ["informational", "low", "medium", "high", "critical", "own word"])
def test_an_alert_goes_through_with_all_its_event_ids_with_and_without_its_events(name, severity):
    events = canonical_events(rows(record(), record(actor=None, type="quantum_leap")))
    for known in (events, []):
        document = SCHEMAS[name].alert(canonical_alert({**ROW, "severity": severity}, known))
        text = msgspec.json.encode(document).decode()
        assert "activity_02" in text
        assert "claude-sso-disabled" in text
        assert "alert_01" in text


def test_an_alert_uses_only_fields_that_its_receiver_knows():
    alert = canonical_alert(ROW, canonical_events(rows(record())))
    ecs = json.loads(msgspec.json.encode(SCHEMAS["ecs"].alert(alert)))
    assert {path for path, _ in leaves(ecs) if not path.startswith("anthropic.")} <= set(allowed.ECS_FIELDS)
    assert ecs["event"]["kind"] == "alert"
    assert ecs["anthropic"]["alert"]["entities"] == {"actor_id": "user_01Ana"}
    assert set(SCHEMAS["asim"].alert(alert)) <= set(COLUMNS)
    assert set(SCHEMAS["cim"].alert(alert)) <= allowed.CIM_FIELDS | allowed.CIM_OUR_OWN
    other = SCHEMAS["ecs"].alert(canonical_alert({**ROW, "entities": ["user_01"]}))
    assert other["anthropic"]["alert"]["entities"] == {"value": ["user_01"]}


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_further_version_of_an_alert_says_so(name):
    said = msgspec.json.encode(SCHEMAS[name].alert(canonical_alert(ROW))).decode()
    assert "revised" in said
    assert "docs/detections.md#sso-disabled" in said
