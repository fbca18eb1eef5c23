"""Rules over a window of the archive's past: which pieces it is gone through in, and what each rule reads of them.

Promise: what is held at a time is bounded by the pieces, not by the window. Knows no Dagster.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from assets.computed_turns import rows_held, turns_over
from assets.detecting import of_days
from assets.workshop import Workshop
from warehouse.archive.archive import Archive
from warehouse.detections.backtest import BackTest, BackTests
from warehouse.detections.engine import Commits
from warehouse.detections.places import Places
from warehouse.detections.rule import Rule
from warehouse.detections.selection import in_use
from warehouse.tables.catalog import connect
from warehouse.tables.connection import bound_memory
from warehouse.tables.masking import EVERY_TABLE
from warehouse.tables.schema import TABLE as EVENTS
from warehouse.tables.telemetry.schema import OTEL_EVENTS
from warehouse.wire.windows import Window

# Rows of the feed, or of telemetry, in a piece; a piece is whole days all the same.
PIECE_ROWS = 2_000_000
_MEMORY_MB = 2_000  # what does not fit goes to a folder
_DAY = timedelta(days=1)
_BY_PIECE = "claude_code"  # the computed source whose rows are as many as the events of machines


@dataclass(frozen=True)
class Past:
    """Rules over a window of the past.

    held: from the first to the last day of it that the archive has events of; None where it has none. off: rules
    that do not run here, and why. thresholds: what was tuned.
    """

    tests: list[BackTest]
    held: Window | None
    off: dict[str, str]
    thresholds: dict[str, Any]


def look_back(
    workshop: Workshop,
    rules: Iterable[Rule],
    window: Window,
    *,
    only: Rule | None = None,
    piece_rows: int = PIECE_ROWS,
) -> Past:
    """What rules (or one of them) would have raised over a window of the past, with the thresholds of today.

    Nothing is written. Raises GeoUnusable and ThresholdInvalid.
    """
    archive = workshop.archive
    with (
        TemporaryDirectory(prefix="ledgerline-") as spill,
        Places(workshop.geo) as places,
        connect(archive, unmasked=EVERY_TABLE) as db,
    ):
        bound_memory(db, _MEMORY_MB, Path(spill))
        db.execute("set preserve_insertion_order = false")
        here = in_use(rules, thresholds=workshop.thresholds, places=places.has, now=workshop.clock())
        chosen = [rule for rule in here.rules if only is None or rule.id == only.id]
        pieces, events = pieces_of(archive, window, piece_rows), of_days(archive)
        of_the_feed = [rule for rule in chosen if not rule.source.computed]
        near = [rule for rule in of_the_feed if len(pieces) == 1 or _is_near(rule, pieces)]
        computed = turns_over(chosen, window)
        held = held_of(archive, window)
        tests = BackTests(db, chosen, window, places, held=held)
        for piece in pieces:
            tests.gathered(near, piece, events)
            for turn in computed:
                if turn.source == _BY_PIECE:
                    of_piece = replace(turn, commits=Commits(after=-1, through=-1, spans=(piece,)))
                    with rows_held(archive, db, of_piece, events) as with_rows:
                        tests.each(turn.rules, piece, with_rows)
        tests.each([rule for rule in of_the_feed if rule not in near], window, events)
        for turn in computed:
            if turn.source != _BY_PIECE:
                with rows_held(archive, db, turn, events) as with_rows:
                    tests.each(turn.rules, window, with_rows)
        done = tests.results()
    asked = {rule.path.stem for rule in here.tuned.rules if only is None or rule.id == only.id}
    return Past(
        done,
        held,
        {name: why for name, why in here.off.items() if name in asked},
        {name: one for name, one in here.tuned.evidence().items() if name in asked},
    )


def held_of(archive: Archive, window: Window) -> Window | None:
    """What of a window lies between the first and the last day of it that the archive has events of."""
    table = archive.state.table(EVENTS)
    dates = {file.dt for file in (*table.sealed, *table.recent) if file.rows}
    days = [day for day in window.days() if day.isoformat() in dates]
    if not days:
        return None
    first, last = (datetime(day.year, day.month, day.day, tzinfo=UTC) for day in (days[0], days[-1]))
    return Window(max(window.start, first), min(window.end, last + _DAY))


def pieces_of(archive: Archive, window: Window, most: int) -> tuple[Window, ...]:
    """A window in pieces of whole days with about so many rows each, in order of time."""
    rows: dict[str, int] = {}
    for name in (EVENTS, OTEL_EVENTS.name):
        table = archive.state.table(name)
        for file in (*table.sealed, *table.recent):
            rows[file.dt] = rows.get(file.dt, 0) + file.rows
    cuts, held = [window.start], 0
    for day in window.days():
        held += rows.get(day.isoformat(), 0)
        end = datetime(day.year, day.month, day.day, tzinfo=UTC) + _DAY
        if held >= most and end < window.end:
            cuts.append(end)
            held = 0
    return tuple(Window(start, end) for start, end in zip(cuts, [*cuts[1:], window.end], strict=True))


def _is_near(rule: Rule, pieces: Iterable[Window]) -> bool:
    """Whether a rule reads little more than a piece to judge one; others read the whole window at once."""
    shortest = min(piece.end - piece.start for piece in list(pieces)[:-1])
    return 2 * timedelta(seconds=rule.look_back) <= shortest
