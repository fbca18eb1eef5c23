"""Syslog over TCP, with TLS or without (RFC 5424, framed after RFC 6587): Arctic Wolf's sensor and others.

Promise: no message is longer than `max_bytes`; one that would be goes without the record, and says so. Syslog
acknowledges nothing: `delivered` means that the receiver's TCP has taken every byte and that the connection was
still open after that. A receipt says so in these words.
"""

import re
from collections.abc import Sequence
from typing import Any

from warehouse.config.destinations import Syslog
from warehouse.delivery.destinations.syslog_socket import SyslogTransport
from warehouse.delivery.documents import as_json, described
from warehouse.delivery.frames import together
from warehouse.delivery.knocking import knock_at
from warehouse.delivery.mappings.schemas import SCHEMAS
from warehouse.delivery.port import (
    Count,
    FixedForm,
    Limits,
    Outcome,
    Refused,
    Request,
    Response,
    Transport,
    all_of,
)

Settings = Syslog
LIMITS = Limits(events=10_000, raw=4_000_000, concurrency=1)
ACK = "written to the socket, taken by the receiver's TCP, connection still open"

_FACILITY = 13  # log audit
_SEVERITIES = {"informational": 6, "low": 5, "medium": 4, "high": 3, "critical": 2}
_HOST = "claude.ai"
_SD_ID = "anthropic@32473"
_BOM = b"\xef\xbb\xbf"
_NO_NAME = re.compile(r"[^!-~]")
_ESCAPED = re.compile(r'["\\\]]')
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_SCHEMA = SCHEMAS["canonical"]
# what goes first when a message is too long, and what next
_LEFT_OUT = (("raw", "events", "entities"), ("client", "object", "target", "unknown_fields"), ("event_ids",))


def fixed_form(settings: Syslog) -> FixedForm | None:
    """Counted messages copy what an event holds. Where a line is a message, each text is looked into."""
    if settings.framing != "octet":
        return None
    return FixedForm(longest=min(settings.max_bytes, FixedForm.longest), counts=_counts)


def _counts(frame: bytes) -> list[Count]:
    end = frame.index(b" ")
    return [Count(0, end, end + 1, len(frame))]


def encode(event: Any, settings: Syslog, restamp: str | None) -> bytes | Refused:
    """One framed message. Its time is the event's own, or `restamp`; the record follows as JSON."""
    told = described(event, _SCHEMA)
    head = _head(told, settings, restamp or event.stamp)
    message = _message(head, told, settings)
    for names in _LEFT_OUT:
        if len(message) <= settings.max_bytes:
            break
        for name in names:
            told.pop(name, None)
        told["left_out"] = "longer than the receiver takes; the archive has all of it"
        message = _message(head, told, settings)
    if len(message) > settings.max_bytes:
        short = f"{len(message)} bytes even without its record; max_bytes is {settings.max_bytes}"
        return Refused(reason=short)
    return b"%d %b" % (len(message), message) if settings.framing == "octet" else message + b"\n"


def pack(frames: Sequence[bytes], settings: Syslog) -> Request:
    """Framed messages, one after the other."""
    body = together(frames)
    return Request(body=body, raw=len(body), count=len(frames))


def classify(response: Response, count: int) -> Sequence[Outcome]:
    """Taken, or to be sent again: syslog has no other answers."""
    if response.status == 200:
        return all_of(count, Outcome(kind="delivered", ack=ACK))
    return all_of(count, Outcome(kind="retry", reason=response.error or "the connection broke"))


def connect(settings: Syslog) -> Transport:
    """A connection that is opened at the first message. Raises Halted where `ca_file` cannot be used."""
    return SyslogTransport(settings)


def probe(settings: Syslog) -> Outcome:
    """Whether somebody takes connections there, with TLS where it is set. What it makes of a message,
    it never says.
    """
    return knock_at(settings.host, settings.port, secure=settings.tls, ca_file=settings.ca_file)


def _head(told: dict[str, Any], settings: Syslog, time: str) -> bytes:
    """Everything before the message, as RFC 5424 6 has it; the structured data repeats what people filter by."""
    kind = str(told.get("type") or told.get("rule_id") or "-")
    severity = str(told.get("severity", "low"))
    data = {
        "eventId": told.get("event_id") or told.get("alert_id"),
        "type": kind,
        "outcome": told.get("outcome"),
        "severity": severity,
    }
    pairs = "".join(f' {name}="{_parameter(str(value))}"' for name, value in data.items() if value is not None)
    priority = _FACILITY * 8 + _SEVERITIES.get(severity, 5)
    name = _NO_NAME.sub("_", kind)[:32] or "-"
    text = f"<{priority}>1 {time} {_HOST} {settings.app_name} - {name} [{_SD_ID}{pairs}] "
    return text.encode() + (_BOM if settings.bom else b"")


def _message(head: bytes, told: dict[str, Any], settings: Syslog) -> bytes:
    message = head + as_json(told)
    return message if settings.framing == "octet" else _one_line(message)


def _parameter(text: str) -> str:
    """A value of structured data: three characters escaped, control characters as `#` and octal digits."""
    text = _CONTROL.sub(lambda found: f"#{ord(found[0]):03o}", text)
    return _ESCAPED.sub(lambda found: "\\" + found[0], text)


def _one_line(message: bytes) -> bytes:
    """The message without what could end it early. JSON holds no control character, and neither does the head; DEL
    and the C1 controls may stand in JSON unescaped, where some receivers take U+0085 for the end of a line."""
    text = message.decode()
    return (
        _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text).encode() if _CONTROL.search(text) else message
    )
