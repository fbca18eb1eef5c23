"""Microsoft's HTTP Data Collector API, which takes what a workspace's key has signed. Deprecated by its maker.

Stricter than the real one, which makes a column of whatever it is sent: undeclared columns and old times are
refused.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec

from sandbox.intakes.intake import Asked, Intake, Refuse, Reply, as_json, moment
from sandbox.intakes.sentinel import COLUMNS

WORKSPACE = "33333333-aaaa-4bbb-8ccc-000000000003"
KEY = base64.b64encode(b"shared key of the sandbox, good for nothing else").decode()
LONGEST_VALUE = 32_768


class SentinelLegacy(Intake):
    """One workspace."""

    name = "sentinel_legacy"
    encodings = ()
    largest = 30_000_000

    def settings(self, url: str) -> dict[str, Any]:
        return {"url": url, "workspace_id": WORKSPACE, "shared_key": KEY}

    def refusal(self, status: int, reason: str) -> Reply:
        codes = {403: "InvalidAuthorization", 413: "MaxRequestSize", 404: "NotFound", 429: "Throttled"}
        return as_json({"Error": codes.get(status, "InvalidDataFormat"), "Message": reason}, status)

    def take(self, asked: Asked) -> Reply:
        if asked.method != "POST" or asked.path != "/api/logs" or asked.query.get("api-version") != "2016-04-01":
            return self.refusal(404, "no such resource, method or api-version")
        self._authorize(asked)
        log_type = asked.headers.get("log-type", "")
        if not re.fullmatch(r"[A-Za-z0-9_]{1,100}", log_type):
            return as_json({"Error": "InvalidLogType", "Message": "Log-Type is missing or not valid"}, 400)
        if asked.headers.get("content-type") != "application/json":
            return as_json({"Error": "UnsupportedContentType", "Message": "application/json only"}, 400)
        try:
            rows = msgspec.json.decode(self.body_of(asked))
        except (msgspec.DecodeError, ValueError, RecursionError) as problem:
            raise Refuse(self.refusal(400, f"Invalid JSON: {problem}")) from None
        if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
            raise Refuse(self.refusal(400, "The body is not an array of objects"))
        fault = self.faults.draw("bad_event")
        if fault and self.bad_event(fault, [row.get("EventId") for row in rows]) is not None:
            return self.refusal(400, "A value is not valid")
        time_field = asked.headers.get("time-generated-field", "")
        for row in rows:
            self._check(row, time_field)
        for row in rows:
            self.keep(row.get("EventId"), row[time_field], f"{log_type}_CL", row)
        return Reply(200)

    def _authorize(self, asked: Asked) -> None:
        date = asked.headers.get("x-ms-date", "")
        try:
            skew = abs((datetime.now(UTC) - parsedate_to_datetime(date)).total_seconds())
        except ValueError:
            skew = 1e9
        signed = f"POST\n{len(asked.sent)}\napplication/json\nx-ms-date:{date}\n/api/logs"
        signature = hmac.new(base64.b64decode(KEY), signed.encode(), hashlib.sha256).digest()
        right = f"SharedKey {WORKSPACE}:{base64.b64encode(signature).decode()}"
        if skew > 900 or not hmac.compare_digest(asked.headers.get("authorization", ""), right):
            raise Refuse(self.refusal(403, "The signature does not match, or x-ms-date is off by over 15 minutes"))

    def _check(self, row: dict[str, Any], time_field: str) -> None:
        if unknown := set(row) - set(COLUMNS) - {"StampTime"}:
            raise self.violation(f"columns would be made of {sorted(unknown)}")
        when = moment(row.get(time_field))
        if when is None:
            raise self.violation(f"{time_field or 'time-generated-field'} is not in the row")
        if not -1 <= self.age_in_days(when) <= 2:
            raise self.violation(f"{row[time_field]} would be replaced by the time of receipt")
        for name, value in row.items():
            if len(value.encode() if isinstance(value, str) else msgspec.json.encode(value)) > LONGEST_VALUE:
                raise self.violation(f"{name} is longer than {LONGEST_VALUE} bytes and would be cut")
