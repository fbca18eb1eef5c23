"""Sumo Logic HTTP Source: canonical events, a line each, their time first (reference 4).

Promise: no line is over 65,536 bytes, which Sumo would slice, and none older than a year, which it would stamp
anew, goes out under its own time. The address is the credential: it stands in no text.
"""

from collections.abc import Sequence
from datetime import timedelta

from warehouse.config.destinations import Sumo as Settings
from warehouse.config.values import url_of
from warehouse.delivery.answers import reason
from warehouse.delivery.compression import gzipped
from warehouse.delivery.documents import AnyEvent, as_json, described, id_of, restamped_at, shortened
from warehouse.delivery.frames import side_by_side
from warehouse.delivery.knocking import knock
from warehouse.delivery.mappings.schemas import SCHEMAS
from warehouse.delivery.over_http import HttpTransport, secret_parts
from warehouse.delivery.port import FixedForm, Limits, Outcome, Request, Response, Transport, all_of
from warehouse.delivery.statuses import is_page, unreadable, usual

__all__ = ["FIXED_FORM", "LIMITS", "Settings", "classify", "connect", "encode", "pack", "probe"]

_LONGEST = 65_536
# Sumo keeps times from a year back to two days ahead; the margin is for what waits in a batch that is tried again.
FIXED_FORM = FixedForm()
LIMITS = Limits(
    events=1000,
    raw=1_000_000,
    event=_LONGEST,
    separator=1,
    oldest=timedelta(days=364),
    ahead=timedelta(hours=47),
    late="restamp",
)

_SCHEMA = SCHEMAS["canonical"]
_HEADERS = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
_DELIVERED = Outcome(kind="delivered", ack="HTTP 200")
_HINTS = {
    401: "the address is not known there: copy it anew from the source in Sumo Logic",
    404: "the address is not that of an HTTP source: copy it anew from the source in Sumo Logic",
}


def encode(event: AnyEvent, settings: Settings, restamp: str | None = None) -> bytes:
    frame = _line(event, restamp)
    return frame if len(frame) <= _LONGEST else shortened(event, lambda one: _line(one, restamp), frame, _LONGEST)


def _line(event: AnyEvent, restamp: str | None) -> bytes:
    if restamp is not None:
        event = restamped_at(event, restamp)
    # Sumo takes the first time that it finds in a line for the line's own
    return as_json({"timestamp": event.stamp, "event_id": id_of(event), **described(event, _SCHEMA)})


def pack(frames: Sequence[bytes], settings: Settings) -> Request:
    body = side_by_side(frames, b"\n")
    named = {
        "X-Sumo-Category": settings.category,
        "X-Sumo-Host": settings.host,
        "X-Sumo-Name": settings.source_name,
    }
    headers = {**_HEADERS, **{name: text for name, text in named.items() if text is not None}}
    return Request(body=gzipped(body), raw=len(body), count=len(frames), headers=headers)


def classify(response: Response, count: int) -> list[Outcome]:
    """200 with an empty body is success; 408 says that a part may be stored, and that less would have gone
    through.
    """
    if response.status == 200:
        return all_of(count, unreadable(response) if is_page(response) else _DELIVERED)
    if response.status == 408 and count > 1:
        return all_of(count, Outcome(kind="split", reason=reason(response)))
    found = usual(response, _HINTS)
    if found is None:
        found = unreadable(response) if response.status < 300 else Outcome(kind="split", reason=reason(response))
    return all_of(count, found)


def connect(settings: Settings) -> Transport:
    url = url_of(settings.url)
    return HttpTransport(settings.name, url, hidden=secret_parts(url))


def probe(settings: Settings) -> Outcome:
    """Whether somebody is there; asks for nothing, because any request could become an event."""
    return knock(url_of(settings.url))
