"""What the feed holds: per UTC day, verbatim records sorted by (created_at, id), and the walk over them.

Days are generated when first touched. A page of an unfiltered walk is a slice, so the server keeps up with
benchmarks. Records can be added, replaced, hidden until later and withdrawn while it runs.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from threading import RLock

from sandbox.tenant.events import ID_START, Event, day_of
from sandbox.tenant.ids import ACTIVITY_LENGTH, activity_time


def record_id(record: bytes) -> str:
    """The id of a verbatim record."""
    return record[ID_START : ID_START + ACTIVITY_LENGTH].decode()


class Segment:
    """The records of one day in parallel columns, sorted by (created_at, id)."""

    def __init__(self, events: Iterable[Event]) -> None:
        rows = list(events)
        self.times = array("q", [row[0] for row in rows])
        self.records = [row[2] for row in rows]
        self.types = [row[3] for row in rows]
        self.users = [row[4] for row in rows]
        self.orgs = [row[5] for row in rows]
        self.indexed = array("q", [row[6] for row in rows])
        self.last_indexed = max(self.indexed, default=0)

    def __len__(self) -> int:
        return len(self.records)

    def place(self, us: int, identifier: str) -> int:
        """The first position whose (created_at, id) is not before the given one."""
        at = bisect_left(self.times, us)
        while at < len(self.times) and self.times[at] == us and record_id(self.records[at]) < identifier:
            at += 1
        return at

    def find(self, identifier: str) -> int | None:
        """The position of a record, or None."""
        us = activity_time(identifier)
        if us is None:
            return None
        at = self.place(us, identifier)
        return at if at < len(self) and record_id(self.records[at]) == identifier else None

    def insert(self, event: Event) -> None:
        at = self.place(event[0], event[1])
        self.times.insert(at, event[0])
        self.records.insert(at, event[2])
        self.types.insert(at, event[3])
        self.users.insert(at, event[4])
        self.orgs.insert(at, event[5])
        self.indexed.insert(at, event[6])
        self.last_indexed = max(self.last_indexed, event[6])

    def remove(self, at: int) -> None:
        for column in (self.times, self.records, self.types, self.users, self.orgs, self.indexed):
            del column[at]

    def delay(self, at: int, until: int) -> None:
        """Hide the record at a position until `until` (us)."""
        self.indexed[at] = until
        self.last_indexed = max(self.last_indexed, until)


@dataclass(frozen=True, slots=True)
class Walk:
    """One question to the feed. Times in us, half-open `[start, end)`; `cursor` is exclusive.

    `ascending` is the order of the result; `backwards` travels against it from the cursor (`before_id`).
    """

    limit: int
    start: int | None = None
    end: int | None = None
    ascending: bool = False
    backwards: bool = False
    cursor: str | None = None
    only_types: frozenset[str] = frozenset()
    not_types: frozenset[str] = frozenset()
    users: frozenset[str] = frozenset()
    orgs: frozenset[str] = frozenset()

    @property
    def filtered(self) -> bool:
        return bool(self.only_types or self.not_types or self.users or self.orgs)


class Store:
    """The records of a tenant from its first day on; `make` generates the sorted segment of a day."""

    def __init__(self, first_day: date, make: Callable[[date], Segment]) -> None:
        self.first_day = first_day
        self._make = make
        self._segments: dict[date, Segment] = {}
        self.lock = RLock()

    def segment(self, day: date) -> Segment:
        """The segment of `day`, generated on first use; empty before the first day."""
        with self.lock:
            found = self._segments.get(day)
            if found is None:
                found = self._make(day) if day >= self.first_day else Segment(())
                self._segments[day] = found
            return found

    def add(self, event: Event) -> None:
        with self.lock:
            self.segment(day_of(event[0])).insert(event)

    def locate(self, identifier: str) -> tuple[Segment, int] | None:
        """Where a record lies, or None where there is no such record."""
        us = activity_time(identifier)
        if us is None or not 0 <= us < 1 << 52:
            return None
        day = day_of(us)
        if not self.first_day <= day <= self.first_day + timedelta(days=36_500):
            return None
        segment = self.segment(day)
        at = segment.find(identifier)
        return None if at is None else (segment, at)

    def remove(self, identifier: str) -> bool:
        """Take a record out; False where there is none with this id."""
        with self.lock:
            place = self.locate(identifier)
            if place is None:
                return False
            place[0].remove(place[1])
            return True

    def page(self, walk: Walk, now: int) -> tuple[list[bytes], bool]:
        """Up to `walk.limit` records visible at `now` in result order, and whether more lie beyond."""
        upwards = walk.ascending != walk.backwards
        need = walk.limit + 1
        got: list[bytes] = []
        with self.lock:
            for segment, low, high in self._ranges(walk, now, upwards):
                got += self._take(segment, low, high, walk, now, upwards, need - len(got))
                if len(got) >= need:
                    break
        more = len(got) > walk.limit
        del got[walk.limit :]
        if walk.backwards:
            got.reverse()
        return got, more

    def visible(self, start: int | None, end: int | None, now: int) -> Iterator[bytes]:
        """Every record visible at `now` in `[start, end)`, oldest first."""
        walk = Walk(limit=1, start=start, end=end, ascending=True)
        with self.lock:
            ranges = list(self._ranges(walk, now, True))
        for segment, low, high in ranges:
            yield from self._take(segment, low, high, walk, now, True, high - low)

    def _ranges(self, walk: Walk, now: int, upwards: bool) -> Iterator[tuple[Segment, int, int]]:
        """The index ranges the walk may take from, day by day in the direction travelled."""
        low, high = walk.start, min(now + 1, now + 1 if walk.end is None else walk.end)
        cursor_us = activity_time(walk.cursor) if walk.cursor is not None else None
        first = self.first_day if low is None else max(self.first_day, _day_within(low))
        last = _day_within(high - 1)
        if cursor_us is not None:
            if upwards:
                first = max(first, _day_within(cursor_us))
            else:
                last = min(last, _day_within(cursor_us))
        days = range((last - first).days + 1) if last >= first else range(0)
        for offset in days if upwards else reversed(days):
            segment = self.segment(first + timedelta(days=offset))
            begin = 0 if low is None else bisect_left(segment.times, low)
            stop = bisect_left(segment.times, high)
            if cursor_us is not None and walk.cursor is not None:
                at = segment.place(cursor_us, walk.cursor)
                if upwards:
                    past = at < len(segment) and record_id(segment.records[at]) == walk.cursor
                    begin = max(begin, at + past)
                else:
                    stop = min(stop, at)
            if begin < stop:
                yield segment, begin, stop

    @staticmethod
    def _take(
        segment: Segment, low: int, high: int, walk: Walk, now: int, upwards: bool, need: int
    ) -> list[bytes]:
        """At most `need` records of `[low, high)` in the direction travelled."""
        if not walk.filtered and segment.last_indexed <= now:
            if upwards:
                return segment.records[low : min(high, low + need)]
            return segment.records[max(low, high - need) : high][::-1]
        out: list[bytes] = []
        for at in range(low, high) if upwards else range(high - 1, low - 1, -1):
            if segment.indexed[at] <= now and (not walk.filtered or _matches(segment, at, walk)):
                out.append(segment.records[at])
                if len(out) == need:
                    break
        return out


def _matches(segment: Segment, at: int, walk: Walk) -> bool:
    kind, org = segment.types[at], segment.orgs[at]
    return (
        (not walk.only_types or kind in walk.only_types)
        and kind not in walk.not_types
        and (not walk.users or segment.users[at] in walk.users)
        # Records without an organisation come back whatever organisation is asked for (observed, reference 1.1).
        and (not walk.orgs or org is None or org in walk.orgs)
    )


def _day_within(us: int) -> date:
    """The day of a time, kept inside what the calendar can say."""
    return day_of(min(max(us, -62_135_596_800_000_000), 253_402_300_799_000_000))
