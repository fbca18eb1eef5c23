"""Datadog Logs intake v2, any site: standard attributes in a JSON array (reference 2).

Promise: what the intake would take with 202 and then cut or re-date never goes out: an event is at most 1 MB,
and one older than 17 hours is restamped or skipped by policy. The intake gives no receipt but its status.
"""

from collections.abc import Sequence
from datetime import timedelta

from warehouse.config.destinations import Datadog as Settings
from warehouse.delivery.answers import document, reason
from warehouse.delivery.compression import gzipped
from warehouse.delivery.documents import AnyEvent, as_json, described, shortened
from warehouse.delivery.frames import together
from warehouse.delivery.knocking import knock
from warehouse.delivery.mappings.schemas import SCHEMAS
from warehouse.delivery.over_http import HttpTransport
from warehouse.delivery.port import FixedForm, Limits, Outcome, Request, Response, Transport, all_of
from warehouse.delivery.statuses import unreadable, usual

__all__ = ["FIXED_FORM", "LIMITS", "Settings", "classify", "connect", "encode", "pack", "probe"]

_LONGEST = 1_000_000  # a longer log is taken, and cut
# The window is 18 h back and 2 h ahead; the margin is for what waits in a batch that is tried again.
FIXED_FORM = FixedForm()
LIMITS = Limits(
    events=1000,
    raw=5_000_000,
    event=_LONGEST,
    overhead=2,
    separator=1,
    oldest=timedelta(hours=17),
    ahead=timedelta(hours=1, minutes=45),
    late="restamp",
)

_HOST = "claude.ai"
_PATH = "/api/v2/logs"
_SCHEMA = SCHEMAS["datadog"]
_HEADERS = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
_DELIVERED = Outcome(kind="delivered", ack="HTTP 202")
_HINTS = {
    401: "no API key arrived",
    403: "the API key is not valid at this site: check api_key, and site (datadoghq.eu, us3.datadoghq.com, ...)",
    404: "correct site or url",
}


def encode(event: AnyEvent, settings: Settings, restamp: str | None = None) -> bytes:
    """One log, its true time in `event_time`."""
    frame = _log(event, settings, restamp)
    if len(frame) <= _LONGEST:
        return frame
    return shortened(event, lambda one: _log(one, settings, restamp), frame, _LONGEST)


def _log(event: AnyEvent, settings: Settings, restamp: str | None) -> bytes:
    log = described(event, _SCHEMA, restamp)
    log["hostname"] = _HOST
    log["service"] = settings.service
    if settings.tags:
        log["ddtags"] = ",".join(settings.tags)
    return as_json(log)


def pack(frames: Sequence[bytes], settings: Settings) -> Request:
    body = together(frames, b",", b"[", b"]")
    return Request(body=gzipped(body), raw=len(body), count=len(frames), path=_PATH, headers=_HEADERS)


def classify(response: Response, count: int) -> list[Outcome]:
    """202 is all that the intake says; a 400 is halved down to the event it is about."""
    if response.status == 202:
        return all_of(count, _DELIVERED)
    wait = response.headers.get("x-ratelimit-reset", "")
    found = usual(response, _HINTS, _said(response))
    if found is None:
        found = unreadable(response) if response.status < 300 else Outcome(kind="split", reason=_said(response))
    elif response.status == 429 and found.after is None and wait.isdigit():
        found = Outcome(kind="retry", reason=found.reason, after=float(wait))
    return all_of(count, found)


def _said(response: Response) -> str:
    """The first of the intake's errors."""
    errors = document(response).get("errors")
    first = errors[0] if isinstance(errors, list) and errors else None
    if not isinstance(first, dict):
        return reason(response, message=first if isinstance(first, str) else "")
    return reason(response, message=f"{first.get('title', '')}: {first.get('detail', '')}")


def connect(settings: Settings) -> Transport:
    return HttpTransport(settings.name, _address(settings), headers={"DD-API-KEY": settings.api_key.reveal()})


def _address(settings: Settings) -> str:
    return (settings.url or f"https://http-intake.logs.{settings.site}").removesuffix(_PATH)


def probe(settings: Settings) -> Outcome:
    """Whether somebody is there; asks for nothing, because any request could become an event."""
    return knock(_address(settings))
