"""The embedded receiver of OTLP over HTTP: what a collector does, for a trial on one machine.

Promise: content is out before anything is written; a request is acknowledged when its lines are on the disk, and
not before; what is too large, damaged or of another kind is refused in words that repeat nothing of it.
"""

import asyncio
import hmac
import zlib
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from warehouse.telemetry.errors import NotTelemetry
from warehouse.telemetry.inbox import Inbox
from warehouse.telemetry.model import Message, Signal
from warehouse.telemetry.otlp_answers import MEDIA_TYPES, Encoding, accepted, refused
from warehouse.telemetry.reading import Reader
from warehouse.telemetry.unpacking import Encoded
from warehouse.telemetry.writing import write_line

MAX_BODY: Final = 16 << 20  # bytes as sent; a client's batch has some 100 kB
MAX_UNPACKED: Final = 64 << 20
BODIES_AT_ONCE: Final = 16  # so that no number of senders fills the memory; the others wait before they are read
BODY_SECONDS: Final = 30.0  # for one body to arrive: whoever dawdles holds up others
_SIGNALS: Final[tuple[Signal, ...]] = ("metrics", "logs")
_TYPES: Final[dict[str, Encoding]] = {media: encoding for encoding, media in MEDIA_TYPES.items()}
_INVALID, _EXHAUSTED, _UNAVAILABLE, _UNAUTHENTICATED = 3, 8, 14, 16
_RETRY_SECONDS = "5"
_SHORT = 64  # bytes: what is longer carries something


class Refused(Exception):
    """A request that is answered with an error: HTTP status, code of gRPC, and why."""

    def __init__(self, status: int, code: int, why: str) -> None:
        super().__init__(why)
        self.status, self.code = status, code


@dataclass
class Taken:
    """What a receiver took since it began. `removed` counts attributes by name, `refused` requests by HTTP
    status."""

    requests: int = 0
    points: int = 0
    events: int = 0
    files: int = 0
    rejected: int = 0
    removed: Counter[str] = field(default_factory=Counter)
    refused: Counter[int] = field(default_factory=Counter)


class Receiver:
    """Takes requests and puts them into an inbox, those of `gather_seconds` in one file for each signal.

    `token`: what `Authorization: Bearer` must say, or empty where anybody on this machine may send.
    """

    def __init__(
        self, inbox: Inbox, *, reader: Reader | None = None, token: str = "", gather_seconds: float = 0.5
    ) -> None:
        self.inbox = inbox
        self.taken = Taken()
        self._reader = reader or Reader()
        self._token = token
        self._seconds = gather_seconds
        self._bodies = asyncio.Semaphore(BODIES_AT_ONCE)
        self._waiting: dict[Signal, list[bytes]] = {signal: [] for signal in _SIGNALS}
        self._written: asyncio.Future[None] | None = None

    def app(self) -> Starlette:
        """The application that a server runs."""

        @asynccontextmanager
        async def life(_: Starlette) -> AsyncIterator[None]:
            self.inbox.folder.mkdir(parents=True, exist_ok=True)
            self.inbox.sweep()
            yield

        routes = [
            Route("/v1/metrics", self._metrics, methods=["POST"]),
            Route("/v1/logs", self._logs, methods=["POST"]),
            Route("/v1/traces", self._traces, methods=["POST"]),
        ]
        return Starlette(routes=routes, lifespan=life)

    async def _metrics(self, request: Request) -> Response:
        return await self._take(request, "metrics")

    async def _logs(self, request: Request) -> Response:
        return await self._take(request, "logs")

    async def _traces(self, request: Request) -> Response:
        encoding = _TYPES.get(_media_type(request), "json")
        self.taken.refused[404] += 1
        return _answer(
            404, encoding, refused(encoding, _INVALID, "traces are not taken: OTEL_TRACES_EXPORTER=none")
        )

    async def _take(self, request: Request, signal: Signal) -> Response:
        encoding = _TYPES.get(_media_type(request))
        try:
            self._check_sender(request)
            if encoding is None:
                raise Refused(415, _INVALID, f"Content-Type is one of {', '.join(_TYPES)}")
            async with self._bodies:
                data = _unpacked(await _body(request), request.headers.get("content-encoding", "identity"))
                messages = self._read(Encoded(encoding, data, f"a request to /v1/{signal}"), signal)
            rejected = await self._keep(signal, messages)
        except Refused as error:
            self.taken.refused[error.status] += 1
            encoding = encoding or "json"
            return _answer(error.status, encoding, refused(encoding, error.code, str(error)))
        why = "only monotonic sums of Claude Code are kept of metrics" if rejected else ""
        return _answer(200, encoding, accepted(encoding, signal, rejected, why))

    def _check_sender(self, request: Request) -> None:
        said = request.headers.get("authorization", "")
        if self._token and not hmac.compare_digest(said.encode(), f"Bearer {self._token}".encode()):
            raise Refused(401, _UNAUTHENTICATED, "Authorization: Bearer with this receiver's token is missing")

    def _read(self, encoded: Encoded, signal: Signal) -> list[Message]:
        if (
            encoded.encoding == "json"
            and len(encoded.data) <= _SHORT
            and encoded.data.translate(None, b" \t\r\n") == b"{}"
        ):
            return []  # what carries nothing names no signal; OTLP/HTTP wants it answered with success
        try:
            messages = self._reader.decode(encoded, signal)
        except NotTelemetry as error:
            raise Refused(400, _INVALID, str(error)) from None
        if any(message.signal != signal for message in messages):
            raise Refused(400, _INVALID, f"the request holds another signal than {signal}")
        return messages

    async def _keep(self, signal: Signal, messages: list[Message]) -> int:
        """Wait until the messages are on the disk; how many points of them are of no use."""
        lines = [write_line(message) for message in messages if message.groups]
        if lines:
            self._waiting[signal] += lines
            if self._written is None:
                self._written = asyncio.get_running_loop().create_future()
                asyncio.get_running_loop().call_later(self._seconds, self._write)
            try:
                await asyncio.shield(self._written)
            except OSError as error:
                why = f"it cannot be written ({error.strerror}); send it again"
                raise Refused(503, _UNAVAILABLE, why) from None
        return self._count(messages)

    def _write(self) -> None:
        """Write what waits, and wake those who wait for it. A file has some 100 kB: no thread is worth its
        price."""
        done, self._written = self._written, None
        waiting, self._waiting = self._waiting, {signal: [] for signal in _SIGNALS}
        try:
            for signal, lines in waiting.items():
                if lines:
                    self.inbox.put(signal, lines)
                    self.taken.files += 1
        except OSError as error:
            if done is not None:
                done.set_exception(error)
                done.exception()  # looked at: nobody may be waiting any more
        else:
            if done is not None:
                done.set_result(None)

    def _count(self, messages: list[Message]) -> int:
        rejected = 0
        self.taken.requests += 1
        for message in messages:
            self.taken.removed += message.removed
            self.taken.events += message.events
            for group in message.groups:
                for metric in group.metrics:
                    self.taken.points += len(metric.points)
                    rejected += len(metric.points) if metric.kind != "sum" or not metric.monotonic else 0
        self.taken.rejected += rejected
        return rejected


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def _body(request: Request) -> bytes:
    """The body, chunked or not. Raises Refused as soon as it is too large, and for one that does not come."""
    parts, size = [], 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for part in request.stream():
                size += len(part)
                if size > MAX_BODY:
                    raise Refused(413, _EXHAUSTED, f"a request has at most {MAX_BODY >> 20} MB")
                parts.append(part)
    except ClientDisconnect:
        raise Refused(400, _INVALID, "the request ended early") from None
    except TimeoutError:
        raise Refused(503, _UNAVAILABLE, f"the request did not arrive within {BODY_SECONDS:.0f} s") from None
    return b"".join(parts)


def _unpacked(body: bytes, encoding: str) -> bytes:
    """The body without its compression, bounded. Raises Refused."""
    if encoding.strip().lower() in ("", "identity"):
        return body
    if encoding.strip().lower() not in ("gzip", "deflate"):
        raise Refused(415, _INVALID, "Content-Encoding is gzip, deflate or none")
    inflate = zlib.decompressobj(47)  # gzip or zlib, told by its head
    try:
        data = inflate.decompress(body, MAX_UNPACKED)
    except zlib.error:
        raise Refused(400, _INVALID, "the body does not decompress") from None
    if inflate.unconsumed_tail:
        raise Refused(413, _EXHAUSTED, f"a request has at most {MAX_UNPACKED >> 20} MB unpacked")
    if not inflate.eof:
        raise Refused(400, _INVALID, "the compressed body ends early")
    return data


def _answer(status: int, encoding: Encoding, body: bytes) -> Response:
    headers = {"retry-after": _RETRY_SECONDS} if status == 503 else {}
    return Response(body, status, headers, media_type=MEDIA_TYPES[encoding])
