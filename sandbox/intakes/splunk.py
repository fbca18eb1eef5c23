"""Splunk HTTP Event Collector: tokens, channels, acknowledgement, and a body of objects one behind the other.

Stricter than the real one: an unknown key, an array and an event over TRUNCATE are refused, where Splunk answers
200 and keeps half of it or nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID

import msgspec

from sandbox.intakes.intake import Asked, Intake, Refuse, Reply, as_json, event_id

CODES = {
    0: (200, "Success"),
    1: (403, "Token disabled"),
    2: (401, "Token is required"),
    3: (401, "Invalid authorization"),
    4: (403, "Invalid token"),
    5: (400, "No data"),
    6: (400, "Invalid data format"),
    7: (400, "Incorrect index"),
    8: (500, "Internal server error"),
    9: (503, "Server is busy"),
    10: (400, "Data channel is missing"),
    11: (400, "Invalid data channel"),
    12: (400, "Event field is required"),
    13: (400, "Event field cannot be blank"),
    14: (400, "ACK is disabled"),
    15: (400, "Error in handling indexed fields"),
    16: (400, "Query string authorization is not enabled"),
    17: (200, "HEC is healthy"),
    18: (503, "HEC is unhealthy, queues are full"),
    19: (503, "HEC is unhealthy, ack service unavailable"),
    20: (503, "HEC is unhealthy, queues are full, ack service unavailable"),
    21: (400, "Invalid token"),
    22: (400, "Token disabled"),
    23: (503, "Server is shutting down"),
    24: (200, "HEC queue is approaching its capacity limit"),
    25: (200, "HEC ACK is approaching its capacity limit"),
    26: (429, "HEC queue is at capacity and cannot process any more requests"),
    27: (429, "HEC ACK channel is at capacity and cannot process any more requests"),
    28: (400, "Data channel is missing. If you have multiple indexers, sticky session load balancers must be "
              "provisioned and client requests must be routed accordingly."),
}  # fmt: skip
TRUNCATE = 1_000_000
_EVENT = ("", "/event", "/event/1.0")
_HEALTH = ("/health", "/health/1.0")
_KEYS = {"time", "host", "source", "sourcetype", "index", "event", "fields"}
_DECIMAL = re.compile(r"\d{1,20}(\.\d+)?")
_STATUS_CODES = {400: 6, 401: 3, 403: 4, 429: 26, 500: 8, 503: 9}


@dataclass(frozen=True, slots=True)
class Token:
    """One row of the token table."""

    ack: bool = False
    enabled: bool = True
    indexes: tuple[str, ...] = ("main", "claude")


TOKENS = {
    "00000000-0000-4000-8000-00000000fa4e": Token(),
    "00000000-0000-4000-8000-00000000acce": Token(ack=True),
    "00000000-0000-4000-8000-0000000000ff": Token(enabled=False),
}


class _Bad(Exception):
    """An object that is refused: the code, and the number that the answer names."""

    def __init__(self, code: int, number: int, text: str = "") -> None:
        super().__init__(code)
        self.code, self.number, self.text = code, number, text


class Splunk(Intake):
    """cloud: an over-large body is answered with code 6 and number 0, as Splunk Cloud does, instead of 413."""

    name = "splunk"
    largest = 838_860_800
    faults_of_its_own: ClassVar[dict[str, str]] = {
        "code": "answers the code `code` of the table of HEC codes, with its status and text",
        "ack_late": "an acknowledgement is not there yet when it is asked for (`next` polls)",
    }

    def __init__(self, *, cloud: bool = False, **settings: Any) -> None:
        super().__init__(**settings)
        self.cloud = cloud
        if cloud:
            self.largest = 5_242_881
        self._long = False
        self._next_ack: dict[str, int] = {}
        self._indexed: dict[str, set[int]] = {}

    def settings(self, url: str) -> dict[str, Any]:
        plain, ack, _ = TOKENS
        return {"url": url, "token": plain, "ack_token": ack}

    def refusal(self, status: int, reason: str) -> Reply:
        if status == 415:
            return Reply(415, b"<html><body><h1>Unsupported Media Type</h1></body></html>", "text/html")
        if status in (404, 405):
            return as_json({"text": "The requested URL was not found on this server.", "code": 404}, status)
        code = _STATUS_CODES.get(status, 8)
        text = reason if reason.startswith("sandbox:") else CODES[code][1]
        return as_json({"text": text, "code": code}, status)

    def too_large(self) -> Reply:
        if self.cloud:
            return as_json({"text": CODES[6][1], "code": 6, "invalid-event-number": 0}, 400)
        return as_json({"text": f"The request body is larger than {self.largest} bytes", "code": 413}, 413)

    def take(self, asked: Asked) -> Reply:
        route = asked.path.removeprefix("/services/collector")
        if not asked.path.startswith("/services/collector") or route not in (*_EVENT, *_HEALTH, "/ack"):
            return self.refusal(404, "")
        if asked.method == "OPTIONS":
            return Reply(200, headers={"Allow": "GET,HEAD,OPTIONS" if route in _HEALTH else "POST,OPTIONS"})
        if asked.method not in (("GET", "HEAD") if route in _HEALTH else ("POST",)):
            return self.refusal(405, "")
        if route in _HEALTH:
            return _said(17)  # whatever the token is
        return self._authorized(asked, route)

    def _authorized(self, asked: Asked, route: str) -> Reply:
        token = _token(asked)
        fault = self.faults.draw("code")
        said = (fault.code if fault.code is not None else 9) if fault else 0
        if CODES[said][0] != 200:
            return _said(said)
        channel = _channel(asked, token)
        return self._polled(asked, channel) if route == "/ack" else self._events(asked, token, channel, said)

    def _events(self, asked: Asked, token: Token, channel: str | None, said: int) -> Reply:
        body = self.body_of(asked)
        if not body.strip():
            return _said(5)
        objects, broken = _scanned(body)
        self._long = len(body) > TRUNCATE  # no event of a shorter body is: spares measuring each
        ids = [_id(one) for one in objects]
        fault = self.faults.draw("bad_event")
        poison = self.bad_event(fault, ids) if fault else None
        document: dict[str, Any] = {"text": CODES[said][1], "code": said}
        status = 200
        kept = []
        try:
            for number, one in enumerate(objects):
                if number == poison:
                    raise _Bad((fault and fault.code) or 13, number)
                kept.append(self._checked(one, number, token, len(objects)))
            if broken:
                raise _Bad(6, len(objects))
        except _Bad as bad:
            status, text = CODES[bad.code]
            document = {"text": bad.text or text, "code": bad.code, "invalid-event-number": bad.number}
        for one, index in kept:
            self.keep(_id(one), _time(one) or self._at, index, one)
        if channel is not None and token.ack and (status == 200 or kept):
            number = self._next_ack.get(channel, 0)
            self._next_ack[channel] = number + 1
            self._indexed.setdefault(channel, set()).add(number)
            document["ackId"] = number
        return as_json(document, status)

    def _checked(self, one: Any, number: int, token: Token, count: int) -> tuple[dict[str, Any], str]:
        """The object and its index. Raises _Bad."""
        if not isinstance(one, dict):
            raise self._aloud("an array or a bare value stands where an object belongs", number)
        unknown = set(one) - _KEYS
        if unknown:
            raise self._aloud(f"unknown key {sorted(unknown)}: this object and what follows would be lost", number)
        event = one.get("event")
        if "event" not in one and not one.get("fields"):
            raise _Bad(12, number)
        if "event" in one and (event is None or event is False):
            raise _Bad(6, number)
        if isinstance(event, str) and not event.strip():
            raise _Bad(13, number)
        if not _flat(one.get("fields", {})):
            raise _Bad(15, number)
        if any(not isinstance(one.get(key, ""), str) for key in ("host", "source", "sourcetype", "index")):
            raise _Bad(6, number)
        if "time" in one and _time(one) is None:
            raise _Bad(6, number)
        index = one.get("index", token.indexes[0])
        if index not in token.indexes:
            raise _Bad(7, min(number + 1, count))  # this code names the object after the bad one
        if self._long and len(msgspec.json.encode(event)) > TRUNCATE:
            raise self._aloud(f"an event longer than TRUNCATE ({TRUNCATE}) would be cut", number)
        return one, index

    def _aloud(self, what: str, number: int) -> _Bad:
        self.violations.append(what)
        return _Bad(6, number, f"sandbox: {what}")

    def _polled(self, asked: Asked, channel: str | None) -> Reply:
        """Each id is true once; unknown ids, and those of another channel, are false."""
        try:
            wanted = [int(one) for one in json.loads(self.body_of(asked))["acks"]]
        except (ValueError, KeyError, TypeError):
            return _said(6)
        late = self.faults.draw("ack_late") is not None
        indexed = self._indexed.get(channel or "", set())
        answer = {}
        for number in wanted:
            answer[str(number)] = number in indexed and not late
            if not late:
                indexed.discard(number)
        return as_json({"acks": answer})


def _said(code: int) -> Reply:
    status, text = CODES[code]
    return as_json({"text": text, "code": code}, status)


def _token(asked: Asked) -> Token:
    if "token" in asked.query:
        raise Refuse(_said(16))
    header = asked.headers.get("authorization")
    if header is None:
        raise Refuse(_said(2))
    scheme, _, given = header.partition(" ")
    if scheme != "Splunk" or not given.strip():
        raise Refuse(_said(3))
    token = TOKENS.get(given.strip())
    if token is None:
        raise Refuse(_said(4))
    if not token.enabled:
        raise Refuse(_said(1))
    return token


def _channel(asked: Asked, token: Token) -> str | None:
    given = asked.headers.get("x-splunk-request-channel") or asked.query.get("channel")
    if asked.path.endswith("/ack") and not token.ack:
        raise Refuse(_said(14))
    if given is None:
        if token.ack:
            raise Refuse(_said(10))
        return None
    try:
        return str(UUID(given))
    except ValueError:
        raise Refuse(_said(11)) from None


def _scanned(body: bytes) -> tuple[list[Any], bool]:
    """The values one behind the other, and whether something that is no value ended the reading."""
    try:
        return [msgspec.json.decode(line) for line in body.split(b"\n") if line.strip()], False
    except (msgspec.DecodeError, ValueError):
        pass
    found: list[Any] = []
    try:
        found.extend(_one_by_one(body.decode("utf-8")))
    except ValueError:
        return found, True
    return found, False


def _one_by_one(text: str) -> Iterator[Any]:
    decoder, at = json.JSONDecoder(), 0
    while True:
        while at < len(text) and text[at].isspace():
            at += 1
        if at == len(text):
            return
        value, at = decoder.raw_decode(text, at)
        yield value


def _id(one: Any) -> str | None:
    if not isinstance(one, dict):
        return None
    return event_id(one.get("fields")) or event_id(one.get("event"))


def _flat(fields: Any) -> bool:
    """Values are texts or numbers, or arrays of texts."""
    if not isinstance(fields, dict):
        return False
    return all(
        isinstance(value, (str, int, float))
        or (isinstance(value, list) and all(isinstance(one, str) for one in value))
        for value in fields.values()
    )


def _time(one: dict[str, Any]) -> str | None:
    """Epoch seconds, read by magnitude where they are whole: 13 digits are milliseconds, 19 nanoseconds."""
    given = one.get("time")
    if isinstance(given, bool) or not isinstance(given, (str, int, float)):
        return None
    text = given if isinstance(given, str) else f"{given:.6f}" if isinstance(given, float) else str(given)
    if not _DECIMAL.fullmatch(text):
        return None
    seconds = float(text)
    if "." not in text and len(text) >= 13:
        seconds /= 1000 if len(text) < 17 else 1_000_000_000
    whole, _, part = text.partition(".")
    if part:
        micros = int(whole) * 1_000_000 + int(part[:6].ljust(6, "0"))
        return (
            datetime.fromtimestamp(micros // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
            + f".{micros % 1_000_000:06d}Z"
        )
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
