"""Cribl Stream's HTTP bulk source: a bare token, and a line for each event with `_time` and `_raw`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from sandbox.intakes.intake import Asked, Intake, Refuse, Reply, as_json, event_id

TOKEN = "fake-cribl-token-of-the-sandbox"


class Cribl(Intake):
    """One source at `/cribl/_bulk`."""

    name = "cribl"
    largest = 10_000_000

    def settings(self, url: str) -> dict[str, Any]:
        return {"url": url, "token": TOKEN}

    def take(self, asked: Asked) -> Reply:
        if asked.path != "/cribl/_bulk":
            return self.refusal(404, "not found")
        if asked.headers.get("authorization") != TOKEN:
            return self.refusal(403 if "authorization" in asked.headers else 401, "invalid token")
        if asked.method != "POST":
            return self.refusal(405, "POST only")
        lines = [line for line in self.body_of(asked).split(b"\n") if line.strip()]
        if not lines:
            raise self.violation("an empty body")
        events = [self._read(line) for line in lines]
        fault = self.faults.draw("bad_event")
        if fault and self.bad_event(fault, [event_id(one) for one, _ in events]) is not None:
            return self.refusal(400, "invalid event")
        for one, at in events:
            self.keep(event_id(one), at, str(one.get("sourcetype", "")), one)
        return as_json({"items": len(events)})

    def _read(self, line: bytes) -> tuple[dict[str, Any], str]:
        try:
            one = msgspec.json.decode(line)
        except (msgspec.DecodeError, ValueError):
            raise Refuse(self.refusal(400, "a line is not JSON")) from None
        if not isinstance(one, dict):
            raise Refuse(self.refusal(400, "a line is not an object"))
        at = one.get("_time")
        if isinstance(at, bool) or not isinstance(at, (int, float)):
            raise self.violation("_time is missing or no number: the time of receipt is taken")
        if at > 100_000_000_000:
            raise self.violation("_time is in seconds")
        if not isinstance(one.get("_raw"), str):
            raise self.violation("_raw is missing or no text: routes that read it see nothing")
        return one, datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
