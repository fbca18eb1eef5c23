"""Which objects concern the events of a window: the rule by which holds and longer retention reach what they mean.

Promise: a pure function of what the log says. Pages count by the window they were pulled for, tables and seals
by the day of their events, an imported file by the days of its rows; an entry counts with its first objects, and
also where it found nothing, because that is evidence too. When in doubt, something concerns.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date

from warehouse.archive import keys
from warehouse.archive.entry import Draft, Entry, ObjectRef
from warehouse.archive.merkle import tiles_reached
from warehouse.wire.times import from_key_time
from warehouse.wire.windows import Window

_PAGE = re.compile(r"pages/([^/]+)/dt=[^/]+/([0-9TZ.]+)_([0-9TZ.]+)/")
_DAY = re.compile(r"(?:tables/[^/]+|seals)/[^/]+/dt=([0-9]{4}-[0-9]{2}-[0-9]{2})/")


@dataclass(frozen=True)
class Span:
    """The events meant: of a window (all time without one) and a stream (all of them without one)."""

    window: Window | None
    stream: str | None

    def takes(self, window: Window | None, stream: str | None) -> bool:
        """Whether something of this window and stream concerns the events meant; what is unknown might."""
        if self.stream is not None and stream is not None and stream != self.stream:
            return False
        return self.window is None or window is None or window.overlaps(self.window)


@dataclass(frozen=True)
class Target:
    """One object that concerns: its key, and the version the log names (None: the one that stands there)."""

    key: str
    version_id: str | None


def objects(draft: Draft, span: Span) -> list[Target]:
    """What of the objects that an entry names concerns the events of a span. An imported file does through the
    tables made from it (`with_source`): it says nothing of its days itself."""
    if draft.kind == "pull" and draft.window is None and span.window is not None:
        return []
    return [
        Target(ref.key, ref.version_id)
        for ref in draft.objects
        if span.takes(_window_of(ref, draft), draft.stream or _stream_of(ref.key))
    ]


def with_source(draft: Draft, span: Span, entry_at: Callable[[int], Entry]) -> list[Target]:
    """`objects`, and the imported file that a table was made from: it says nothing of its days, the table does."""
    found = objects(draft, span)
    if found and draft.kind == "table" and draft.window is None:
        for source in map(entry_at, draft.derived_from):
            if source.window is not None:
                continue
            found += [Target(ref.key, ref.version_id) for ref in source.objects] + of_log(source.seq)
    return found


def concerns(draft: Draft, span: Span) -> bool:
    """Whether an entry as such concerns the events of a span, with whatever it names."""
    if draft.kind in ("pull", "table", "seal", "adopt"):
        if objects(draft, span):
            return True
        return draft.window is not None and span.takes(Window.from_text(draft.window), draft.stream)
    if draft.kind == "snapshot":
        return False
    return draft.window is not None and span.takes(Window.from_text(draft.window), draft.stream)


def always_concerns(entry: Entry) -> bool:
    """Whether an entry concerns all events, whatever they are: the first one, which says whose log this is, and
    kinds of entries that came later (the key that signs, who is restricted)."""
    return entry.seq == 0 or entry.kind not in _KNOWN


def of_log(seq: int) -> list[Target]:
    """What the log keeps of one entry: itself, the checkpoint over it and the tiles that it widened."""
    tiles = [keys.tile(*place) for place in tiles_reached(seq + 1)]
    return [Target(key, None) for key in (keys.entry(seq), keys.checkpoint(seq + 1), *tiles)]


def reached(entries: Iterator[Entry], span: Span, entry_at: Callable[[int], Entry]) -> Iterator[list[Target]]:
    """All that concerns a span, entry by entry."""
    for entry in entries:
        if concerns(entry, span):
            yield with_source(entry, span, entry_at) + of_log(entry.seq)
        elif always_concerns(entry):
            yield of_log(entry.seq)


_KNOWN = ("pull", "table", "seal", "delivery", "period", "snapshot", "adopt", "retention")


def _window_of(ref: ObjectRef, draft: Draft) -> Window | None:
    day = _DAY.match(ref.key)
    if day is not None:
        return _of_day(day.group(1))
    if isinstance(ref.dt, str):
        return _of_day(ref.dt)
    page = _PAGE.match(ref.key)
    if page is not None:
        try:
            return Window(from_key_time(page.group(2)), from_key_time(page.group(3)))
        except ValueError:
            return None
    return Window.from_text(draft.window) if draft.window is not None else None


def _of_day(text: str) -> Window | None:
    try:
        return Window.of_day(date.fromisoformat(text))
    except ValueError:
        return None


def _stream_of(key: str) -> str | None:
    page = _PAGE.match(key)
    return page.group(1) if page else None
