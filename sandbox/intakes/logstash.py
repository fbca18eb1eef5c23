"""Logstash's HTTP input in front of a pipeline in ECS mode. Stricter than the real one, which writes our own
request over the fields `http`, `url`, `user_agent` and `host`, and reads any content type but JSON as one text.
"""

from __future__ import annotations

import base64
from datetime import UTC
from typing import Any

import msgspec

from sandbox.intakes.intake import Asked, Intake, Reply, event_id, moment

USERNAME, PASSWORD = "ledgerline", "fake-password-of-the-sandbox"
OVERWRITTEN = ("http", "url", "user_agent", "host")


class Logstash(Intake):
    """One input with basic authentication; any path. anonymous: without."""

    name = "logstash"
    largest = 104_857_600

    def __init__(self, *, anonymous: bool = False, **settings: Any) -> None:
        super().__init__(**settings)
        self.anonymous = anonymous

    def settings(self, url: str) -> dict[str, Any]:
        return {"url": url} if self.anonymous else {"url": url, "username": USERNAME, "password": PASSWORD}

    def refusal(self, status: int, reason: str) -> Reply:
        return Reply(status, reason.encode(), "text/plain")

    def take(self, asked: Asked) -> Reply:
        wanted = "Basic " + base64.b64encode(f"{USERNAME}:{PASSWORD}".encode()).decode()
        if not self.anonymous and asked.headers.get("authorization") != wanted:
            return self.refusal(401, "Unauthorized")
        if asked.method not in ("POST", "PUT"):
            raise self.violation("an empty request becomes an empty event")
        body = self.body_of(asked)
        if asked.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            raise self.violation("a content type other than application/json makes one text of the whole body")
        try:
            document = msgspec.json.decode(body)
        except (msgspec.DecodeError, ValueError):
            raise self.violation("a body that is no JSON becomes one event tagged _jsonparsefailure") from None
        events = document if isinstance(document, list) else [document]
        fault = self.faults.draw("bad_event")
        if fault and self.bad_event(fault, [event_id(one) for one in events]) is not None:
            return self.refusal(400, "Bad Request")
        checked = [(one, self._time(one)) for one in events]
        for one, at in checked:
            self.keep(event_id(one), at, asked.path, one)
        return Reply(200, b"ok", "text/plain")

    def _time(self, one: Any) -> str:
        if not isinstance(one, dict):
            raise self.violation("an element that is no object becomes an event tagged _jsonparsefailure")
        lost = [name for name in OVERWRITTEN if name in one]
        if lost:
            raise self.violation(f"the input writes over {lost} with facts of our own request")
        at = moment(one.get("@timestamp"))
        if at is None:
            raise self.violation("@timestamp is missing or no time: the time of receipt is taken")
        return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
