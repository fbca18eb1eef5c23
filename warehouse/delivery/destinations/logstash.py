"""Logstash's HTTP input: ECS events in a JSON array (reference 3.7).

Promise: no field goes out that the input, in ECS mode, writes over with facts of our own request: the user agent
is `anthropic.user_agent`. Logstash says that it took a batch, not that its pipeline has written it.
"""

import base64
from collections.abc import Sequence

from warehouse.config.destinations import Logstash as Settings
from warehouse.delivery.answers import reason
from warehouse.delivery.compression import gzipped
from warehouse.delivery.documents import AnyEvent, as_json, described, shortened
from warehouse.delivery.frames import together
from warehouse.delivery.knocking import knock
from warehouse.delivery.mappings.schemas import SCHEMAS
from warehouse.delivery.over_http import HttpTransport
from warehouse.delivery.port import FixedForm, Limits, Outcome, Request, Response, Transport, all_of
from warehouse.delivery.statuses import is_page, unreadable, usual

__all__ = ["FIXED_FORM", "LIMITS", "Settings", "classify", "connect", "encode", "pack", "probe"]

FIXED_FORM = FixedForm()
LIMITS = Limits(events=1000, raw=1_000_000, overhead=2, separator=1)
_LONGEST = LIMITS.raw - LIMITS.overhead - LIMITS.separator

_SCHEMA = SCHEMAS["ecs"]
_HEADERS = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
_HINTS = {401: "Logstash wants basic authentication: set username and password as in its http input"}


def encode(event: AnyEvent, settings: Settings, restamp: str | None = None) -> bytes:
    frame = _event(event, restamp)
    return frame if len(frame) <= _LONGEST else shortened(event, lambda one: _event(one, restamp), frame, _LONGEST)


def _event(event: AnyEvent, restamp: str | None) -> bytes:
    found = described(event, _SCHEMA, restamp)
    agent = found.pop("user_agent", None)
    if agent is not None:
        found["anthropic"]["user_agent"] = agent
    return as_json(found)


def pack(frames: Sequence[bytes], settings: Settings) -> Request:
    body = together(frames, b",", b"[", b"]")
    return Request(body=gzipped(body), raw=len(body), count=len(frames), headers=_HEADERS)


def classify(response: Response, count: int) -> list[Outcome]:
    """Any 2xx is success: the input's own answer is a setting of it."""
    if 200 <= response.status < 300:
        delivered = Outcome(kind="delivered", ack=f"HTTP {response.status}")
        return all_of(count, unreadable(response) if is_page(response) else delivered)
    return all_of(count, usual(response, _HINTS) or Outcome(kind="split", reason=reason(response)))


def connect(settings: Settings) -> Transport:
    headers = {}
    if settings.username is not None and settings.password is not None:
        pair = f"{settings.username}:{settings.password.reveal()}".encode()
        headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
    return HttpTransport(settings.name, settings.url, headers=headers, ca_file=settings.ca_file)


def probe(settings: Settings) -> Outcome:
    """Whether somebody is there; asks for nothing, because any request could become an event."""
    return knock(settings.url, settings.ca_file)
