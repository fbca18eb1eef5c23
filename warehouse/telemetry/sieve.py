"""Attributes through the allow-list, whatever their encoding: each decoder brings names and values.

Promise: memory is bounded whatever is sent (100,000 distinct names included); the same attributes give the same
result.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from warehouse.telemetry.allow_list import NESTED, READERS, AllowList, Value, is_identifier
from warehouse.telemetry.model import NO_ATTRIBUTES, Attributes

_REMEMBERED: Final = 20_000  # attributes, and lists of them; in all some 20 MB
_LONGEST: Final = 4_096  # bytes of what is worth remembering
# Kinds whose values hardly ever come again.
_PASSING: Final = frozenset({"int", "number", "time"})
_KEPT, _REMOVED, _MEANT = 0, 1, 2
_encode = msgspec.json.Encoder().encode
# An attribute judged: its name (where it is removed, the one that is counted), typed value, OTLP JSON, and whether
# it is kept, removed, or kept in some events only.
Judged = tuple[str, Any, bytes, int]


class Sieve:
    """Keeps what the list allows. One for each decoder, since it remembers encoded attributes."""

    def __init__(self, allow: AllowList) -> None:
        self.allow = allow
        self._pairs: dict[object, Judged] = {}
        self._lists: dict[bytes, Attributes] = {}
        # Of listed names: what reads the value, the JSON up to it, what it is kept as, and whether it hardly ever
        # comes again
        self._known: dict[str, tuple[Callable[[Value], Value], bytes, int, bool]] = {}

    def attributes(self, judged: Sequence[Judged]) -> Attributes:
        """The attributes out of what `judge` said of each, in order."""
        if not judged:
            return NO_ATTRIBUTES
        names, typed, texts, verdicts = zip(*judged, strict=True)
        if not any(verdicts):
            values = dict(zip(names, typed, strict=True))
            if len(values) == len(names):
                return Attributes(values, b"[" + b",".join(texts) + b"]")
        return self._some_of(judged)

    def judge(self, name: str, value: Value) -> Judged:
        """What becomes of an attribute. Texts that may come again are remembered."""
        if type(value) is str:
            found = self._pairs.get((name, value))
            if found is None:
                found, passing = self._judge(name, value)
                if not passing and len(value) < _LONGEST:
                    self._remember((name, value), found)
            return found
        return self._judge(name, value)[0]

    def judge_encoded(self, pair: bytes, parse: Callable[[bytes], tuple[str, Value]]) -> Judged:
        """The same for an encoded pair, parsed only where it is not remembered. Raises what parsing raises."""
        found = self._pairs.get(pair)
        if found is None:
            found, passing = self._judge(*parse(pair))
            if not passing and len(pair) < _LONGEST:
                self._remember(pair, found)
        return found

    def remembered(self, encoded: bytes, judge: Callable[[bytes], Sequence[Judged]]) -> Attributes:
        """The attributes of a whole encoded list, which is taken apart only when it is met for the first time."""
        found = self._lists.get(encoded)
        if found is None:
            found = self.attributes(judge(encoded))
            if len(encoded) <= 8 * _LONGEST:
                if len(self._lists) >= _REMEMBERED // 2:
                    self._lists.clear()
                self._lists[encoded] = found
        return found

    def _remember(self, key: object, judged: Judged) -> None:
        if len(self._pairs) >= _REMEMBERED:
            self._pairs.clear()
        self._pairs[key] = judged

    def _judge(self, name: str, value: Value) -> tuple[Judged, bool]:
        known = self._known.get(name)
        if known is None:
            row = self.allow.find(name)
            if row is None:
                return (self.allow.shown(name), None, b"", _REMOVED), False
            begin = b'{"key":' + _encode(name) + b',"value":'
            known = (READERS[row.kind], begin, _MEANT if row.events else _KEPT, row.kind in _PASSING)
            if not self.allow.anything or name in self.allow.rows:
                self._known[name] = known
        typed = known[0](value) if value is not NESTED else None
        if typed is None or (name == "event.name" and not (isinstance(typed, str) and is_identifier(typed))):
            return (self.allow.shown(name), None, b"", _REMOVED), False
        return (name, typed, known[1] + _otlp_value(value) + b"}", known[2]), known[3]

    def _some_of(self, judged: Sequence[Judged]) -> Attributes:
        """Where not all of them stay."""
        values: dict[str, Any] = {}
        kept: list[bytes] = []
        removed: list[str] = []
        for name, typed, text, verdict in judged:
            if verdict == _MEANT:
                continue
            if verdict == _REMOVED or name in values:  # of a name that is there twice the first counts
                removed.append(name)
            else:
                values[name] = typed
                kept.append(text)
        for name, typed, text, verdict in judged:
            if verdict != _MEANT:
                continue
            if values.get("event.name") in self.allow.rows[name].events and name not in values:
                values[name] = typed
                kept.append(text)
            else:
                removed.append(name)
        return Attributes(values, b"[" + b",".join(kept) + b"]", tuple(removed))


def _otlp_value(value: Value | object) -> bytes:
    if type(value) is str:
        return b'{"stringValue":' + _encode(value) + b"}"
    if type(value) is int:
        return b'{"intValue":"%d"}' % value
    if isinstance(value, bool):
        return b'{"boolValue":true}' if value else b'{"boolValue":false}'
    if isinstance(value, float):
        return b'{"doubleValue":' + _encode(value) + b"}"
    if isinstance(value, list):
        return b'{"arrayValue":{"values":[' + b",".join(_otlp_value(one) for one in value) + b"]}}"
    return b"{}"
