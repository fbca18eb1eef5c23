"""The turns of rules over computed log sources: what waits for each, and the rows that its rules look at.

Promise: a turn begins when what its rows are made of has grown (usage and cost, a snapshot whose time the feed
covers, a whole hour of the feed, files of telemetry), and what it has looked at is in the log, so that nothing is
looked at twice. Knows no Dagster.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import duckdb
import pyarrow as pa

from assets.claude_code_events import Wanted, claude_code_events
from assets.directory_changes import FOLDED, directory_changes, looked_through
from assets.feed_silences import HOUR, feed_silences, heard_until, hour_of, settled_hour
from assets.spend_signals import spend_days
from warehouse.archive.archive import Archive
from warehouse.archive.state import LogState, TableFile
from warehouse.detections.computed import COMPUTED
from warehouse.detections.engine import Commits, spans
from warehouse.detections.reading import Events, reach_of
from warehouse.detections.rule import Rule
from warehouse.tables.alerts import TABLE
from warehouse.tables.fold import STREAM
from warehouse.tables.schema import TABLE as EVENTS
from warehouse.tables.spend.schema import REPORTS
from warehouse.tables.telemetry.schema import OTEL_EVENTS, OTEL_FILES
from warehouse.tables.telemetry.schema import STREAM as OTEL
from warehouse.wire.times import parse_rfc3339
from warehouse.wire.windows import Window, merge

_INSTANT = timedelta(microseconds=1)
_DAY = timedelta(days=1)


def position_of(source: str) -> str:
    """The count whose sum over the entries of alerts says how many commits a source's rules have looked at."""
    return f"{source}_commits"


@dataclass(frozen=True)
class ComputedTurn:
    """Rules over one computed source, and the commits that wait for them."""

    source: str
    rules: list[Rule]
    commits: Commits


def computed_turns(archive: Archive, rules: Iterable[Rule]) -> list[ComputedTurn]:
    """The turn of each computed source that has rules and for which something waits."""
    made = [
        ComputedTurn(source, found, due(archive, source)) for source, found in _by_source(rules).items() if found
    ]
    return [turn for turn in made if turn.commits.spans]


def _by_source(rules: Iterable[Rule]) -> dict[str, list[Rule]]:
    chosen = list(rules)
    return {name: [rule for rule in chosen if rule.source.name == name] for name in COMPUTED}


def looked_at(state: LogState, source: str) -> int:
    """The last commit that the rules of a source have looked at."""
    return state.table(TABLE).counts.get(position_of(source), 0) - 1


def due(archive: Archive, source: str) -> Commits:
    """The commits that wait for the rules of a source; without spans where there is nothing."""
    return _DUE[source](archive, looked_at(archive.state, source))


def turns_over(rules: Iterable[Rule], window: Window) -> list[ComputedTurn]:
    """The turns of computed sources over a window of the past, whatever was looked at."""
    past = Commits(after=-1, through=-1, spans=(window,))
    return [ComputedTurn(source, found, past) for source, found in _by_source(rules).items() if found]


def waiting_since(archive: Archive, source: str) -> datetime | None:
    """When the first of the commits that wait for the rules of a source was made; None where nothing waits."""
    commits = due(archive, source)
    if not commits.spans:
        return None
    files = [file for name in _MADE_OF[source] for file in archive.state.table(name).recent]
    seqs = [file.seq for file in files if file.seq is not None and commits.after < file.seq <= commits.through]
    return parse_rfc3339(archive.entry(min(seqs, default=commits.through)).committed_at)


@contextmanager
def rows_held(
    archive: Archive, db: duckdb.DuckDBPyConnection, turn: ComputedTurn, events: Events
) -> Iterator[Events]:
    """The rows of a source, as far as its rules look, as a table of the connection; gives the events with it."""
    table = COMPUTED[turn.source].table
    db.register(table, _ROWS[turn.source](archive, db, turn))

    def with_rows(name: str, since: datetime, until: datetime) -> str:
        return f"select * from {table}" if name == table else events(name, since, until)

    try:
        yield with_rows
    finally:
        db.unregister(table)


def _reach(turn: ComputedTurn) -> Window:
    """What the rules of a turn have to see of its source."""
    spans, back = turn.commits.spans, max(rule.look_back for rule in turn.rules)
    return Window(min(span.start for span in spans) - timedelta(seconds=back), max(span.end for span in spans))


def _wanted(turn: ComputedTurn) -> list[Wanted]:
    """The same by type: a rule that looks back over a month does so for its own types alone."""
    return [
        Wanted(part.types(), Window(*reach_of(rule, span)))
        for rule in turn.rules
        for part in rule.parts
        if part.source.computed
        for span in turn.commits.spans
    ]


def _spend_due(archive: Archive, after: int) -> Commits:
    """Days of usage or cost that got a version. Events of the feed since then come along: they may be the other
    half of what a rule wants to see together."""
    state = archive.state
    tables = [state.table(name) for name in _MADE_OF["spend"]]
    pending = [int(seq) for name in REPORTS for seq in state.stream(name).pending_fold]
    through = min([max(table.folded_through for table in tables), *(seq - 1 for seq in pending)])
    days = [time for table in tables for time in _times(table.recent, after, through)]
    beside = _times(state.table(EVENTS).recent, after, through) if days else []
    return Commits(after=after, through=through, spans=spans([*days, *beside]))


def _times(files: Iterable[TableFile], after: int, through: int) -> list[tuple[datetime, datetime]]:
    return [
        (parse_rfc3339(file.first_at), parse_rfc3339(file.last_at))
        for file in files
        if file.seq is not None and after < file.seq <= through and file.first_at and file.last_at
    ]


def _directory_due(archive: Archive, after: int) -> Commits:
    """Snapshots that changed something and whose time the feed covers; the others wait for it."""
    state = archive.state
    known, until = looked_through(state), state.covered_until(STREAM)
    seqs = {file.seq for name in _CHANGING for file in state.table(name).recent if file.seq is not None}
    taken = {seq: parse_rfc3339(archive.entry(seq).committed_at) for seq in seqs if after < seq <= known}
    covered = {seq: time for seq, time in taken.items() if until is not None and time <= until}
    waiting = sorted(taken.keys() - covered.keys())
    through = waiting[0] - 1 if waiting else max(covered, default=after)
    times = [(time, time) for seq, time in covered.items() if seq <= through]
    return Commits(after=after, through=through, spans=spans(times))


def _feed_due(archive: Archive, after: int) -> Commits:
    """Whole hours of the feed that were read since, or had not settled the last time."""
    state, until = archive.state, heard_until(archive)
    through = max(state.table(EVENTS).folded_through, after)
    nothing = Commits(after=after, through=through, spans=())
    if until is None or through == after:
        return nothing
    read = state.stream(STREAM).covered
    if after >= 0:
        judged = _judged_until(archive, after)
        if judged >= until:
            return nothing
        read = merge([Window(judged, until), *_windows_read(archive, after + 1, through + 1)])
    hours = [(hour_of(window.start), min(hour_of(window.end + HOUR - _INSTANT), until)) for window in read]
    return Commits(
        after=after, through=through, spans=tuple(Window(start, end) for start, end in hours if start < end)
    )


def _judged_until(archive: Archive, seq: int) -> datetime:
    """Up to when hours could be judged with the pull of an entry: at most ticks this one reading is enough."""
    window = archive.entry(seq).window
    return settled_hour(Window.from_text(window).end if window else archive.state.stream(STREAM).covered[0].start)


def _windows_read(archive: Archive, start: int, end: int) -> Iterator[Window]:
    for entry in archive.entries(start, end):
        if entry.kind == "pull" and entry.stream == STREAM and entry.complete and entry.window is not None:
            yield Window.from_text(entry.window)


def _claude_code_due(archive: Archive, after: int) -> Commits:
    """Files of telemetry whose rows are there. An event without a time counts as of its landing."""
    state = archive.state
    pending = [int(seq) for seq in state.stream(OTEL).pending_fold]
    through = min([state.table(OTEL_FILES.name).folded_through, *(seq - 1 for seq in pending)])
    files = [
        file
        for file in state.table(OTEL_EVENTS.name).recent
        if file.seq is not None and after < file.seq <= through
    ]
    landings = [parse_rfc3339(archive.entry(seq).committed_at) for seq in {file.seq for file in files if file.seq}]
    times = [*_times(files, after, through), *((time, time) for time in landings)]
    return Commits(after=after, through=through, spans=spans(times))


def _spend_rows(_archive: Archive, db: duckdb.DuckDBPyConnection, turn: ComputedTurn) -> pa.Table:
    window = _reach(turn)
    return spend_days(db, window.start.date(), (window.end - _INSTANT).date() + _DAY)


def _directory_rows(archive: Archive, db: duckdb.DuckDBPyConnection, turn: ComputedTurn) -> pa.Table:
    return directory_changes(archive, db, _reach(turn))


def _feed_rows(archive: Archive, db: duckdb.DuckDBPyConnection, turn: ComputedTurn) -> pa.Table:
    return feed_silences(archive, db, _reach(turn))


def _claude_code_rows(archive: Archive, db: duckdb.DuckDBPyConnection, turn: ComputedTurn) -> pa.Table:
    return claude_code_events(archive, db, _wanted(turn))


_CHANGING = (*FOLDED, "directory_settings")
# The tables whose files make the rows of each source.
_MADE_OF = {
    "spend": tuple(report.rows_table for report in REPORTS.values()),
    "directory": _CHANGING,
    "feed": (EVENTS,),
    "claude_code": (OTEL_EVENTS.name,),
}
_DUE: dict[str, Callable[[Archive, int], Commits]] = {
    "spend": _spend_due,
    "directory": _directory_due,
    "feed": _feed_due,
    "claude_code": _claude_code_due,
}
_ROWS: dict[str, Callable[[Archive, duckdb.DuckDBPyConnection, ComputedTurn], pa.Table]] = {
    "spend": _spend_rows,
    "directory": _directory_rows,
    "feed": _feed_rows,
    "claude_code": _claude_code_rows,
}
