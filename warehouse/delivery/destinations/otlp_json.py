"""Log records as proto3 JSON: names in lowerCamelCase, 64-bit integers as texts, enumerations as numbers.

Promise: the same records as `otlp_protobuf`; the same frames make the same bytes.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from warehouse.delivery.destinations.otlp_record import SCOPE, SEVERITIES, Pairs, Record, record_of
from warehouse.delivery.frames import together

MEDIA = "application/json"
NO_RECORDS = b"{}"
_json = msgspec.json.Encoder().encode


def record(event: Any, restamp: str | None) -> bytes:
    """One log record."""
    found = record_of(event, restamp)
    number, text = SEVERITIES.get(found.severity, SEVERITIES["low"])
    return _json(
        {
            "timeUnixNano": str(found.time),
            "observedTimeUnixNano": str(found.observed),
            "severityNumber": number,
            "severityText": text,
            "body": {"stringValue": found.body.decode("utf-8", "replace")},
            "attributes": [_attribute(name, value) for name, value in _pairs(found)],
            "eventName": found.name,
        }
    )


def request(frames: Sequence[bytes], service: str) -> bytes:
    """Records of one resource and one scope."""
    resource = _json({"attributes": [_attribute("service.name", service)]})
    before = b'{"resourceLogs":[{"resource":%b,"scopeLogs":[{"scope":%b,"logRecords":['
    return together(frames, b",", before % (resource, _json({"name": SCOPE})), b"]}]}]}")


def _pairs(found: Record) -> Pairs:
    return [*found.once, *(pair for make, *values in found.groups for pair in make(*values))]


def _attribute(name: str, value: str | bool | int) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"key": name, "value": {"boolValue": value}}
    return {"key": name, "value": {"intValue": str(value)} if isinstance(value, int) else {"stringValue": value}}
