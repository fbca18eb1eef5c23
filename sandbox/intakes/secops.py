"""Google SecOps: a service account's token address, and `logs:import` and `events:import` of one instance.

Stricter than the real one: a log whose data is no JSON with an id, and a collection time before the log's own, are
refused aloud. Repeats of a whole batch are counted in `repeated` and stored again.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
import secrets
from functools import cached_property
from typing import Any, ClassVar
from urllib.parse import parse_qs

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from sandbox.intakes.intake import Asked, Intake, Refuse, Reply, as_json, event_id, moment

PROJECT, REGION = "sandbox-project", "eu"
INSTANCE = "44444444-aaaa-4bbb-8ccc-000000000004"
LOG_TYPE = "ANTHROPIC_CLAUDE_AUDIT_CUSTOM"
ACCOUNT = "ledgerline@sandbox-project.iam.gserviceaccount.com"
# what Google's own client claims, whatever address it asks
_GOOGLES_TOKEN_ADDRESS = "https://oauth2.googleapis.com/token"
_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_SCOPES = ("https://www.googleapis.com/auth/cloud-platform", "https://www.googleapis.com/auth/chronicle")
_STATUS = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND",
           413: "INVALID_ARGUMENT", 429: "RESOURCE_EXHAUSTED", 500: "INTERNAL", 503: "UNAVAILABLE"}  # fmt: skip
_PARENT = re.compile(
    rf"/v1(?:alpha|beta)?/projects/{PROJECT}/locations/{REGION}/instances/{INSTANCE}/"
    rf"(logTypes/{LOG_TYPE}/logs|events):import"
)


class SecOps(Intake):
    """One instance and one service account, whose key is made at the start."""

    name = "secops"
    largest = 4_000_000
    token_seconds = 3599
    faults_of_its_own: ClassVar[dict[str, str]] = {
        "expired_token": "every token issued so far counts as expired, once: 401 at the next call",
        "account_refused": "the token address answers 400 invalid_grant",
    }

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.tokens: dict[str, float] = {}
        self.issued = 0
        self.repeated = 0
        self._batches: set[str] = set()
        self._url = ""

    @cached_property
    def _key(self) -> rsa.RSAPrivateKey:
        return rsa.generate_private_key(65537, 2048)

    def settings(self, url: str) -> dict[str, Any]:
        self._url = url
        key = self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        account = {
            "type": "service_account",
            "project_id": PROJECT,
            "private_key_id": "sandbox",
            "private_key": key,
            "client_email": ACCOUNT,
            "token_uri": f"{url}/token",
        }
        return {
            "url": url,
            "region": REGION,
            "project": PROJECT,
            "instance": INSTANCE,
            "log_type": LOG_TYPE,
            "credentials": json.dumps(account, indent=2),
        }

    def handle(self, asked: Asked) -> Reply:
        if asked.path == "/token":  # another service: its faults are its own
            with self._lock:
                return self._token(asked)
        return super().handle(asked)

    def refusal(self, status: int, reason: str) -> Reply:
        return as_json(
            {"error": {"code": status, "message": reason, "status": _STATUS.get(status, "UNKNOWN")}}, status
        )

    def take(self, asked: Asked) -> Reply:
        if self.faults.draw("expired_token"):
            self.tokens.clear()
        scheme, _, token = asked.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or self.tokens.get(token, 0) <= self.clock.now().timestamp():
            return self.refusal(401, "Request had invalid authentication credentials.")
        found = _PARENT.fullmatch(asked.path)
        if found is None or asked.method != "POST":
            return self.refusal(404, "Requested entity was not found.")
        body = self.body_of(asked)
        try:
            source = msgspec.json.decode(body)["inlineSource"]
            kind = "events" if found[1] == "events" else "logs"
            items = source[kind]
        except (msgspec.DecodeError, ValueError, RecursionError, KeyError, TypeError):
            raise Refuse(self.refusal(400, "Request contains an invalid argument: inlineSource")) from None
        if not isinstance(items, list) or not items or set(source) - {kind, "forwarder", "sourceFilename"}:
            raise self.violation("inlineSource without items, or with something unknown")
        forwarder = source.get("forwarder")
        if forwarder is not None and not re.fullmatch(rf"projects/{PROJECT}/.+/forwarders/[\w-]+", forwarder):
            return self.refusal(400, "forwarder is not a resource name")
        read = [self._log(item) if kind == "logs" else self._udm(item) for item in items]
        fault = self.faults.draw("bad_event")
        if fault and self.bad_event(fault, [one[0] for one in read]) is not None:
            return self.refusal(400, "Request contains an invalid argument: inlineSource")
        digest = hashlib.sha256(body).hexdigest()
        self.repeated += digest in self._batches
        self._batches.add(digest)
        for identity, time, event in read:
            self.keep(identity, time, kind, event)
        return as_json({})

    def _log(self, item: Any) -> tuple[str | None, str, Any]:
        if not isinstance(item, dict) or set(item) - {"data", "logEntryTime", "collectionTime", "labels"}:
            raise self.violation("a log is not an object, or has an unknown member")
        entry, collected = moment(item.get("logEntryTime")), moment(item.get("collectionTime"))
        if entry is None or collected is None or collected < entry:
            raise Refuse(self.refusal(400, "collectionTime must not be before logEntryTime"))
        labels = item.get("labels", {})
        if not all(isinstance(label, dict) and isinstance(label.get("value"), str) for label in labels.values()):
            raise Refuse(self.refusal(400, "a label is not {value: text}"))
        try:
            event = msgspec.json.decode(base64.b64decode(item["data"], validate=True))
        except (binascii.Error, msgspec.DecodeError, ValueError, TypeError, KeyError):
            raise self.violation("data is not base64 of JSON") from None
        identity = event_id(event) or (event.get("alert_id") if isinstance(event, dict) else None)
        if identity is None or labels.get("event_id", {}).get("value") != identity:
            raise self.violation("a log without an id, or with another one in its label")
        return identity, item["logEntryTime"], event

    def _udm(self, item: Any) -> tuple[str | None, str, Any]:
        udm = item.get("udm") if isinstance(item, dict) else None
        metadata = udm.get("metadata") if isinstance(udm, dict) else None
        if not isinstance(metadata, dict) or moment(metadata.get("eventTimestamp")) is None:
            raise Refuse(self.refusal(400, "an event without metadata.eventTimestamp"))
        missing = {"eventType", "vendorName", "productName", "productLogId"} - set(metadata)
        if missing:
            raise self.violation(f"metadata without {sorted(missing)}")
        return metadata["productLogId"], metadata["eventTimestamp"], udm

    def _token(self, asked: Asked) -> Reply:
        form = {name: values[-1] for name, values in parse_qs(asked.sent.decode("utf-8", "replace")).items()}
        claims = self._claims(form.get("assertion", ""))
        now = self.clock.now().timestamp()
        good = (
            form.get("grant_type") == _GRANT
            and claims.get("iss") == ACCOUNT
            and claims.get("aud") in (f"{self._url}/token", _GOOGLES_TOKEN_ADDRESS)
            and claims.get("scope") in _SCOPES
            and now - 300 <= claims.get("iat", 0) <= now + 300
            and 0 < claims.get("exp", 0) - claims.get("iat", 0) <= 3600
        )
        if not good or self.faults.draw("account_refused"):
            return as_json({"error": "invalid_grant", "error_description": "Invalid JWT Signature."}, 400)
        token = f"ya29.sandbox.{secrets.token_urlsafe(24)}"
        self.issued += 1
        self.tokens[token] = now + self.token_seconds
        return as_json({"access_token": token, "expires_in": self.token_seconds, "token_type": "Bearer"})

    def _claims(self, assertion: str) -> dict[str, Any]:
        try:
            header, claims, signature = (
                base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in assertion.split(".")
            )
            signed = assertion.rpartition(".")[0].encode()
            self._key.public_key().verify(signature, signed, padding.PKCS1v15(), SHA256())
            if json.loads(header)["alg"] != "RS256":
                return {}
            found: dict[str, Any] = json.loads(claims)
        except (ValueError, KeyError, InvalidSignature, binascii.Error):
            return {}
        return found
