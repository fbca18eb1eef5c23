"""Splunk HTTP Event Collector, Enterprise and Cloud: CIM events in JSON envelopes (reference 1).

Promise: a refused batch is read by Splunk's prefix rule: what stands before the bad object is delivered, that
object is dead, the rest goes again. With `ack`, an event counts as delivered once its indexer has said so.
"""

from collections.abc import Sequence
from functools import lru_cache

from warehouse.config.destinations import Splunk as Settings
from warehouse.delivery.answers import document, reason, retry_after
from warehouse.delivery.compression import gzipped
from warehouse.delivery.documents import AnyEvent, as_json, described, restamped_at, shortened
from warehouse.delivery.frames import side_by_side
from warehouse.delivery.mappings.alert import CanonicalAlert
from warehouse.delivery.mappings.schemas import SCHEMAS
from warehouse.delivery.over_http import HttpTransport
from warehouse.delivery.port import FixedForm, Limits, Outcome, Request, Response, Transport, all_of
from warehouse.delivery.splunk_ack import AcknowledgedTransport
from warehouse.delivery.statuses import is_page, unreadable, usual

__all__ = ["FIXED_FORM", "LIMITS", "Settings", "classify", "connect", "encode", "pack", "probe"]

# Splunk Cloud refuses bodies of some 5 MB, Enterprise of 800 MiB; both advise about 1 MB.
FIXED_FORM = FixedForm()
LIMITS = Limits(events=1000, raw=1_000_000, separator=1, concurrency=4)

_LONGEST = LIMITS.raw - LIMITS.separator
_HOST = "claude.ai"
_SCHEMA = SCHEMAS["cim"]
_HEADERS = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
_COLLECTOR = "/services/collector"
_PREFIX = {12, 13, 15}  # these codes name the bad object
_OK = {0, 24, 25}
_RETRY = {8, 9, 18, 19, 20, 23, 26, 27}
_HALT = {
    1: "the token is disabled: enable it in Splunk, or set token to another",
    2: "no token arrived: does a proxy take the header Authorization away?",
    3: "the token is not readable: check that it is whole",
    4: "Splunk does not know the token: check that it is whole and of this deployment",
    5: "nothing arrived: does a proxy take the body away?",
    7: "the token may not write to that index: allow it in Splunk, or correct index",
    10: "the token wants acknowledgement: set ack = true",
    11: "Splunk does not take our channel: report this",
    14: "the token has no acknowledgement: set ack = false, or switch it on in Splunk",
    16: "report this: the token is sent in a header",
    21: "Splunk does not know the token: check that it is whole and of this deployment",
    22: "the token is disabled: enable it in Splunk, or set token to another",
    28: "the token wants acknowledgement: set ack = true",
}
_HINTS = {404: "url must end with host and port of the event collector (8088, or 443 in Splunk Cloud)"}


def encode(event: AnyEvent, settings: Settings, restamp: str | None = None) -> bytes:
    """One envelope. Splunk files it under any time; a restamped one keeps its own in `event_time`."""
    frame = _envelope(event, settings, restamp)
    if len(frame) <= _LONGEST:
        return frame
    return shortened(event, lambda one: _envelope(one, settings, restamp), frame, _LONGEST)


def _envelope(event: AnyEvent, settings: Settings, restamp: str | None) -> bytes:
    if restamp is not None:
        event = restamped_at(event, restamp)
    # what stands in every envelope is put together once: this is done for each of millions of events
    head = _head(settings.sourcetype, settings.source, settings.index)
    time = b"%d.%06d" % divmod(event.stamp_us, 1_000_000)
    if isinstance(event, CanonicalAlert):
        id, tail = event.alert_id, _tail("alert", event.rule_id, None)
    else:
        id, tail = event.event_id, _tail(event.category, event.type, event.organization_uuid)
    parts = (
        b'{"time":',
        time,
        head,
        as_json(described(event, _SCHEMA)),
        b',"fields":{"event_id":',
        as_json(id),
        tail,
    )
    return b"".join(parts)


@lru_cache(maxsize=64)
def _head(sourcetype: str, source: str | None, index: str | None) -> bytes:
    given = {"host": _HOST, "sourcetype": sourcetype, "source": source, "index": index}
    text = as_json({name: value for name, value in given.items() if value is not None})
    return b"," + text[1:-1] + b',"event":'


@lru_cache(maxsize=4096)
def _tail(category: str, type: str, org_id: str | None) -> bytes:
    given = {"category": category, "type": type, "org_id": org_id}
    return b"," + as_json({name: value for name, value in given.items() if value is not None})[1:] + b"}"


def pack(frames: Sequence[bytes], settings: Settings) -> Request:
    """Objects one behind the other, a line each."""
    body = side_by_side(frames, b"\n")
    return Request(
        body=gzipped(body), raw=len(body), count=len(frames), path=f"{_COLLECTOR}/event", headers=_HEADERS
    )


def classify(response: Response, count: int) -> list[Outcome]:
    """By Splunk's own code where there is one, else by the status."""
    said = document(response)
    code, number = said.get("code"), said.get("invalid-event-number")
    if not isinstance(code, int) or code >= 400:
        return all_of(count, _without_code(response))
    if response.status == 200 and code in _OK:
        return all_of(count, Outcome(kind="delivered", ack=_receipt(response, said)))
    why = reason(response, f"code {code}", str(said.get("text", "")))
    if code in _HALT:
        return all_of(count, Outcome(kind="halt", reason=why, remedy=_HALT[code]))
    if code in _RETRY:
        return all_of(count, Outcome(kind="retry", reason=why, after=retry_after(response.headers)))
    if code in _PREFIX or code == 6:
        return _prefix(response, count, code, number, why)
    return all_of(count, usual(response) or Outcome(kind="split", reason=why))


def _prefix(response: Response, count: int, code: int, number: object, why: str) -> list[Outcome]:
    """Objects before the named one are indexed; it is not, nor what follows (observed on 10.4 and Cloud 10.5).

    Cloud answers a body that is too large with code 6 and number 0: halve that before any event is given up.
    """
    if not isinstance(number, int) or not 0 <= number < count or (code == 6 and number == 0 and count > 1):
        return all_of(count, Outcome(kind="split", reason=why))
    before = Outcome(kind="delivered", ack=response.ack or f"HTTP 400, before object {number}")
    after = Outcome(kind="retry", reason="behind a bad object of its batch", after=0.0)
    return [before] * number + [Outcome(kind="dead", reason=why)] + [after] * (count - number - 1)


def _without_code(response: Response) -> Outcome:
    """No code of Splunk's: a load balancer, or what is not Splunk at all."""
    found = usual(response, _HINTS)
    if found is not None:
        return found
    if response.status == 200 or is_page(response):
        return unreadable(response)
    return Outcome(kind="split", reason=reason(response))


def _receipt(response: Response, said: dict[str, object]) -> str:
    return response.ack or f"HTTP 200, code {said.get('code')}"


def connect(settings: Settings) -> Transport:
    headers = {"Authorization": f"Splunk {settings.token.reveal()}"}
    http = HttpTransport(settings.name, _base(settings), headers=headers, ca_file=settings.ca_file)
    return AcknowledgedTransport(http, f"{_COLLECTOR}/ack") if settings.ack else http


def probe(settings: Settings) -> Outcome:
    """Whether the collector is there and healthy. It says so whatever the token is: that shows with the first
    event.
    """
    http = HttpTransport(settings.name, _base(settings), ca_file=settings.ca_file, connections=1)
    try:
        question = "?ack=true" if settings.ack else ""
        response = http.exchange("GET", f"{_COLLECTOR}/health{question}", {})
    finally:
        http.close()
    code = document(response).get("code")
    if response.status == 200 and code == 17:
        return Outcome(kind="delivered", reason="the event collector is healthy (this does not check the token)")
    why = reason(response, f"code {code}" if code else "")
    if isinstance(code, int) and code in _HALT:
        return Outcome(kind="halt", reason=why, remedy=_HALT[code])
    return usual(response, _HINTS, why) or Outcome(
        kind="halt", reason=why, remedy="url must be that of the event collector: is something else there?"
    )


def _base(settings: Settings) -> str:
    """The address as people copy it: with or without the collector's own path."""
    return settings.url.removesuffix("/event").removesuffix(_COLLECTOR)
