"""An OTLP/HTTP receiver of logs, protobuf and JSON, that asks for a bearer token.

Stricter than the real ones, which ignore unknown members and keep nearly anything: a record without a time, an id
or a body, attributes of one name, an enumeration by name and a 64-bit integer as a number are refused.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import msgspec

from sandbox.intakes.intake import Asked, Intake, Refuse, Reply
from sandbox.intakes.otlp_messages import REQUEST, MessageError, from_json, from_protobuf, partial_success, status

TOKEN = "Bearer otlp-token-of-the-sandbox"
JSON, PROTOBUF = "application/json", "application/x-protobuf"
_CODES = {400: 3, 401: 16, 403: 7, 404: 5, 413: 8, 429: 8, 500: 13, 503: 14}


class Otlp(Intake):
    """A backend, or a collector before one."""

    name = "otlp"
    largest = 20 * 1024 * 1024
    faults_of_its_own: ClassVar[dict[str, str]] = {
        "rejects_all": "200, and partial_success says that every record was rejected"
    }

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._media = JSON

    def settings(self, url: str) -> dict[str, Any]:
        return {"url": url, "headers": {"Authorization": TOKEN}}

    def refusal(self, code: int, reason: str) -> Reply:
        return Reply(code, status(_CODES.get(code, 2), reason, self._media == JSON), self._media)

    def handle(self, asked: Asked) -> Reply:
        media = asked.headers.get("content-type", "").partition(";")[0].strip()
        with self._lock:
            self._media = media if media in (JSON, PROTOBUF) else JSON
        return super().handle(asked)

    def take(self, asked: Asked) -> Reply:  # noqa: PLR0911 - one for each answer
        if asked.path != "/v1/logs":
            return self.refusal(404, "no such path")
        if asked.method != "POST":
            return self.refusal(405, "POST only")
        if asked.headers.get("authorization") != TOKEN:
            return self.refusal(401, "no token, or a wrong one")
        media = asked.headers.get("content-type", "").partition(";")[0].strip()
        if media not in (JSON, PROTOBUF):
            return self.refusal(415, "application/x-protobuf or application/json")
        body = self.body_of(asked)
        try:
            document = from_json(body) if media == JSON else from_protobuf(body, REQUEST)
        except MessageError as problem:
            raise Refuse(self.refusal(400, str(problem))) from None
        records = [
            (record, _text(resource.get("resource", {}), "service.name"))
            for resource in document.get("resourceLogs", [])
            for scope in resource.get("scopeLogs", [])
            for record in scope.get("logRecords", [])
        ]
        if not document.get("resourceLogs"):  # the specification asks for success where a request holds nothing
            return self._answer(0, "")
        if not records:
            raise self.violation("a resource without records")
        ids = [_text(record, "event.id") for record, _ in records]
        if self.faults.draw("rejects_all"):
            return self._answer(len(records), "the backend takes none of these")
        fault = self.faults.draw("bad_event")
        bad = self.bad_event(fault, ids) if fault else None
        for record, service in records:
            self._check(record, service)
        for number, (record, service) in enumerate(records):
            if number != bad:
                at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(record["timeUnixNano"]) // 1000)
                self.keep(ids[number], at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"), service or "", record)
        return self._answer(0 if bad is None else 1, "" if bad is None else "a record was rejected")

    def _answer(self, rejected: int, message: str) -> Reply:
        return Reply(200, partial_success(rejected, message, self._media == JSON), self._media)

    def _check(self, record: dict[str, Any], service: str | None) -> None:
        names = [pair.get("key") for pair in record.get("attributes", [])]
        if len(set(names)) != len(names) or not all(names):
            raise self.violation("two attributes have one name, or one has none")
        if not service or not _text(record, "event.id"):
            raise self.violation("service.name or event.id is missing")
        if not 1_000_000_000 * 10**9 < int(record.get("timeUnixNano", 0)) < 4_000_000_000 * 10**9:
            raise self.violation("a record without a time in nanoseconds")
        if not 1 <= record.get("severityNumber", 0) <= 24:
            raise self.violation("severityNumber is not from 1 to 24")
        try:
            msgspec.json.decode(record.get("body", {}).get("stringValue", ""))
        except (msgspec.DecodeError, ValueError):
            raise self.violation("a body that is no JSON") from None


def _text(holder: dict[str, Any], name: str) -> str | None:
    for pair in holder.get("attributes", []):
        if pair.get("key") == name:
            value = pair.get("value", {}).get("stringValue")
            return value if isinstance(value, str) else None
    return None
