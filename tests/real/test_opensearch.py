"""Our `elastic` destination into a real OpenSearch 2.19.6: its `_bulk` is Elasticsearch's of 7.10.

Not in it, and so only in the strict intake: API keys, the failure store, `require_data_stream`,
`include_source_on_error`. The last two it refuses by name, and they are left out then.
"""

from collections.abc import Iterator

import httpx
import pytest

from tests.real import opensearch
from tests.warehouse.delivery.destinations.rig import Sender, alert, events, iso, just_now, settings
from tests.warehouse.delivery.mappings.rows import every_type, rows
from warehouse.delivery.destinations import elastic
from warehouse.delivery.mappings.canonical import canonical_events

pytestmark = pytest.mark.real

STREAM = "logs-anthropic.audit-default"
TEMPLATE = {
    "index_patterns": ["logs-anthropic.*-*"],
    "data_stream": {},
    "template": {
        "settings": {"number_of_replicas": 0, "index.mapping.total_fields.limit": 4000},
        "mappings": {
            "properties": {
                "@timestamp": {"type": "date"},
                "event": {"properties": {"id": {"type": "keyword"}, "severity": {"type": "long"}}},
                "source": {"properties": {"ip": {"type": "ip"}}},
                # the template that is shipped has its own test (`test_elastic_pack.py`)
                "anthropic": {"type": "object", "enabled": False},
            }
        },
    },
}


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with opensearch.start(tmp_path_factory.mktemp("opensearch")) as url:
        httpx.put(f"{url}/_index_template/anthropic", json=TEMPLATE, timeout=60).raise_for_status()
        yield url


@pytest.fixture
def sender(node: str) -> Sender:
    configured = settings("elastic", {"url": node, "api_key": "any"})
    return Sender(elastic, configured, elastic.connect(configured))


def held(node: str) -> list[str]:
    httpx.post(f"{node}/{STREAM}/_refresh", timeout=60).raise_for_status()
    question = {"size": 10_000, "_source": False, "query": {"match_all": {}}}
    hits = httpx.post(f"{node}/{STREAM}/_search", json=question, timeout=60).json()["hits"]["hits"]
    return sorted(hit["_id"] for hit in hits)


def test_the_ids_found_there_are_those_of_the_receipts_however_often_they_are_sent(node, sender):
    created = iso(just_now(minutes=20))
    batch = canonical_events(rows(*({**one, "created_at": created} for one in every_type())))
    first = sender.once(batch)
    assert {(one.kind, one.ack) for one in first} == {("delivered", "201 created")}
    again = sender.once(batch)
    assert {(one.kind, one.ack) for one in again} == {("delivered", "409 held already")}
    assert held(node) == sorted(one.document_id for one in batch)
    time = {"query": {"term": {"@timestamp": created}}, "track_total_hits": True, "size": 0}
    hits = httpx.post(f"{node}/{STREAM}/_search", json=time, timeout=60).json()["hits"]
    assert hits["total"]["value"] == len(batch)


def test_a_document_that_does_not_map_is_dead_and_its_neighbours_are_not(node, sender):
    good = events(4)
    frames = sender.frames([*good, alert(good)])
    frames[2] = frames[2].replace(b'"severity":', b'"severity":"no number","was":', 1)
    response = sender.transport.send(elastic.pack(frames, sender.settings))
    outcomes = elastic.classify(response, len(frames))
    assert [one.kind for one in outcomes] == ["delivered", "delivered", "dead", "delivered", "delivered"]
    assert "mapper_parsing_exception" in outcomes[2].reason
    assert good[2].event_id not in held(node)


def test_a_request_for_no_data_stream_stops_the_destination(node):
    configured = settings("elastic", {"url": f"{node}/_cat", "api_key": "any"})
    (outcome,) = Sender(elastic, configured, elastic.connect(configured)).once(events(1))
    assert outcome.kind == "halt"
