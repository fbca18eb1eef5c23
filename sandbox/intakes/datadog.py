"""Datadog Logs intake v2. Stricter than the real one, which answers 202 to nearly everything and then cuts or
drops: an item over 1 MB, a time outside the accepted window, and too many attributes are refused.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from sandbox.intakes.intake import Asked, Intake, Refuse, Reply, as_json, event_id, moment

API_KEY = "00000000000000000000000000dd0fa4"
KEY_OF_ANOTHER_SITE = "00000000000000000000000000dd0eee"
ITEMS, ITEM_BYTES = 1000, 1_000_000
ATTRIBUTES, KEY_CHARACTERS, DEPTH, TAGS = 256, 50, 10, 100
PAST_HOURS, AHEAD_HOURS = 18, 2
_TITLES = {400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 408: "Request Timeout",
           413: "Payload Too Large", 415: "Unsupported Media Type", 429: "Too Many Requests",
           500: "Internal Server Error", 503: "Service Unavailable"}  # fmt: skip
_TIMES = ("timestamp", "date", "_timestamp", "Timestamp", "eventTime", "published_date")


class Datadog(Intake):
    """The intake of one site."""

    name = "datadog"
    encodings = ("gzip", "deflate", "zstd")
    largest = 5_000_000

    def settings(self, url: str) -> dict[str, Any]:
        return {"url": url, "api_key": API_KEY}

    def refusal(self, status: int, reason: str) -> Reply:
        title = _TITLES.get(status, "Error")
        reply = as_json({"errors": [{"status": str(status), "title": title, "detail": reason}]}, status)
        if status == 429:
            reply.headers["X-RateLimit-Reset"] = "1"
        return reply

    def take(self, asked: Asked) -> Reply:
        if asked.path != "/api/v2/logs":
            return self.refusal(404, "no such path")
        if asked.method != "POST":
            return self.refusal(405, "POST only")
        key = asked.headers.get("dd-api-key")
        if not key:
            return self.refusal(401, "API key is missing")
        if key != API_KEY:
            return self.refusal(403, "API key is invalid")
        if asked.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            raise self.violation("a content type other than application/json is read as plain text")
        items = self._items(self.body_of(asked))
        fault = self.faults.draw("bad_event")
        if fault and self.bad_event(fault, [event_id(one) for one in items]) is not None:
            return self.refusal(400, "Invalid log entry")
        checked = [(one, self._time(one)) for one in items]
        for one, at in checked:
            self.keep(event_id(one), at, str(one["service"]), one)
        return as_json({}, 202)

    def _items(self, body: bytes) -> list[dict[str, Any]]:
        try:
            document = msgspec.json.decode(body)
        except (msgspec.DecodeError, ValueError) as problem:
            raise Refuse(self.refusal(400, f"Invalid JSON: {problem}")) from None
        items = document if isinstance(document, list) else [document]
        if not items:
            raise self.violation("an empty array")
        if len(items) > ITEMS:
            raise Refuse(self.refusal(413, f"more than {ITEMS} items"))
        for one in items:
            self._check(one, len(body) > ITEM_BYTES)
        return items

    def _check(self, one: Any, long: bool) -> None:
        if not isinstance(one, dict) or not isinstance(one.get("message"), str):
            raise Refuse(self.refusal(400, "an item is not an object with a message"))
        if long and len(msgspec.json.encode(one)) > ITEM_BYTES:
            raise self.violation(f"an item over {ITEM_BYTES} bytes would be cut")
        for name in ("ddsource", "service", "hostname", "ddtags", "status"):
            if not isinstance(one.get(name, ""), str):
                raise Refuse(self.refusal(400, f"{name} is not a text"))
        for name in ("ddsource", "service"):
            if not one.get(name):
                raise self.violation(f"an item without {name} finds no pipeline")
        if one.get("ddtags", "").count(",") >= TAGS:
            raise self.violation(f"more than {TAGS} tags")
        attributes, depth, longest = _measure(one)
        if attributes > ATTRIBUTES or depth > DEPTH or longest >= KEY_CHARACTERS:
            raise self.violation(
                f"{attributes} attributes, nested {depth} deep, the longest key {longest} characters: "
                f"more than {ATTRIBUTES}, {DEPTH} or {KEY_CHARACTERS - 1} are cut"
            )

    def _time(self, one: dict[str, Any]) -> str:
        """The official time of an item. Out of the accepted window the real intake answers 202 all the same."""
        given = next((one[name] for name in _TIMES if name in one), None)
        if given is None:
            raise self.violation("an item without a timestamp is filed at the time of receipt")
        whole = isinstance(given, int) and not isinstance(given, bool)
        at = datetime.fromtimestamp(given / 1000, UTC) if whole else moment(given)
        if at is None:
            raise self.violation("a timestamp that is neither ISO 8601 nor epoch milliseconds")
        hours = self.age_in_days(at) * 24
        if hours > PAST_HOURS or hours < -AHEAD_HOURS:
            raise self.violation(f"a timestamp {hours:.1f} h old is outside what is kept")
        return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _measure(document: Any, depth: int = 1) -> tuple[int, int, int]:
    """Number of attributes (leaves), depth, and length of the longest key."""
    count, deepest, longest = 0, depth, 0
    for key, value in document.items():
        longest = max(longest, len(key))
        if isinstance(value, dict):
            inner = _measure(value, depth + 1)
            count, deepest, longest = count + inner[0], max(deepest, inner[1]), max(longest, inner[2])
        else:
            count += 1
    return count, deepest, longest
