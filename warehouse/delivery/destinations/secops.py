"""Google SecOps through the Chronicle API: raw logs (`logs:import`), or UDM events (`events:import`).

Promise: a batch that is sent again is the same batch, byte for byte and cut in the same place, because the service
tells repeats by whole batches; no log's `collectionTime` is before its `logEntryTime`.
"""

import base64
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from warehouse.config.destinations import SecOps
from warehouse.delivery.answers import document as answered
from warehouse.delivery.answers import reason, retry_after
from warehouse.delivery.credentials import revealed_file
from warehouse.delivery.destinations.secops_token import ServiceAccount
from warehouse.delivery.documents import AnyEvent, as_json, described, id_of, shortened
from warehouse.delivery.frames import together
from warehouse.delivery.knocking import knock
from warehouse.delivery.mappings.schemas import SCHEMAS
from warehouse.delivery.over_http import HttpTransport
from warehouse.delivery.port import FixedForm, Limits, Outcome, Refused, Request, Response, Transport, all_of
from warehouse.delivery.tokens import NoToken, TokenTransport, without_token

Settings = SecOps
# The service takes 4 MB; 1 MB is what its older API took, and what its own forwarder sends.
LONGEST = 900_000
LIMITS = Limits(events=1_000, raw=1_000_000, event=LONGEST, overhead=600, separator=1, concurrency=4)
_MEDIA = "application/json"
_REMEDIES = {
    401: "check that the service account of credentials is enabled, and this machine's clock",
    403: 'give the service account chronicle.logs.import (chronicle.events.import with send = "events")',
    404: "correct region, project, instance or log_type; a log type of your own must be created first",
}


def fixed_form(settings: SecOps) -> FixedForm | None:
    """UDM events copy what an event holds; a raw log is that in base64."""
    return FixedForm() if settings.send == "events" else None


def encode(event: AnyEvent, settings: SecOps, restamp: str | None) -> bytes | Refused:
    """One log, or one UDM event."""
    make = _udm if settings.send == "events" else _log
    frame = make(event, restamp)
    return frame if len(frame) <= LONGEST else shortened(event, lambda one: make(one, restamp), frame, LONGEST)


def _udm(event: AnyEvent, restamp: str | None) -> bytes:
    return as_json({"udm": described(event, SCHEMAS["udm"], restamp)})


def _log(event: AnyEvent, restamp: str | None) -> bytes:
    time = restamp or event.stamp
    return as_json(
        {
            "data": base64.b64encode(as_json(described(event, SCHEMAS["canonical"]))).decode(),
            "logEntryTime": time,
            "collectionTime": max(time, _seen(event)),
            "labels": {"event_id": {"value": id_of(event)}},
        }
    )


def pack(frames: Sequence[bytes], settings: SecOps) -> Request:
    """Logs as one inline source."""
    if settings.send == "events":
        body = together(frames, b",", b'{"inlineSource":{"events":[', b"]}}")
        return Request(
            body=body, raw=len(body), count=len(frames), path="/events:import", headers={"Content-Type": _MEDIA}
        )
    forwarder = b""
    if settings.forwarder is not None:
        name = settings.forwarder
        if "/" not in name:
            name = f"{_parent(settings)}/forwarders/{name}"
        forwarder = b',"forwarder":' + as_json(name)
    body = together(frames, b",", b'{"inlineSource":{"logs":[', b"]%b}}" % forwarder)
    return Request(
        body=body,
        raw=len(body),
        count=len(frames),
        path=f"/logTypes/{settings.log_type}/logs:import",
        headers={"Content-Type": _MEDIA},
    )


def classify(response: Response, count: int) -> Sequence[Outcome]:
    """Statuses as google.rpc has them (reference: siem-destinations 10)."""
    error = answered(response).get("error")
    code, message = (
        (str(error.get(name) or "") for name in ("status", "message")) if isinstance(error, dict) else ("", "")
    )
    why = reason(response, code, message)
    if response.status == 200:
        return all_of(count, Outcome(kind="delivered", ack="HTTP 200"))
    if response.status in (400, 413):
        return all_of(count, Outcome(kind="split", reason=why))
    if response.status in (0, 408, 429) or response.status >= 500:
        return all_of(count, Outcome(kind="retry", reason=why, after=retry_after(response.headers)))
    return all_of(count, Outcome(kind="halt", reason=why, remedy=_REMEDIES.get(response.status, "correct url")))


def connect(settings: SecOps) -> Transport:
    """A transport with a service account's token. Raises Halted where its key is missing or of no use."""
    account = ServiceAccount(settings.name, revealed_file(settings.name, settings.credentials))
    address = f"{settings.url or _host(settings.region)}/v1alpha/{_parent(settings)}"
    return TokenTransport(HttpTransport(settings.name, address), account.token, authority=account.authority)


def probe(settings: SecOps) -> Outcome:
    """Whether Google gives the service account a token, and somebody is at the API. Whether it may import shows
    with the first event.
    """
    account = ServiceAccount(settings.name, revealed_file(settings.name, settings.credentials))
    try:
        found = account.token()
    finally:
        account.authority.close()
    if isinstance(found, NoToken):
        return without_token(found, "the token_uri of credentials")
    there = knock(settings.url or _host(settings.region))
    told = "Google knows the service account, and the API is there (this does not check its rights)"
    return there if there.kind != "delivered" else Outcome(kind="delivered", reason=told)


def _host(region: str) -> str:
    return f"https://chronicle.{region}.rep.googleapis.com"


def _parent(settings: SecOps) -> str:
    return f"projects/{settings.project}/locations/{settings.region}/instances/{settings.instance}"


def _seen(event: Any) -> str:
    """When we saw it: a fact of the event, so that the same event is the same bytes."""
    micros = getattr(event, "observed_us", None)
    if micros is None:
        return str(event.stamp)
    moment = datetime.fromtimestamp(micros // 1_000_000, UTC).replace(microsecond=micros % 1_000_000)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
