"""Microsoft Sentinel: Entra ID's token endpoint, and the Logs Ingestion API of one rule with one stream.

Stricter than the real one, which drops columns that the stream does not declare, turns values of another type into
null, cuts long values, and writes its own time over old ones: all of these are refused.
"""

from __future__ import annotations

import re
import secrets
from typing import Any, ClassVar
from urllib.parse import parse_qs

import msgspec

from sandbox.intakes.intake import Asked, Intake, Refuse, Reply, as_json, moment

TENANT = "11111111-aaaa-4bbb-8ccc-000000000001"
CLIENT = "22222222-aaaa-4bbb-8ccc-000000000002"
SECRET = "entra-secret-of-the-sandbox"
RULE = "dcr-" + "5e" * 16
STREAM = "Custom-ClaudeAuditLogs_CL"
ONE_CALL = 1_048_576
LONGEST_VALUE = 65_536
_SCOPES = ("https://monitor.azure.com/.default", "https://monitor.azure.com//.default")
_COLUMN = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,44}")
_RESERVED = {"_ResourceId", "id", "_SubscriptionId", "TenantId", "Type", "UniqueId", "Title"}

# What the stream of the rule declares, and so does the table.
COLUMNS = {
    **dict.fromkeys(("TimeGenerated", "EventTime"), "datetime"),
    **dict.fromkeys(("UnknownFields", "AlertEventIds", "RawEvent"), "dynamic"),
    **dict.fromkeys(
        (
            "EventId",
            "EventType",
            "EventCategory",
            "EventVerb",
            "EventOutcome",
            "EventSeverity",
            "EventSource",
            "MappingVersion",
            "OrganizationId",
            "ActorType",
            "ActorId",
            "ActorEmail",
            "ClientIp",
            "UserAgent",
            "ObjectType",
            "ObjectId",
            "ObjectName",
            "TargetUserId",
            "TargetUserEmail",
            "GroupId",
            "AsimSchema",
            "AsimEventType",
            "AsimEventResult",
            "AsimEventSeverity",
            "AsimObjectType",
            "RecordFold",
            "AlertRuleId",
            "AlertTitle",
        ),
        "string",
    ),
    "UnknownEvent": "boolean",
    "RecordVersion": "int",
    "CommitSeq": "long",
}  # fmt: skip


class Sentinel(Intake):
    """One tenant with one application, and one data collection rule."""

    name = "sentinel"
    faults_of_its_own: ClassVar[dict[str, str]] = {
        "expired_token": "every token issued so far counts as expired, once: 401 at the next call",
        "application_refused": "the authority answers 401 invalid_client",
        "authority_busy": "the authority answers 429 with Retry-After (`seconds`, default 1)",
    }
    token_seconds = 3599
    columns = COLUMNS

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.tokens: dict[str, float] = {}  # to the moment of its end, on the intake's clock
        self.issued = 0

    def settings(self, url: str) -> dict[str, Any]:
        return {
            "endpoint": url,
            "dcr_id": RULE,
            "stream": STREAM,
            "tenant_id": TENANT,
            "client_id": CLIENT,
            "client_secret": SECRET,
            "authority": url,
        }

    def handle(self, asked: Asked) -> Reply:
        # the authority is another service: what goes wrong at the intake does not go wrong there
        if asked.path.endswith("/oauth2/v2.0/token"):
            with self._lock:
                return self._token(asked)
        return super().handle(asked)

    def refusal(self, status: int, reason: str) -> Reply:
        codes = {401: "InvalidToken", 403: "OperationFailed", 404: "NotFound", 413: "ContentLengthLimitExceeded"}
        code = codes.get(status, "TooManyRequests" if status == 429 else "InvalidPayload")
        return as_json({"error": {"code": code, "message": reason}}, status)

    def too_large(self) -> Reply:
        return self.refusal(
            413, f"Maximum allowed content length: {ONE_CALL} bytes (1 MB). Provided content is larger."
        )

    def take(self, asked: Asked) -> Reply:  # noqa: PLR0911 - one for each answer
        found = re.fullmatch(r"/dataCollectionRules/([^/]+)/streams/([^/]+)", asked.path)
        if found is None or asked.query.get("api-version") != "2023-01-01":
            return self.refusal(404, "no such resource, or another api-version than 2023-01-01")
        if asked.method != "POST":
            return self.refusal(405, "POST only")
        self._authorize(asked)
        if found[1] != RULE:
            return self.refusal(404, "The data collection rule does not exist")
        if found[2] != STREAM:
            return as_json({"error": {"code": "InvalidStream", "message": "The stream is not in the rule"}}, 400)
        if len(asked.sent) > ONE_CALL:
            return self.too_large()
        body = self.body_of(asked)
        if not body:
            return Reply(500)
        if len(body) > ONE_CALL:
            return self.too_large()
        if asked.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            raise Refuse(self.refusal(415, "application/json only"))
        rows = self._rows(body)
        for row in rows:
            self.keep(row["EventId"], row["TimeGenerated"], STREAM, row)
        return Reply(204)

    def _authorize(self, asked: Asked) -> None:
        if self.faults.draw("expired_token"):
            self.tokens.clear()
        scheme, _, token = asked.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or self.tokens.get(token, 0) <= self.clock.now().timestamp():
            raise Refuse(self.refusal(401, "The token is missing, expired or not ours"))

    def _rows(self, body: bytes) -> list[dict[str, Any]]:
        try:
            rows = msgspec.json.decode(body)
        except (msgspec.DecodeError, ValueError, RecursionError) as problem:
            raise Refuse(self.refusal(400, f"Invalid JSON: {problem}")) from None
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise Refuse(self.refusal(400, "The body is not an array of objects"))
        if not rows:
            raise Refuse(Reply(500))
        fault = self.faults.draw("bad_event")
        if fault and self.bad_event(fault, [row.get("EventId") for row in rows]) is not None:
            raise Refuse(self.refusal(400, "The payload does not match the stream"))
        for row in rows:
            self._check(row)
        return rows

    def _check(self, row: dict[str, Any]) -> None:
        for name, value in row.items():
            if not _COLUMN.fullmatch(name) or name in _RESERVED:
                raise self.violation(f"{name} cannot be the name of a column")
            kind = self.columns.get(name)
            if kind is None:
                raise self.violation(f"{name} is not declared and would be dropped")
            if value is not None and not _fits(value, kind):
                raise self.violation(f"{name} is no {kind} and would become null")
            text = value.encode() if isinstance(value, str) else msgspec.json.encode(value)
            if len(text) > LONGEST_VALUE:
                raise self.violation(f"{name} has {len(text)} bytes and would be cut")
        when = moment(row.get("TimeGenerated"))
        if when is None or not row.get("EventId"):
            raise self.violation("TimeGenerated or EventId is missing")
        if not -1 <= self.age_in_days(when) <= 2:
            raise self.violation(f"TimeGenerated {row['TimeGenerated']} would be replaced by the time of receipt")

    def _token(self, asked: Asked) -> Reply:  # noqa: PLR0911 - one for each answer
        form = {name: values[-1] for name, values in parse_qs(asked.sent.decode("utf-8", "replace")).items()}
        busy = self.faults.draw("authority_busy")
        if busy:
            return Reply(429, headers={"Retry-After": f"{1 if busy.seconds is None else busy.seconds:g}"})
        if asked.method != "POST" or asked.path != f"/{TENANT}/oauth2/v2.0/token":
            return _aadsts("invalid_request", 90002, "Tenant not found", 400)
        if form.get("grant_type") != "client_credentials":
            return _aadsts("unsupported_grant_type", 70003, "The grant type is not supported", 400)
        if form.get("scope") not in _SCOPES:
            return _aadsts("invalid_scope", 70011, "The scope is not valid", 400)
        if self.faults.draw("application_refused") or form.get("client_secret") != SECRET:
            return _aadsts("invalid_client", 7000215, "Invalid client secret provided", 401)
        if form.get("client_id") != CLIENT:
            return _aadsts("unauthorized_client", 700016, "Application not found in the directory", 400)
        token = f"eyJ.sandbox.{secrets.token_urlsafe(24)}"
        self.issued += 1
        self.tokens[token] = self.clock.now().timestamp() + self.token_seconds
        seconds = self.token_seconds
        return as_json(
            {"token_type": "Bearer", "expires_in": seconds, "ext_expires_in": seconds, "access_token": token}
        )


def _aadsts(error: str, code: int, text: str, status: int) -> Reply:
    said = {"error": error, "error_description": f"AADSTS{code}: {text}.", "error_codes": [code]}
    return as_json(said, status)


def _fits(value: Any, kind: str) -> bool:
    if kind == "string":
        return isinstance(value, str)
    if kind == "datetime":
        return moment(value) is not None
    if kind == "boolean":
        return isinstance(value, bool)
    if kind in ("int", "long"):
        bits = 31 if kind == "int" else 63
        return isinstance(value, int) and not isinstance(value, bool) and -(2**bits) <= value < 2**bits
    return True  # dynamic
