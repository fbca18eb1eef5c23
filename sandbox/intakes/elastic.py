"""Elasticsearch `_bulk` into a data stream: create only, unique ids in one backing index, answers per item.

Stricter than the real one: dynamic mapping takes nearly anything there; here a field of the Elastic Common Schema
that has the wrong type is refused, and so is a request that would make a plain index.
"""

from __future__ import annotations

import base64
import re
from typing import Any, ClassVar

import msgspec

from sandbox.intakes.ecs import wrong_field
from sandbox.intakes.intake import Asked, Intake, Refuse, Reply, as_json, moment

API_KEY = base64.b64encode(b"fakeKeyIdOfSandbox00:fakeKeyOfTheSandbox000").decode()
NAMES_ONLY_READ = base64.b64encode(b"fakeKeyIdOfSandbox01:fakeKeyOfTheSandbox001").decode()
ID_BYTES = 512
_PATTERN = re.compile(r"(logs|metrics|traces)-[a-z0-9._]+-[a-z0-9._]+")
_MEDIA = ("application/x-ndjson", "application/json")
_VENDOR_MEDIA = re.compile(r"application/vnd\.elasticsearch\+(x-ndjson|json);\s*compatible-with=[89]")
_REASONS = {
    400: "illegal_argument_exception",
    401: "security_exception",
    403: "security_exception",
    404: "index_not_found_exception",
    406: "media_type_header_exception",
    413: "too_long_http_content_exception",
    415: "illegal_argument_exception",
    429: "es_rejected_execution_exception",
    503: "unavailable_shards_exception",
}


class Elastic(Intake):
    """One cluster, any number of data streams. failure_store: whether documents that do not map are kept there."""

    name = "elastic"
    largest = 104_857_600
    faults_of_its_own: ClassVar[dict[str, str]] = {
        "item": "the event `number` or `id` is answered with `status` (default 429) alone; the rest is stored",
    }

    def __init__(self, *, failure_store: bool = False, **settings: Any) -> None:
        super().__init__(**settings)
        self.failure_store = failure_store
        self.failures: list[dict[str, Any]] = []
        self._generation: dict[str, int] = {}
        self._held: dict[str, set[str]] = {}

    def settings(self, url: str) -> dict[str, Any]:
        return {"url": url, "api_key": API_KEY}

    def rollover(self, stream: str) -> None:
        """Begin a new backing index: an id of the older one is taken again there."""
        self._generation[stream] = self._generation.get(stream, 1) + 1
        self._held[stream] = set()

    def clear(self) -> None:
        super().clear()
        self._held.clear()
        self.failures.clear()

    def refusal(self, status: int, reason: str) -> Reply:
        error = {"type": _REASONS.get(status, "exception"), "reason": reason}
        return _product({"error": {"root_cause": [error], **error}, "status": status}, status)

    def take(self, asked: Asked) -> Reply:
        self._authorize(asked)
        if asked.path == "/" and asked.method in ("GET", "HEAD"):
            version = {
                "number": "9.5.1",
                "build_flavor": "default",
                "minimum_wire_compatibility_version": "8.19.0",
            }
            return _product({"name": "sandbox", "cluster_name": "sandbox", "version": version,
                             "tagline": "You Know, for Search"})  # fmt: skip
        target, _, verb = asked.path.strip("/").rpartition("/")
        if verb != "_bulk" or "/" in target:
            return self.refusal(404, f"no handler found for uri [{asked.path}]")
        if asked.method not in ("POST", "PUT"):
            return self.refusal(405, "Incorrect HTTP method, allowed: [POST, PUT]")
        if asked.headers.get("authorization", "").endswith(NAMES_ONLY_READ):
            return self.refusal(403, "action [indices:data/write/bulk] is unauthorized for API key")
        media = asked.headers.get("content-type", "")
        if media.partition(";")[0].strip() not in _MEDIA and not _VENDOR_MEDIA.fullmatch(media):
            return self.refusal(406, f"Content-Type header [{media}] is not supported")
        pairs = self._pairs(self.body_of(asked), target, asked.query)
        return self._bulk(pairs, asked)

    def _authorize(self, asked: Asked) -> None:
        scheme, _, key = asked.headers.get("authorization", "").partition(" ")
        if scheme != "ApiKey" or key.strip() not in (API_KEY, NAMES_ONLY_READ):
            reply = self.refusal(401, "unable to authenticate with provided credentials")
            reply.headers["WWW-Authenticate"] = "ApiKey"
            raise Refuse(reply)

    def _pairs(self, body: bytes, target: str, query: Any) -> list[tuple[str, str, str | None, bytes]]:
        """(action, data stream, id, document) for each item. Refuses the whole request where it cannot be read."""
        if not body:
            raise Refuse(self.refusal(400, "request body is required"))
        if not body.endswith(b"\n"):
            raise Refuse(self.refusal(400, "The bulk request must be terminated by a newline [\\n]"))
        lines = body[:-1].split(b"\n")
        pairs = []
        at = 0
        while at < len(lines):
            try:
                ((action, meta),) = msgspec.json.decode(lines[at]).items()
                stream = meta.get("_index", target)
            except (ValueError, AttributeError, TypeError, msgspec.DecodeError):
                raise Refuse(self.refusal(400, f"Malformed action/metadata line [{at + 1}]")) from None
            if action not in ("create", "index", "update", "delete"):
                raise Refuse(self.refusal(400, f"Malformed action/metadata line [{at + 1}], unknown [{action}]"))
            if set(meta) - {"_id", "_index", "require_data_stream"}:
                raise Refuse(self.refusal(400, f"Action/metadata line [{at + 1}] contains an unknown parameter"))
            if not _PATTERN.fullmatch(stream):
                if query.get("require_data_stream") == "true":
                    raise Refuse(self.refusal(404, f"no such index [{stream}] and [require_data_stream] is true"))
                raise self.violation(f"{stream!r} is no data stream: a plain index would be made")
            if action == "delete" or at + 1 >= len(lines):
                raise self.violation(f"an action without a document on line {at + 1}")
            pairs.append((action, stream, meta.get("_id"), lines[at + 1]))
            at += 2
        return pairs

    def _bulk(self, pairs: list[tuple[str, str, str | None, bytes]], asked: Asked) -> Reply:
        ids = [id for _, _, id, _ in pairs]
        poison: dict[int, int] = {}
        for kind in ("bad_event", "item"):
            fault = self.faults.draw(kind)
            number = self.bad_event(fault, ids) if fault else None
            if fault and number is not None:
                poison[number] = 400 if kind == "bad_event" else fault.status or 429
        items = [{action: self._item(number, action, stream, id, document, poison)}
                 for number, (action, stream, id, document) in enumerate(pairs)]  # fmt: skip
        errors = any("error" in answer for item in items for answer in item.values())
        answer: dict[str, Any] = {"errors": errors, "took": 3, "items": items}
        wanted = asked.query.get("filter_path")
        if wanted:
            fields = {name.rpartition(".")[2] for name in wanted.split(",")}
            kept = [{action: {name: value for name, value in one.items() if name in fields}}
                    for item in items for action, one in item.items()]  # fmt: skip
            answer = {"errors": errors, "items": [one for one in kept if any(one.values())]}
        return _product(answer)

    def _item(
        self, number: int, action: str, stream: str, id: str | None, document: bytes, poison: dict[int, int]
    ) -> dict[str, Any]:
        index = f".ds-{stream}-{self._generation.get(stream, 1):06d}"
        answer: dict[str, Any] = {"_index": index, "_id": id}
        held = self._held.setdefault(stream, set())
        refused = self._refused(action, id, held, poison.get(number))
        if refused or id is None:
            return answer | refused
        wrong, event = ("as the fault says", None) if number in poison else _mapped(document)
        if event is None:
            if self.failure_store:
                self.failures.append({"id": id, "error": wrong})
                stored = {"_index": index.replace(".ds-", ".fs-", 1), "result": "created", "status": 201}
                return answer | stored | {"failure_store": "used"}
            return answer | _failed("document_parsing_exception", wrong) | {"failure_store": "not_enabled"}
        held.add(id)
        self.keep(id, str(event["@timestamp"]), stream, event)
        made = {"_version": 1, "result": "created", "status": 201, "_seq_no": len(self.stored) - 1}
        return answer | made | {"_primary_term": 1, "_shards": {"total": 2, "successful": 1, "failed": 0}}

    def _refused(self, action: str, id: str | None, held: set[str], status: int | None) -> dict[str, Any]:
        """Why an item is refused before its document is looked at; empty where it is not."""
        if status is not None and status != 400:
            return _failed(_REASONS.get(status, "unavailable_shards_exception"), "as the fault says", status)
        if action != "create":
            reason = "only write ops with an op_type of create are allowed in data streams"
            return _failed("illegal_argument_exception", reason)
        if id is None:
            self.violations.append("a document without _id: a resend doubles it")
            return _failed("illegal_argument_exception", "sandbox: a document without _id")
        if len(id.encode()) > ID_BYTES:
            reason = f"id [{id[:20]}...] is too long, must be no longer than {ID_BYTES} bytes"
            return _failed("illegal_argument_exception", reason)
        if id in held:
            reason = f"[{id}]: version conflict, document already exists (current version [1])"
            return _failed("version_conflict_engine_exception", reason, 409)
        return {}


def _product(document: Any, status: int = 200) -> Reply:
    reply = as_json(document, status)
    reply.headers["X-Elastic-Product"] = "Elasticsearch"  # the official client refuses answers without it
    return reply


def _failed(kind: str, reason: str, status: int = 400) -> dict[str, Any]:
    return {"status": status, "error": {"type": kind, "reason": reason}}


def _mapped(document: bytes) -> tuple[str, dict[str, Any] | None]:
    """What does not map, or the document."""
    try:
        event = msgspec.json.decode(document)
    except (msgspec.DecodeError, ValueError):
        return "failed to parse", None
    if not isinstance(event, dict):
        return "failed to parse: an object is expected", None
    if "@timestamp" not in event:
        return "data stream timestamp field [@timestamp] is missing", None
    if moment(event["@timestamp"]) is None:
        return "failed to parse field [@timestamp] of type [date]", None
    wrong = wrong_field(event)
    return (f"failed to parse field [{wrong}]", None) if wrong else ("", event)
