"""Our `otlp` and `syslog` destinations into the OpenTelemetry Collector, and `otlp` into VictoriaLogs.

The collector is built from its modules with two receivers; what it took it exports as OTLP to a reader of this
test, which decodes it with OpenTelemetry's own package. Its `splunk_hec` receiver cannot be built here: modules
that it needs are not to be had at any one release (VictoriaLogs stands in for it).
"""

import gzip
import json
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from tests.real import go_program
from tests.real.test_victoria_logs import server as victoria_logs  # noqa: F401 - a fixture
from tests.warehouse.delivery.destinations.alerts import alert
from tests.warehouse.delivery.destinations.certificates import Certificates, make
from tests.warehouse.delivery.destinations.wire import events, kinds, of_every_type, send, settings_of
from warehouse.delivery import destinations

pytestmark = pytest.mark.real

_ARRIVED_SECONDS = 20
CONFIG = """
receivers:
  otlp: {{protocols: {{http: {{endpoint: "127.0.0.1:{otlp}"}}}}}}
  syslog/octet:
    tcp: {{listen_address: "127.0.0.1:{octet}"}}
    protocol: rfc5424
    enable_octet_counting: true
  syslog/newline:
    tcp: {{listen_address: "127.0.0.1:{newline}"}}
    protocol: rfc5424
  syslog/tls:
    tcp:
      listen_address: "127.0.0.1:{tls}"
      tls: {{cert_file: "{certificate}", key_file: "{key}"}}
    protocol: rfc5424
    enable_octet_counting: true
exporters:
  otlp_http: {{endpoint: "{reader}", compression: gzip}}
service:
  telemetry: {{metrics: {{level: none}}}}
  pipelines:
    logs: {{receivers: [otlp, syslog/octet, syslog/newline, syslog/tls], exporters: [otlp_http]}}
"""


@dataclass
class Collector:
    """A running collector: its ports, and the records that came out of it."""

    ports: dict[str, int]
    certificates: Certificates
    records: list[Any] = field(default_factory=list)

    def out(self, count: int) -> list[Any]:
        """What came out since the last call, once it is as many as it should be or the time is up."""
        end = time.monotonic() + _ARRIVED_SECONDS
        while len(self.records) < count and time.monotonic() < end:
            time.sleep(0.05)
        found, self.records[:] = list(self.records), []
        return found


@pytest.fixture(scope="module")
def collector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collector]:
    program, folder = go_program.built_here("collector"), tmp_path_factory.mktemp("collector")
    ports = {name: go_program.free_port() for name in ("otlp", "octet", "newline", "tls")}
    running = Collector(ports, make(folder))
    with reader(running.records) as address:
        config, log = folder / "collector.yaml", folder / "log"
        files = {"certificate": running.certificates.server, "key": running.certificates.server_key}
        config.write_text(CONFIG.format(reader=address, **ports, **files))
        with Path(log).open("wb") as out:
            process = subprocess.Popen([program, "--config", str(config)], stdout=out, stderr=subprocess.STDOUT)
        try:
            for port in ports.values():
                go_program.wait_for(port, process, log)
            yield running
        finally:
            go_program.stop(process)


class reader:
    """An OTLP receiver that keeps the records of each request; used as a context manager, gives its address."""

    def __init__(self, records: list[Any]) -> None:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                for resource in ExportLogsServiceRequest.FromString(body).resource_logs:
                    for scope in resource.scope_logs:
                        records.extend(scope.log_records)
                self.send_response(200)
                self.send_header("content-type", "application/x-protobuf")
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    def __enter__(self) -> str:
        Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def attributes(record: Any) -> dict[str, str]:
    return {pair.key: pair.value.string_value for pair in record.attributes}


@pytest.mark.parametrize("encoding", ["protobuf", "json"])
def test_the_collector_takes_every_record_and_hands_it_on_as_it_was(collector: Collector, encoding: str) -> None:
    some = [*of_every_type(), alert(events(2))]
    url = f"http://127.0.0.1:{collector.ports['otlp']}"
    settings = settings_of("otlp", url=url, encoding=encoding)
    assert destinations.load("otlp").probe(settings).kind == "delivered"  # a request without a record
    outcomes = send("otlp", settings, some)
    assert kinds(outcomes) == {"delivered"}
    out = {attributes(record)["event.id"]: record for record in collector.out(len(some))}
    assert set(out) == {getattr(one, "event_id", "alert_0001") for one in some}
    for one in some[:-1]:
        record = out[one.event_id]
        assert record.body.string_value.encode() == bytes(one.raw)
        assert record.time_unix_nano == one.stamp_us * 1000
        assert attributes(record)["event.time"] == one.event_time


@pytest.mark.parametrize("way", ["octet", "newline", "tls"])
def test_the_collector_reads_each_syslog_message_as_rfc_5424(collector: Collector, way: str) -> None:
    some = [*of_every_type(), *events(1, id="strange", user_agent='"]\\ \n\x85 日本')]
    values: dict[str, Any] = {"framing": "newline" if way == "newline" else "octet"}
    if way == "tls":
        values |= {"tls": True, "ca_file": str(collector.certificates.authority)}
    settings = settings_of("syslog", host="127.0.0.1", port=collector.ports[way], **values)
    assert kinds(send("syslog", settings, some)) == {"delivered"}
    out = collector.out(len(some))
    ids = []
    for record in out:
        (structured,) = [pair.value for pair in record.attributes if pair.key == "structured_data"]
        (element,) = structured.kvlist_value.values
        inner = {pair.key: pair.value.string_value for pair in element.value.kvlist_value.values}
        assert (element.key, attributes(record)["appname"]) == ("anthropic@32473", "ledgerline")
        message = json.loads(attributes(record)["message"])
        assert message["event_id"] == inner["eventId"]
        ids.append(inner["eventId"])
    assert sorted(ids) == sorted(one.event_id for one in some)


def test_victoria_logs_shows_every_record(victoria_logs: str) -> None:  # noqa: F811
    some = of_every_type()
    url = f"{victoria_logs}/insert/opentelemetry/v1/logs"
    settings = settings_of("otlp", url=url, service="otlp-test")
    assert destinations.load("otlp").probe(settings).kind == "delivered"
    assert kinds(send("otlp", settings, some)) == {"delivered"}
    end, shown = time.monotonic() + _ARRIVED_SECONDS, set()
    while time.monotonic() < end and len(shown) < len(some):
        query = {"query": '"service.name":"otlp-test"', "limit": 10_000}
        answer = httpx.get(f"{victoria_logs}/select/logsql/query", params=query, timeout=30)
        shown = {json.loads(line)["event.id"] for line in answer.text.splitlines()}
        time.sleep(0.2)
    assert shown == {one.event_id for one in some}
