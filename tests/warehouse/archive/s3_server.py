"""S3 over real HTTP for the tests: moto's server on loopback, and a meddler that stands in its way.

The meddler forwards each request to moto and lets a test change what goes in or comes out, so that the stores
we have met (one ignores If-None-Match, one ignores the lock, one loses its answers) can be met again.
"""

import atexit
import http.client
import logging
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config

from warehouse.archive.s3 import S3Store

LOCK = "x-amz-object-lock"  # how the headers begin that ask for a lock
SECRET = "never-to-be-shown-0123456789"


@cache
def moto_endpoint() -> str:
    """One moto server for the whole test process."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    atexit.register(server.stop)
    host, port = server.get_host_and_port()
    return f"http://{host}:{port}"


@cache
def client(endpoint: str = "", *, attempts: int = 1) -> Any:
    """A boto3 client that gives up at once, so that refusals are tested in milliseconds."""
    return boto3.Session().client(
        "s3",
        endpoint_url=endpoint or moto_endpoint(),
        region_name="us-east-1",
        aws_access_key_id="EXAMPLEKEY",
        aws_secret_access_key=SECRET,
        config=Config(
            connect_timeout=3,
            read_timeout=10,
            retries={"mode": "standard", "max_attempts": attempts},
            max_pool_connections=16,
            s3={"addressing_style": "path"},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )


def new_bucket(*, lock: bool = True) -> str:
    name = f"archive-{secrets.token_hex(6)}"
    client().create_bucket(Bucket=name, ObjectLockEnabledForBucket=lock)
    return name


@dataclass
class Request:
    method: str
    path: str
    headers: dict[str, str]  # names in lower case
    body: bytes


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes
    cut: bool = False  # announce the whole body, send half of it and hang up


def refusal(status: int, code: str, message: str = "no", **headers: str) -> Answer:
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()
    return Answer(status, {"content-type": "application/xml", **headers}, body)


@dataclass
class Meddler:
    """`before` may change a request or answer it itself; `after` may change an answer; None hangs up."""

    endpoint: str = ""
    before: Callable[[Request], Answer | None] = lambda request: None
    after: Callable[[Request, Answer], Answer | None] = lambda request, answer: answer
    seen: list[Request] = field(default_factory=list)

    def reset(self) -> None:
        self.before, self.after = (lambda request: None), (lambda request, answer: answer)
        self.seen.clear()


@contextmanager
def meddler() -> Iterator[Meddler]:
    moto = urlsplit(moto_endpoint())
    way = Meddler()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def forward(self) -> None:
            size = int(self.headers.get("content-length") or 0)
            headers = {name.lower(): value for name, value in self.headers.items()}
            if headers.pop("expect", None):
                pass  # http.server has said "100 Continue" already
            request = Request(self.command, self.path, headers, self.rfile.read(size))
            way.seen.append(request)
            answer: Answer | None = way.before(request)
            if answer is None:
                answer = way.after(request, self.ask(request))
            if answer is None:
                self.close_connection = True
                self.connection.shutdown(2)
                return
            self.send_response_only(answer.status)
            for name, value in answer.headers.items():
                if name not in ("content-length", "transfer-encoding", "connection"):
                    self.send_header(name, value)
            length = answer.headers.get("content-length") if self.command == "HEAD" else None
            self.send_header("content-length", length or str(len(answer.body)))
            self.end_headers()
            if answer.cut:
                self.wfile.write(answer.body[: len(answer.body) // 2])
                self.close_connection = True
                self.wfile.flush()
                self.connection.shutdown(2)
            elif self.command != "HEAD":
                self.wfile.write(answer.body)

        def ask(self, request: Request) -> Answer:
            onward = http.client.HTTPConnection(moto.hostname or "", moto.port, timeout=20)
            onward.request(request.method, request.path, request.body, request.headers)
            got = onward.getresponse()
            found = Answer(got.status, {n.lower(): v for n, v in got.getheaders()}, got.read())
            onward.close()
            return found

        do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = forward

        def handle(self) -> None:
            with suppress(OSError):
                super().handle()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    way.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield way
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def soon() -> datetime:
    return datetime.now(UTC) + timedelta(days=30)


def through(way: Meddler, bucket: str, *, lock: str = "compliance", attempts: int = 1) -> S3Store:
    """The store as seen from behind the meddler."""
    return S3Store(client(way.endpoint, attempts=attempts), bucket, "prefix", lock=lock)


def drop_lock(request: Request) -> None:
    """What a store does that knows no locks and says nothing about it."""
    for name in [name for name in request.headers if name.startswith(LOCK)]:
        del request.headers[name]
