"""What can go wrong in delivery, and what to do about it.

    DeliveryError
    ├── Halted                a destination cannot be used as it is configured; its position stays
    ├── DestinationUnknown    no destination of that name is configured
    ├── SliceInvalid          a slice that is no condition on `audit_events`
    ├── PositionLost          a delivery entry names a position that the log does not have
    ├── PositionMoved         another process delivers to the same destination
    ├── QueueUnusable         a queue of claim checks cannot be used as it is set up
    └── QueueUnreachable      a queue did not answer; the log has all that was to be said

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


class QueueUnusable(DeliveryError):
    """A queue of claim checks that is missing, refuses us, or has nowhere for what cannot be used."""


class QueueUnreachable(DeliveryError):
    """A queue that did not answer. Trying again may help; nothing is lost, because the log has every commit."""
