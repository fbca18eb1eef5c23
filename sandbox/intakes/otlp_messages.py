"""The messages of OTLP logs, read from protobuf and from proto3 JSON into one form: that of the JSON.

Promise: what is no such message is a `MessageError`; nothing unknown is passed over.
"""

from __future__ import annotations

import re
import struct
from typing import Any

import msgspec

ANY: dict[int, tuple[str, Any]] = {}
PAIR: dict[int, tuple[str, Any]] = {1: ("key", str), 2: ("value", ANY)}
_ARRAY = {1: ("values", [ANY])}
_PAIRS = {1: ("values", [PAIR])}
ANY.update(
    {1: ("stringValue", str), 2: ("boolValue", bool), 3: ("intValue", int), 4: ("doubleValue", float),
     5: ("arrayValue", _ARRAY), 6: ("kvlistValue", _PAIRS), 7: ("bytesValue", bytes)}
)  # fmt: skip
_RECORD = {
    1: ("timeUnixNano", "fixed64"), 11: ("observedTimeUnixNano", "fixed64"), 2: ("severityNumber", "enum"),
    3: ("severityText", str), 5: ("body", ANY), 6: ("attributes", [PAIR]), 7: ("droppedAttributesCount", "enum"),
    8: ("flags", "fixed32"), 9: ("traceId", bytes), 10: ("spanId", bytes), 12: ("eventName", str),
}  # fmt: skip
_SCOPE = {1: ("name", str), 2: ("version", str), 3: ("attributes", [PAIR]), 4: ("droppedAttributesCount", "enum")}
_SCOPE_LOGS = {1: ("scope", _SCOPE), 2: ("logRecords", [_RECORD]), 3: ("schemaUrl", str)}
_RESOURCE = {1: ("attributes", [PAIR]), 2: ("droppedAttributesCount", "enum")}
_RESOURCE_LOGS = {1: ("resource", _RESOURCE), 2: ("scopeLogs", [_SCOPE_LOGS]), 3: ("schemaUrl", str)}
REQUEST = {1: ("resourceLogs", [_RESOURCE_LOGS])}
_WIRE = {"fixed64": 1, "fixed32": 5, "enum": 0, int: 0, bool: 0, float: 1}


class MessageError(ValueError):
    """What was sent is not the message that it should be."""


def from_protobuf(data: bytes, message: dict[int, tuple[str, Any]]) -> dict[str, Any]:
    """A message in binary form. Raises MessageError."""
    found: dict[str, Any] = {}
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, wire = key >> 3, key & 7
        if number not in message:
            raise MessageError(f"field {number} is not known")
        name, kind = message[number]
        many = isinstance(kind, list)
        inner = kind[0] if many else kind
        if wire != _WIRE.get(inner if isinstance(inner, str | type) else None, 2):
            raise MessageError(f"{name} has wire type {wire}")
        value: Any
        if wire == 0:
            value, at = _varint(data, at)
        else:
            length, at = ({1: 8, 5: 4}[wire], at) if wire != 2 else _varint(data, at)
            value, at = data[at : at + length], at + length
            if at > len(data):
                raise MessageError(f"{name} does not end")
        made = _made(value, inner, name)
        if many:
            found.setdefault(name, []).append(made)
        else:
            found[name] = made
    return found


def from_json(data: bytes) -> dict[str, Any]:
    """A request in proto3 JSON. Raises MessageError."""
    try:
        document = msgspec.json.decode(data)
    except (msgspec.DecodeError, ValueError, RecursionError) as problem:
        raise MessageError(f"no JSON: {problem}") from None
    _check(document, REQUEST, "request")
    checked: dict[str, Any] = document
    return checked


def partial_success(rejected: int, message: str, as_json: bool) -> bytes:
    """An ExportLogsServiceResponse; empty where nothing is to be told."""
    if not rejected and not message:
        return b"{}" if as_json else b""
    if as_json:
        told: dict[str, Any] = {"rejectedLogRecords": str(rejected)} if rejected else {}
        return msgspec.json.encode({"partialSuccess": {**told, "errorMessage": message}})
    text = message.encode()
    inner = b"\x08" + _written(rejected) + b"\x12" + _written(len(text)) + text
    return b"\x0a" + _written(len(inner)) + inner


def status(code: int, message: str, as_json: bool) -> bytes:
    """A google.rpc.Status."""
    if as_json:
        return msgspec.json.encode({"code": code, "message": message})
    text = message.encode()
    return b"\x08" + _written(code) + b"\x12" + _written(len(text)) + text


def _made(value: Any, kind: Any, name: str) -> Any:  # noqa: PLR0911 - one for each type
    if isinstance(kind, dict):
        return from_protobuf(value, kind)
    try:
        if kind is str:
            return value.decode()
        if kind == "fixed64":
            return str(struct.unpack("<Q", value)[0])
    except UnicodeDecodeError:
        raise MessageError(f"{name} is not UTF-8") from None
    if kind is float:
        return struct.unpack("<d", value)[0]
    if kind is int:
        return str(value - (1 << 64) if value >= 1 << 63 else value)
    if kind is bytes:
        return value.hex()
    return bool(value) if kind is bool else value


def _check(value: Any, kind: Any, name: str) -> None:
    """Refuse what a strict reader of proto3 JSON would not take."""
    if isinstance(kind, list):
        if not isinstance(value, list):
            raise MessageError(f"{name} is no list")
        for one in value:
            _check(one, kind[0], name)
    elif isinstance(kind, dict):
        if not isinstance(value, dict):
            raise MessageError(f"{name} is no object")
        members = dict(kind.values())
        for key, one in value.items():
            if key not in members:
                raise MessageError(f"{name}.{key} is not known")
            _check(one, members[key], key)
    elif kind in (int, "fixed64"):
        if not isinstance(value, str) or not re.fullmatch(r"-?\d{1,20}", value):
            raise MessageError(f"{name} is a 64-bit integer and not written as a text")
    else:
        expected = {str: str, bool: bool, float: float, bytes: str}.get(kind, int)
        if not isinstance(value, expected) or (expected is int and isinstance(value, bool)):
            raise MessageError(f"{name} is no {kind if isinstance(kind, str) else kind.__name__}")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise MessageError("a number that does not end")
        value |= (data[at] & 0x7F) << shift
        at += 1
        if data[at - 1] < 0x80:
            return value, at
        shift += 7


def _written(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes(out) + bytes((number,))
