"""The rules in the form of a SIEM, run or read by the SIEM's own software.

Elastic: each exported query over the rule's own samples in a real OpenSearch 2.19, under the shipped index
template; it must find the true samples and none of the false ones. Sentinel: Microsoft's language service for
Kusto finds nothing wrong in a query. Splunk has no parser that can be had, so its searches are only written.
"""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from tests.real import opensearch
from tests.real.test_elastic_pack import ECS, for_opensearch
from tests.real.test_siem_packs import kusto
from warehouse.delivery.mappings.asim import COLUMNS
from warehouse.delivery.mappings.canonical import canonical_events
from warehouse.delivery.packs import elastic, hunting
from warehouse.delivery.packs.writing import SIEM
from warehouse.detections.export import export
from warehouse.detections.rule import Rule
from warehouse.detections.rulebook import load
from warehouse.detections.samples import tables

pytestmark = pytest.mark.real

__all__ = ["kusto"]  # the fixture of the packs
RULES = {rule.path.stem: rule for rule in load()}


def documents(rule: Rule) -> Iterator[tuple[int, list[bytes]]]:
    """The events of each sample as our destination would send them."""
    for number, (_, sample) in enumerate(rule.samples):
        events = canonical_events(tables(rule, sample)[rule.source.name])
        yield number, [msgspec.json.encode(ECS.event(one)) for one in events]


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with opensearch.start(tmp_path_factory.mktemp("opensearch")) as url:
        template = for_opensearch(json.loads((SIEM / "elastic" / "index-template.json").read_text()))
        httpx.put(f"{url}/_index_template/{elastic.NAME}", json=template, timeout=60).raise_for_status()
        yield url


def queries() -> dict[str, str]:
    files = export(RULES.values(), "elasticsearch").files
    return {name.removesuffix(".ndjson"): json.loads(text)["query"] for name, text in files.items()}


@pytest.fixture(scope="module")
def filled(node: str) -> dict[str, list[list[str]]]:
    """The ids of the documents of each sample of each exported rule, all of them in one data stream."""
    ids: dict[str, list[list[str]]] = {}
    lines = []
    for name in queries():
        for number, found in documents(RULES[name]):
            held = [f"{name}.{number}.{at}" for at in range(len(found))]
            ids.setdefault(name, []).append(held)
            for one, document in zip(held, found, strict=True):
                lines += [json.dumps({"create": {"_id": one}}).encode(), document]
    answer = httpx.post(
        f"{node}/{hunting.DATA_STREAM}/_bulk?refresh=true",
        content=b"\n".join(lines) + b"\n",
        headers={"Content-Type": "application/x-ndjson"},
        timeout=120,
    ).json()
    assert [item["create"] for item in answer["items"] if item["create"]["status"] != 201] == []
    return ids


def hits(node: str, query: str, ids: list[str]) -> int:
    """How many of some documents a query finds, asked as a detection rule asks."""
    asked = {"bool": {"must": {"query_string": {"query": query}}, "filter": {"ids": {"values": ids}}}}
    answer = httpx.post(f"{node}/{hunting.DATA_STREAM}/_search", json={"size": 0, "query": asked}, timeout=60)
    assert answer.status_code == 200, answer.text
    return int(answer.json()["hits"]["total"]["value"])


@pytest.mark.parametrize("name", queries())
def test_a_query_finds_the_true_samples_and_none_of_the_false_ones(
    node: str, filled: dict[str, list[list[str]]], name: str
) -> None:
    for (should_fire, _), ids in zip(RULES[name].samples, filled[name], strict=True):
        assert bool(hits(node, queries()[name], ids)) == should_fire, ids


def test_the_language_service_of_kusto_finds_nothing_wrong_in_any_exported_rule(kusto: Path) -> None:
    columns = ", ".join(f"{name}:{'bool' if kind == 'boolean' else kind}" for name, kind in COLUMNS.items())
    table = f"let ClaudeAuditLogs_CL = datatable({columns})[];\n"
    asked: dict[str, Any] = {}
    for name, text in export(RULES.values(), "kusto").files.items():
        asked[name] = table + json.loads(text)["resources"][0]["properties"]["query"]
    broken = {**asked, "broken": f"{next(iter(asked.values()))}\n| where NoSuchColumn == 1"}
    done = subprocess.run(
        ["node", Path(__file__).with_name("kql_check.cjs"), kusto],
        input=json.dumps(broken), capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    found = json.loads(done.stdout)
    assert "NoSuchColumn" in found.pop("broken")[0]
    assert found == {name: [] for name in asked}
    assert len(asked) > 40
