"""Cribl Stream's HTTP bulk source: canonical events as `_raw`, with `_time` (reference 7).

Promise: routes find time, id and type beside `_raw`. A 200 says that Cribl took a batch: whether its own
destinations got it is for its persistent queue.
"""

from collections.abc import Sequence

import msgspec

from warehouse.config.destinations import Cribl as Settings
from warehouse.delivery.answers import reason
from warehouse.delivery.compression import gzipped
from warehouse.delivery.documents import AnyEvent, as_json, described, id_of, restamped_at, shortened
from warehouse.delivery.frames import side_by_side
from warehouse.delivery.knocking import knock
from warehouse.delivery.mappings.alert import CanonicalAlert
from warehouse.delivery.mappings.schemas import SCHEMAS
from warehouse.delivery.over_http import HttpTransport
from warehouse.delivery.port import FixedForm, Limits, Outcome, Request, Response, Transport, all_of
from warehouse.delivery.statuses import is_page, unreadable, usual

__all__ = ["FIXED_FORM", "LIMITS", "Settings", "classify", "connect", "encode", "pack", "probe"]

FIXED_FORM = FixedForm()
LIMITS = Limits(events=1000, raw=1_000_000, separator=1)
_LONGEST = LIMITS.raw - LIMITS.separator

_PATH = "/cribl/_bulk"
_SCHEMA = SCHEMAS["canonical"]
_HEADERS = {"Content-Type": "application/x-ndjson", "Content-Encoding": "gzip"}
_HINTS = {
    401: "the source wants a token: set token as in the source's Auth tokens",
    404: "url must end with host and port of the HTTP source (10080); /cribl/_bulk is added to it",
}


def encode(event: AnyEvent, settings: Settings, restamp: str | None = None) -> bytes:
    frame = _line(event, restamp)
    return frame if len(frame) <= _LONGEST else shortened(event, lambda one: _line(one, restamp), frame, _LONGEST)


def _line(event: AnyEvent, restamp: str | None) -> bytes:
    if restamp is not None:
        event = restamped_at(event, restamp)
    return as_json(
        {
            "_time": msgspec.Raw(b"%d.%06d" % divmod(event.stamp_us, 1_000_000)),
            "_raw": as_json(described(event, _SCHEMA)).decode(),
            "source": "anthropic",
            "sourcetype": "anthropic:claude:audit",
            "host": "claude.ai",
            "event_id": id_of(event),
            "type": event.rule_id if isinstance(event, CanonicalAlert) else event.type,
        }
    )


def pack(frames: Sequence[bytes], settings: Settings) -> Request:
    body = side_by_side(frames, b"\n")
    return Request(body=gzipped(body), raw=len(body), count=len(frames), path=_PATH, headers=_HEADERS)


def classify(response: Response, count: int) -> list[Outcome]:
    if 200 <= response.status < 300:
        delivered = Outcome(kind="delivered", ack=f"HTTP {response.status}")
        return all_of(count, unreadable(response) if is_page(response) else delivered)
    return all_of(count, usual(response, _HINTS) or Outcome(kind="split", reason=reason(response)))


def connect(settings: Settings) -> Transport:
    """The token goes as it is, without a scheme before it."""
    headers = {"Authorization": settings.token.reveal()} if settings.token is not None else {}
    url = settings.url.removesuffix(_PATH)
    return HttpTransport(settings.name, url, headers=headers, ca_file=settings.ca_file)


def probe(settings: Settings) -> Outcome:
    """Whether somebody is there; asks for nothing, because any request could become an event."""
    return knock(settings.url, settings.ca_file)
