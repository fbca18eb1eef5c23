"""Which commits wait to be looked at by which rules: most at every run, those that look back far once an hour.

Promise: each commit is looked at once by each rule. Both positions are in the log and move with the alerts, in one
entry; how long the hourly rules rest changes when an alert comes, never which.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from warehouse.archive.archive import Archive
from warehouse.archive.state import LogState
from warehouse.detections.engine import Commits, spans
from warehouse.detections.rule import Rule
from warehouse.tables.alerts import TABLE
from warehouse.tables.fold import STREAM
from warehouse.tables.schema import TABLE as EVENTS
from warehouse.wire.times import parse_rfc3339

# Commits that the hourly rules have looked at: the sum of it over the entries of alerts is their position.
HOURLY = "hourly_commits"
REST = timedelta(hours=1)


@dataclass(frozen=True)
class Turn:
    """Rules of one kind, and the commits that wait for them. `resting`: they wait for their hour."""

    rules: list[Rule]
    commits: Commits
    resting: bool = False


def turns(archive: Archive, rules: Iterable[Rule], now: datetime, *, patient: bool) -> tuple[Turn, Turn]:
    """The turn of the rules of every run, then that of the hourly ones. Not `patient`: nobody rests."""
    state = archive.refresh()
    chosen = list(rules)
    always, hourly = due(state), due_hourly(state)
    rests = patient and bool(hourly.spans) and now - _since(archive, hourly) < REST
    return (
        Turn([rule for rule in chosen if not rule.hourly], always),
        Turn([rule for rule in chosen if rule.hourly], hourly, resting=rests),
    )


def due(state: LogState) -> Commits:
    """The commits that wait for the rules of every run; without spans where there is nothing."""
    return _waiting(state, state.table(TABLE).folded_through)


def due_hourly(state: LogState) -> Commits:
    """The same for the hourly rules; before they had a position of their own it was that of all."""
    table = state.table(TABLE)
    return _waiting(state, table.counts[HOURLY] - 1 if HOURLY in table.counts else table.folded_through)


def _since(archive: Archive, commits: Commits) -> datetime:
    """When the first of the commits that wait was made."""
    return parse_rfc3339(archive.entry(commits.after + 1).committed_at)


def _waiting(state: LogState, after: int) -> Commits:
    pending = [int(seq) for seq in state.stream(STREAM).pending_fold]
    table = state.table(EVENTS)
    through = min([table.folded_through, *(seq - 1 for seq in pending)])
    times = [
        (parse_rfc3339(file.first_at), parse_rfc3339(file.last_at))
        for file in table.recent
        if file.seq is not None and after < file.seq <= through and file.first_at and file.last_at
    ]
    times += [_day(file.dt) for file in table.sealed if file.through_seq is not None and file.through_seq > after]
    return Commits(after=after, through=through, spans=spans(times))


def _day(dt: str) -> tuple[datetime, datetime]:
    start = datetime.combine(date.fromisoformat(dt), datetime.min.time(), UTC)
    return start, start + timedelta(days=1) - timedelta(microseconds=1)
