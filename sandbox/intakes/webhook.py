"""A receiver of JSON at a secret address with a token in a header (Arctic Wolf and others): one object, an array,
or a line for each event.
"""

from __future__ import annotations

from typing import Any

import msgspec

from sandbox.intakes.intake import Asked, Intake, Refuse, Reply, event_id, moment

HEADER, TOKEN = "X-Hook-Token", "fake-webhook-token-of-the-sandbox"
PATH = "/hook/fake-code-of-the-sandbox"
_MEDIA = {"application/json": "json", "application/x-ndjson": "ndjson", "application/ndjson": "ndjson"}


class Webhook(Intake):
    """One hook."""

    name = "webhook"
    largest = 1_000_000

    def settings(self, url: str) -> dict[str, Any]:
        return {"url": url + PATH, "header": HEADER, "token": TOKEN}

    def take(self, asked: Asked) -> Reply:
        if asked.path != PATH:
            return self.refusal(404, "no such hook")
        if asked.headers.get(HEADER.lower()) != TOKEN:
            return self.refusal(401, "unknown token")
        if asked.method != "POST":
            return self.refusal(405, "POST only")
        kind = _MEDIA.get(asked.headers.get("content-type", "").partition(";")[0].strip())
        if kind is None:
            return self.refusal(415, "JSON or NDJSON only")
        events = self._read(kind, self.body_of(asked))
        fault = self.faults.draw("bad_event")
        if fault and self.bad_event(fault, [event_id(one) for one in events]) is not None:
            return self.refusal(400, "an event is not acceptable")
        checked = [(one, self._time(one)) for one in events]
        for one, at in checked:
            self.keep(event_id(one), at, kind, one)
        return Reply(202, b'{"accepted":%d}' % len(events))

    def _read(self, kind: str, body: bytes) -> list[Any]:
        try:
            if kind == "ndjson":
                events = [msgspec.json.decode(line) for line in body.split(b"\n") if line.strip()]
            else:
                document = msgspec.json.decode(body)
                events = document if isinstance(document, list) else [document]
        except (msgspec.DecodeError, ValueError):
            raise Refuse(self.refusal(400, "the body is not what its content type says")) from None
        if not events or any(not isinstance(one, dict) for one in events):
            raise Refuse(self.refusal(400, "an event is a JSON object"))
        return events

    def _time(self, one: dict[str, Any]) -> str | None:
        """The event's true time, null where its record has none; an alert has the time of its first event."""
        found = next((one[name] for name in ("event_time", "first_at", "time") if moment(one.get(name))), None)
        if found is None and one.get("event_time", "") is not None:
            raise self.violation("an event without a readable time")
        return found
