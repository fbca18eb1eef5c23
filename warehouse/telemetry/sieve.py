"""Attributes through the allow-list, whatever their encoding: each decoder brings the way to read one attribute.

Promise: memory is bounded whatever is sent (100,000 distinct names included); the same bytes give the same result.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from warehouse.telemetry.allow_list import AllowList, Listed, Value, is_identifier, read_value
from warehouse.telemetry.model import NO_ATTRIBUTES, Attributes

ParsePair = Callable[[bytes], tuple[str, Value]]

_REMEMBERED: Final = 20_000  # attributes, and lists of them; in all some 20 MB
_LONGEST: Final = 4_096  # bytes of what is worth remembering
_encode = msgspec.json.Encoder().encode
# A kept attribute: its name, typed value, OTLP JSON, and the events in which alone it is meant.
_Kept = tuple[str, Any, bytes, frozenset[str]]


class Sieve:
    """Keeps what the list allows. One for each encoding, since it remembers encoded attributes."""

    def __init__(self, allow: AllowList, parse: ParsePair) -> None:
        self.allow = allow
        self._parse = parse
        self._pairs: dict[bytes, _Kept | str] = {}
        self._lists: dict[bytes, Attributes] = {}

    def attributes(self, pairs: Sequence[bytes]) -> Attributes:
        """The attributes out of their encoded pairs of name and value. Raises NotTelemetry."""
        if not pairs:
            return NO_ATTRIBUTES
        remembered = self._pairs
        values: dict[str, Any] = {}
        kept: list[bytes] = []
        removed: list[str] = []
        meant: list[_Kept] = []
        for pair in pairs:
            found = remembered.get(pair)
            if found is None:
                found = self._remember(pair)
            if type(found) is str:
                removed.append(found)
            elif found[3]:
                meant.append(found)  # type: ignore[arg-type]
            elif found[0] in values:
                removed.append(found[0])  # a name that is there twice: the first counts
            else:
                values[found[0]] = found[1]
                kept.append(found[2])  # type: ignore[arg-type]
        for name, value, text, events in meant:
            if values.get("event.name") in events and name not in values:
                values[name] = value
                kept.append(text)
            else:
                removed.append(name)
        return Attributes(values, b"[" + b",".join(kept) + b"]", tuple(removed))

    def remembered(self, encoded: bytes, split: Callable[[bytes], Sequence[bytes]]) -> Attributes:
        """The same for a whole encoded list, which is split only when it is met for the first time."""
        found = self._lists.get(encoded)
        if found is None:
            found = self.attributes(split(encoded))
            if len(encoded) <= 8 * _LONGEST:
                if len(self._lists) >= _REMEMBERED // 4:
                    self._lists.clear()
                self._lists[encoded] = found
        return found

    def _remember(self, pair: bytes) -> "_Kept | str":
        made = self._sift(*self._parse(pair))
        if len(pair) <= _LONGEST:
            if len(self._pairs) >= _REMEMBERED:
                self._pairs.clear()
            self._pairs[pair] = made
        return made

    def _sift(self, name: str, value: Value) -> "_Kept | str":
        row: Listed | None = self.allow.find(name)
        typed = read_value(row.kind, value) if row is not None else None
        if row is None or typed is None:
            return self.allow.shown(name)
        if name == "event.name" and not (isinstance(typed, str) and is_identifier(typed)):
            return name
        return name, typed, _otlp(name, value), row.events


def _otlp(name: str, value: Value) -> bytes:
    return b'{"key":' + _encode(name) + b',"value":' + _otlp_value(value) + b"}"


def _otlp_value(value: Value | object) -> bytes:
    if isinstance(value, str):
        return b'{"stringValue":' + _encode(value) + b"}"
    if isinstance(value, bool):
        return b'{"boolValue":true}' if value else b'{"boolValue":false}'
    if isinstance(value, int):
        return b'{"intValue":"%d"}' % value
    if isinstance(value, float):
        return b'{"doubleValue":' + _encode(value) + b"}"
    if isinstance(value, list):
        return b'{"arrayValue":{"values":[' + b",".join(_otlp_value(one) for one in value) + b"]}}"
    return b"{}"
