"""Reading a retention back: whether a store keeps an object as long as it was asked to, and in which words not.

Promise: one rule for every cloud; what a store merely accepted counts for nothing, what it then shows counts.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from warehouse.archive.store import ObjectInfo


def whole_second(moment: datetime) -> datetime:
    """`moment` in UTC, up to the next second: clouds keep whole seconds, and "at least as long" must stay true."""
    utc = moment.astimezone(UTC)
    return utc.replace(microsecond=0) + timedelta(seconds=1) if utc.microsecond else utc


def is_locked(found: ObjectInfo) -> bool:
    """Whether an object has any retention at all."""
    return found.lock_mode is not None and found.retain_until is not None


def shortfall(found: ObjectInfo, mode: str | None, until: datetime) -> str:
    """What is missing from the lock asked for ("COMPLIANCE" or "GOVERNANCE", until a moment); "" if nothing is."""
    if found.lock_mode is None or found.retain_until is None:
        return f"{found.key} was kept without any retention"
    if found.lock_mode != mode or found.retain_until < until:
        return (
            f"{found.key} was kept as {found.lock_mode} until {found.retain_until:%Y-%m-%dT%H:%M:%SZ}, but "
            f"{mode} until {until:%Y-%m-%dT%H:%M:%SZ} was asked for"
        )
    return ""
