"""What the pages of this room share: their templates, how values are written on them, and the certificate's parts.

Promise: every value of the data is text on a page and nothing else; what could not be seen, or could turn the
text around, is shown as an escape.
"""

import base64
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from warehouse.archive.fingerprint import fingerprint
from warehouse.archive.note import Checkpoint
from warehouse.evidence.certificate import Certificate
from warehouse.evidence.storage import WORDS
from warehouse.wire.shown import escaped
from warehouse.wire.times import parse_rfc3339, rfc3339

SHOWN: Final = 40  # rows of a table on a page
_LONGEST = 400  # letters of one value
_TITLES = {
    "gap": "Gap",
    "dead_window": "Failed window",
    "unfolded": "Not in the tables",
    "recording_off": "Recording off",
    "foreign_footprint": "Foreign caller",
    "footprint_missing": "Missing request",
    "revised": "Changed",
    "withdrawn": "Withdrawn",
    "not_immutable": "No lock",
}


@cache
def environment() -> Environment:
    """The templates of this room, with the filters that they use."""
    folder = FileSystemLoader(Path(__file__).parent)
    made = Environment(loader=folder, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    made.filters.update(v=visible, t=time, n=number, d=_duration, lines=_lines, title_of=_title)
    return made


def certified(certificate: Certificate, beyond: str, proofs: Mapping[str, str] | None = None) -> dict[str, Any]:
    """What the templates of a certificate's parts need; `beyond` says where the rows are that a page leaves out,
    `proofs` where the proof of an event lies, by its id."""
    document = certificate.document
    seconds, missing = document["coverage"]["seconds_covered"], document["coverage"]["seconds_missing"]
    return {
        "c": document,
        "share": _share(seconds, seconds + missing),
        "fingerprint": " ".join(fingerprint(_head(document["checkpoint"]))),
        "storage": WORDS.get(document["storage"], visible(document["storage"])),
        "limit": SHOWN,
        "more": lambda count: more(count, beyond),
        "ident": lambda name: ident(name, proofs or {}),
    }


def visible(value: object) -> str:
    """A value as text in which nothing is hidden: control and direction characters as escapes, not too long."""
    if value is None:
        return "(none)"
    text = str(value)
    return escaped(text[:_LONGEST]) + (f" … ({len(text):,} letters)" if len(text) > _LONGEST else "")


def time(value: object) -> str:
    """`2026-11-22 10:00:00`, without the zone that a page names once, and without the fraction."""
    if isinstance(value, datetime):
        value = rfc3339(value)
    return visible(value).replace("T", " ")[:19] if value is not None else "(none)"


def number(value: int) -> str:
    return f"{value:,}"


def more(count: int, beyond: str) -> Markup:
    """How many rows a page leaves out, and where they are; nothing where it has all."""
    return (
        Markup('<p class="note">{} more are {}.</p>').format(f"{count - SHOWN:,}", beyond)
        if count > SHOWN
        else Markup()
    )


def ident(name: object, proofs: Mapping[str, str]) -> Markup:
    """An id of an event, as a link to its proof where there is one."""
    code = Markup("<code>{}</code>").format(visible(name))
    place = proofs.get(str(name))
    return Markup('<a href="{}">{}</a>').format(place, code) if place else code


def _head(checkpoint: dict[str, Any]) -> Checkpoint:
    return Checkpoint(checkpoint["origin"], checkpoint["size"], base64.b64decode(checkpoint["root"]))


def _lines(text: str) -> str:
    return "\n".join(visible(line) for line in text.split("\n")).strip("\n")


def _duration(seconds: int | None) -> str:
    whole = abs(seconds or 0)
    amounts = (whole // 86_400, "d"), (whole // 3600 % 24, "h"), (whole // 60 % 60, "min"), (whole % 60, "s")
    first = next((index for index, (amount, _) in enumerate(amounts) if amount), 3)
    return " ".join(f"{amount} {unit}" for amount, unit in amounts[first : first + 2] if amount) or "0 s"


def _title(code: str) -> str:
    return _TITLES.get(code, visible(code))


def _share(part: int, whole: int) -> str:
    """In percent, and never called whole when something is missing."""
    if part >= whole:
        return "100 %"
    return f"{min(part * 1000 // whole / 10, 99.9):.1f} %"


def place(begin: datetime, end: datetime, start: str, stop: str | None) -> tuple[float, float]:
    """Left and width of a span on the bar of a period, in percent."""
    whole = (end - begin).total_seconds()
    first = max(parse_rfc3339(start), begin)
    last = min(parse_rfc3339(stop), end) if stop else end
    left, width = (first - begin).total_seconds() / whole, (last - first).total_seconds() / whole
    return round(left * 100, 3), round(max(width, 0) * 100, 3)
