"""Elasticsearch: each item's status, whole requests, the failure store, and servers that know fewer parameters."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sandbox.intakes import serve_intakes
from tests.warehouse.delivery.destinations.rig import Sender, events, settings
from tests.warehouse.delivery.mappings.rows import record, rows
from warehouse.delivery.destinations import elastic
from warehouse.delivery.elastic_transport import ParameterTransport
from warehouse.delivery.mappings.canonical import canonical_events
from warehouse.delivery.port import Refused, Request, Response


@pytest.mark.parametrize(
    ("status", "kind"),
    [(429, "retry"), (503, "retry"), (500, "retry"), (403, "halt"), (404, "halt"), (400, "dead")],
)
def test_an_item_is_judged_by_its_own_status_and_its_neighbours_by_theirs(status, kind):
    with serve_intakes("elastic") as served:
        batch = events(4)
        served["elastic"].faults.on("item", id=batch[2].event_id, status=status, next=1)
        outcomes = Sender.to("elastic", served).once(batch)
        assert [one.kind for one in outcomes] == ["delivered", "delivered", kind, "delivered"]
        assert str(status) in outcomes[2].reason


def test_an_event_that_is_held_already_is_delivered():
    with serve_intakes("elastic") as served:
        sender = Sender.to("elastic", served)
        assert {one.ack for one in sender.once(events(3))} == {"201 created"}
        assert {(one.kind, one.ack) for one in sender.once(events(3))} == {("delivered", "409 held already")}
        assert len(served["elastic"].stored) == 3


def test_what_went_to_the_failure_store_is_dead_and_says_where_it_is():
    with serve_intakes("elastic", failure_store=True) as served:
        batch = events(3)
        served["elastic"].faults.on("bad_event", id=batch[1].event_id)
        outcomes = Sender.to("elastic", served).once(batch)
        assert [one.kind for one in outcomes] == ["delivered", "dead", "delivered"]
        assert "failure store" in outcomes[1].reason
        assert [one["id"] for one in served["elastic"].failures] == [batch[1].event_id]


def test_a_revision_has_an_id_of_its_own_and_a_long_id_is_refused_before_it_is_sent():
    given = settings("elastic", {"url": "https://es.example.com", "api_key": "fake"})
    (second,) = canonical_events(rows(record(), version=2, fold="revised"))
    action, _ = elastic.encode(second, given).splitlines()
    assert json.loads(action) == {"create": {"_id": "activity_01ABC.v2"}}
    (long,) = canonical_events(rows(record(id="a" * 600)))
    assert isinstance(elastic.encode(long, given), Refused)


@pytest.mark.parametrize(
    ("status", "type", "kind"),
    [
        (400, "illegal_argument_exception", "halt"),
        (401, "security_exception", "halt"),
        (403, "security_exception", "halt"),
        (404, "index_not_found_exception", "halt"),
        (406, "media_type_header_exception", "halt"),
        (413, "", "split"),
        (415, "", "halt"),
        (429, "es_rejected_execution_exception", "retry"),
        (429, "circuit_breaking_exception", "retry"),
        (502, "", "retry"),
        (503, "unavailable_shards_exception", "retry"),
        (504, "", "retry"),
    ],
)
def test_a_whole_request_is_judged_by_its_status(status, type, kind):
    body = json.dumps({"error": {"type": type, "reason": "because"}, "status": status}).encode()
    found = elastic.classify(Response(status=status, body=body), 2)
    assert {one.kind for one in found} == {kind}
    assert type in found[0].reason


@pytest.mark.parametrize("items", [[], [{"create": {"status": 201}}], "none", [{"create": {"status": "x"}}] * 2])
def test_an_answer_that_does_not_fit_the_request_is_no_receipt(items):
    body = json.dumps({"errors": True, "items": items}).encode()
    assert {one.kind for one in elastic.classify(Response(status=200, body=body), 2)} == {"retry"}


def test_a_batch_of_nothing_but_refusals_is_read_whole():
    with serve_intakes("elastic") as served:
        sender = Sender.to("elastic", served)
        frames = [frame.replace(b'"@timestamp":', b'"timestamp":', 1) for frame in sender.frames(events(6000))]
        response = sender.transport.send(elastic.pack(frames, sender.settings))
        assert len(response.body) > 1_000_000
        outcomes = elastic.classify(response, len(frames))
        assert {one.kind for one in outcomes} == {"dead"}
        assert "@timestamp" in outcomes[-1].reason


class OldServer:
    """Refuses, as OpenSearch does, what it does not know in the query."""

    def __init__(self) -> None:
        self.paths: list[str] = []

    def send(self, request: Request) -> Response:
        self.paths.append(request.path)
        if "include_source_on_error" in request.path:
            reason = "request [/x/_bulk] contains unrecognized parameters: [include_source_on_error], "
            reason += "[require_data_stream] -> did you mean [require_alias]?"
            return Response(status=400, body=json.dumps({"error": {"reason": reason}}).encode())
        return Response(status=200)

    def close(self) -> None:
        pass


def test_parameters_that_a_server_does_not_know_are_left_out_from_then_on():
    server: Any = OldServer()
    transport = ParameterTransport(server)
    request = elastic.pack(
        [b"{}\n{}\n"], settings("elastic", {"url": "https://es.example.com", "api_key": "fake"})
    )
    assert [transport.send(request).status for _ in range(2)] == [200, 200]
    assert len(server.paths) == 3
    assert "filter_path" in server.paths[-1]
    assert "require_data_stream" not in server.paths[-1]


def test_the_probe_tells_a_known_key_from_an_unknown_one():
    with serve_intakes("elastic") as served:
        given = served.settings["elastic"]
        assert elastic.probe(settings("elastic", given)).kind == "delivered"
        assert elastic.probe(settings("elastic", {**given, "api_key": "d3Jvbmc="})).kind == "halt"
    assert elastic.probe(settings("elastic", given)).kind == "retry"
