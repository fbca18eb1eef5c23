"""Any receiver of JSON over HTTPS, such as Arctic Wolf's cloud: canonical events and alerts (reference 6.4).

Promise: with `body = "json"` each event is a request of its own; `array` and `ndjson` send many in one. A 2xx is
all that is asked of the receiver.
"""

from collections.abc import Sequence
from dataclasses import replace

from warehouse.config.destinations import Webhook as Settings
from warehouse.config.secrets import SecretRef
from warehouse.config.values import url_of
from warehouse.delivery.answers import reason
from warehouse.delivery.documents import AnyEvent, as_json, described, shortened
from warehouse.delivery.frames import together
from warehouse.delivery.knocking import knock
from warehouse.delivery.mappings.schemas import SCHEMAS
from warehouse.delivery.over_http import HttpTransport, secret_parts
from warehouse.delivery.port import FixedForm, Limits, Outcome, Request, Response, Transport, all_of
from warehouse.delivery.statuses import is_page, unreadable, usual

__all__ = ["FIXED_FORM", "LIMITS", "Settings", "classify", "connect", "encode", "limits", "pack", "probe"]

FIXED_FORM = FixedForm()
LIMITS = Limits(events=500, raw=1_000_000, overhead=2, separator=1)
_LONGEST = LIMITS.raw - LIMITS.overhead - LIMITS.separator

_SCHEMA = SCHEMAS["canonical"]
_JSON = {"Content-Type": "application/json"}
_NDJSON = {"Content-Type": "application/x-ndjson"}


def limits(settings: Settings) -> Limits:
    """One event a request where the body is one JSON object."""
    return replace(LIMITS, events=1) if settings.body == "json" else LIMITS


def encode(event: AnyEvent, settings: Settings, restamp: str | None = None) -> bytes:
    frame = as_json(described(event, _SCHEMA, restamp))
    if len(frame) <= _LONGEST:
        return frame
    return shortened(event, lambda one: as_json(described(one, _SCHEMA, restamp)), frame, _LONGEST)


def pack(frames: Sequence[bytes], settings: Settings) -> Request:
    """Not compressed: a receiver of any kind need not take that."""
    if settings.body == "ndjson":
        body, headers = together(frames, b"\n", after=b"\n"), _NDJSON
    elif settings.body == "json" and len(frames) == 1:
        body, headers = frames[0], _JSON
    else:
        body, headers = together(frames, b",", b"[", b"]"), _JSON
    return Request(body=body, raw=len(body), count=len(frames), headers=headers)


def classify(response: Response, count: int) -> list[Outcome]:
    if 200 <= response.status < 300:
        delivered = Outcome(kind="delivered", ack=f"HTTP {response.status}")
        return all_of(count, unreadable(response) if is_page(response) else delivered)
    return all_of(count, usual(response) or Outcome(kind="split", reason=reason(response)))


def connect(settings: Settings) -> Transport:
    headers = {settings.header: settings.token.reveal()} if settings.token is not None else {}
    url = url_of(settings.url)
    hidden = secret_parts(url) if isinstance(settings.url, SecretRef) else ()
    return HttpTransport(settings.name, url, headers=headers, ca_file=settings.ca_file, hidden=hidden)


def probe(settings: Settings) -> Outcome:
    """Whether somebody is there; asks for nothing, because any request could become an event."""
    return knock(url_of(settings.url), settings.ca_file)
