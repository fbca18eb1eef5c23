"""Secrets of a destination, from where its settings refer to. Promise: a missing one halts; none is shown."""

from warehouse.config.errors import SecretUnavailable
from warehouse.config.secrets import SecretRef
from warehouse.delivery.errors import Halted


def revealed(destination: str, reference: SecretRef) -> str:
    """The secret behind a reference. Raises Halted, with what to do, where it cannot be had."""
    try:
        return reference.reveal()
    except SecretUnavailable as missing:
        raise Halted(f"destination {destination}: {missing}", remedy=missing.remedy) from None


def revealed_file(destination: str, reference: SecretRef) -> bytes:
    """A secret that is a whole file of several lines. Raises as `revealed`."""
    try:
        return reference.reveal_bytes()
    except SecretUnavailable as missing:
        raise Halted(f"destination {destination}: {missing}", remedy=missing.remedy) from None
