"""What can go wrong in delivery, and what to do about it.

    DeliveryError
    ├── Halted                a destination cannot be used as it is configured; its position stays
    ├── DestinationUnknown    no destination of that name is configured
    ├── SliceInvalid          a slice that is no condition on `audit_events`
    ├── PositionLost          a delivery entry names a position that the log does not have
    └── PositionMoved         another process delivers to the same destination

Each message says what happened, to what, and what to do next; none ever holds a credential.
"""


class DeliveryError(Exception):
    """The root of the room: catch this to catch all of it. `remedy` says what to do next."""

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy


class Halted(DeliveryError):
    """A destination cannot be used as configured: a secret is missing, a credential or certificate refused."""


class DestinationUnknown(DeliveryError):
    """No destination of that name is configured."""


class SliceInvalid(DeliveryError):
    """A slice that is neither a known name nor a condition on `audit_events`."""


class PositionLost(DeliveryError):
    """A delivery entry names a position that the log does not have."""


class PositionMoved(DeliveryError):
    """Another process has moved the position of the destination that this one serves."""
