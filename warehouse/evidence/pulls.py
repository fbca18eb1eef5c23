"""What the log's entries say of the pulls that concern a period: windows, requests, failures, what was noticed.

Promise: reads from the first entry of the period on, and no entry before it: none of those can concern it.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from msgspec import UNSET

from warehouse.archive.archive import Archive
from warehouse.archive.entry import Entry
from warehouse.archive.shape import attempts_of, window_of
from warehouse.tables.fold import STREAM
from warehouse.wire.times import parse_rfc3339
from warehouse.wire.windows import Window


@dataclass(frozen=True)
class Pull:
    """One pull whose window touches the period."""

    seq: int
    window: Window
    complete: bool
    committed_at: datetime
    error: str | None


@dataclass
class Pulls:
    """`requests`: when each request of ours was sent that brought a page; `own`: ids of all, failed ones too."""

    found: list[Pull] = field(default_factory=list)
    requests: dict[str, datetime] = field(default_factory=dict)
    own: set[str] = field(default_factory=set)
    noticed: list[dict[str, Any]] = field(default_factory=list)


def pulls_of(archive: Archive, period: Window) -> Pulls:
    """The pulls of a period, and the requests that were sent in it, as the log has them up to its state."""
    pulls = Pulls()
    size = archive.state.size
    for entry in archive.entries(_first_since(archive, period.start, size), size):
        if entry.stream != STREAM:
            continue
        window = None if entry.window is None else window_of(entry.window)
        touches = window is not None and window.overlaps(period)
        if entry.kind == "pull":
            _requests(pulls, entry)
            if window is not None and touches:
                error = entry.error if entry.error is not UNSET else None
                at = parse_rfc3339(entry.committed_at)
                pulls.found.append(Pull(entry.seq, window, entry.complete is True, at, error))
        if touches and entry.findings is not UNSET:
            pulls.noticed += [{**found, "at": entry.committed_at, "entry": entry.seq} for found in entry.findings]
    return pulls


def _requests(pulls: Pulls, entry: Entry) -> None:
    for page in entry.objects:
        if isinstance(page.request_id, str) and isinstance(page.requested_at, str):
            pulls.own.add(page.request_id)
            if entry.audited is True:
                pulls.requests[page.request_id] = parse_rfc3339(page.requested_at)
    for attempt in attempts_of(entry):
        if isinstance(attempt.get("request_id"), str):
            pulls.own.add(attempt["request_id"])


def _first_since(archive: Archive, moment: datetime, size: int) -> int:
    """The first entry committed at or after a moment: `committed_at` never runs backwards."""
    low, high = 0, size
    while low < high:
        middle = (low + high) // 2
        if parse_rfc3339(archive.entry(middle).committed_at) < moment:
            low = middle + 1
        else:
            high = middle
    return low
