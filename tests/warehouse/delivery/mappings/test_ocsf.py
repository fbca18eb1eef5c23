"""OCSF documents against the published JSON schema of 1.5.0, as the package `ocsf-json-schema` carries it."""

import json
from functools import cache
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

from tests.warehouse.delivery.mappings.rows import ACTOR, every_type, record, rows
from tests.warehouse.delivery.mappings.test_alert import ROW
from tests.warehouse.delivery.mappings.test_schemas import documents, one
from warehouse.delivery.mappings.alert import canonical_alert
from warehouse.delivery.mappings.canonical import canonical_events
from warehouse.delivery.mappings.ocsf import CLASSES, FALLBACK, to_ocsf, to_ocsf_alert
from warehouse.taxonomy import VERBS, load


@cache
def validator(class_uid: int, profiles: tuple[str, ...]) -> Draft202012Validator:
    published = OcsfJsonSchemaEmbedded(get_ocsf_schema(version="1.5.0"))  # its answers change what it holds
    name = published.lookup_class_name_from_uid(class_uid)
    return Draft202012Validator(published.get_class_schema(name, profiles=list(profiles)))


def mistakes(document: dict[str, Any]) -> list[str]:
    profiles = tuple(document.get("metadata", {}).get("profiles", ()))
    found = validator(document["class_uid"], profiles).iter_errors(document)
    return [f"{error.json_path}: {error.message}" for error in found]


def test_the_validator_finds_a_mistake():
    document = dict(documents("ocsf")[0])
    assert mistakes(document) == []
    assert mistakes({**document, "severity_id": 7})
    del document["metadata"]
    assert mistakes(document)


def test_every_listed_type_is_valid_in_its_class():
    wrong = {d["metadata"]["event_code"]: found for d in documents("ocsf") if (found := mistakes(d))}
    assert wrong == {}


def test_every_verb_of_an_unlisted_type_is_valid():
    for verb in VERBS:
        assert mistakes(one("ocsf", f"quantum_leap_{verb}")) == []


@pytest.mark.parametrize("actor", [None, {"type": "anthropic_actor"}, {**ACTOR, "ip_address": None}])
def test_every_listed_type_is_valid_also_without_actor_or_address_or_any_field_of_its_own(actor):
    bare = [record(name, id=f"activity_{name}", actor=actor) for name in load().types]
    wrong = {}
    for event in canonical_events(rows(*bare)):
        document = json.loads(msgspec.json.encode(to_ocsf(event)))
        if found := mistakes(document):
            wrong[event.type] = found
    assert wrong == {}


def test_hostile_names_and_addresses_are_valid_too():
    text = '"}\n\u202e<script>'
    actor = {**ACTOR, "ip_address": text, "email_address": text}
    for name in ("claude_file_uploaded", "sso_login_succeeded", "org_user_deleted"):
        assert mistakes(one("ocsf", name, actor=actor, filename=text, deleted_user_email=text)) == []


def test_what_the_class_requires_and_the_record_lacks_makes_it_go_out_in_the_general_class():
    assert one("ocsf", "claude_file_uploaded", claude_file_id="f1")["class_uid"] == 6006
    assert one("ocsf", "claude_file_uploaded", actor={"type": "user_actor", "user_id": "u"})["class_uid"] == 6001
    assert one("ocsf", "sso_login_succeeded")["class_uid"] == 3002
    assert one("ocsf", "sso_login_failed", actor={"type": "unauthenticated_user_actor"})["class_uid"] == 0
    assert one("ocsf", "group_member_added", group_id="g", member_ids=["u"])["class_uid"] == 3006
    assert one("ocsf", "group_member_added")["class_uid"] == 3004


def test_class_and_activity_names_are_those_of_the_published_schema():
    schema = get_ocsf_schema(version="1.5.0")
    by_uid = {entry["uid"]: entry for entry in schema["classes"].values()}
    for (class_uid, activity_id), names in CLASSES.items():
        entry = by_uid[class_uid]
        assert names["class_name"] == entry["caption"]
        assert names["activity_name"] == entry["attributes"]["activity_id"]["enum"][str(activity_id)]["caption"]
        assert names["type_uid"] == class_uid * 100 + activity_id
    assert {uid for uid, _ in CLASSES} >= set(FALLBACK) | set(FALLBACK.values())


def test_an_alert_is_a_valid_detection_finding():
    for events in (canonical_events(rows(*every_type()[:5])), []):
        document = json.loads(msgspec.json.encode(to_ocsf_alert(canonical_alert(ROW, events))))
        assert document["class_uid"] == 2004
        assert mistakes(document) == []
