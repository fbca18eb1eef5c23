"""Destinations served: the commits that each has not seen, its slice of them, through the engine.

Promise: each destination has a thread and a position of its own, so one that is slow or down delays no other; what
a killed run left is taken up by the next. Knows no Dagster.
"""

import errno
import os
import tempfile
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import msgspec

from assets.delivery_queue import Queue
from assets.delivery_rows import Reader
from assets.workshop import Workshop
from warehouse.archive import keys
from warehouse.archive.archive import Archive
from warehouse.archive.errors import KeyMissing
from warehouse.delivery import destinations as modules
from warehouse.delivery.book import Book
from warehouse.delivery.chunk import Chunk, Report, Target
from warehouse.delivery.engine import Run
from warehouse.delivery.errors import DeliveryError
from warehouse.delivery.mappings.canonical import MAPPING_VERSION, CanonicalEvent, canonical_event
from warehouse.delivery.patience import Patience
from warehouse.delivery.port import Destination, Late
from warehouse.delivery.settled import Stopped
from warehouse.delivery.slice_words import names_a_rule
from warehouse.delivery.slices import Slice, parse_slice
from warehouse.detections.errors import DetectionError
from warehouse.tables.schema import AUDIT_EVENTS
from warehouse.wire.times import parse_rfc3339

BY_HAND = "stopped by hand"  # the reason of a destination that somebody's interrupt ended
CHECKPOINT_TYPE = "ledgerline_checkpoint"


class Configured(Protocol):
    """A destination's settings, as far as they are the same for each type (`warehouse.config.destinations`)."""

    @property
    def name(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def slice(self) -> str: ...
    @property
    def late(self) -> Late | None: ...
    @property
    def batch_events(self) -> int | None: ...
    @property
    def batch_bytes(self) -> int | None: ...


def deliver(
    workshop: Workshop,
    names: Sequence[str] | None = None,
    *,
    patience: Patience | None = None,
    on_progress: Callable[[Report], None] = lambda _report: None,
    load: Callable[[str], Destination] = modules.load,
    stop: threading.Event | None = None,
    lock: "threading.Lock | None" = None,
    most_seconds: float | None = None,
) -> list[Report]:
    """Push what is due to the named destinations, or to all that are configured; all at once.

    A destination's trouble is in its report (`stopped`) and no exception. `load`: the module of a type. stop: when
    it is set, nothing more is sent, and what is on its way is put on record. lock: of all who deliver from this
    archive at once, to other destinations. most_seconds: from its first rows on, after which a destination has no
    more of them; the rest is due the next time. Raises what reading and appending to the archive raise.
    """
    wanted = [one for one in workshop.destinations if names is None or one.name in names]
    if not wanted:
        return []
    archive, lock = workshop.archive, lock or threading.Lock()
    with lock:
        archive.refresh()
        archive.check_key()
        slices, refused = slices_of(wanted, workshop)
        refused += _detect(wanted, slices, workshop)
        wanted = [one for one in wanted if one.name in slices]
        if not wanted:
            return refused
        books = {one.name: book_of(archive, lock, one) for one in wanted}
        checkpoint = newest_checkpoint(archive)
    queue = Queue.since(archive, min(book.begun.seq for book in books.values()), lock)
    runs = {
        one.name: Run(
            target_of(one, load(one.type), checkpoint),
            books[one.name],
            patience=patience,
            clock=workshop.clock,
            on_progress=on_progress,
        )
        for one in wanted
    }

    def serve(one: Configured) -> Report:
        book, run = books[one.name], runs[one.name]
        with reader_of(archive, slices[one.name], lock) as reader:
            reader.check()
            run.learn(queue.before(slices[one.name], book.begun, book.passed))
            chunks = reader.chunks(queue, book.begun, book.ahead, book.passed)
            return run.go(chunks if most_seconds is None else _for(most_seconds, chunks))

    reports = all_at_once(wanted, serve, runs.values(), stop)
    with lock:
        archive.settle()
    return reports + refused


def _for(seconds: float, chunks: Iterable[Chunk]) -> Iterator[Chunk]:
    """Chunks until it is so long since the first; at least one, so that each run gets on."""
    end = None
    for chunk in chunks:
        end = end or time.monotonic() + seconds
        yield chunk
        if time.monotonic() >= end:
            return


def _detect(wanted: Sequence[Configured], slices: dict[str, Slice], workshop: Workshop) -> list[Report]:
    """Look for alerts that are due, so that they go out too. Where that fails, as for a rule of one's own that is
    none, whoever waits for alerts is taken out of `slices`; returns their reports."""
    alerts = [one for one in wanted if one.name in slices and slices[one.name].kind in ("alerts", "rule")]
    if not alerts:
        return []
    from assets.detecting import detect  # noqa: PLC0415 - the rules and their parser: only alerts need them
    from warehouse.detections.rulebook import load as load_rules  # noqa: PLC0415

    try:
        detect(workshop, load_rules(workshop.rule_folders), patient=True)
    except Exception as error:
        stopped = _of_one_alone(error)
        if stopped is None:
            raise
        for one in alerts:
            del slices[one.name]
        return [Report(one.name, one.slice, stopped=stopped) for one in alerts]
    return []


def slices_of(wanted: Sequence[Configured], workshop: Workshop) -> tuple[dict[str, Slice], list[Report]]:
    """The slices by destination, and reports of those whose slice is none: they hold up no other."""
    slices, refused = {}, []
    for one in wanted:
        try:
            slices[one.name] = sliced(one, workshop.rule_folders)
        except (DeliveryError, DetectionError) as error:
            refused.append(Report(one.name, one.slice, stopped=_of_one_alone(error)))
    return slices, refused


def reader_of(archive: Archive, slice: Slice, lock: threading.Lock) -> Any:
    """Who reads what a slice selects: a `Reader` of rows, or one of alerts."""
    if slice.kind in ("all", "events"):
        return Reader(archive, slice)
    from assets.delivery_alerts import AlertReader  # noqa: PLC0415 - it asks DuckDB, which rows seldom need

    return AlertReader(archive, slice, lock)


def sliced(one: Configured, rule_folders: Sequence[Path] = ()) -> Slice:
    """The slice of a destination. Raises SliceInvalid, and RuleInvalid of one that names a rule."""
    return parse_slice(
        one.slice, AUDIT_EVENTS.names, rules=_rules(rule_folders) if names_a_rule(one.slice) else None
    )


def _rules(folders: Sequence[Path]) -> list[str]:
    from warehouse.detections.rulebook import load as load_rules  # noqa: PLC0415 - as above

    return [rule.id for rule in load_rules(folders)]


def all_at_once(
    wanted: Sequence[Configured],
    serve: Callable[[Configured], Report],
    runs: Collection[Run],
    stop: threading.Event | None = None,
) -> list[Report]:
    """Each in a thread of its own. An interrupt or `stop` ends all; what is on its way is put on record.

    runs: those that `serve` uses, by which is told what was done before a trouble. Raises what no report tells.
    """
    with ThreadPoolExecutor(len(wanted), thread_name_prefix="destination") as pool:
        futures = [pool.submit(serve, one) for one in wanted]
        try:
            while waiting := [future for future in futures if not future.done()]:
                _wait(waiting[0])
                if stop is not None and stop.is_set():
                    _stop(runs)
        except BaseException:
            _stop(runs)
            raise
    reports, trouble = [], None
    for one, future in zip(wanted, futures, strict=True):
        error = future.exception()
        if error is None:
            reports.append(future.result())
        elif (stopped := _of_one_alone(error)) is not None:
            report = Report(one.name, one.slice)
            for run in runs:
                if run.target.name == one.name:
                    add_run(report, run.report)
            report.stopped = stopped
            reports.append(report)
        else:
            trouble = trouble or error
    if trouble is not None:
        raise trouble
    return reports


def _of_one_alone(error: BaseException) -> Stopped | None:
    """What ends the work for one destination, or for those of alerts, and need not for others; None of what all
    would meet, or a fault of ours."""
    import duckdb  # noqa: PLC0415 - as in `open_duckdb`

    if isinstance(error, DeliveryError):
        return Stopped(str(error), error.remedy)
    if isinstance(error, DetectionError):
        return Stopped(str(error), error.remedy or "mend that; `ledgerline doctor` reads the rules again")
    full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    if full or (isinstance(error, duckdb.Error) and os.strerror(errno.ENOSPC) in str(error)):
        folder = tempfile.gettempdir()
        return Stopped(
            f"no room left in {folder}, where rows go that are too many for memory",
            "make room there, or let TMPDIR name a folder that has more",
        )
    if isinstance(error, MemoryError | duckdb.OutOfMemoryException):
        return Stopped("no memory left for the rows of its slice", "give this machine more, or less to do at once")
    return None


def add_run(total: Report, report: Report) -> None:
    """Take a further run for the same destination into its report."""
    total.add(report)
    total.seconds += report.seconds
    total.settled += report.settled
    total.looked_at += report.looked_at
    total.checkpoint = report.checkpoint or total.checkpoint
    total.stopped, total.position = report.stopped, report.position or total.position
    total.entries += report.entries
    total.p95_age = max(total.p95_age or 0.0, report.p95_age) if report.p95_age is not None else total.p95_age


def _stop(runs: Iterable[Run]) -> None:
    for run in runs:
        run.stop(BY_HAND)


def _wait(future: Any) -> None:
    with suppress(TimeoutError):
        future.exception(timeout=0.2)


def book_of(archive: Archive, lock: threading.Lock, one: Configured) -> Book:
    return Book(archive, lock, one.name, one.type, one.slice, MAPPING_VERSION)


def target_of(
    one: Configured, module: Destination, checkpoint: Callable[[], tuple[int, CanonicalEvent] | None]
) -> Target:
    return Target(
        one.name,
        one.type,
        one.slice,
        module,
        one,
        late=one.late,
        batch_events=one.batch_events,
        batch_bytes=one.batch_bytes,
        checkpoint=checkpoint,
    )


def newest_checkpoint(archive: Archive) -> Callable[[], tuple[int, CanonicalEvent] | None]:
    """The newest signed checkpoint as an event of its own, made when it is first asked for."""
    archive.settle()  # the head is signed
    size = archive.state.size

    @cache
    def newest() -> tuple[int, CanonicalEvent] | None:
        found = checkpoint_event(archive, size)
        return (size, found) if found is not None else None

    return newest


def checkpoint_event(archive: Archive, size: int) -> CanonicalEvent | None:
    """The signed tree head of a size of the log, as an event that any destination takes; None without one."""
    try:
        note = archive.store.get(keys.checkpoint(size)).decode()
    except KeyMissing:
        return None
    origin, _, root = note.split("\n")[:3]
    state = archive.state
    raw = {
        "type": CHECKPOINT_TYPE,
        "origin": origin,
        "size": size,
        "root": root,
        "note": note,
        "public_key": state.public_key,
    }
    at = parse_rfc3339(state.committed_at) if state.committed_at else None
    event = canonical_event(
        {
            "id": f"{CHECKPOINT_TYPE}/{origin}/{size}",
            "type": CHECKPOINT_TYPE,
            "created_at": at,
            "observed_at": at,
            "raw": msgspec.json.encode(raw).decode(),
            "version": 1,
            "fold": "first",
        }
    )
    return msgspec.structs.replace(event, unknown_event=False, severity="informational")
