"""A server on loopback that answers by script, for answers no well-behaved server gives; and a clock of ours.

The walk against a tenant that behaves like the vendor's is tested on the sandbox, in `test_against_sandbox.py`.
"""

import ipaddress
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from warehouse.anthropic.activities import ActivityFeed
from warehouse.anthropic.http import Client
from warehouse.anthropic.patience import Timeouts
from warehouse.anthropic.surfaces import COMPLIANCE, Surface
from warehouse.wire.windows import Window

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
WINDOW = Window(NOW - timedelta(hours=2), NOW - timedelta(minutes=2))
KEY = "sk-ant-api01-" + "s3cr3t" * 6


class Time:
    """A clock that moves only by sleeping; `sleeps` are the waits in order."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now
        self.sleeps: list[float] = []
        self.monotonic_now = 1000.0

    def clock(self) -> datetime:
        return self.now

    def monotonic(self) -> float:
        return self.monotonic_now

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.pass_by(seconds)

    def pass_by(self, seconds: float) -> None:
        self.monotonic_now += seconds
        self.now += timedelta(seconds=seconds)


@dataclass
class Given:
    """One scripted answer. `cut` sends so many bytes of the body, `drip` waits so long for each byte."""

    status: int = 200
    body: Any = b""
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    delay: float = 0.0
    drip: float = 0.0
    date: datetime | None = NOW

    def bytes(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass
class Asked:
    """One request as it arrived."""

    target: str
    headers: dict[str, str]

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return {name: values[-1] for name, values in parse_qs(urlsplit(self.target).query).items()}


Responder = Callable[[Asked], Given]


@dataclass
class Server:
    """A scripted server: the script first, answer by answer, then `after` for every further request."""

    url: str
    script: list[Given | Responder]
    after: Given | Responder | None
    asked: list[Asked] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, asked: Asked) -> Given:
        with self.lock:
            self.asked.append(asked)
            chosen = self.script.pop(0) if self.script else self.after
        if chosen is None:
            return Given(501, error("api_error", "the script has ended"))
        return chosen(asked) if callable(chosen) else chosen


@contextmanager
def scripted(
    *script: Given | Responder, after: Given | Responder | None = None, tls: ssl.SSLContext | None = None
) -> Iterator[Server]:
    """Serve a script on a free loopback port."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            given = server.answer(Asked(self.path, {name.lower(): value for name, value in self.headers.items()}))
            time.sleep(given.delay)
            body = given.bytes()
            self.send_response_only(given.status)
            if given.date is not None:
                self.send_header("Date", format_datetime(given.date, usegmt=True))
            for name, value in given.headers.items():
                for one in value.split("\n"):
                    self.send_header(name, one)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if given.drip:
                for at in range(len(body)):
                    self.wfile.write(body[at : at + 1])
                    time.sleep(given.drip)
            else:
                self.wfile.write(body[: given.cut])
            if given.cut is not None:
                self.close_connection = True

        def log_message(self, format: str, *args: Any) -> None:
            pass

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, request: Any, client_address: Any) -> None:
            pass  # a client that hangs up is part of the script

    http = Quiet(("127.0.0.1", 0), Handler)
    if tls is not None:
        http.socket = tls.wrap_socket(http.socket, server_side=True)
    server = Server(f"{'https' if tls else 'http'}://127.0.0.1:{http.server_port}", list(script), after)
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.005}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()
        thread.join(5)


def error(kind: str, message: str) -> dict[str, Any]:
    """An error body in the Compliance pages' shape."""
    return {"error": {"type": kind, "message": message}}


def record(number: int) -> dict[str, Any]:
    return {"id": f"activity_{number:06}", "created_at": "2026-11-22T09:00:00Z", "type": "claude_chat_created"}


def page(
    numbers: range | list[int], has_more: bool | None = False, *, last_id: str | None = None, **given: Any
) -> Given:
    """A 200 with these records; `has_more` None leaves the member out."""
    records = [record(number) for number in numbers]
    body: dict[str, Any] = {"data": records}
    if has_more is not None:
        body["has_more"] = has_more
    body["first_id"] = records[0]["id"] if records else None
    body["last_id"] = last_id or (records[-1]["id"] if records else None)
    return Given(body=body, **{"headers": {"request-id": "req_page"}, **given})


def feed_of(count: int, *, flag_at_the_brim: bool = False) -> Responder:
    """A feed of `count` records, newest first. `flag_at_the_brim`: has_more is true on every full page, so that a
    multiple of the limit costs one more request (the vendor does not say which it does)."""

    def answer(asked: Asked) -> Given:
        limit, after = int(asked.query["limit"]), asked.query.get("after_id")
        begin = int(after.removeprefix("activity_")) + 1 if after else 0
        end = min(count, begin + limit)
        more = end < count or (flag_at_the_brim and end - begin == limit)
        return page(range(begin, end), more)

    return answer


def client_of(url: str, times: Time | None = None, surface: Surface = COMPLIANCE, **settings: Any) -> Client:
    """A client whose waits cost nothing."""
    times = times or Time()
    defaults: dict[str, Any] = {
        "base_url": url,
        "key": lambda: KEY,
        "writer": "test-writer",
        "clock": times.clock,
        "sleep": times.sleep,
        "monotonic": times.monotonic,
        "timeouts": Timeouts(connect=2, read=0.4, whole=300),
    }
    return Client(surface, **{**defaults, **settings})


def feed(url: str, times: Time | None = None, page_limit: int = 5000, **settings: Any) -> ActivityFeed:
    return ActivityFeed(client_of(url, times, **settings), page_limit)


def self_signed(folder: Path) -> ssl.SSLContext:
    """TLS for a server on 127.0.0.1 with a certificate nobody signed (`certificate.pem` in the folder)."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .sign(key, hashes.SHA256())
    )
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
    return context
