"""The holds' part of a verification: what concerns a legal hold that is on must be held by the store itself, and
what a longer retention reached must be locked as long.

Promise: asks nothing where there is neither, nor of a store that keeps none (a folder), and says so then.
"""

from collections.abc import Callable, Iterator
from datetime import datetime

from warehouse.archive import keys
from warehouse.archive.ahead import in_order
from warehouse.archive.concerns import Span, Target, reached
from warehouse.archive.entry import Entry
from warehouse.archive.findings import Verification
from warehouse.archive.locks import HasLocks
from warehouse.archive.retention import change_of
from warehouse.archive.shape import read
from warehouse.archive.state import LogState
from warehouse.archive.store import Store
from warehouse.archive.verify_inventory import get_or_none
from warehouse.wire.times import parse_rfc3339, rfc3339

NOT_HELD = "not_held"


def check_holds(store: Store, state: LogState, result: Verification, first: int = 0) -> None:
    """Report each object that concerns a hold and is not held, of the entries from `first` on. The log has been
    judged before."""
    held = state.held()
    if not held:
        return
    if not isinstance(store, HasLocks) or not store.locks().enforced:
        result.notes.append(
            f"{len(held)} legal hold(s) on: this store keeps none, only `ledgerline expire` heeds them"
        )
        return
    for name, hold in sorted(held.items()):
        wanted = _once(reached(_entries(store, first, state.size), Span(hold.window, hold.stream), _reader(store)))
        for target, on in in_order(lambda target: (target, _is_held(store, target)), wanted):
            if on is False:
                result.found(
                    NOT_HELD,
                    target.key,
                    f"concerns the legal hold {name} and is not held; run `ledgerline hold set {name}` again with "
                    f"its window ({' '.join(hold.window.as_text())})",
                )


def check_extensions(store: Store, state: LogState, newest: datetime | None, result: Verification) -> None:
    """Report what is locked shorter than an extension says that was finished and has not run out yet. An extension
    within another one of the same events is passed over."""
    if not isinstance(store, HasLocks) or not store.locks().enforced:
        return
    due = [one for one in state.extensions or [] if one.done and newest and parse_rfc3339(one.until) > newest]
    for one in due:
        until = parse_rfc3339(one.until)
        if any(
            other.seq > one.seq
            and (other.window, other.stream) == (one.window, one.stream)
            and parse_rfc3339(other.until) >= until
            for other in due
        ):
            continue
        wanted = _once(reached(_entries(store, 0, one.seq + 1), Span(one.window, one.stream), _reader(store)))
        for target, found in in_order(lambda target: (target, store.head(target.key, target.version_id)), wanted):
            if found is not None and (found.retain_until is None or found.retain_until < until):
                ends = rfc3339(found.retain_until) if found.retain_until else "no date"
                result.found(
                    "lock_too_short",
                    target.key,
                    f"is locked until {ends}; entry {one.seq} says that it is retained until {one.until}. Run "
                    f"`ledgerline retention extend` again",
                )


def kept_if_held(
    store: Store, state: LogState, may_be_gone: Callable[[str], bool], first: int = 0
) -> Callable[[str], bool]:
    """`may_be_gone`, save for what a hold keeps."""
    if not state.held():
        return may_be_gone
    kept = _kept_by_holds(store, state, first)
    return lambda key: may_be_gone(key) and key not in kept


def _is_held(store: Store, target: Target) -> bool | None:
    found = store.head(target.key, target.version_id)
    return found.legal_hold if found is not None else None  # what is missing is a finding of its own


def _entries(store: Store, first: int, size: int) -> Iterator[Entry]:
    for seq, data in in_order(lambda seq: (seq, get_or_none(store, keys.entry(seq))), range(first, size)):
        if data is not None:
            yield read(data, keys.entry(seq))


def _reader(store: Store) -> Callable[[int], Entry]:
    return lambda seq: read(store.get(keys.entry(seq)), keys.entry(seq))


def _once(groups: Iterator[list[Target]]) -> Iterator[Target]:
    seen: set[Target] = set()
    for group in groups:
        for target in group:
            if target not in seen:
                seen.add(target)
                yield target


def _kept_by_holds(store: Store, state: LogState, first: int) -> set[str]:
    """The keys of all that concerns a hold which is on and was there when it was set: none of it may be gone,
    unless an entry says that it was deleted, or was gone, before."""
    found: set[str] = set()
    for hold in state.held().values():
        span = Span(hold.window, hold.stream)
        found.update(t.key for t in _once(reached(_entries(store, first, state.size), span, _reader(store))))
    if found:
        for entry in _entries(store, first, state.size):
            if entry.kind == "retention":
                found.difference_update(change_of(entry).keys)
    return found
