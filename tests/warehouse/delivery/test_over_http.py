"""HTTP to receivers: certificates, names, closed connections, redirects, and addresses that are secrets."""

from __future__ import annotations

import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.warehouse.delivery.destinations.certificates import Certificates, make
from warehouse.delivery.errors import Halted
from warehouse.delivery.knocking import knock
from warehouse.delivery.over_http import HttpTransport
from warehouse.delivery.port import Request

ASKED = Request(body=b"{}", raw=2, count=1, headers={"Content-Type": "application/json"})


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make(tmp_path_factory.mktemp("certificates"))


@contextmanager
def serving(
    answer: Callable[[Any], None], certificate: Path | None = None, key: Path | None = None
) -> Iterator[int]:
    """A server on a free port, with TLS where there is a certificate; gives the port."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            answer(self)

        def log_message(self, *_: Any) -> None:
            pass

    class Server(HTTPServer):
        def handle_error(self, *_: Any) -> None:
            pass

    server = Server(("127.0.0.1", 0), Handler)
    if certificate is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate, key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def well(handler: Any) -> None:
    handler.send_response(200)
    handler.send_header("X-Receiver", "yes")
    handler.end_headers()
    handler.wfile.write(b"taken")


def test_a_certificate_of_an_authority_that_ca_file_names_is_trusted(certificates: Certificates) -> None:
    with serving(well, certificates.server, certificates.server_key) as port:
        url = f"https://127.0.0.1:{port}"
        response = HttpTransport("soc", url, ca_file=certificates.authority).send(ASKED)
        assert (response.status, response.body, response.headers["x-receiver"]) == (200, b"taken", "yes")
        assert knock(url, certificates.authority).kind == "delivered"


@pytest.mark.parametrize("whose", ["other_name", "stranger"])
def test_a_certificate_for_another_name_or_of_another_authority_halts(
    certificates: Certificates, whose: str
) -> None:
    with serving(well, getattr(certificates, whose), getattr(certificates, f"{whose}_key")) as port:
        url = f"https://127.0.0.1:{port}"
        with pytest.raises(Halted, match="certificate of destination soc is not trusted") as halted:
            HttpTransport("soc", url, ca_file=certificates.authority).send(ASKED)
        assert "ca_file" in halted.value.remedy
        assert knock(url, certificates.authority).kind == "halt"


def test_a_ca_file_that_cannot_be_used_halts_and_says_which(tmp_path: Path) -> None:
    with pytest.raises(Halted, match="ca_file of destination soc"):
        HttpTransport("soc", "https://127.0.0.1", ca_file=tmp_path / "missing.pem")


def test_plain_http_behind_an_https_address_is_told(certificates: Certificates) -> None:
    with serving(well) as port:
        url = f"https://127.0.0.1:{port}"
        response = HttpTransport("soc", url, ca_file=certificates.authority).send(ASKED)
        assert (response.status, response.sent) == (0, False)
        assert str(response.error).startswith("TLS failed")
        found = knock(url, certificates.authority)
        assert found.reason == "something else than TLS answers there"
        assert "port" in found.remedy


def test_a_name_that_nobody_knows_is_no_answer() -> None:
    url = "https://intake.invalid"
    assert HttpTransport("soc", url).send(ASKED).error == "no connection: the name of the host is not known"
    assert knock(url).kind == "retry"


def test_a_connection_that_is_closed_before_the_answer_or_within_it_is_no_answer() -> None:
    def within(handler: Any) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "100")
        handler.end_headers()
        handler.wfile.write(b"half")
        handler.connection.shutdown(socket.SHUT_RDWR)

    for answer in (within, lambda handler: handler.connection.shutdown(socket.SHUT_RDWR)):
        with serving(answer) as port:
            response = HttpTransport("soc", f"http://127.0.0.1:{port}").send(ASKED)
            assert (response.status, bool(response.error)) == (0, True)


def test_a_receiver_that_does_not_answer_in_time_is_no_answer() -> None:
    released = threading.Event()
    with serving(lambda _handler: released.wait(5) and None) as port:
        response = HttpTransport("soc", f"http://127.0.0.1:{port}", read_seconds=0.1).send(ASKED)
        released.set()
    assert (response.status, response.error) == (0, "no answer in time (ReadTimeout)")


@pytest.mark.parametrize(("kept", "status", "body"), [(10, 200, b"." * 10), (1_000_000, 0, b"")])
def test_an_answer_that_never_ends_is_read_no_longer_than_it_may_take(kept: int, status: int, body: bytes) -> None:
    released = threading.Event()

    def dripping(handler: Any) -> None:
        handler.send_response(200)
        handler.end_headers()
        while not released.wait(0.02):
            handler.wfile.write(b".")

    stop = threading.Timer(5, released.set)
    stop.start()
    with serving(dripping) as port:
        began = time.monotonic()
        transport = HttpTransport("soc", f"http://127.0.0.1:{port}", read_seconds=0.4, kept=kept)
        response = transport.send(ASKED)
        took = time.monotonic() - began
        released.set()
    stop.cancel()
    assert (response.status, response.body, response.sent) == (status, body, True)
    assert took < 3


def test_a_redirect_is_not_followed_and_of_a_long_answer_the_beginning_is_kept() -> None:
    def away(handler: Any) -> None:
        handler.send_response(307)
        handler.send_header("Location", "http://127.0.0.1:1/")
        handler.end_headers()
        handler.wfile.write(b"x" * 3_000_000)

    with serving(away) as port:
        response = HttpTransport("soc", f"http://127.0.0.1:{port}").send(ASKED)
    assert (response.status, len(response.body)) == (307, 1_000_000)


def test_an_address_that_is_a_secret_stands_in_no_text(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    secret = "fake-code-in-the-path"
    with serving(well) as port:
        transport = HttpTransport(
            "soc", f"http://127.0.0.1:{port}/{secret}", headers={"Authorization": "fake-token"}
        )
        told = [transport.send(ASKED)]
    told.append(transport.send(ASKED))
    assert [one.status for one in told] == [200, 0]
    assert secret not in repr(told) + repr(transport)
    logged = "".join(one.getMessage() for one in caplog.records)
    assert secret not in logged
    assert "fake-token" not in logged


@pytest.mark.parametrize("host", ["a..b", "xn--", f"{'a' * 64}.example.com"])
def test_a_host_that_cannot_exist_halts_and_no_address_stands_in_the_text(host: str) -> None:
    url = f"https://{host}/hook/fake-code"
    found = knock(url)
    assert found.reason == "no connection: the name of the host is not known"
    transport = HttpTransport("hook", url)
    try:
        with pytest.raises(Halted, match="destination hook names a host that cannot exist") as told:
            transport.send(ASKED)
    finally:
        transport.close()
    assert "fake-code" not in f"{told.value} {told.value.remedy} {found.reason}"
