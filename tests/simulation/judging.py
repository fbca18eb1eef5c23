"""What every judge of a trial says when a promise is broken."""

from __future__ import annotations


class Violation(AssertionError):
    """A promise was broken."""


def demand(holds: bool, promise: int, otherwise: str) -> None:
    """Raises Violation where it does not hold."""
    if not holds:
        raise Violation(f"promise {promise}: {otherwise}")
