"""The intakes: what they keep, what they refuse aloud, and their faults, over real HTTP."""

from __future__ import annotations

import base64
import gzip
import json
import signal
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from sandbox.cli import main
from sandbox.intakes import INTAKES, ServedIntakes, serve_intakes
from sandbox.intakes.splunk import CODES, TOKENS

NOW = datetime.now(UTC)
PLAIN, ACK, DISABLED = TOKENS
CHANNEL = "11111111-2222-4333-8444-555555555555"


def when(**ago: float) -> datetime:
    return datetime.now(UTC) - timedelta(**ago)


def iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@pytest.fixture
def served() -> Iterator[ServedIntakes]:
    with serve_intakes() as served:
        yield served


@pytest.fixture
def post(served: ServedIntakes) -> Iterator[Callable[..., httpx.Response]]:
    with httpx.Client(base_url=served.url, timeout=5) as client:
        yield lambda path, body, **headers: client.post(
            path,
            content=body if isinstance(body, bytes) else json.dumps(body).encode(),
            headers={name.replace("_", "-"): value for name, value in headers.items()},
        )


def hec(post: Any, body: Any, token: str = PLAIN, **headers: str) -> httpx.Response:
    return post("/splunk/services/collector/event", body, authorization=f"Splunk {token}", **headers)


# Splunk


def test_splunk_keeps_objects_one_behind_the_other_and_files_them_under_their_time(served, post):
    body = b'{"time":1795395723.456789,"event":{"id":"a"},"fields":{"event_id":"a"}}'
    body += b'{"time":1795395724,"event":"b"}\n\n'
    answer = hec(post, body)
    assert (answer.status_code, answer.content) == (200, b'{"text":"Success","code":0}')
    assert [(one.id, one.time, one.place) for one in served["splunk"].stored] == [
        ("a", "2026-11-23T01:02:03.456789Z", "main"),
        (None, "2026-11-23T01:02:04.000000Z", "main"),
    ]


@pytest.mark.parametrize(
    ("objects", "code", "number"),
    [
        (b'{"event":1}{"event":null}{"event":2}', 6, 1),
        (b'{"event":1}{"event":" "}', 13, 1),
        (b'{"event":1}{"event":2}{"time":1}', 12, 2),
        (b'{"event":1}{"event":2,"fields":{"a":{"b":1}}}', 15, 1),
        (b'{"event":1}{"event":2,"index":"secret"}{"event":3}', 7, 2),
        (b'{"event":1}{"event":2}{"event":', 6, 2),
        (b'{"event":1}{"event":2,"indx":"main"}{"event":3}', 6, 1),
        (b'[{"event":1}]', 6, 0),
    ],
)
def test_splunk_keeps_what_stands_before_a_bad_object_and_names_it(served, post, objects, code, number):
    answer = hec(post, objects)
    assert answer.status_code == 400
    assert (answer.json()["code"], answer.json()["invalid-event-number"]) == (code, number)
    assert len(served["splunk"].stored) == (number - 1 if code == 7 else number)
    assert len(served["splunk"].violations) == (1 if b"indx" in objects or objects[:1] == b"[" else 0)


def test_splunk_looks_at_the_token_first(post):
    url = "/splunk/services/collector"
    assert post(url, b"").json()["code"] == 2
    assert post(url, b"", authorization="Bearer x").json()["code"] == 3
    assert hec(post, b"", token="unknown").json()["code"] == 4
    assert hec(post, b"", token=DISABLED).json()["code"] == 1
    assert hec(post, b" ").json()["code"] == 5
    assert post(url + "?token=x", b"").json()["code"] == 16
    assert post("/splunk/services/collectors", b"").status_code == 404


def test_splunk_acknowledges_once_by_channel(post):
    body = {"event": "x"}
    assert hec(post, body, ACK).json()["code"] == 10
    assert hec(post, body, ACK, x_splunk_request_channel="no-guid").json()["code"] == 11
    ids = [hec(post, body, ACK, x_splunk_request_channel=CHANNEL).json()["ackId"] for _ in range(2)]

    def poll(channel: str, token: str = ACK) -> Any:
        path = f"/splunk/services/collector/ack?channel={channel}"
        return post(path, {"acks": [0, 1, 7]}, authorization=f"Splunk {token}").json()

    other = CHANNEL.replace("1", "9")
    assert ids == [0, 1]
    assert poll(other) == {"acks": {"0": False, "1": False, "7": False}}
    assert poll(CHANNEL) == {"acks": {"0": True, "1": True, "7": False}}
    assert poll(CHANNEL) == {"acks": {"0": False, "1": False, "7": False}}
    assert poll(CHANNEL, PLAIN)["code"] == 14


def test_splunk_takes_gzip_and_no_other_encoding(served, post):
    assert hec(post, gzip.compress(b'{"event":1}'), content_encoding="gzip").status_code == 200
    answer = hec(post, zlib.compress(b'{"event":1}'), content_encoding="deflate")
    assert (answer.status_code, answer.headers["content-type"]) == (415, "text/html")
    assert len(served["splunk"].stored) == 1


@pytest.mark.parametrize("code", [code for code in CODES if code != 0])
def test_splunk_answers_each_code_of_the_table_by_fault(served, post, code):
    served["splunk"].faults.on("code", code=code, next=1)
    answer = hec(post, {"event": 1})
    assert (answer.status_code, answer.json()) == (CODES[code][0], {"text": CODES[code][1], "code": code})
    assert len(served["splunk"].stored) == (1 if CODES[code][0] == 200 else 0)


@pytest.mark.parametrize(("cloud", "status"), [(False, 413), (True, 400)])
def test_splunk_says_that_a_body_is_too_large_as_enterprise_or_as_cloud(cloud, status):
    with serve_intakes("splunk", cloud=cloud) as alone, httpx.Client() as client:
        alone["splunk"].largest = 20
        headers = {"authorization": f"Splunk {PLAIN}"}
        answer = client.post(
            alone.url + "/services/collector", content=b'{"event":"12345678901"}', headers=headers
        )
    assert answer.status_code == status
    assert not cloud or answer.json() == {"text": "Invalid data format", "code": 6, "invalid-event-number": 0}


def test_splunk_is_healthy_whatever_the_token(served):
    for path in ("health", "health/1.0", "health?ack=true"):
        answer = httpx.get(f"{served.url}/splunk/services/collector/{path}")
        assert (answer.status_code, answer.json()["code"]) == (200, 17)


# Datadog


def dd(post: Any, items: Any, **headers: str) -> httpx.Response:
    key = {"dd_api_key": "00000000000000000000000000dd0fa4", "content_type": "application/json"}
    return post("/datadog/api/v2/logs", items, **{**key, **headers})


def item(**other: Any) -> dict[str, Any]:
    given = {"ddsource": "anthropic", "service": "s", "message": "m", "timestamp": iso(when(hours=1))}
    return {**given, "event_id": "a", **other}


def test_datadog_answers_202_with_an_empty_object(served, post):
    answer = dd(post, [item(), item(event_id="b", timestamp=int(when(hours=2).timestamp() * 1000))])
    assert (answer.status_code, answer.content, served["datadog"].ids()) == (202, b"{}", ["a", "b"])


@pytest.mark.parametrize(
    ("items", "status", "loud"),
    [
        ([], 400, True),
        ([item()] * 1001, 413, False),
        ([{"ddsource": "anthropic"}], 400, False),
        ([item(message="x" * 1_000_001)], 400, True),
        ([item(timestamp=iso(when(hours=19)))], 400, True),
        ([item(timestamp=iso(when(hours=-3)))], 400, True),
        ([item(**{"k" * 50: 1})], 400, True),
        ([item(many={f"k{number}": 1 for number in range(257)})], 400, True),
        ([item(ddtags=",".join(f"a:{number}" for number in range(101)))], 400, True),
    ],
)
def test_datadog_refuses_what_it_would_cut_or_file_elsewhere(served, post, items, status, loud):
    assert dd(post, items).status_code == status
    assert served["datadog"].stored == []
    assert bool(served["datadog"].violations) == loud


def test_datadog_tells_a_missing_key_from_a_wrong_one(post):
    assert dd(post, [item()], dd_api_key="").status_code == 401
    assert dd(post, [item()], dd_api_key="x").status_code == 403


# Elasticsearch

STREAM = "logs-anthropic.audit-default"


def bulk(post: Any, lines: list[Any], path: str = f"{STREAM}/_bulk", **headers: str) -> httpx.Response:
    key = base64.b64encode(b"fakeKeyIdOfSandbox00:fakeKeyOfTheSandbox000").decode()
    given = {"authorization": f"ApiKey {key}", "content_type": "application/x-ndjson"}
    body = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    return post(f"/elastic/{path}", body, **{**given, **headers})


def pair(id: str, **other: Any) -> list[Any]:
    return [{"create": {"_id": id}}, {"@timestamp": iso(NOW), "event": {"id": id}, **other}]


def test_elastic_answers_item_by_item_and_takes_an_id_once(served, post):
    first = bulk(post, pair("a") + pair("b", source={"ip": "not an address"}) + pair("c")).json()
    assert first["errors"] is True
    assert [one["create"]["status"] for one in first["items"]] == [201, 400, 201]
    again = bulk(post, pair("a")).json()["items"][0]["create"]
    assert (again["status"], again["error"]["type"]) == (409, "version_conflict_engine_exception")
    assert served["elastic"].ids() == ["a", "c"]
    served["elastic"].rollover(STREAM)
    assert bulk(post, pair("a")).json()["items"][0]["create"]["status"] == 201


def test_elastic_keeps_what_does_not_map_in_the_failure_store_without_an_error():
    with serve_intakes("elastic", failure_store=True) as alone, httpx.Client(base_url=alone.url) as client:

        def post(path: str, body: bytes, **headers: str) -> httpx.Response:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            return client.post(path, content=body, headers=named)

        answer = bulk(post, pair("a", event={"kind": "nonsense"})).json()
        assert (answer["errors"], answer["items"][0]["create"]["failure_store"]) == (False, "used")
        assert (alone["elastic"].ids(), alone["elastic"].failures[0]["id"]) == ([], "a")


@pytest.mark.parametrize(
    ("lines", "path", "status"),
    [
        ([], f"{STREAM}/_bulk", 400),
        ([{"create": {"_id": "a", "_type": "x"}}, {}], f"{STREAM}/_bulk", 400),
        ([{"upsert": {}}, {}], f"{STREAM}/_bulk", 400),
        (pair("a"), "some-index/_bulk?require_data_stream=true", 404),
        (pair("a"), f"{STREAM}/_bulks", 404),
    ],
)
def test_elastic_refuses_a_request_that_it_cannot_read(served, post, lines, path, status):
    assert bulk(post, lines, path).status_code == status
    assert served["elastic"].stored == []


@pytest.mark.parametrize(
    ("lines", "kind"),
    [
        ([{"index": {"_id": "a"}}, {"@timestamp": iso(NOW)}], "illegal_argument_exception"),
        ([{"create": {"_id": "a" * 513}}, {"@timestamp": iso(NOW)}], "illegal_argument_exception"),
        ([{"create": {}}, {"@timestamp": iso(NOW)}], "illegal_argument_exception"),
        ([{"create": {"_id": "a"}}, {"event": {}}], "document_parsing_exception"),
        (pair("a", event={"category": ["login"]}), "document_parsing_exception"),
    ],
)
def test_elastic_refuses_an_item_that_a_data_stream_does_not_take(post, lines, kind):
    answer = bulk(post, lines).json()["items"][0]
    assert next(iter(answer.values()))["error"]["type"] == kind


def test_elastic_names_its_product_and_refuses_what_is_no_bulk(post):
    assert bulk(post, pair("a")).headers["x-elastic-product"] == "Elasticsearch"
    assert bulk(post, pair("a"), authorization="ApiKey x").status_code == 401
    assert bulk(post, pair("a"), content_type="text/plain").status_code == 406


# The others


def test_logstash_refuses_fields_that_the_input_writes_over(served, post):
    given = {"authorization": "Basic " + base64.b64encode(b"ledgerline:fake-password-of-the-sandbox").decode()}
    good, bad = ({"@timestamp": iso(NOW), "event": {"id": "a"}, **more} for more in ({}, {"user_agent": {}}))
    json_type = {"content_type": "application/json"}
    assert post("/logstash/any/path", [good], **given, **json_type).text == "ok"
    assert post("/logstash/", [bad], **given, **json_type).status_code == 400
    assert post("/logstash/", [good], **given, content_type="text/plain").status_code == 400
    assert post("/logstash/", [good], **json_type).status_code == 401
    assert (served["logstash"].ids(), len(served["logstash"].violations)) == (["a"], 2)


def test_sumo_refuses_what_it_would_slice_or_stamp_anew(served, post):
    url = served.settings["sumo"]["url"]

    def line(**other: Any) -> bytes:
        return json.dumps({"timestamp": iso(NOW), "event_id": "a", **other}).encode()

    assert (post(url, line() + b"\n" + line()).status_code, post(url, line()).content) == (200, b"")
    for body in (
        line(text="x" * 65_536),
        line(timestamp=iso(when(days=366))),
        line(timestamp=iso(when(days=-3))),
        json.dumps({"event_id": "a", "timestamp": iso(NOW)}).encode(),
        b"no json",
        b"",
    ):
        assert post(url, body).status_code == 400
    assert post(url[:-1], line()).status_code == 401
    assert (served["sumo"].ids(), len(served["sumo"].violations)) == (["a"] * 3, 6)


def test_webhook_takes_an_object_an_array_or_lines(served, post):
    given = served.settings["webhook"]
    token = {"x_hook_token": given["token"]}
    one = {"event_id": "a", "event_time": iso(NOW)}
    line = json.dumps(one).encode()
    assert post(given["url"], one, content_type="application/json", **token).status_code == 202
    assert post(given["url"], [one, one], content_type="application/json", **token).json() == {"accepted": 2}
    assert post(given["url"], line + b"\n" + line, content_type="application/x-ndjson", **token).status_code == 202
    assert post(given["url"], one, content_type="application/json").status_code == 401
    assert post(given["url"] + "x", one, content_type="application/json", **token).status_code == 404
    assert post(given["url"], one, content_type="text/plain", **token).status_code == 415
    assert served["webhook"].ids() == ["a"] * 5


def test_cribl_wants_a_bare_token_and_seconds(served, post):
    token = served.settings["cribl"]["token"]
    line = {"_time": NOW.timestamp(), "_raw": "{}", "event_id": "a"}
    assert post("/cribl/cribl/_bulk", line, authorization=token).json() == {"items": 1}
    assert post("/cribl/cribl/_bulk", line, authorization=f"Bearer {token}").status_code == 403
    assert post("/cribl/cribl/_bulk", line).status_code == 401
    for change in ({"_time": NOW.timestamp() * 1000}, {"_raw": {}}, {"_time": "now"}):
        assert post("/cribl/cribl/_bulk", {**line, **change}, authorization=token).status_code == 400
    assert (served["cribl"].ids(), len(served["cribl"].violations)) == (["a"], 3)


# Faults and the windows into an intake


def test_faults_answer_break_or_hang_as_they_say(served, post):
    intake = served["splunk"]
    for kind, settings, status in (
        ("retry_after", {"seconds": 7}, 429),
        ("error", {"status": 503}, 503),
        ("gateway", {}, 502),
        ("too_large", {}, 413),
        ("unauthorized", {}, 401),
        ("forbidden", {}, 403),
        ("redirect", {}, 301),
    ):
        intake.faults.on(kind, next=1, **settings)
        answer = hec(post, {"event": 1})
        assert answer.status_code == status, kind
        assert kind != "retry_after" or answer.headers["retry-after"] == "7"
    assert intake.stored == []
    for kind, kept in (("cut", 0), ("cut_before_reply", 1)):
        intake.faults.on(kind, next=1)
        with pytest.raises(httpx.RemoteProtocolError):
            hec(post, {"event": 1})
        assert len(intake.stored) == kept
    intake.faults.on("malformed_reply", next=1)
    with pytest.raises(ValueError, match="Unterminated"):
        hec(post, {"event": 1}).json()
    intake.faults.on("slow", next=1, seconds=0.2)
    started = time.monotonic()
    assert hec(post, {"event": 1}).status_code == 200
    assert time.monotonic() - started > 0.2
    intake.faults.on("bad_event", id="poison")
    assert hec(post, b'{"event":1}{"event":{"id":"poison"}}').json()["invalid-event-number"] == 1
    assert [one["status"] for one in intake.requests][-5:] == [0, 0, 200, 200, 400]


def test_what_an_intake_holds_is_read_back_over_http(served, post):
    hec(post, {"event": {"id": "a"}, "time": 1795395723})
    client = httpx.Client(base_url=served.url)
    (event,) = client.get("/_intakes/splunk/events").json()["events"]
    assert (event["id"], event["time"], event["event"]["event"]) == (
        "a",
        "2026-11-23T01:02:03.000000Z",
        {"id": "a"},
    )
    assert "event" not in client.get("/_intakes/splunk/events?bodies=no").json()["events"][0]
    assert client.post("/_intakes/splunk/faults", json={"kind": "error", "next": 1}).json()["on"]
    assert client.post("/_intakes/splunk/faults", json={"kind": "nothing"}).status_code == 400
    assert hec(post, {"event": 1}).status_code == 500
    assert client.get("/_intakes/splunk/requests").json()["requests"][-1]["fault"] == "error"
    client.delete("/_intakes/splunk")
    assert client.get("/_intakes/splunk/events").json() == {"count": 0, "events": []}
    assert set(client.get("/_intakes").json()) == set(INTAKES)
    assert client.get("/_intakes/nobody/events").status_code == 404


def test_bodies_need_not_be_kept():
    with serve_intakes("splunk", bodies=False) as alone, httpx.Client() as client:
        headers = {"authorization": f"Splunk {PLAIN}"}
        client.post(alone.url + "/services/collector", content=b'{"event":{"id":"a"}}', headers=headers)
        assert [(one.id, one.event) for one in alone["splunk"].stored] == [("a", None)]


def test_intakes_are_served_by_command():
    command = [
        sys.executable,
        "-m",
        "sandbox",
        "intakes",
        "--only",
        "sumo",
        "--faults",
        "sumo/error:next=1:status=504",
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        url = ready["intakes"]["sumo"]["url"]
        line = json.dumps({"timestamp": iso(NOW)}).encode()
        assert [httpx.post(url, content=line).status_code for _ in range(2)] == [504, 200]
        assert httpx.get(ready["url"] + "/_intakes/sumo/events").json()["count"] == 1
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=10)
    assert process.returncode == 0


@pytest.mark.parametrize("faults", ["error", "nobody/error", "splunk/nothing", "splunk/error:next=x"])
def test_a_fault_that_nobody_can_carry_out_is_refused(faults, capsys):
    assert main(["intakes", "--faults", faults]) == 2
    assert capsys.readouterr().err.startswith("sandbox: ")
