"""The shipped configuration of the collector: one list for both readers, nothing unknown, nothing that is not
cleaned."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.docs.pages import ROOT
from warehouse.telemetry.allow_list import allow_list, never_kept
from warehouse.telemetry.collector import FILE, allow_list_yaml
from warehouse.telemetry.grouping import UNITS, Grouping
from warehouse.telemetry.model import NO_ATTRIBUTES

OTEL = ROOT / "deploy" / "otel"
DESTINATIONS = sorted(OTEL.glob("to-*.yaml"))
# What a component is called in a configuration, and the module that brings it.
MODULES = {
    "otlp": "otlpreceiver",
    "memory_limiter": "memorylimiterprocessor",
    "filter": "filterprocessor",
    "probabilistic_sampler": "probabilisticsamplerprocessor",
    "transform": "transformprocessor",
    "forward": "forwardconnector",
    "bearertokenauth": "bearertokenauthextension",
    "file_storage": "filestorage",
    "otlp_http": "otlphttpexporter",
    "awss3": "awss3exporter",
    "file": "fileexporter",
    "splunk_hec": "splunkhecexporter",
}


def read(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return document


def components(*paths: Path) -> set[str]:
    kinds = ("receivers", "processors", "exporters", "connectors", "extensions")
    return {name.partition("/")[0] for path in paths for kind in kinds for name in read(path).get(kind) or {}}


def test_the_collector_s_list_is_made_from_the_reader_s() -> None:
    assert FILE.read_text(encoding="utf-8") == allow_list_yaml(), "run python -m warehouse.telemetry.collector"


def test_it_names_what_may_enter_and_nothing_that_holds_content() -> None:
    said = FILE.read_text(encoding="utf-8")
    kept = [
        set(re.findall(r'"([^"]+)"', match))
        for match in re.findall(r"keep_keys\([a-z.]+, \[(.*?)\]\)", said.replace('\\"', '"'))
    ]
    assert len(kept) == 6  # resource, scope and own attributes, of logs and of metrics
    limited = {name for name, row in allow_list().rows.items() if row.events}
    for names in kept:
        assert names == set(allow_list().rows)
        assert names & never_kept() <= limited  # content elsewhere, a rating in one event: taken out by event
    assert all(f'delete_key(log.attributes, \\"{name}\\") where not IsMatch' in said for name in limited)


def condition(of: str) -> str:
    """The expression or list in the condition of a statement of the list, as OTTL has it: Python reads it too."""
    document = read(FILE)["processors"]["transform/allow_list"]
    lines = [line for group in document["metric_statements"] for line in group["statements"]]
    (found,) = [match[1] or match[2] for line in lines if (match := re.search(of + r'(?:"(.*)"|(\[.*\]))', line))]
    return found


@pytest.mark.parametrize(
    "name", ["", "com.anthropic.claude_code.events", "@opentelemetry/sdk-logs", "Zebra", "two words", "a1234"]
)
@pytest.mark.parametrize("version", ["", "2.1.330", "v0.161.0-rc.1", "secret"])
def test_a_scope_is_called_what_the_reader_lets_it_be_called(name: str, version: str) -> None:
    read_as = Grouping(allow_list()).group(
        NO_ATTRIBUTES, name, version, Counter(), metrics=[], records=[], spans=[]
    )
    words, digits = condition(r"not IsMatch\(scope.name, "), condition(r"or IsMatch\(scope.name, ")
    taken = re.fullmatch(words, name) and not re.search(digits, name)
    assert (name if taken else "") == read_as.scope
    taken = re.fullmatch(condition(r"IsMatch\(scope.version, "), version)
    assert (version if taken else "") == read_as.scope_version


def test_a_metric_has_the_units_that_the_reader_lets_it_have() -> None:
    assert set(json.loads(condition(r"not ContainsValue\("))) == UNITS


def test_every_component_that_the_files_use_is_in_the_builder_s_list_and_no_other() -> None:
    listed = re.findall(r"gomod: \S+/(\w+) v", (OTEL / "builder.yaml").read_text(encoding="utf-8"))
    used = {MODULES[name] for name in components(OTEL / "claude-code.yaml", FILE, *DESTINATIONS)}
    assert set(listed) == used | {"envprovider", "fileprovider"}


def test_what_the_real_collector_of_the_tests_is_built_of_is_the_builder_s_list() -> None:
    pattern = re.compile(
        r"(\S+/(?:receiver|processor|exporter|connector|extension|confmap/provider)/\S+) (v[\d.]+)"
    )
    listed = dict(pattern.findall((OTEL / "builder.yaml").read_text(encoding="utf-8").replace("gomod: ", "")))
    go = ROOT / "tests" / "real" / "telemetry_in_go"
    built = dict(pattern.findall((go / "go.mod").read_text(encoding="utf-8")))
    imported = set(re.findall(r'"(\S+)"', (go / "main.go").read_text(encoding="utf-8")))
    missing = {module for module in listed if module not in imported}
    assert {module.rpartition("/")[2] for module in missing} == {"awss3exporter", "splunkhecexporter"}
    assert {module: built[module] for module in listed if module not in missing} == {
        module: version for module, version in listed.items() if module not in missing
    }


@pytest.mark.parametrize("path", DESTINATIONS, ids=lambda path: path.stem)
def test_a_destination_gets_only_what_was_cleaned_and_keeps_what_it_could_not_send(path: Path) -> None:
    document = read(path)
    for pipeline in document["service"]["pipelines"].values():
        assert pipeline["receivers"] == ["forward/cleaned"]
    for name, exporter in document["exporters"].items():
        if not name.startswith("file/"):
            assert exporter["sending_queue"]["enabled"]
            assert exporter["sending_queue"]["storage"] == "file_storage"


def test_what_reaches_the_destinations_went_through_the_list_at_last() -> None:
    base, processors = read(OTEL / "claude-code.yaml"), read(FILE)["processors"]
    for pipeline in base["service"]["pipelines"].values():
        assert pipeline["processors"][0] == "memory_limiter"
        assert pipeline["processors"][-1] == "transform/allow_list"
        assert pipeline["exporters"] == ["forward/cleaned"]
        assert set(pipeline["processors"]) <= set(base["processors"]) | set(processors)
    assert all(one["error_mode"] == "propagate" for one in processors.values())


def test_no_secret_and_no_open_door_is_in_the_files() -> None:
    protocols = read(OTEL / "claude-code.yaml")["receivers"]["otlp"]["protocols"]
    assert all({"tls", "auth"} <= set(one) for one in protocols.values())
    for path in OTEL.glob("*.yaml"):
        for line in path.read_text(encoding="utf-8").splitlines():
            assert not re.search(r"(?i)^\s*(token|authorization):(?!.*\$\{env:)", line), f"{path.name}: {line}"
