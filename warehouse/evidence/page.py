"""A certificate as one page that people read: no script, no network, printable.

Promise: every value of the data is text on the page and nothing else; what could not be seen, or could turn the
text around, is shown as an escape.
"""

import base64
import unicodedata
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from warehouse.archive.fingerprint import fingerprint
from warehouse.archive.note import Checkpoint
from warehouse.evidence.certificate import Certificate
from warehouse.evidence.storage import WORDS
from warehouse.wire.times import parse_rfc3339

_SHOWN = 40  # rows of a table on the page; certificate.json has more
_LONGEST = 400  # letters of one value
# Cc control, Cf invisible and direction marks, Cs lone surrogates, Zl and Zp line ends.
_UNSAFE = {"Cc", "Cf", "Cs", "Zl", "Zp"}
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


def page(certificate: Certificate) -> str:
    """The page as HTML."""
    document = certificate.document
    begin, end = (parse_rfc3339(document["period"][name]) for name in ("from", "to"))
    covered = [_place(begin, end, *window) for window in document["coverage"]["windows"]]
    off = [_place(begin, end, span["from"], span["to"]) for span in document["recording"]["off"]]
    seconds, missing = document["coverage"]["seconds_covered"], document["coverage"]["seconds_missing"]
    return _template().render(
        c=document,
        covered=covered,
        off=off,
        share=_share(seconds, seconds + missing),
        fingerprint=" ".join(fingerprint(_head(document["checkpoint"]))),
        storage=WORDS.get(document["storage"], visible(document["storage"])),
        sha256=certificate.sha256,
        note=certificate.signed.note if certificate.signed else None,
        limit=_SHOWN,
        more=_more,
    )


@cache
def _template() -> Template:
    folder = FileSystemLoader(Path(__file__).parent)
    environment = Environment(loader=folder, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters.update(v=visible, t=_time, n=_number, d=_duration, lines=_lines, title_of=_title)
    return environment.get_template("certificate.html.j2")


def _head(checkpoint: dict[str, Any]) -> Checkpoint:
    return Checkpoint(checkpoint["origin"], checkpoint["size"], base64.b64decode(checkpoint["root"]))


def visible(value: object) -> str:
    """A value as text in which nothing is hidden: control and direction characters as escapes, not too long."""
    if value is None:
        return "(none)"
    text = str(value)
    shown = "".join(
        letter.encode("unicode_escape").decode() if unicodedata.category(letter) in _UNSAFE else letter
        for letter in text[:_LONGEST]
    )
    return shown + (f" … ({len(text):,} letters)" if len(text) > _LONGEST else "")


def _lines(text: str) -> str:
    return "\n".join(visible(line) for line in text.split("\n")).strip("\n")


def _time(value: object) -> str:
    """`2026-11-22 10:00:00`, without the zone that the page names once; certificate.json has the fraction."""
    return visible(value).replace("T", " ")[:19] if value is not None else "(none)"


def _number(value: int) -> str:
    return f"{value:,}"


def _duration(seconds: int | None) -> str:
    whole = abs(seconds or 0)
    amounts = (whole // 86_400, "d"), (whole // 3600 % 24, "h"), (whole // 60 % 60, "min"), (whole % 60, "s")
    first = next((index for index, (amount, _) in enumerate(amounts) if amount), 3)
    return " ".join(f"{amount} {unit}" for amount, unit in amounts[first : first + 2] if amount) or "0 s"


def _title(code: str) -> str:
    return _TITLES.get(code, visible(code))


def _more(count: int) -> Markup:
    text = f"{count - _SHOWN:,} more are in certificate.json or in the archive." if count > _SHOWN else ""
    return Markup('<p class="note">{}</p>').format(text) if text else Markup()


def _share(part: int, whole: int) -> str:
    """In percent, and never called whole when something is missing."""
    if part >= whole:
        return "100 %"
    return f"{min(part * 1000 // whole / 10, 99.9):.1f} %"


def _place(begin: datetime, end: datetime, start: str, stop: str | None) -> tuple[Any, Any]:
    """Left and width of a span on the bar of the period, in percent."""
    whole = (end - begin).total_seconds()
    first = max(parse_rfc3339(start), begin)
    last = min(parse_rfc3339(stop), end) if stop else end
    left, width = (first - begin).total_seconds() / whole, (last - first).total_seconds() / whole
    return round(left * 100, 3), round(max(width, 0) * 100, 3)
