"""Claude Code's telemetry: OTLP in any of its forms into messages without content.

Promise: conversation content never gets past this room, also not into an error; it knows neither archive nor
tables.
"""

from warehouse.telemetry.allow_list import AllowList, allow_list, known_names, never_kept
from warehouse.telemetry.errors import CutShort, NeverKept, NotTelemetry, TelemetryError, TooLarge
from warehouse.telemetry.model import (
    Attributes,
    Cells,
    Coded,
    Group,
    Heads,
    Message,
    Metric,
    Point,
    Record,
    RecordColumns,
    Signal,
    Span,
)
from warehouse.telemetry.reading import Reader
from warehouse.telemetry.unpacking import Encoded, signal_of
from warehouse.telemetry.writing import write_line

__all__ = [
    "AllowList",
    "Attributes",
    "Cells",
    "Coded",
    "CutShort",
    "Encoded",
    "Group",
    "Heads",
    "Message",
    "Metric",
    "NeverKept",
    "NotTelemetry",
    "Point",
    "Reader",
    "Record",
    "RecordColumns",
    "Signal",
    "Span",
    "TelemetryError",
    "TooLarge",
    "allow_list",
    "known_names",
    "never_kept",
    "signal_of",
    "write_line",
]
