"""Sumo Logic HTTP Source. Stricter than the real one, which slices messages over 65,536 bytes and stamps a new
time on what is too old or too far ahead: both are refused.
"""

from __future__ import annotations

import re
from datetime import UTC
from typing import Any, ClassVar

import msgspec

from sandbox.intakes.intake import Asked, Intake, Reply, event_id, moment

CODE = "U0FOREJPWC1GQUtFLUNPREUtTk9ULUEtU0VDUkVU"
MESSAGE_BYTES = 65_536
PAST_DAYS, AHEAD_DAYS = 365, 2
_QUOTA = "You have temporarily exceeded your Sumo Logic quota"
_FIRST_KEY = re.compile(rb'\s*\{\s*"timestamp"\s*:')


class Sumo(Intake):
    """One HTTP source, multiline detection off."""

    name = "sumo"
    encodings = ("gzip", "deflate", "zstd")
    largest = 10_000_000
    faults_of_its_own: ClassVar[dict[str, str]] = {
        "timeout": "408 after a part was stored, as when a request takes over 30 s"
    }

    def settings(self, url: str) -> dict[str, Any]:
        return {"url": f"{url}/receiver/v1/http/{CODE}"}

    def refusal(self, status: int, reason: str) -> Reply:
        text = _QUOTA if status == 429 else reason
        return Reply(status, text.encode(), "text/plain")

    def take(self, asked: Asked) -> Reply:
        prefix = "/receiver/v1/http/"
        if not asked.path.startswith(prefix):
            return self.refusal(404, "not found")
        if asked.path.removeprefix(prefix).strip("/") != CODE:
            return self.refusal(401, "unauthorized")
        if asked.method != "POST":
            return self.refusal(405, "method not allowed")
        if asked.headers.get("content-type", "").startswith("application/vnd.sumologic"):
            raise self.violation("a metrics content type: logs are read as metrics")
        if asked.query:
            raise self.violation("query parameters are ignored")
        lines = [line for line in self.body_of(asked).split(b"\n") if line.strip()]
        if not lines:
            raise self.violation("an empty body")
        documents = [self._read(line) for line in lines]
        fault = self.faults.draw("bad_event")
        if fault and self.bad_event(fault, [event_id(one) for one, _ in documents]) is not None:
            return self.refusal(400, "bad request")
        late = self.faults.draw("timeout")
        if late:
            documents = documents[: len(documents) // 2]
        place = asked.headers.get("x-sumo-category", "")
        for one, at in documents:
            self.keep(event_id(one), at, place, one)
        return self.refusal(408, "request timeout") if late else Reply(200, b"", "text/plain")

    def _read(self, line: bytes) -> tuple[dict[str, Any], str]:
        if len(line) > MESSAGE_BYTES:
            raise self.violation(f"a message over {MESSAGE_BYTES} bytes would be sliced")
        try:
            document = msgspec.json.decode(line)
        except (msgspec.DecodeError, ValueError):
            raise self.violation("a line that is no JSON would be kept as a text without fields") from None
        if not isinstance(document, dict):
            raise self.violation("a line that is no JSON object")
        at = moment(document.get("timestamp"))
        if not _FIRST_KEY.match(line) or at is None:
            raise self.violation("timestamp is not the first key: another time in the line may be taken for it")
        age = self.age_in_days(at)
        if age > PAST_DAYS or age < -AHEAD_DAYS:
            raise self.violation(f"a timestamp {age:.1f} days old would be stamped anew")
        return document, at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
