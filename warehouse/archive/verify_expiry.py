"""What a verification accepts as gone: a file of the recent tier that a seal replaced, and for which the log has a
record of the deletion, or whose lock date has passed.

Promise: a file that vanished while it was still locked, with no word of it in the log, is never accepted. A
lifecycle rule of a bucket, which deletes after that date and tells the log nothing, is.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime, timedelta

from warehouse.archive.archive import Retention
from warehouse.archive.concerns import Span
from warehouse.archive.entry import Entry
from warehouse.archive.findings import Verification
from warehouse.archive.retention import change_of
from warehouse.archive.state import LogState
from warehouse.archive.verify_locks import Named
from warehouse.wire.times import parse_rfc3339, rfc3339
from warehouse.wire.windows import Window

# A lock counts from the put of its object, which comes before the commit that we know: by hours after a long pull.
_SLACK = timedelta(days=1)


def recorded(entry: Entry) -> list[str]:
    """The keys that an entry says were deleted, or found gone."""
    with suppress(ValueError):  # the replay reports an entry that lacks what it needs
        return change_of(entry).keys if entry.kind == "retention" else []
    return []


class Absences:
    """Judges the objects that are named and not there; `close` says how many could not be judged."""

    def __init__(
        self,
        state: LogState,
        may_be_gone: Callable[[str], bool],
        recorded_gone: set[str],
        retention: Retention | None,
        now: datetime,
    ) -> None:
        """`may_be_gone`: whether nothing needs a key any more and no hold keeps it. `now`: lock dates before it
        have passed. Without a `retention` no lock date is known."""
        self._may_be_gone = may_be_gone
        self._recorded = recorded_gone
        self._retention, self._now = retention, now
        # an extension that was not finished may not have reached everything
        self._longer = [one for one in state.extensions or [] if one.done]
        self._unknown = 0

    def problem(self, named: Named) -> str | None:
        """Why an object should be there, in words to add to a finding (maybe none); None if it may be gone."""
        if not self._may_be_gone(named.key):
            return ""
        if named.key in self._recorded:
            return None
        if self._retention is None:
            self._unknown += 1
            return None
        until = self._locked_until(named, self._retention)
        if until - _SLACK <= self._now:
            return None
        return f": it was to be kept until {rfc3339(until)}, and no entry says that it was deleted"

    def close(self, result: Verification) -> None:
        """Say what was accepted without knowing."""
        if self._unknown:
            files = "1 table file" if self._unknown == 1 else f"{self._unknown} table files"
            result.notes.append(
                f"{files} that a seal replaced {'is' if self._unknown == 1 else 'are'} gone without a record; "
                f"until when they were to be kept is not known here"
            )

    def _locked_until(self, named: Named, retention: Retention) -> datetime:
        committed = parse_rfc3339(named.committed_at)
        until, whole = committed + retention.recent, _day_of(named.key)
        for longer in self._longer:
            # it reached what was committed before; what had run out by then may have been gone
            if committed <= parse_rfc3339(longer.at) < until and Span(longer.window, None).takes(whole, None):
                until = max(until, parse_rfc3339(longer.until))
        return until


def _day_of(key: str) -> Window | None:
    for part in key.split("/"):
        if part.startswith("dt="):
            with suppress(ValueError):
                return Window.of_day(date.fromisoformat(part.removeprefix("dt=")))
    return None
