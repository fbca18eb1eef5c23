"""Reading what receivers answer: the time that `retry-after` names, and a short reason from a body.

Promise: a reason is one line of printable text and at most 300 characters, whatever the body holds.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import msgspec

from warehouse.delivery.port import Response

_LONGEST_REASON = 300


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that the receiver asks to wait (RFC 9110 10.2.3: a number or a date); None where it does not say.

    A date is read by the receiver's own clock, where the answer says what that shows: ours may be wrong.
    """
    text = headers.get("retry-after", "").strip()
    if not text:
        return None
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    then = _date(text)
    if then is None:
        return None
    now = _date(headers.get("date", "")) or datetime.now(UTC)
    return max(0.0, (then - now).total_seconds())


def _date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except ValueError:
        return None
    # "-0000": UTC, from a place that does not say which (RFC 5322 3.3)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found


def document(response: Response) -> dict[str, object]:
    """The body as a JSON object; empty where it is none."""
    try:
        found = msgspec.json.decode(response.body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def reason(response: Response, code: str = "", message: str = "") -> str:
    """What an outcome says of this answer: the status, the receiver's code, and its message or its body."""
    if response.status == 0:
        return response.error or "no answer"
    text = message or response.body[:1000].decode("utf-8", "replace")
    words = [f"HTTP {response.status}", code, " ".join(text.split())]
    line = " ".join(word for word in words if word)
    return "".join(letter if letter.isprintable() else "?" for letter in line)[:_LONGEST_REASON]
