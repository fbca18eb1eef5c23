"""What can go wrong with telemetry, and what to do about it.

    TelemetryError
    └── SettingsRefused      managed settings that would not do what was asked, or would hold a secret

Each message says what happened, to what, and what to do next.
"""


class TelemetryError(Exception):
    """The root of the room: catch this to catch all of it. `remedy` says what to do, where the text does not."""

    remedy = ""


class SettingsRefused(TelemetryError):
    """An endpoint, an attribute or an exception that no settings are made of."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy
