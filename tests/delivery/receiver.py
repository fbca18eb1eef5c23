"""A receiver of events over real HTTP, and the smallest destination that speaks to it.

`Receiver.answer` decides what each request gets; what was stored is told by the receiver, never by the sender.
"""

import gzip
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import msgspec

from warehouse.delivery.compression import gzipped
from warehouse.delivery.mappings.alert import CanonicalAlert, to_canonical_alert
from warehouse.delivery.mappings.canonical import restamped, to_canonical
from warehouse.delivery.over_http import HttpTransport
from warehouse.delivery.port import Limits, Outcome, Refused, Request, Response, all_of
from warehouse.wire.times import parse_rfc3339

Answer = tuple[int, dict[str, str], bytes] | None  # None: the connection is closed without an answer


@dataclass
class Receiver:
    """What arrived. `stored`: documents of requests that were answered with 2xx, in order of arrival."""

    url: str = ""
    requests: list[bytes] = field(default_factory=list)
    stored: list[dict[str, Any]] = field(default_factory=list)
    answer: Callable[[int, list[dict[str, Any]]], Answer] = lambda _number, _documents: (200, {}, b"")
    lock: threading.Lock = field(default_factory=threading.Lock)

    def ids(self) -> list[str]:
        """Ids of stored events, without checkpoints, in order of arrival."""
        return [one["event_id"] for one in self.stored if one["type"] != "ledgerline_checkpoint"]

    def checkpoints(self) -> list[dict[str, Any]]:
        return [one for one in self.stored if one["type"] == "ledgerline_checkpoint"]


@contextmanager
def receiving(port: int = 0, receiver: Receiver | None = None) -> Iterator[Receiver]:
    """A receiver on a free port of loopback; or on a `port`, to go on as one that was there before."""
    receiver = receiver or Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            packed = self.headers.get("content-encoding") == "gzip" or body[:2] == b"\x1f\x8b"
            text = gzip.decompress(body) if packed else body
            documents = [json.loads(line) for line in text.splitlines()]
            with receiver.lock:
                receiver.requests.append(body)
                number = len(receiver.requests)
            answer = receiver.answer(number, documents)
            if answer is None:
                with receiver.lock:
                    receiver.stored += documents  # accepts, and closes before it replies
                self.close_connection = True
                self.connection.close()
                return
            status, headers, text = answer
            if status == 200:
                with receiver.lock:
                    receiver.stored += documents
            if status == 207:
                verdicts = json.loads(text)
                with receiver.lock:
                    receiver.stored += [
                        one for one, verdict in zip(documents, verdicts, strict=True) if verdict == 201
                    ]
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, *_: Any) -> None:
            pass

    server = Server(("127.0.0.1", port), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def plain(
    *,
    limits: Limits | None = None,
    encode: Callable[[Any], bytes | Refused] | None = None,
    read_seconds: float = 5,
) -> Any:
    """A destination module: canonical JSON, a line each, gzip. 2xx is delivered, 207 tells item by item."""

    def encode_event(event: Any, settings: Any, restamp: str | None) -> bytes | Refused:
        if encode is not None:
            return encode(event)
        if restamp is not None:
            event = restamped(event, parse_rfc3339(restamp))
        return msgspec.json.encode({"stamp": event.stamp} | to_canonical(event))

    def pack(frames: Sequence[bytes], settings: Any) -> Request:
        body = b"\n".join(frames)
        return Request(body=gzipped(body), raw=len(body), count=len(frames))

    def classify(response: Response, count: int) -> list[Outcome]:
        status = response.status
        after = response.headers.get("retry-after")
        if status == 200:
            return all_of(count, Outcome(kind="delivered", ack=f"ok {status}"))
        if status == 207:
            kinds = {201: "delivered", 429: "retry", 400: "dead"}
            return [Outcome(kind=kinds[one], reason=f"item {one}") for one in json.loads(response.body)]  # type: ignore[arg-type]
        if status in (401, 403):
            return all_of(count, Outcome(kind="halt", reason=f"answered {status}: the token is refused"))
        if status == 413:
            return all_of(count, Outcome(kind="split", reason="answered 413"))
        if status == 400:
            return all_of(count, Outcome(kind="split", reason="answered 400"))
        return all_of(count, Outcome(kind="retry", after=float(after) if after else None))

    return SimpleNamespace(
        Settings=None,
        LIMITS=limits or Limits(events=50, raw=1_000_000, separator=1, concurrency=3),
        encode=encode_event,
        pack=pack,
        classify=classify,
        connect=lambda settings: HttpTransport(settings.name, settings.url, read_seconds=read_seconds),
    )


def settings(name: str, url: str, *, slice: str = "all", **more: Any) -> Any:
    """Settings as the configuration would give them."""
    common = {"type": "plain", "late": None, "batch_events": None, "batch_bytes": None}
    return SimpleNamespace(**({"name": name, "url": url, "slice": slice} | common | more))


def alerts_module() -> Any:
    """The same for alerts: each as a document with its events."""
    module = plain()
    encode_event = module.encode

    def encode(item: Any, settings: Any, restamp: str | None) -> bytes | Refused:
        if isinstance(item, CanonicalAlert):
            return msgspec.json.encode({"type": "alert", "event_id": item.alert_id} | to_canonical_alert(item))
        return encode_event(item, settings, restamp)  # type: ignore[no-any-return]

    module.encode = encode
    return module
