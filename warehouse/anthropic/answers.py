"""What came back: one `Attempt` per request sent, and the `Response` whose bytes are archived.

Promise: bytes, status and headers are kept as they were received; the one thing removed is the value of
`set-cookie` (a token of the vendor's edge, and no token belongs in an archive).
"""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from warehouse.wire.times import http_date

_DETAIL_CHARACTERS = 300
UNREACHABLE = "unreachable"  # the error type of a request for which no connection came about


@dataclass(frozen=True)
class Attempt:
    """One request that was sent, whatever became of it.

    `status` is None when no answer arrived; `detail` then says why. `url` is path and query as sent, and never
    holds a secret. `error_type` is the vendor's (`rate_limit_error`, ...) or, where no usable answer arrived, ours
    (`unreachable`, `timeout`, `connection`, `tls`, `not_a_page`). `request_id` is what the feed's own footprint
    will carry.
    """

    requested_at: datetime
    received_at: datetime
    url: str
    status: int | None = None
    request_id: str | None = None
    error_type: str | None = None
    detail: str = ""

    def __str__(self) -> str:
        if self.status is None:
            return self.detail or "no answer"
        parts = [str(self.status)]
        if self.error_type:
            parts.append(self.error_type)
        if self.detail:
            parts.append(f"({self.detail})")
        if self.request_id:
            parts.append(f"request-id {self.request_id}")
        return " ".join(parts)


@dataclass(frozen=True)
class Response:
    """One complete HTTP answer. `headers` has lower-case names; a repeated header is joined with `, `.

    `body` is verbatim: requests ask for `Accept-Encoding: identity`. Should something on the way compress
    all the same, `body` is the decoded form and `headers` still names the `content-encoding`.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str
    requested_at: datetime
    received_at: datetime

    @property
    def request_id(self) -> str | None:
        """The vendor's id of this request (header `request-id`, or the error body's `request_id`)."""
        return self.headers.get("request-id") or (self.error.request_id if self.status >= 400 else None)

    @property
    def error(self) -> "ErrorBody":
        return parse_error(self.body)

    def retry_after(self) -> float | None:
        """Seconds to wait as the server asks for in `retry-after` (a number, or the HTTP date form), or
        None."""
        text = self.headers.get("retry-after", "").strip()
        if not text:
            return None
        try:
            seconds = float(text)
        except ValueError:
            moment = http_date(text)
            if moment is None:
                return None
            seconds = (moment - (http_date(self.headers.get("date", "")) or self.received_at)).total_seconds()
        return max(0.0, seconds) if math.isfinite(seconds) else None


@dataclass(frozen=True)
class ErrorBody:
    """What an error body says, in either of the vendor's two shapes; all None/empty where it is neither."""

    type: str | None = None
    message: str = ""
    request_id: str | None = None


def parse_error(body: bytes) -> ErrorBody:
    """Read `{"error": {...}}` or `{"type": "error", "error": {...}, "request_id": ...}` (reference 0.4).

    Anything else (a proxy's HTML, an empty body) has no type, and its beginning as message.
    """
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        value = None
    error = value.get("error") if isinstance(value, dict) else None
    if not isinstance(error, dict):
        return ErrorBody(message=printable(body[: 4 * _DETAIL_CHARACTERS].decode("utf-8", "replace")))
    kind, message, request_id = error.get("type"), error.get("message"), value.get("request_id")
    return ErrorBody(
        type=printable(kind) if isinstance(kind, str) else None,
        message=printable(message) if isinstance(message, str) else "",
        request_id=printable(request_id) if isinstance(request_id, str) else None,
    )


def printable(text: str) -> str:
    """Foreign text made fit for a message: one line, control characters as escapes, of bounded length."""
    cut = text[: _DETAIL_CHARACTERS + 1]
    shown = "".join(mark if mark.isprintable() else mark.encode("unicode_escape").decode() for mark in cut).strip()
    return shown if len(shown) <= _DETAIL_CHARACTERS else shown[: _DETAIL_CHARACTERS - 3] + "..."


def kept_headers(items: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Response headers as they are archived: lower-case names, repeats joined, cookies' values removed."""
    kept: dict[str, str] = {}
    for name, value in items:
        lower = name.lower()
        shown = "[removed]" if lower == "set-cookie" else value
        kept[lower] = f"{kept[lower]}, {shown}" if lower in kept else shown
    return kept
