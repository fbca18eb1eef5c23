"""The content packs are what the tables say, agree with what the destinations send, and hold no secret."""

import configparser
import csv
import io
import json
import re
import tomllib
from typing import Any

import msgspec
import pytest

from tests.warehouse.delivery.mappings.rows import record, rows
from tests.warehouse.delivery.mappings.test_alert import ROW
from tests.warehouse.delivery.mappings.test_schemas import documents, leaves
from warehouse.config.destinations import Elastic, Sentinel, Splunk
from warehouse.delivery.mappings.alert import canonical_alert
from warehouse.delivery.mappings.asim import COLUMNS, TABLE
from warehouse.delivery.mappings.canonical import canonical_events
from warehouse.delivery.mappings.schemas import SCHEMAS
from warehouse.delivery.packs import elastic, hunting, kibana, sentinel_template, splunk
from warehouse.delivery.packs.__main__ import main
from warehouse.delivery.packs.writing import SIEM, contents, write
from warehouse.taxonomy import load

PACKS = contents()


def text(path: str) -> str:
    return PACKS[path].decode()


def conf(path: str) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(
        strict=True, delimiters=("=",), comment_prefixes=("#",), interpolation=None
    )
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(text(path).replace("\\\n", ""))
    return parser


def test_the_committed_packs_are_what_the_tables_say_and_there_is_no_other_file():
    committed = {str(path.relative_to(SIEM)): path.read_bytes() for path in SIEM.rglob("*") if path.is_file()}
    assert sorted(committed) == sorted(PACKS), "run python -m warehouse.delivery.packs"
    different = [name for name, content in PACKS.items() if committed[name] != content]
    assert different == [], "run python -m warehouse.delivery.packs"


def test_writing_removes_what_is_no_packs_and_twice_changes_nothing(tmp_path):
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "file.json").write_text("{}")
    assert write(tmp_path) == f"wrote {len(PACKS)} files under {tmp_path}"
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert len(before) == len(PACKS)
    write(tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_the_command_writes_into_a_new_folder_and_into_no_folder_with_something_in_it(tmp_path, capsys):
    assert main([str(tmp_path / "new")]) == 0
    assert (tmp_path / "new" / "README.md").exists()
    (tmp_path / "mine.txt").write_text("mine")
    assert main([str(tmp_path)]) == 2
    assert "is not an empty folder" in capsys.readouterr().err
    assert (tmp_path / "mine.txt").read_text() == "mine"
    assert main(["a", "b"]) == 2


@pytest.mark.parametrize("path", [name for name in PACKS if name.endswith(".json")])
def test_a_json_file_is_json(path):
    json.loads(text(path))


def test_no_pack_holds_a_secret_or_an_address_of_anybody():
    for name, content in PACKS.items():
        if name.endswith(".png"):
            continue
        shown = content.decode()
        secrets = r"sk-ant-|AKIA|BEGIN [A-Z ]*PRIVATE KEY|password\s*=(?!> .\$\{)"  # but `=> "${NAME}"` is none
        assert not re.search(secrets, shown), name
        addresses = set(re.findall(r"\b(?:\d{1,3}\.){3}\d{1,3}\b", shown)) - {"1.0.0.0"}
        assert all(one.startswith(("203.0.113.", "198.51.100.", "192.0.2.")) for one in addresses), name
        assert set(re.findall(r"[\w.]+@([\w.-]+\.\w+)", shown)) <= {"example.com"}, name


def test_the_names_are_the_defaults_of_the_destinations():
    assert Splunk.model_fields["sourcetype"].default == hunting.SOURCETYPE
    assert Elastic.model_fields["data_stream"].default == hunting.DATA_STREAM
    assert Sentinel.model_fields["stream"].default == sentinel_template.STREAM
    assert re.fullmatch(kibana.DATA_STREAM_PATTERN.replace("*", ".*"), hunting.DATA_STREAM)


TA = f"splunk/{splunk.APP}"


def test_the_splunk_lookup_has_each_listed_type_with_what_the_event_says():
    rows = {row["type"]: row for row in csv.DictReader(io.StringIO(text(f"{TA}/lookups/claude_activity.csv")))}
    assert list(rows) == list(load().types)
    for event in documents("cim"):
        row = rows[event["type"]]
        assert row["data_model"] == event["data_model"]
        assert row["object_category"] == event.get("object_category", row["object_category"])
        if row["action"]:
            assert row["action"] == event["action"]


def test_every_data_model_of_an_event_has_an_event_type_with_its_tags():
    event_types = conf(f"{TA}/default/eventtypes.conf")
    tags = conf(f"{TA}/default/tags.conf")
    searches = " ".join(event_types[name]["search"] for name in event_types.sections())
    for event in documents("cim"):
        assert f"data_model={event['data_model']}" in searches
    assert dict(tags["eventtype=claude_data_access"]) == {"data": "enabled", "access": "enabled"}
    assert all(name.removeprefix("eventtype=") in event_types for name in tags.sections())


def test_every_saved_search_is_off_and_reads_as_configuration():
    searches = conf(f"{TA}/default/savedsearches.conf")
    assert len(searches.sections()) == len(hunting.hunts()) + 1
    for name in searches.sections():
        assert searches[name]["disabled"] == "1"
        assert searches[name]["enableSched"] == "0"
        assert "| dedup event_id version" in searches[name]["search"]


def test_the_stanza_of_the_sourcetype_parses_json_once_and_never_cuts_an_event():
    stanza = conf(f"{TA}/default/props.conf")[hunting.SOURCETYPE]
    assert stanza["KV_MODE"] == "json"
    assert "INDEXED_EXTRACTIONS" not in stanza
    assert int(stanza["TRUNCATE"]) >= 1_000_000


def mapped(properties: dict[str, Any], prefix: str = "") -> dict[str, str]:
    found = {}
    for name, field in properties.items():
        if "properties" in field:
            found |= mapped(field["properties"], f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = field["type"]
    return found


def test_the_index_template_maps_every_field_that_is_sent():
    fields = mapped(json.loads(text("elastic/index-template.json"))["template"]["mappings"]["properties"])
    assert fields == elastic.FIELDS
    for document in documents("ecs"):
        for path, _ in leaves(document):
            assert path in fields or path.startswith("anthropic.record"), path
    made = SCHEMAS["ecs"].alert(canonical_alert(ROW, canonical_events(rows(record()))))
    alert = json.loads(msgspec.json.encode(made))
    flat = ("anthropic.record", "anthropic.alert.entities")
    assert [path for path, _ in leaves(alert) if path not in fields and not path.startswith(flat)] == []


def test_what_ecs_knows_has_the_type_that_ecs_gives_it():
    from tests.warehouse.delivery.mappings.allowed import ECS_FIELDS

    assert {name: elastic.FIELDS[name] for name in ECS_FIELDS} == ECS_FIELDS


def test_the_dashboard_of_kibana_has_what_it_refers_to_and_reads_mapped_fields():
    objects = [json.loads(line) for line in text("elastic/kibana-dashboard.ndjson").splitlines()]
    known = {(one["type"], one["id"]) for one in objects}
    assert len(known) == len(objects)
    for one in objects:
        assert all((ref["type"], ref["id"]) in known for ref in one["references"])
        for agg in json.loads(one["attributes"].get("visState", "{}")).get("aggs", []):
            assert agg["params"].get("field", "@timestamp") in elastic.FIELDS
    dashboard = objects[-1]
    panels = json.loads(dashboard["attributes"]["panelsJSON"])
    assert {f"{panel['panelIndex']}:{panel['panelRefName']}" for panel in panels} == {
        ref["name"] for ref in dashboard["references"]
    }


def test_the_stream_and_the_table_of_sentinel_declare_exactly_the_columns_that_are_sent():
    table, _, rule, *_ = json.loads(text("sentinel/azuredeploy.json"))["resources"]
    declared = [{"name": name, "type": kind} for name, kind in COLUMNS.items()]
    assert table["properties"]["schema"]["columns"] == declared
    assert rule["properties"]["streamDeclarations"] == {f"Custom-{TABLE}": {"columns": declared}}
    (flow,) = rule["properties"]["dataFlows"]
    assert flow["outputStream"] == f"Custom-{TABLE}"


def test_the_bicep_file_says_what_the_arm_template_says():
    bicep = text("sentinel/main.bicep")
    template = json.loads(text("sentinel/azuredeploy.json"))
    declared = re.findall(r"name: '(\w+)'\n\s+type: '(\w+)'", bicep)
    assert declared == list(COLUMNS.items()) * 2
    assert set(re.findall(r"^param (\w+) ", bicep, re.M)) == set(template["parameters"])
    assert set(re.findall(r"^output (\w+) ", bicep, re.M)) == set(template["outputs"])
    for resource in template["resources"]:
        assert f"'{resource['type']}@{resource['apiVersion']}'" in bicep
    assert sentinel_template.TRANSFORM in bicep
    assert bicep.count("{") == bicep.count("}")
    workbook = next(one for one in template["resources"] if one["type"] == "Microsoft.Insights/workbooks")
    assert json.loads(workbook["properties"]["serializedData"]) == json.loads(text("sentinel/workbook.json"))


def test_every_analytic_rule_is_off_and_looks_at_arrival():
    for rule in json.loads(text("sentinel/analytic-rules.json"))["resources"]:
        assert rule["properties"]["enabled"] is False
        assert "ingestion_time() > ago(5m)" in rule["properties"]["query"]


def test_there_is_a_parser_with_and_without_filters_for_each_asim_schema_that_is_used():
    used = {document["AsimSchema"] for document in documents("asim")}
    for schema in used:
        for kind in ("ASim", "vim"):
            assert f'AsimSchema == "{schema}"' in text(f"sentinel/parsers/{kind}{schema}AnthropicClaude.kql")


def test_the_dashboard_of_datadog_groups_by_attributes_that_are_sent():
    sent = {path for document in documents("datadog") for path, _ in leaves(document)} | {"rule.name"}
    facets = set(re.findall(r'"facet": "@([\w.]+)"', text("datadog/dashboard.json")))
    assert facets
    assert facets <= sent
    sources = set(re.findall(r'"sources": \[\s*"([\w.]+)"', text("datadog/pipeline.json")))
    assert sources <= sent | {"service"}


def test_the_dashboard_of_sumo_reads_fields_of_the_canonical_event():
    sent = {path for document in documents("canonical") for path, _ in leaves(document)}
    for panel in json.loads(text("sumo/dashboard.json"))["panels"]:
        (query,) = panel["queries"]
        read = re.search(r"\| json (.*?) as ", query["queryString"])
        assert read
        assert set(re.findall(r'"([\w.]+)"', read[1])) <= sent


def test_the_samples_for_arctic_wolf_are_lines_of_json_and_frames_of_rfc_5424():
    lines = text("arctic-wolf/samples.ndjson").splitlines()
    frames = text("arctic-wolf/samples.newline.syslog").splitlines()
    assert len(lines) == len(frames) == 6
    for line, frame in zip(lines, frames, strict=True):
        head = re.fullmatch(
            r"<(\d+)>1 \S+ claude\.ai ledgerline - (\S{1,32}) \[anthropic@32473 .*?\] (\{.*\})", frame
        )
        assert head
        assert json.loads(head[3]) == json.loads(line)
        assert 106 <= int(head[1]) <= 110
    counted = PACKS["arctic-wolf/samples.octet.syslog"]
    for frame in frames:
        length, _, counted = counted.partition(b" ")
        assert counted[: int(length)].decode() == frame
        counted = counted[int(length) :]
    assert counted == b""


@pytest.mark.parametrize("hunt", hunting.hunts(), ids=lambda hunt: hunt.id)
def test_a_hunt_is_written_in_every_language_and_counts_an_event_once(hunt):
    assert "dedup event_id version" in hunting.spl(hunt)
    assert "by EventId, RecordVersion" in hunting.kql(hunt)
    assert hunting.esql(hunt).startswith("FROM logs-anthropic.audit-default\n")
    for name in hunt.types or ():
        assert name in hunting.spl(hunt)
        assert f'"{name}"' in hunting.kql(hunt)
        assert f'"{name}"' in hunting.esql(hunt)
    _, _, query = hunting.esql(hunt).partition("\n")
    for field in re.findall(r"\b((?:event|user|source|anthropic)\.[\w.]+)", query):
        assert field in elastic.FIELDS


def test_a_hunt_with_a_word_that_no_type_has_is_refused():
    with pytest.raises(ValueError, match="selects no event type"):
        hunting._hunt("x", "t", "w", {"category": ["nothing"]})
    with pytest.raises(ValueError, match="does not list"):
        hunting._hunt("x", "t", "w", {"types": ["nothing"]})
    with pytest.raises(ValueError, match="not known"):
        hunting._hunt("x", "t", "w", {"colour": ["red"]})
    assert tomllib.loads(hunting.HUNTS.read_text())["hunt"]
