"""The verifier: replays the log from its first entry and compares all that it names with what is stored.

Promise: needs neither Dagster nor the signing key, writes nothing, and reports each difference by its own code
with the object it concerns. Coverage gaps are findings; the time since the last window is not (that is lag).
Whatever a tampered store holds becomes a finding; only a store that cannot be read raises.
"""

from collections.abc import Callable
from datetime import datetime

from warehouse.archive import keys
from warehouse.archive.findings import Finding, Verification
from warehouse.archive.note import Verifier
from warehouse.archive.state import LogState
from warehouse.archive.store import Store
from warehouse.archive.verify_log import LogCheck
from warehouse.archive.verify_objects import check_objects, check_unexplained, expired
from warehouse.wire.windows import Window, gaps

__all__ = ["Finding", "Verification", "verify"]


def verify(
    store: Store,
    *,
    trusted: list[Verifier] | None = None,
    since: datetime | None = None,
    deep: bool = False,
    on_progress: Callable[[str, int, int], None] | None = None,
) -> Verification:
    """Check a whole archive, or with `since` the objects of entries committed from then on.

    The log is always replayed whole. `trusted`: keys that may sign checkpoints; without it the key that the
    log's first entry names, and a note says so. `deep` also recomputes each page's root over its records.
    `on_progress(phase, done, total)`. Raises StoreError when the store cannot be read.
    """
    result = Verification()
    tell = on_progress or (lambda _phase, _done, _total: None)
    log = LogCheck(store, trusted, since, result, tell)
    log.run()
    if log.size == 0:
        _no_log(store, result)
    else:
        # Of a log with holes nobody knows which files a seal took over: then none may be gone.
        may_be_gone = expired(log.state) if log.state_is_whole else lambda _key: False
        check_objects(store, log.named_objects.values(), may_be_gone, result, deep=deep, tell=tell)
        check_unexplained(store, log.named_keys, may_be_gone, log.newest_at, result)
        _gaps(log.state, log.state_is_whole, result)
        log.check_head()
        if not store.immutable:
            result.notes.append("archive.lock is none: the store itself does not prevent changes")
        result.notes.append(
            "no pinned checkpoint was given: entries removed from the end of the log would not be seen"
        )
    result.count_the_rest()
    return result


def _no_log(store: Store, result: Verification) -> None:
    ours = sum(1 for prefix in keys.OURS for _ in store.list(prefix))
    if ours:
        result.found("missing", keys.entry(0), f"{ours} objects of ours are here but no log names them")
    else:
        result.notes.append("the archive is empty: there is nothing to verify yet")


def _gaps(state: LogState, whole: bool, result: Verification) -> None:
    if not whole:
        result.notes.append("coverage was not checked: it follows from the log, and entries of that are damaged")
        return
    for name, stream in sorted(state.streams.items()):
        if stream.covered:
            span = Window(stream.covered[0].start, stream.covered[-1].end)
            for hole in gaps(stream.covered, span):
                result.found(
                    "gap", f"{name} {hole}", "no complete pull covers this window; run `ledgerline pull` for it"
                )
