"""Microsoft Sentinel through the Logs Ingestion API: rows of a table, in arrays of at most 1,048,576 bytes.

Promise: the limit holds before and after gzip; an array is never empty; the true time is in `EventTime` even where
`TimeGenerated` had to be set to now, because the service writes the time of receipt over anything older than 2
days.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from warehouse.config.destinations import Sentinel
from warehouse.delivery.answers import document, reason, retry_after
from warehouse.delivery.compression import gzipped
from warehouse.delivery.credentials import revealed
from warehouse.delivery.destinations.sentinel_rows import encoded, row
from warehouse.delivery.errors import Halted
from warehouse.delivery.frames import together
from warehouse.delivery.knocking import knock
from warehouse.delivery.over_http import HttpTransport
from warehouse.delivery.port import FixedForm, Limits, Outcome, Refused, Request, Response, Transport, all_of
from warehouse.delivery.tokens import NoToken, Token, TokenTransport, without_token

Settings = Sentinel
API_VERSION = "2023-01-01"
ONE_CALL = 1_048_576
FIXED_FORM = FixedForm()
LIMITS = Limits(
    events=10_000,
    raw=ONE_CALL,
    packed=ONE_CALL,
    event=ONE_CALL - 2,
    overhead=2,
    separator=1,
    oldest=timedelta(days=2),
    ahead=timedelta(days=1),
    late="restamp",
    concurrency=4,
)
# The audience of each cloud, by the host of its authority.
_AUDIENCES = {
    "login.microsoftonline.us": "https://monitor.azure.us",
    "login.chinacloudapi.cn": "https://monitor.azure.cn",
}
_REMEDIES = {
    401: "check tenant_id, client_id and authority: the endpoint does not take the token that they give",
    403: "give the application the role Monitoring Metrics Publisher on the rule; it may take 30 minutes to count",
    404: "correct dcr_id, stream or endpoint: they must be of one rule",
}
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_HEADERS = {"Content-Type": "application/json", "Content-Encoding": "gzip"}


def encode(event: Any, settings: Sentinel, restamp: str | None) -> bytes | Refused:
    """One row as a JSON object."""
    return encoded(row(event, restamp))


def pack(frames: Sequence[bytes], settings: Sentinel) -> Request:
    """Rows as one gzipped array. Raises ValueError for none: the service answers an empty array with 500."""
    if not frames:
        raise ValueError("an empty array is answered with 500, again and again")
    body = together(frames, b",", b"[", b"]")
    return Request(body=gzipped(body), raw=len(body), count=len(frames), headers=_HEADERS)


def classify(response: Response, count: int) -> Sequence[Outcome]:
    """Statuses of the Logs Ingestion API (reference: siem-destinations 5.4)."""
    status, after = response.status, retry_after(response.headers)
    error = document(response).get("error")
    code, message = (
        (str(error.get(name) or "") for name in ("code", "message")) if isinstance(error, dict) else ("", "")
    )
    why = reason(response, code, message)
    if status in (200, 204):
        return all_of(count, Outcome(kind="delivered", ack=f"HTTP {status}"))
    if status == 413:
        return all_of(count, Outcome(kind="split", reason=why))
    if status == 400:
        # A stream or a rule that does not exist is the same for every row; anything else may be one row's fault.
        ours = any(word in code.lower() for word in ("stream", "datacollectionrule", "dcr", "apiversion"))
        return all_of(
            count,
            Outcome(kind="halt", reason=why, remedy="correct dcr_id or stream")
            if ours
            else Outcome(kind="split", reason=why),
        )
    if status in (0, 408, 429) or status >= 500:
        return all_of(count, Outcome(kind="retry", reason=why, after=after))
    return all_of(count, Outcome(kind="halt", reason=why, remedy=_REMEDIES.get(status, "correct endpoint")))


def connect(settings: Sentinel) -> Transport:
    """A transport with a token of Entra ID by client credentials. Raises Halted where the secret is missing."""
    authority = _authority(settings)
    address = (
        f"{settings.endpoint}/dataCollectionRules/{settings.dcr_id}/streams/{settings.stream}"
        f"?api-version={API_VERSION}"
    )
    return TokenTransport(
        HttpTransport(settings.name, address), lambda: _token(settings, authority), authority=authority
    )


def probe(settings: Sentinel) -> Outcome:
    """Whether Entra ID gives the application a token, and somebody is at the endpoint. Whether it may write to the
    rule shows with the first event.
    """
    authority = _authority(settings)
    try:
        found = _token(settings, authority)
    finally:
        authority.close()
    if isinstance(found, NoToken):
        return without_token(found, "authority")
    there = knock(settings.endpoint)
    told = "Entra ID knows the application, and the endpoint is there (this does not check its role on the rule)"
    return there if there.kind != "delivered" else Outcome(kind="delivered", reason=told)


def _authority(settings: Sentinel) -> HttpTransport:
    return HttpTransport(settings.name, f"{settings.authority}/{quote(settings.tenant_id)}/oauth2/v2.0/token")


def _token(settings: Sentinel, authority: HttpTransport) -> Token | NoToken:
    """A token for the cloud's audience (5.1). Raises Halted where the secret is missing or refused."""
    host = settings.authority.partition("://")[2]
    audience = _AUDIENCES.get(host, "https://monitor.azure.com")
    form = {
        "grant_type": "client_credentials",
        "client_id": settings.client_id,
        "client_secret": revealed(settings.name, settings.client_secret),
        "scope": f"{audience}/.default",
    }
    body = "&".join(f"{name}={quote(value, safe='')}" for name, value in form.items()).encode()
    answer = authority.exchange(
        "POST", "", _FORM, body, hidden=[form["client_secret"], quote(form["client_secret"], "")]
    )
    said = document(answer)
    token = said.get("access_token")
    if answer.status == 200 and isinstance(token, str) and token:
        seconds = said.get("expires_in")
        return Token(token, float(seconds) if isinstance(seconds, int | float | str) else 600.0)
    if answer.status in (400, 401, 403, 404):
        # the description repeats ids of ours, never the secret; the code is enough to look up
        codes = said.get("error_codes")
        code = f"AADSTS{codes[0]}" if isinstance(codes, list) and codes else f"HTTP {answer.status}"
        raise Halted(
            f"Entra ID refuses the application of destination {settings.name} "
            f"({said.get('error', 'error')}, {code})",
            remedy="check tenant_id, client_id and what client_secret refers to (it may have expired)",
        )
    return NoToken(f"from the authority: {reason(answer)}", retry_after(answer.headers))
