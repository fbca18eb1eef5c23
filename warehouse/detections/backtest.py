"""How often each rule would have raised an alert in the past, before it is switched on.

Promise: the same statements as at work. A long window is gone through in pieces, so that what has to be held does
not grow with it; what two pieces find of one chain of events is one find. A quiet rule is listed too: silence over
a year says as much as noise.
"""

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

import duckdb

from warehouse.detections.alert import Find
from warehouse.detections.places import Places
from warehouse.detections.reading import Events, finds_of, gather
from warehouse.detections.rule import Rule
from warehouse.wire.windows import Window

# What an alert takes as JSON without its events, and each event in it (docs/mappings.md has whole ones).
_ALERT_BYTES = 900
_EVENT_BYTES = 1_200
_EVENTS_SENT = 1_000


@dataclass(frozen=True, kw_only=True)
class BackTest:
    """One rule over a window. `days`: alerts by UTC day of their first event; days without any are left out."""

    rule: Rule
    alerts: int
    events: int
    entities: int
    days: dict[date, int]
    window_days: float
    sample: Find | None
    seconds: float

    @property
    def per_day(self) -> float:
        return self.alerts / self.window_days if self.window_days else 0.0

    @property
    def worst_day(self) -> int:
        return max(self.days.values(), default=0)

    @property
    def bytes_per_day(self) -> int:
        """What the alerts with their events would add to a SIEM, uncompressed; an estimate."""
        sent = self.alerts * _ALERT_BYTES + min(self.events, self.alerts * _EVENTS_SENT) * _EVENT_BYTES
        return round(sent / self.window_days) if self.window_days else 0


class BackTests:
    """Rules over a window of the past. Nothing is written.

    `held`: the part of the window that there are events of. What a rule over them raises in a day is counted by
    its days, not by those before the archive began.
    """

    def __init__(
        self,
        db: duckdb.DuckDBPyConnection,
        rules: Iterable[Rule],
        window: Window,
        places: Places | None = None,
        *,
        held: Window | None = None,
    ) -> None:
        self._db, self._window, self._places = db, window, places
        self._tallies = {
            rule.id: _Tally(rule, window, window if rule.source.computed else held or window) for rule in rules
        }

    def gathered(self, rules: Sequence[Rule], piece: Window, events: Events) -> None:
        """Rules over the events of a piece, which are read once for all of them. Pieces come in order of time."""
        if rules:
            gather(self._db, rules, piece, events)
        for rule in rules:
            self._try(rule, piece, events, gathered=True)

    def each(self, rules: Iterable[Rule], piece: Window, events: Events) -> None:
        """Rules that reach so far back that each reads what it needs by itself, or that read computed rows."""
        for rule in rules:
            self._try(rule, piece, events, gathered=False)

    def _try(self, rule: Rule, piece: Window, events: Events, *, gathered: bool) -> None:
        began = time.monotonic()
        tally = self._tallies[rule.id]
        tally.take(finds_of(self._db, rule, piece, events, self._places, gathered=gathered), piece)
        tally.seconds += time.monotonic() - began

    def results(self) -> list[BackTest]:
        """What they came to, noisiest first."""
        found = [tally.result() for tally in self._tallies.values()]
        return sorted(found, key=lambda one: (-one.alerts, one.rule.title))


@dataclass
class _Tally:
    """The finds of one rule. Those that a later piece can reach again are kept whole, of the others the counts."""

    rule: Rule
    window: Window
    held: Window
    seconds: float = 0.0
    alerts: int = 0
    events: int = 0
    days: Counter[date] = field(default_factory=Counter)
    about: set[tuple[tuple[str, str | None], ...]] = field(default_factory=set)
    sample: Find | None = None
    _open: dict[str, Find] = field(default_factory=dict)  # by the first of its events

    def take(self, finds: Iterable[Find], piece: Window) -> None:
        holding = {event: name for name, one in self._open.items() for event in one.event_ids}
        for find in finds:
            whole = find
            for name in {holding[event] for event in find.event_ids if event in holding}:
                whole = _joined(whole, self._open.pop(name))
            self._open[whole.event_ids[0]] = whole
            holding |= dict.fromkeys(whole.event_ids, whole.event_ids[0])
        reached = piece.end - timedelta(seconds=self.rule.look_back)
        for name in [name for name, find in self._open.items() if find.last_at < reached]:
            self._count(self._open.pop(name))

    def _count(self, find: Find) -> None:
        if not self.window.start <= find.last_at < self.window.end:
            return
        self.alerts += 1
        self.events += len(find.event_ids)
        self.days[max(find.first_at, self.window.start).date()] += 1
        self.about.add(tuple(sorted(find.group.items(), key=str)))
        if self.sample is None or find.last_at >= self.sample.last_at:
            self.sample = find

    def result(self) -> BackTest:
        for find in self._open.values():
            self._count(find)
        self._open = {}
        return BackTest(
            rule=self.rule,
            alerts=self.alerts,
            events=self.events,
            entities=len(self.about),
            days=dict(sorted(self.days.items())),
            window_days=(self.held.end - self.held.start).total_seconds() / 86_400,
            sample=self.sample,
            seconds=self.seconds,
        )


def _joined(one: Find, other: Find) -> Find:
    """Two finds of one chain: the events of the earlier, then what the later has more."""
    first, second = sorted((one, other), key=lambda find: (find.first_at, find.last_at))
    seqs = dict(zip(second.event_ids, second.commit_seqs, strict=True))
    seqs = dict(zip(first.event_ids, first.commit_seqs, strict=True)) | seqs
    return replace(
        first, last_at=max(one.last_at, other.last_at), event_ids=tuple(seqs), commit_seqs=tuple(seqs.values())
    )
