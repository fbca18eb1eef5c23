"""DEPRECATED: Microsoft's HTTP Data Collector API, signed with a workspace's key. Use `sentinel`.

Microsoft ended its support on 2026-09-14 and may switch it off unannounced. It has no rights of its own and makes
columns as it likes (`EventId_s`, ...); it is here so that a workspace in use can be moved without a gap.
"""

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Sequence
from datetime import timedelta
from email.utils import formatdate
from typing import Any

from warehouse.config.destinations import SentinelLegacy
from warehouse.delivery.answers import document, reason, retry_after
from warehouse.delivery.credentials import revealed
from warehouse.delivery.destinations.sentinel_rows import encoded, row
from warehouse.delivery.errors import Halted
from warehouse.delivery.frames import together
from warehouse.delivery.knocking import knock
from warehouse.delivery.over_http import HttpTransport
from warehouse.delivery.port import FixedForm, Limits, Outcome, Refused, Request, Response, Transport, all_of

Settings = SentinelLegacy
FIXED_FORM = FixedForm()
LIMITS = Limits(
    events=2_000,
    raw=30_000_000,
    overhead=2,
    separator=1,
    oldest=timedelta(days=2),
    ahead=timedelta(days=1),
    late="restamp",
    concurrency=2,
)
LONGEST_VALUE = 32_768
_PATH = "/api/logs"
_MEDIA = "application/json"
_REMEDY = "check workspace_id, shared_key, log_type and this machine's clock; or go over to type sentinel"


def encode(event: Any, settings: SentinelLegacy, restamp: str | None) -> bytes | Refused:
    """One row; its time stands in `StampTime`, because `TimeGenerated` is the service's own."""
    columns = row(event, restamp)
    columns["StampTime"] = columns.pop("TimeGenerated")
    return encoded(columns, LONGEST_VALUE)


def pack(frames: Sequence[bytes], settings: SentinelLegacy) -> Request:
    """Rows as one array, uncompressed: the signature is over its length."""
    body = together(frames, b",", b"[", b"]")
    return Request(body=body, raw=len(body), count=len(frames), headers={"Content-Type": _MEDIA})


def classify(response: Response, count: int) -> Sequence[Outcome]:
    """Statuses of the HTTP Data Collector API (reference: siem-destinations 5.5)."""
    said = document(response)
    code = str(said.get("Error") or said.get("error") or "")
    why = reason(response, code, str(said.get("Message") or said.get("message") or ""))
    if response.status == 200:
        return all_of(count, Outcome(kind="delivered", ack="HTTP 200"))
    if response.status == 413 or (response.status == 400 and code in ("", "InvalidDataFormat", "MaxRequestSize")):
        return all_of(count, Outcome(kind="split", reason=why))
    if response.status in (0, 408, 429) or response.status >= 500:
        return all_of(count, Outcome(kind="retry", reason=why, after=retry_after(response.headers)))
    return all_of(count, Outcome(kind="halt", reason=why, remedy=_REMEDY))


def connect(settings: SentinelLegacy) -> Transport:
    """A transport that signs each request. Raises Halted where the key is missing or no key."""
    return _Signing(settings)


def probe(settings: SentinelLegacy) -> Outcome:
    """Whether somebody is there; asks for nothing, because any request could become an event."""
    return knock(_address(settings))


def _address(settings: SentinelLegacy) -> str:
    return settings.url or f"https://{settings.workspace_id}.ods.opinsights.azure.com"


class _Signing:
    def __init__(self, settings: SentinelLegacy) -> None:
        self._settings = settings
        try:
            self._key = base64.b64decode(revealed(settings.name, settings.shared_key), validate=True)
        except binascii.Error:
            raise Halted(
                f"the shared key of destination {settings.name} is not base64",
                remedy="copy the workspace's primary or secondary key as it is shown",
            ) from None
        self._http = HttpTransport(settings.name, f"{_address(settings)}{_PATH}?api-version=2016-04-01")

    def send(self, request: Request) -> Response:
        """The service's answer; the signature is over the time of sending, so each try has its own."""
        date = formatdate(time.time(), usegmt=True)
        signed = f"POST\n{len(request.body)}\n{_MEDIA}\nx-ms-date:{date}\n{_PATH}".encode()
        signature = base64.b64encode(hmac.new(self._key, signed, hashlib.sha256).digest()).decode()
        headers = {
            **request.headers,
            "Log-Type": self._settings.log_type,
            "x-ms-date": date,
            "time-generated-field": "StampTime",
            "Authorization": f"SharedKey {self._settings.workspace_id}:{signature}",
        }
        return self._http.exchange(request.method, request.path, headers, request.body)

    def close(self) -> None:
        self._http.close()
