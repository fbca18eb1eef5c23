"""What an OTLP/HTTP receiver answers: success, partial success, refusal; in the encoding of the request.

The messages are small and final (OTLP 1.x), so they are written out here: `Export*ServiceResponse` has one field,
`partial_success {rejected = 1, error_message = 2}`; `google.rpc.Status` has `code = 1`, `message = 2`.
"""

import json
from typing import Final, Literal

from warehouse.telemetry.model import Signal
from warehouse.wire.protobuf_numbers import varint

Encoding = Literal["json", "protobuf"]
MEDIA_TYPES: Final[dict[Encoding, str]] = {"json": "application/json", "protobuf": "application/x-protobuf"}
_REJECTED: Final[dict[Signal, str]] = {
    "metrics": "rejectedDataPoints",
    "logs": "rejectedLogRecords",
    "traces": "rejectedSpans",
}


def accepted(encoding: Encoding, signal: Signal, rejected: int = 0, message: str = "") -> bytes:
    """The answer to a request of which `rejected` items were not taken and must not be sent again."""
    if encoding == "json":
        partial = {"partialSuccess": {_REJECTED[signal]: str(rejected), "errorMessage": message}}
        return json.dumps(partial if rejected or message else {}).encode()
    if not rejected and not message:
        return b""
    text = message.encode()
    inner = (b"\x08" + varint(rejected) if rejected else b"") + (
        b"\x12" + varint(len(text)) + text if text else b""
    )
    return b"\x0a" + varint(len(inner)) + inner


def refused(encoding: Encoding, code: int, message: str) -> bytes:
    """A `google.rpc.Status`; `code` is one of gRPC's: 3 invalid argument, 8 resource exhausted, 14 unavailable,
    ..."""
    if encoding == "json":
        return json.dumps({"code": code, "message": message}).encode()
    text = message.encode()
    return b"\x08" + varint(code) + b"\x12" + varint(len(text)) + text
