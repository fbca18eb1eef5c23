"""Answers and files without end, and bombs: refused after a bounded number of bytes, in words."""

import io
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import zstandard

from warehouse.anthropic import http
from warehouse.anthropic.errors import Unavailable
from warehouse.anthropic.patience import Patience
from warehouse.anthropic.surfaces import COMPLIANCE
from warehouse.archive import timestamp
from warehouse.config.values import check_url
from warehouse.telemetry.errors import TooLarge
from warehouse.telemetry.unpacking import requests
from warehouse.wire.hosts import is_loopback


@contextmanager
def endless() -> Iterator[tuple[str, list[int]]]:
    """A server whose answers do not end until the asker hangs up; counts the bytes that it could send."""
    sent: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.end_headers()
            sent.append(0)
            try:
                while sent[-1] < 1 << 30:
                    self.wfile.write(b" " * 65_536)
                    sent[-1] += 65_536
            except OSError:
                pass

        do_POST = do_GET

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", sent
    finally:
        server.shutdown()
        server.server_close()


def test_a_page_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "LARGEST_BODY", 1 << 20)
    with (
        endless() as (url, sent),
        http.Client(
            COMPLIANCE, base_url=url, key=lambda: "sk-ant-made-up", writer="w", patience=Patience(tries=1)
        ) as client,
        pytest.raises(Unavailable, match="no page has more than 1 MB"),
    ):
        client.get("/v1/compliance/activities", read=lambda response: response)
    assert sent[0] < 64 << 20


def test_a_timestamp_without_end_is_given_up() -> None:
    pytest.importorskip("rfc3161_client")
    with endless() as (url, sent), pytest.raises(timestamp.TimestampUnusable, match="more than"):
        timestamp.ask(url, b"data", [])
    assert sent[0] < 64 << 20


def test_a_bomb_of_telemetry_is_refused_before_it_goes_off() -> None:
    """A GB of empty lines in a file of about a hundred kilobytes."""
    packer = zstandard.ZstdCompressor(level=1).compressobj()
    line, blank = b'{"resourceLogs":[]}\n', b"\n" * (1 << 20)
    bomb = io.BytesIO(
        packer.compress(line) + b"".join(packer.compress(blank) for _ in range(1_000)) + packer.flush()
    )
    assert len(bomb.getvalue()) < 200_000
    began = time.monotonic()
    with pytest.raises(TooLarge, match="more than 200 times its size"):
        for _ in requests(bomb, "logs/bomb.json.zst"):
            pass
    assert time.monotonic() - began < 60


def test_telemetry_that_packs_well_is_read() -> None:
    lines = "".join(f'{{"resourceLogs":[],"n":{n % 7}}}\n' for n in range(400_000)).encode()
    packed = zstandard.ZstdCompressor().compress(lines)
    assert len(list(requests(io.BytesIO(packed), "logs/x.json.zst"))) == 400_000


@pytest.mark.parametrize(
    "host", ["x.localhost", "localhost.example.com", "127.0.0.1.example.com", "0.0.0.0", "::", ""]
)
def test_a_name_that_could_be_another_machine_is_not_this_one(host: str) -> None:
    assert not is_loopback(host)
    if host and ":" not in host:
        with pytest.raises(ValueError, match="plain http to another machine"):
            check_url(f"http://{host}:8080")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_what_is_this_machine_is_never_asked_through_a_proxy(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Plain http is allowed to this machine only; through a proxy it would leave it, with the credential."""
    from warehouse.delivery.over_http import HttpTransport

    assert is_loopback(host)
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://198.51.100.9:3128")
    shown = f"[{host}]" if ":" in host else host
    transport = HttpTransport("soc", f"http://{shown}:1", headers={"Authorization": "Splunk made-up"})
    assert transport._client._mounts == {}
    transport.close()


def test_a_pattern_of_a_rule_that_would_take_years_elsewhere_takes_no_time() -> None:
    """Patterns of rules and slices run in the engine, whose matcher is linear; Python's would not end."""
    import duckdb

    began = time.monotonic()
    found = duckdb.sql(f"select regexp_matches('{'a' * 5_000}!', '^(a+)+$'), now()").fetchone()
    assert found is not None
    assert not found[0]
    assert time.monotonic() - began < 10
    assert found[1] <= datetime.now(UTC)
