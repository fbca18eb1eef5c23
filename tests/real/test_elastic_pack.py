"""The shipped index template in a real OpenSearch 2.19: every event type and an alert index, and every field of
the dashboard answers.

OpenSearch is no Elasticsearch: what it lacks is taken out first (`for_opensearch`), and is checked nowhere here:
the life cycle, the failure store, the pipeline's GeoIP databases. Its `flat_object` stands for `flattened`.
"""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import msgspec
import pytest

from tests.real import opensearch
from tests.warehouse.delivery.mappings.rows import every_type, record, rows
from warehouse.delivery.mappings.canonical import canonical_events
from warehouse.delivery.mappings.sample import sample_alert
from warehouse.delivery.mappings.schemas import SCHEMAS
from warehouse.delivery.packs import elastic, hunting
from warehouse.delivery.packs.writing import SIEM

pytestmark = pytest.mark.real

ECS = SCHEMAS["ecs"]


def for_opensearch(template: dict[str, Any]) -> dict[str, Any]:
    inner = template["template"]
    del inner["data_stream_options"]
    for name in ("index.lifecycle.name", "index.default_pipeline"):
        del inner["settings"][name]
    inner["settings"]["number_of_replicas"] = 0

    def renamed(field: Any) -> Any:
        if isinstance(field, dict):
            if field.get("type") == "flattened":
                return {"type": "flat_object"}
            return {name: renamed(value) for name, value in field.items()}
        return field

    inner["mappings"] = renamed(inner["mappings"])
    return template


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with opensearch.start(tmp_path_factory.mktemp("opensearch")) as url:
        template = for_opensearch(json.loads((SIEM / "elastic" / "index-template.json").read_text()))
        answer = httpx.put(f"{url}/_index_template/{elastic.NAME}", json=template, timeout=60)
        assert answer.status_code == 200, answer.text
        yield url


@pytest.fixture(scope="module")
def filled(node: str) -> str:
    """The node with an event of every type, one of no listed type with deep nesting, and an alert in it."""
    deep: Any = "bottom"
    for _ in range(15):
        deep = {"a": [deep]}
    strange = record("quantum_vault_opened", id="activity_strange", deep=deep, big=10**30, float=1.5e300)
    documents = [
        ECS.event(one) for one in canonical_events(rows(*every_type(), strange, b'{"id":"a1","x":1,"x":2}'))
    ]
    documents.append(ECS.alert(sample_alert()))
    lines = b"".join(b'{"create":{}}\n' + msgspec.json.encode(one) + b"\n" for one in documents)
    answer = httpx.post(
        f"{node}/{hunting.DATA_STREAM}/_bulk?refresh=true",
        content=lines,
        headers={"Content-Type": "application/x-ndjson"},
        timeout=120,
    ).json()
    wrong = [item["create"]["error"] for item in answer["items"] if item["create"]["status"] != 201]
    assert wrong == []
    assert len(answer["items"]) == len(documents)
    return node


def search(node: str, question: dict[str, Any]) -> dict[str, Any]:
    answer = httpx.post(f"{node}/{hunting.DATA_STREAM}/_search", json={"size": 0, **question}, timeout=60)
    assert answer.status_code == 200, answer.text
    return answer.json()  # type: ignore[no-any-return]


def test_every_visualization_of_the_dashboard_finds_something(filled: str) -> None:
    objects = [
        json.loads(line) for line in (SIEM / "elastic" / "kibana-dashboard.ndjson").read_text().splitlines()
    ]
    shown = [one["attributes"] for one in objects if one["type"] == "visualization"]
    assert len(shown) == 8
    for one in shown:
        query = json.loads(one["kibanaSavedObjectMeta"]["searchSourceJSON"])["query"]["query"]
        fields = [
            agg["params"]["field"] for agg in json.loads(one["visState"])["aggs"] if "field" in agg["params"]
        ]
        for field in (name for name in fields if name != "@timestamp"):
            asked = {"query_string": {"query": query.replace(" and ", " AND ").replace(" or ", " OR ") or "*"}}
            found = search(filled, {"query": asked, "aggs": {"by": {"terms": {"field": field}}}})
            assert found["aggregations"]["by"]["buckets"], one["title"]


def test_a_field_of_the_vendors_record_is_found_without_a_mapping_of_its_own(filled: str) -> None:
    hits = search(filled, {"query": {"term": {"anthropic.record.status_code": "200"}}})["hits"]["total"]["value"]
    assert hits >= 1


def test_nothing_the_vendor_sends_becomes_a_field_of_the_index(filled: str) -> None:
    found = httpx.get(f"{filled}/{hunting.DATA_STREAM}/_mapping", timeout=60).json()
    (mapping,) = (one["mappings"]["properties"] for one in found.values())

    def names(properties: dict[str, Any], prefix: str = "") -> set[str]:
        kept = set()
        for name, field in properties.items():
            kept |= names(field["properties"], f"{prefix}{name}.") if "properties" in field else {prefix + name}
        return kept

    assert names(mapping) == set(elastic.FIELDS)
