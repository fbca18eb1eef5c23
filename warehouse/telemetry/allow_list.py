"""Which attributes may enter: a list (`allow_list.csv`), and nothing that is not on it.

Promise: fails closed. A name that is not listed, and a listed one whose value is not of its kind, is removed;
what is counted of it is its name alone, and a name that does not look like one is counted under a hash.
"""

import csv
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Final

from warehouse.telemetry.errors import NeverKept
from warehouse.wire.times import parse_rfc3339

# What a decoder makes of an attribute's value; a nested list of names and values is NESTED, bytes are NESTED too.
Value = str | bool | int | float | list[object] | datetime | None
NESTED: Final = None

MAX_TEXT: Final = 256  # characters; the longest names and ids in the field have a third of that
MAX_WORD: Final = 128
# A name as software writes names: lower case or camelCase words, joined by dots and underscores. Anything else
# may be prose that somebody put where a name belongs.
WORDS: Final = "[a-z][a-z0-9]*(?:[A-Z][a-z0-9]+)*(?:[._][a-z0-9]+(?:[A-Z][a-z0-9]+)*){0,5}"
MAX_NAME: Final = 48
MANY_DIGITS: Final = "[0-9]{3}"
_IDENTIFIER: Final = re.compile(WORDS)
_DIGITS: Final = re.compile(MANY_DIGITS)
_WORD: Final = re.compile(r"[^\s\"'<>{}\x00-\x1f\x7f]{1,128}")
_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,19}")
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]{1,19}(?:\.[0-9]{0,18})?|\.[0-9]{1,18})(?:[eE][+-]?[0-9]{1,2})?")
_LONG: Final = 1 << 63
_USUAL: Final = (20, 24, 27)  # lengths of a time in UTC with 0, 3 or 6 decimals


@dataclass(frozen=True)
class Listed:
    """A row of the list. `kind`: what its value must be; `events`: the only events in which it is meant."""

    name: str
    kind: str  # text, word, int, number, flag, time, texts; "any" where an archived file is read again
    events: frozenset[str] = frozenset()


@dataclass(frozen=True)
class AllowList:
    """What may enter. `anything` is for files of the archive, which went through a list when they came in."""

    rows: Mapping[str, Listed]
    known: frozenset[str] = frozenset()
    anything: bool = False
    metrics: frozenset[str] = frozenset()
    events: frozenset[str] = frozenset()
    _shown: dict[str, str] = field(default_factory=dict, compare=False)

    def find(self, name: str) -> Listed | None:
        """The row of a name; None where it must not enter."""
        row = self.rows.get(name)
        return Listed(name, "any") if row is None and self.anything else row

    def shown(self, name: str) -> str:
        """What a removed attribute is counted under."""
        return name if name in self.known else shown_name(name)


def shown_name(name: str) -> str:
    """The name where it looks like one, else a hash of it: a name that somebody made up may hold content."""
    if is_identifier(name):
        return name
    return "unlisted:" + hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def is_identifier(name: str) -> bool:
    """Whether a name looks as software writes names: at most 48 characters and 6 words, no long numbers."""
    fits = len(name) <= MAX_NAME and _IDENTIFIER.fullmatch(name) is not None
    return fits and _DIGITS.search(name) is None


def _text(value: Value) -> Value:
    if isinstance(value, str):
        return value if len(value) <= MAX_TEXT and value.isprintable() else None
    return None if isinstance(value, list | float) else value


def _word(value: Value) -> Value:
    if isinstance(value, str):
        return value if _WORD.fullmatch(value) else None
    return None if isinstance(value, list | float) else value


def _int(value: Value) -> Value:
    """A whole number; of one with a fraction (a duration) the nearest."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        value = int(value) if _INTEGER.fullmatch(value) else _nearest(value)
    elif isinstance(value, float):
        value = round(value) if value - value == 0 else None
    return value if isinstance(value, int) and -_LONG <= value < _LONG else None


def _nearest(text: str) -> int | None:
    return round(Decimal(text)) if _NUMBER.fullmatch(text) else None


def _number(value: Value) -> Value:
    """A number as it is, or its text: money must not become a float on the way."""
    if isinstance(value, bool | list):
        return None
    if isinstance(value, str):
        return value if _NUMBER.fullmatch(value) else None
    if isinstance(value, float):
        return value if value - value == 0 else None  # no NaN, no infinity
    return value


def _flag(value: Value) -> Value:
    if isinstance(value, bool):
        return value
    return (
        {"true": True, "false": False, "1": True, "0": False}.get(value.lower())
        if isinstance(value, str)
        else None
    )


def _time(value: Value) -> Value:
    if not isinstance(value, str):
        return None
    try:
        if len(value) in _USUAL and value[10] == "T" and value[4] == "-" and value[-1] == "Z":
            return datetime.fromisoformat(value)  # quickly, the form that clients write
        return parse_rfc3339(value)
    except ValueError:
        return None


def _texts(value: Value) -> Value:
    if isinstance(value, list):
        return (
            value
            if all(isinstance(one, str) and len(one) <= MAX_TEXT and one.isprintable() for one in value)
            else None
        )
    return _text(value) if isinstance(value, str) else None


def _any(value: Value) -> Value:
    return value


# By kind: the value as its kind has it; None where it is not of that kind, and must not enter.
READERS: Final = {
    "text": _text,
    "word": _word,
    "int": _int,
    "number": _number,
    "flag": _flag,
    "time": _time,
    "texts": _texts,
    "any": _any,
}


@cache
def _rows() -> tuple[dict[str, str], ...]:
    text = files("warehouse.telemetry").joinpath("allow_list.csv").read_text(encoding="utf-8")
    return tuple(csv.DictReader(text.splitlines()))


@cache
def known_names(what: str) -> frozenset[str]:
    """The vendor's names of metrics, events or spans (`what`)."""
    text = files("warehouse.telemetry").joinpath("known_names.csv").read_text(encoding="utf-8")
    return frozenset(row["name"] for row in csv.DictReader(text.splitlines()) if row["what"] == what)


@cache
def allow_list(keep: frozenset[str] = frozenset(), *, anything: bool = False) -> AllowList:
    """The list, with the names that an operator opted in (`[telemetry] keep`).

    A name that may leak enters only when it is in `keep`, and so does a custom resource attribute that is not
    listed. Raises NeverKept for what holds content.
    """
    if refused := sorted(keep & never_kept()):
        raise NeverKept(
            f"telemetry.keep names {', '.join(refused)}, which holds content and never enters the archive; "
            f"take it out of the list"
        )
    rows = {
        row["name"]: Listed(row["name"], row["kind"], frozenset(row["events"].split()))
        for row in _rows()
        if row["class"] in ("identity", "label") or (row["class"] == "leak" and row["name"] in keep)
    }
    for name in keep:
        rows.setdefault(name, Listed(name, "text"))
    return AllowList(
        rows,
        known=frozenset(row["name"] for row in _rows()),
        anything=anything,
        metrics=known_names("metric"),
        events=known_names("event"),
    )


def never_kept() -> frozenset[str]:
    """Names that hold content and cannot be opted in."""
    return frozenset(row["name"] for row in _rows() if row["class"] == "never") | {"response"}
