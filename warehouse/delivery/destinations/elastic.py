"""Elasticsearch `_bulk` into a data stream: ECS documents, each created under the event's own id (reference 3).

Promise: an event that is sent again is refused as held already and counts as delivered, so nothing is doubled
within a backing index. Each item is judged by its own answer; a document that went to the failure store is dead,
with a copy there.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from warehouse.config.destinations import Elastic as Settings
from warehouse.delivery.answers import document, reason
from warehouse.delivery.compression import gzipped
from warehouse.delivery.documents import AnyEvent, as_json, described, shortened
from warehouse.delivery.elastic_transport import ParameterTransport
from warehouse.delivery.frames import side_by_side
from warehouse.delivery.mappings.schemas import SCHEMAS
from warehouse.delivery.over_http import HttpTransport
from warehouse.delivery.port import FixedForm, Limits, Outcome, Refused, Request, Response, Transport, all_of
from warehouse.delivery.statuses import unreadable, usual

__all__ = ["FIXED_FORM", "LIMITS", "Settings", "classify", "connect", "encode", "pack", "probe"]

_LONGEST = 8_000_000
FIXED_FORM = FixedForm()
LIMITS = Limits(events=2000, raw=_LONGEST)

_LONGEST_ANSWER = 16_000_000  # a reason for each document of a batch
_SCHEMA = SCHEMAS["ecs"]
_HEADERS = {"Content-Type": "application/x-ndjson", "Content-Encoding": "gzip"}
_LONGEST_ID = 512  # bytes
_QUERY = (
    "?filter_path=errors,items.*._id,items.*.status,items.*.error,items.*.failure_store"
    "&require_data_stream=true&include_source_on_error=false"
)
_CREATED = Outcome(kind="delivered", ack="201 created")
_HELD = Outcome(kind="delivered", ack="409 held already")
_HALT = {
    "security_exception": "the key may not write there: it needs create_doc and auto_configure on the data stream",
    "index_not_found_exception": "no such data stream: install its index template, or correct data_stream",
}
_HINTS = {
    403: "the key may not write there: it needs create_doc and auto_configure on the data stream",
    404: "no such data stream: install its index template, or correct url or data_stream",
}


class _Error(msgspec.Struct):
    type: str = ""
    reason: str = ""


class _Item(msgspec.Struct):
    status: int
    error: _Error | None = None
    failure_store: str = ""


class _Answer(msgspec.Struct):
    items: list[dict[str, _Item]]


_read = msgspec.json.Decoder(_Answer).decode


def encode(event: AnyEvent, settings: Settings, restamp: str | None = None) -> bytes | Refused:
    """Action and document, a line each."""
    id = event.document_id
    if len(id) > _LONGEST_ID or len(id.encode()) > _LONGEST_ID:
        return Refused(
            reason=f"its id is longer than {_LONGEST_ID} bytes, the most that Elasticsearch takes as _id"
        )
    frame = _lines(event, restamp)
    return frame if len(frame) <= _LONGEST else shortened(event, lambda one: _lines(one, restamp), frame, _LONGEST)


def _lines(event: AnyEvent, restamp: str | None) -> bytes:
    found = as_json(described(event, _SCHEMA, restamp))
    return b"".join((b'{"create":{"_id":', as_json(event.document_id), b"}}\n", found, b"\n"))


def pack(frames: Sequence[bytes], settings: Settings) -> Request:
    body = side_by_side(frames)
    path = f"/{settings.data_stream}/_bulk{_QUERY}"
    return Request(body=gzipped(body), raw=len(body), count=len(frames), path=path, headers=_HEADERS)


def classify(response: Response, count: int) -> list[Outcome]:
    """Item by item, in the order of the request."""
    if response.status == 400:  # our own body is well-formed: what else cannot be read is the address or a proxy
        return all_of(count, Outcome(kind="halt", reason=_said(response), remedy="is url that of Elasticsearch?"))
    if response.status != 200:
        return all_of(count, usual(response, _HINTS, _said(response)) or unreadable(response))
    if response.body.count(b'"status":201') == count and b'"failure_store"' not in response.body:
        return all_of(count, _CREATED)
    try:
        items = _read(response.body).items
    except msgspec.DecodeError:
        return all_of(count, unreadable(response))
    if len(items) != count:
        return all_of(count, unreadable(response))
    return [_judged(one) for item in items for one in item.values()]


def _judged(item: _Item) -> Outcome:
    if item.status == 201 and item.failure_store == "used":
        return Outcome(
            kind="dead", reason="stored in the failure store only (::failures), where no search finds it"
        )
    if item.status in (200, 201):
        return _CREATED
    if item.status == 409:
        return _HELD
    error = item.error or _Error()
    why = " ".join(f"{item.status} {error.type} {error.reason}".split())[:300]
    if item.status in (401, 403, 404) or error.type in _HALT:
        return Outcome(kind="halt", reason=why, remedy=_HALT.get(error.type, _HINTS[403]))
    if item.status == 429 or item.status >= 500:
        return Outcome(kind="retry", reason=why)
    return Outcome(kind="dead", reason=why)


def _said(response: Response) -> str:
    error: Any = document(response).get("error")
    if not isinstance(error, dict):
        return reason(response)
    return reason(response, str(error.get("type", "")), str(error.get("reason", "")))


def connect(settings: Settings) -> Transport:
    headers = {"Authorization": f"ApiKey {settings.api_key.reveal()}"}
    http = HttpTransport(
        settings.name, settings.url, headers=headers, ca_file=settings.ca_file, kept=_LONGEST_ANSWER
    )
    return ParameterTransport(http)


def probe(settings: Settings) -> Outcome:
    """Whether the cluster answers and knows the key. A key that may only write is refused the question, and is
    known.
    """
    headers = {"Authorization": f"ApiKey {settings.api_key.reveal()}"}
    http = HttpTransport(settings.name, settings.url, headers=headers, ca_file=settings.ca_file, connections=1)
    try:
        response = http.exchange("GET", "/", {})
    finally:
        http.close()
    if response.status in (200, 403):
        return Outcome(kind="delivered", reason="the cluster answers, and knows the key")
    return usual(response, _HINTS, _said(response)) or Outcome(
        kind="halt", reason=_said(response), remedy="is url that of Elasticsearch?"
    )
