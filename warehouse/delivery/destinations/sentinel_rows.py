"""An event as a row of `ClaudeAuditLogs_CL`, within the length of a value that Microsoft's logs keep.

Promise: a value that the service would cut in silence is cut here, in view: a text ends in `[cut]`, a document
becomes its size.
"""

from typing import Any

import msgspec

from warehouse.delivery.documents import AnyEvent, as_json, described
from warehouse.delivery.mappings.schemas import SCHEMAS

LONGEST_VALUE = 65_536  # bytes of UTF-8; Logs Ingestion API, service limits (reference 5.3)
_LEFT_OUT = "longer than the table keeps; the archive has all of it"
_SCHEMA = SCHEMAS["asim"]


def row(event: AnyEvent, restamp: str | None) -> dict[str, Any]:
    """The columns of one row; `restamp` takes the place of `TimeGenerated`, `EventTime` stays true."""
    return described(event, _SCHEMA, restamp)


def encoded(columns: dict[str, Any], longest_value: int = LONGEST_VALUE) -> bytes:
    """A row as JSON, with no value longer than `longest_value` bytes."""
    frame = as_json(columns)
    if len(frame) <= longest_value:
        return frame
    for name, value in columns.items():
        if isinstance(value, str):
            text = value.encode()
            if len(text) > longest_value:
                columns[name] = text[: longest_value - 100].decode("utf-8", "ignore") + " [cut]"
        elif isinstance(value, list | dict | msgspec.Raw):
            size = len(as_json(value))
            if size > longest_value:
                columns[name] = {"left_out": _LEFT_OUT, "bytes": size}
    return as_json(columns)
