"""Legal holds and longer retention over all that concerns a window: announced in the log, done, and signed off.

Promise: a killed run is finished by running the same command again, or by `complete`; whatever two writers do at
once, an object that concerns a hold which is on ends up held; and on a folder, which keeps neither, nothing is
pretended: the log says it, and only our own `expire` heeds it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

import msgspec

from warehouse.archive import keys
from warehouse.archive.ahead import in_order
from warehouse.archive.archive import Archive
from warehouse.archive.concerns import Span, Target, reached
from warehouse.archive.entry import Draft
from warehouse.archive.errors import HoldUnknown, KeyMissing
from warehouse.archive.locks import locks_of
from warehouse.archive.retention import Change
from warehouse.archive.state import Extension, Hold, LogState
from warehouse.wire.times import parse_rfc3339, rfc3339
from warehouse.wire.windows import Window

Tell = Callable[[int], None]


@dataclass(frozen=True)
class Done:
    """What a command did. `enforced` is False where the store keeps neither holds nor dates. `gone` are objects
    that the log names, that concern, and that are not there: `ledgerline verify` says which of them may be."""

    seq: int
    objects: int
    enforced: bool
    gone: list[str]


def set_hold(
    archive: Archive,
    name: str,
    window: Window,
    *,
    reason: str,
    stream: str | None = None,
    tell: Tell = lambda _: None,
) -> Done:
    """Hold all that concerns the events of a window, now and what is committed for it later.

    Setting the same hold again does whatever is missing. Raises HoldUnknown (another hold has this name, or this
    one is being released) and what the store raises; a store that knows no holds refuses before anything is
    recorded.
    """
    locks, state = locks_of(archive.store), archive.refresh()
    if not state.size:
        raise HoldUnknown("the archive is empty: there is nothing to hold yet. Pull once, then set the hold")
    before = (state.holds or {}).get(name)
    if before is not None and (before.window, before.stream) != (window, stream):
        raise HoldUnknown(
            f"the hold {name!r} is over {before.window} of {before.stream or 'all streams'} already. Nothing was "
            "changed; give this one another name, or release that one first"
        )
    if before is not None and before.phase == "releasing":
        raise HoldUnknown(
            f"the hold {name!r} is being released. Finish that (`ledgerline hold release {name}`), then set it"
        )
    if before is None:
        if locks.enforced:
            locks.hold(keys.entry(0), None, on=True)  # a store that cannot says so now, before it is announced

        def announce(now: LogState) -> Draft | None:
            if name in (now.holds or {}):
                return None
            return _draft(Change(action="hold", name=name, reason=reason), window, stream)

        archive.append(announce)
    return _finish_hold(archive, name, tell)


def release_hold(archive: Archive, name: str, *, reason: str, tell: Tell = lambda _: None) -> Done:
    """Let go what a hold holds and no other one does. Raises HoldUnknown and what the store raises."""
    hold = _named(archive.refresh(), name)
    if hold.phase != "releasing":

        def announce(now: LogState) -> Draft | None:
            current = (now.holds or {}).get(name)
            if current is None or current.phase == "releasing":
                return None
            return _draft(Change(action="release", name=name, reason=reason), hold.window, hold.stream)

        archive.append(announce)
    return _finish_release(archive, name, tell)


def extend(
    archive: Archive,
    until: datetime,
    *,
    window: Window | None = None,
    stream: str | None = None,
    reason: str | None = None,
    tell: Tell = lambda _: None,
) -> Done:
    """Retain all that concerns a window (everything without one) and is committed by now at least until then.

    Raises what the store raises. An extension of the same that was not finished is finished first of all.
    """
    text = rfc3339(until)
    archive.refresh()
    begun = _unfinished(archive.state, text, window, stream)
    if begun is None:
        archive.commit(_draft(Change(action="extend", until=text, reason=reason), window, stream))
        begun = _unfinished(archive.state, text, window, stream)
        assert begun is not None
    return _finish_extension(archive, begun, tell)


def complete(archive: Archive, tell: Tell = lambda _: None) -> list[str]:
    """Finish what killed runs began; returns what was finished, in words."""
    state, finished = archive.refresh(), []
    for name, hold in sorted((state.holds or {}).items()):
        if hold.phase == "setting":
            finished.append(f"hold {name}: {_finish_hold(archive, name, tell).objects} objects held")
        elif hold.phase == "releasing":
            finished.append(f"hold {name}: {_finish_release(archive, name, tell).objects} objects released")
    for one in state.extensions or []:
        if not one.done:
            finished.append(
                f"retention until {one.until}: {_finish_extension(archive, one, tell).objects} objects"
            )
    return finished


def targets(archive: Archive, span: Span, end: int | None = None) -> Iterator[Target]:
    """All that concerns a span by the entries before `end`, each object once."""
    seen: set[Target] = set()
    for group in reached(archive.entries(0, end), span, archive.entry):
        for target in group:
            if target not in seen:
                seen.add(target)
                yield target


# -- doing ---------------------------------------------------------------------------------------------------


def _finish_hold(archive: Archive, name: str, tell: Tell) -> Done:
    archive.settle()  # the head is signed, or its checkpoint would not be there to be held
    hold = _named(archive.state, name)
    found = targets(archive, Span(hold.window, hold.stream), archive.state.size)
    locks = locks_of(archive.store)
    done, gone = _each(found, lambda target: locks.hold(target.key, target.version_id, on=True), tell)
    if hold.phase == "setting":
        counts = {"objects": done}

        def sign_off(now: LogState) -> Draft | None:
            current = (now.holds or {}).get(name)
            if current is None or current.seq != hold.seq or current.phase != "setting":
                return None
            said = Change(action="held", name=name, keys=sorted(gone))
            return Draft(kind="retention", counts=counts, retention=_said(said))

        archive.append(sign_off)
    return Done(hold.seq, done, locks.enforced, gone)


def _finish_release(archive: Archive, name: str, tell: Tell) -> Done:
    hold, locks = _named(archive.state, name), locks_of(archive.store)
    others = archive.state.held()
    kept = {target for one in others.values() for target in targets(archive, Span(one.window, one.stream))}
    mine = [target for target in targets(archive, Span(hold.window, hold.stream)) if target not in kept]
    done, gone = _each(iter(mine), lambda target: locks.hold(target.key, target.version_id, on=False), tell)
    while not _sign_release(archive, name, others, done):
        # Somebody set a hold while we were letting go: what concerns both must be on again.
        others = archive.state.held()
        again = {target for one in others.values() for target in targets(archive, Span(one.window, one.stream))}
        both = [target for target in mine if target in again]
        _each(iter(both), lambda target: locks.hold(target.key, target.version_id, on=True), tell)
        mine = [target for target in mine if target not in again]
        done -= len(both)
    return Done(hold.seq, done, locks.enforced, gone)


def _sign_release(archive: Archive, name: str, others: dict[str, Hold], done: int) -> bool:
    """Say in the log that a hold is gone; False where other holds are on than those that were spared."""

    def sign_off(now: LogState) -> Draft | None:
        if name not in (now.holds or {}) or now.held() != others:
            return None
        change = Change(action="released", name=name)
        return Draft(kind="retention", counts={"objects": done}, retention=_said(change))

    return archive.append(sign_off) is not None or name not in (archive.state.holds or {})


def _finish_extension(archive: Archive, begun: Extension, tell: Tell) -> Done:
    until, locks = parse_rfc3339(begun.until), locks_of(archive.store)
    found = targets(archive, Span(begun.window, begun.stream), begun.seq + 1)

    def longer(target: Target) -> None:
        locks.extend(target.key, target.version_id, until)

    done, gone = _each(found, longer, tell)
    over = Change(action="extended", of=begun.seq)

    def sign_off(now: LogState) -> Draft | None:
        if all(one.done for one in now.extensions or [] if one.seq == begun.seq):
            return None
        return Draft(kind="retention", counts={"objects": done}, retention=_said(over))

    archive.append(sign_off)
    return Done(begun.seq, done, locks.enforced, gone)


def _each(found: Iterable[Target], work: Callable[[Target], None], tell: Tell) -> tuple[int, list[str]]:
    """Do it to each; how many there were, and which were not there."""

    def one(target: Target) -> str | None:
        try:
            work(target)
        except KeyMissing:
            return target.key
        return None

    done, gone = 0, []
    for missing in in_order(one, found):
        if missing is None:
            done += 1
            tell(done)
        else:
            gone.append(missing)
    return done, gone


def _named(state: LogState, name: str) -> Hold:
    hold = (state.holds or {}).get(name)
    if hold is None:
        known = ", ".join(sorted(state.holds or {})) or "there are none"
        raise HoldUnknown(f"there is no hold {name!r}. The holds that are on: {known}")
    return hold


def _unfinished(state: LogState, until: str, window: Window | None, stream: str | None) -> Extension | None:
    wanted = (until, window, stream, False)
    return next((e for e in state.extensions or [] if (e.until, e.window, e.stream, e.done) == wanted), None)


def _draft(change: Change, window: Window | None, stream: str | None) -> Draft:
    return Draft(
        kind="retention", stream=stream, window=window.as_text() if window else None, retention=_said(change)
    )


def _said(change: Change) -> dict[str, object]:
    said: dict[str, object] = msgspec.to_builtins(change)
    return said
