"""What every intake has: what it stored, what it refused, its faults, and how a request becomes an answer.

Promise: an intake stores what the real receiver would keep. What the real one would silently lose, cut or rewrite
is refused, and written down as a violation.
"""

from __future__ import annotations

import gzip
import zlib
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Lock
from typing import Any, ClassVar

import msgspec
import zstandard

from sandbox.clock import Clock
from sandbox.intakes.faults import FAULTS, IntakeFault, IntakeFaults

_REMEMBERED = 10_000


@dataclass(slots=True)
class Asked:
    """One request. `headers`: names in lower case. `sent`: the body as it came. `path`: below the intake's own."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    sent: bytes


@dataclass(slots=True)
class Reply:
    """One answer; `cut`: the connection is closed instead."""

    status: int = 200
    body: bytes = b""
    media: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False


class Refuse(Exception):
    """Ends the handling of a request with an answer."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


@dataclass(slots=True)
class Stored:
    """One event as kept. time: what it is filed under, ISO 8601 UTC; place: index, data stream or path."""

    id: str | None
    time: str | None
    place: str
    received_at: str
    event: Any


def as_json(document: Any, status: int = 200) -> Reply:
    return Reply(status, msgspec.json.encode(document))


class Intake:
    """One receiver. A subclass gives `name`, `settings`, `take`, and its words for each refusal."""

    name: ClassVar[str]
    faults_of_its_own: ClassVar[dict[str, str]] = {}
    encodings: ClassVar[tuple[str, ...]] = ("gzip",)
    largest: int = 100_000_000

    def __init__(self, *, clock: Clock | None = None, seed: int = 7, bodies: bool = True) -> None:
        """bodies: whether events are kept, or only their ids and times (for millions of them)."""
        self.clock = clock or Clock.parse("real")
        self.faults = IntakeFaults(f"{seed}/{self.name}", FAULTS | self.faults_of_its_own)
        self.stored: list[Stored] = []
        self.violations: list[str] = []
        self._bodies = bodies
        self._at = ""
        self.requests: deque[dict[str, Any]] = deque(maxlen=_REMEMBERED)
        self._lock = Lock()

    # What a subclass says

    def settings(self, url: str) -> dict[str, Any]:
        """What a sender must know: the address under `url` and the credential, which is plainly a made-up one."""
        raise NotImplementedError

    def take(self, asked: Asked) -> Reply:
        """Answer a request. Stores through `keep`."""
        raise NotImplementedError

    def refusal(self, status: int, reason: str) -> Reply:
        """A refusal in this receiver's own words."""
        return as_json({"error": reason}, status)

    def too_large(self) -> Reply:
        return self.refusal(413, "Payload too large")

    def bad_event(self, fault: IntakeFault, ids: list[str | None]) -> int | None:
        """The number of the event that a `bad_event` fault is about, if it is in this request."""
        if fault.id is None:
            number = fault.number or 0
            return number if number < len(ids) else None
        if fault.id not in ids:
            return None
        self.faults.spend(fault)
        return ids.index(fault.id)

    # What every intake does

    def handle(self, asked: Asked) -> Reply:
        """The answer with the faults in it; the caller has waited for `slow` already."""
        with self._lock:
            self._at = self.now()
            before = self.faults.draw("cut", "retry_after", "error", "gateway", "too_large", "unauthorized",
                                      "forbidden", "redirect")  # fmt: skip
            reply = self._faulty(before) if before else self._taken(asked)
            if not before and reply.status < 300:
                after = self.faults.draw("cut_before_reply", "malformed_reply")
                if after:
                    cut = after.kind == "cut_before_reply"
                    status = 200 if reply.status == 204 else reply.status  # which has no body
                    reply = Reply(status, b'{"took": 3, "err', cut=cut)
            self.requests.append(
                {
                    "at": self._at,
                    "method": asked.method,
                    "path": asked.path,
                    "bytes": len(asked.sent),
                    "status": 0 if reply.cut else reply.status,
                    "fault": before.kind if before else None,
                }
            )
            self._at = ""
            return reply

    def _taken(self, asked: Asked) -> Reply:
        try:
            return self.take(asked)
        except Refuse as refused:
            return refused.reply

    def _faulty(self, fault: IntakeFault) -> Reply:
        if fault.kind == "cut":
            return Reply(cut=True)
        if fault.kind == "too_large":
            return self.too_large()
        if fault.kind == "redirect":
            return Reply(301, headers={"Location": "https://elsewhere.example.com/"})
        if fault.kind == "gateway":
            status = fault.status or 502
            return Reply(status, b"<html><body><h1>Bad Gateway</h1></body></html>", "text/html")
        reasons = {
            "retry_after": (429, "Too many requests"),
            "error": (fault.status or 500, "Internal server error"),
            "unauthorized": (401, "Unauthorized"),
            "forbidden": (403, "Forbidden"),
        }
        reply = self.refusal(*reasons[fault.kind])
        if fault.kind == "retry_after":
            reply.headers["Retry-After"] = f"{fault.seconds if fault.seconds is not None else 1:g}"
        return reply

    def body_of(self, asked: Asked) -> bytes:
        """The body, decompressed. Refuses an encoding that the receiver does not take, and what is too large."""
        encoding = asked.headers.get("content-encoding", "identity").lower()
        body = asked.sent
        if encoding != "identity":
            if encoding not in self.encodings:
                raise Refuse(self.refusal(415, f"Unsupported content encoding {encoding}"))
            try:
                body = _decompressed(encoding, body)
            except (OSError, EOFError, zlib.error, zstandard.ZstdError) as problem:
                raise Refuse(self.refusal(400, f"Body is not {encoding}: {problem}")) from None
        if len(body) > self.largest:
            raise Refuse(self.too_large())
        return body

    def violation(self, what: str, status: int = 400) -> Refuse:
        """Write down what a real receiver would lose without a word, and refuse it aloud."""
        self.violations.append(what)
        return Refuse(self.refusal(status, f"sandbox: {what}"))

    def keep(self, id: str | None, time: str | None, place: str, event: Any) -> None:
        self.stored.append(Stored(id, time, place, self._at or self.now(), event if self._bodies else None))

    def now(self) -> str:
        return self.clock.now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def age_in_days(self, moment: datetime) -> float:
        """How old a moment is on the intake's clock; negative where it lies ahead."""
        return (self.clock.now() - moment).total_seconds() / 86_400

    def ids(self) -> list[str | None]:
        return [one.id for one in self.stored]

    def clear(self) -> None:
        """Forget what was stored, refused and asked; faults stay."""
        with self._lock:
            self.stored.clear()
            self.violations.clear()
            self.requests.clear()


def event_id(event: Any) -> str | None:
    """The id that a sender put where people search for it: `event_id`, or `event.id`, or `id`."""
    if not isinstance(event, dict):
        return None
    inner = event.get("event")
    for found in (event.get("event_id"), inner.get("id") if isinstance(inner, dict) else None, event.get("id")):
        if isinstance(found, str):
            return found
    return None


def moment(text: Any) -> datetime | None:
    """An ISO 8601 time with a zone; None for anything else."""
    if not isinstance(text, str):
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else None


def _decompressed(encoding: str, body: bytes) -> bytes:
    if encoding == "gzip":
        return gzip.decompress(body)
    if encoding == "zstd":
        return zstandard.ZstdDecompressor().decompressobj().decompress(body)
    return zlib.decompress(body)
