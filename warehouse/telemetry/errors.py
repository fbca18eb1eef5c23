"""What can go wrong with telemetry, and what to do about it.

    TelemetryError
    ├── SettingsRefused      managed settings that would not do what was asked, or would hold a secret
    ├── NeverKept            the configuration wants an attribute kept that holds content
    └── NotTelemetry         the bytes are no OTLP that we read; nothing of the file is used
        ├── Malformed        a protobuf message that is none (`protobuf_wire`)
        ├── CutShort         it ends in the middle: half written, or truncated on the way
        └── TooLarge         one message of it is larger than we hold in memory

Each message says what happened, to what, and what to do next. Of a file it names the place and never a byte of
what stands there: a file may hold content.
"""


class TelemetryError(Exception):
    """The root of the room: catch this to catch all of it. `remedy` says what to do, where the text does not."""

    remedy = ""


class SettingsRefused(TelemetryError):
    """An endpoint, an attribute or an exception that no settings are made of."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


class NeverKept(TelemetryError):
    """An attribute that holds content was named as one to keep."""


class NotTelemetry(TelemetryError):
    """Bytes that are no OTLP metrics, logs or traces in a form we know."""


class CutShort(NotTelemetry):
    """The file ends before what it began is complete."""


class TooLarge(NotTelemetry):
    """A single message that would not fit into bounded memory."""
