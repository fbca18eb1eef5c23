"""The smaller state machines, by rules that hypothesis puts together: the log, holds and expiry, the months,
positions.

A failure prints the shortest sequence of rules that leads to it.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.warehouse.archive.locking import LockingStore
from tests.warehouse.archive.rig import OTHER_KEY, TABLE, fold, hour, open_archive, pull, seal
from tests.warehouse.archive.stores import Clock, MemoryStore
from tests.warehouse.finops.bookkeeping import Company
from tests.warehouse.finops.made_rows import cost_rows_of, mappings, simple
from warehouse.archive import keys
from warehouse.archive.archive import Archive
from warehouse.archive.entry import Draft
from warehouse.archive.errors import HoldUnknown, StoreUnreachable
from warehouse.archive.expire import expire
from warehouse.archive.holds import complete, extend, release_hold, set_hold
from warehouse.archive.rotate import rotate
from warehouse.archive.store import Exists, Stored
from warehouse.archive.verify import verify
from warehouse.delivery.positions import BEGINNING, Position, Progress
from warehouse.finops.closing import STATEMENT_JSON
from warehouse.finops.errors import PeriodRefused
from warehouse.finops.periods import Period
from warehouse.wire.windows import Window

QUICK = settings(
    max_examples=12, stateful_step_count=25, deadline=None, database=None, derandomize=True,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip


class Failing(MemoryStore):
    """Puts fail where it was told so: before they take effect, or after."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.failing: list[tuple[int, bool]] = []
        self.puts = 0

    def put_if_absent(self, key: str, data: bytes, retain_until: datetime | None) -> Stored | Exists:
        self.puts += 1
        due = [before for number, before in self.failing if number == self.puts]
        if due and due[0]:
            raise StoreUnreachable("it did not answer")
        stored = super().put_if_absent(key, data, retain_until)
        if due:
            raise StoreUnreachable("its answer was lost")
        return stored


class LogMachine(RuleBasedStateMachine):
    """Three writers at one log, whose puts fail before or after their effect, and one of whom changes the key."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.store = Failing(self.clock)
        self.bytes: dict[str, bytes] = {}
        self.committed: list[str] = []
        self.unsure: set[str] = set()
        self.number = 0
        self.writers = [self._writer(str(number)) for number in range(3)]

    def _writer(self, name: str) -> Archive:
        self.number += 1
        return open_archive(self.store, clock=self.clock, writer=f"{name}-{self.number}")

    @rule(who=st.integers(0, 2), fails=st.none() | st.tuples(st.integers(1, 5), st.booleans()))
    def append(self, who: int, fails: tuple[int, bool] | None) -> None:
        self.number += 1
        name = f"query {self.number}"
        self.store.failing = [(self.store.puts + fails[0], fails[1])] if fails else []
        try:
            self.writers[who].commit(Draft(kind="pull", stream="activities", query=name))
            self.committed.append(name)
        except StoreUnreachable:
            self.unsure.add(name)
            self.writers[who] = self._writer(str(who))  # a killed run; the next one is another writer
        finally:
            self.store.failing = []

    @rule(who=st.integers(0, 2))
    def settle(self, who: int) -> None:
        self.writers[who].settle()

    @rule(who=st.integers(0, 2))
    def snapshot(self, who: int) -> None:
        self.writers[who].refresh()
        if self.writers[who].state.size:
            self.writers[who].log.snapshot()

    @rule(who=st.integers(0, 2))
    def start_anew(self, who: int) -> None:
        self.writers[who] = self._writer(str(who))

    @rule(seconds=st.integers(-4000, 4000))
    def the_clock_jumps(self, seconds: int) -> None:
        self.clock.advance(seconds=seconds)

    @invariant()
    def nothing_written_changes(self) -> None:
        for name, versions in self.store.versions.items():
            data = versions[-1].data or b""
            assert self.bytes.setdefault(name, data) == data

    @invariant()
    def each_commit_stands_once(self) -> None:
        found = [json.loads(self.store.get(key)).get("query") for key in self.store.names(keys.ENTRIES)]
        queries = [query for query in found if query is not None]
        assert len(queries) == len(set(queries))
        assert set(self.committed) <= set(queries) <= set(self.committed) | self.unsure

    def teardown(self) -> None:
        last = self._writer("last")
        last.commit(Draft(kind="pull", stream="activities", query="the last"))
        last.settle()
        rotate(last, OTHER_KEY)
        assert verify(self.store, clock=self.clock).findings == []
        cold = open_archive(self.store, key=None, clock=self.clock).refresh()
        assert cold.to_builtins() == last.state.to_builtins()


class HoldMachine(RuleBasedStateMachine):
    """Pulls, seals, holds, longer retention, expiry: what a hold concerns stays, and so does all that is not
    replaced.
    """

    DAY = "2026-11-17"
    NAMES = ("case-1", "case-2", "case-3")

    def __init__(self) -> None:
        super().__init__()
        self.store = LockingStore(Clock())
        self.archive = open_archive(self.store)
        self.pulled = 0
        self.sealed = 0
        self.holds: dict[str, Window] = {}

    @initialize()
    def something_is_there(self) -> None:
        self.pull_and_fold()

    @rule()
    @precondition(lambda self: self.pulled < 8)
    def pull_and_fold(self) -> None:
        fold(self.archive, pull(self.archive, self.pulled), self.DAY)
        self.pulled += 1
        self.store.clock.advance(minutes=5)

    @rule()
    @precondition(lambda self: self.sealed < 3)
    def seal_the_day(self) -> None:
        table = self.archive.refresh().table(TABLE)
        seqs = sorted({file.seq for file in table.recent if file.dt == self.DAY and file.seq is not None})
        if seqs:
            self.sealed += 1
            seal(self.archive, self.DAY, table.folded_through, seqs, part=self.sealed)

    @rule(name=st.sampled_from(NAMES), first=st.integers(0, 6), length=st.integers(1, 3))
    def hold(self, name: str, first: int, length: int) -> None:
        window = Window(hour(first).start, hour(first + length - 1).end)
        try:
            set_hold(self.archive, name, window, reason="litigation")
        except HoldUnknown:
            assert self.holds.get(name, window) != window
        else:
            assert self.holds.setdefault(name, window) == window

    @rule(name=st.sampled_from(NAMES))
    def release(self, name: str) -> None:
        try:
            release_hold(self.archive, name, reason="over")
        except HoldUnknown:
            assert name not in self.holds
        else:
            del self.holds[name]

    @rule(days=st.integers(1, 60))
    def retain_longer(self, days: int) -> None:
        until = self.store.clock() + timedelta(days=days)
        extend(self.archive, until)
        assert all(self.store.until[at] >= until for at in self.store.until if at[0].startswith("pages/"))

    @rule(days=st.integers(1, 40))
    def time_passes(self, days: int) -> None:
        self.store.clock.advance(days=days)

    @rule()
    def expire_what_may_go(self) -> None:
        before = set(self.store.names())
        recent = {file.key for file in self.archive.refresh().table(TABLE).recent}
        held = {key for key, _ in self.store.held}
        gone = before - set(self._after_expiry())
        assert all(key.startswith("tables/recent/") for key in gone)
        assert not gone & recent
        assert not gone & held
        if any(
            window.overlaps(Window.of_day(datetime.fromisoformat(self.DAY).date()))
            for window in self.holds.values()
        ):
            assert not gone

    def _after_expiry(self) -> list[str]:
        expire(self.archive)
        return self.store.names()

    @rule()
    def take_up_what_was_left(self) -> None:
        assert complete(self.archive) == []  # nothing was killed here

    @invariant()
    def pages_of_held_windows_are_held_and_no_others(self) -> None:
        held = {key for key, _ in self.store.held if key.startswith("pages/")}
        for key in self.store.names("pages/"):
            concerned = any(
                hour(number).overlaps(window)
                for window in self.holds.values()
                for number in range(self.pulled)
                if hour(number).key == key.split("/")[3]
            )
            assert (key in held) == concerned

    def teardown(self) -> None:
        self.archive.settle()
        assert verify(self.store, clock=self.store.clock).findings == []


class MonthsMachine(RuleBasedStateMachine):
    """Months restated, remapped, closed, reopened: each dollar stands once, and what is closed keeps its bytes."""

    MONTHS = (Period(2026, 9), Period(2026, 10), Period(2026, 11), Period(2026, 12))

    def __init__(self) -> None:
        super().__init__()
        self.company = Company(simple("ada:platform", "bob:data"))
        self.kept: dict[Period, bytes] = {}

    @rule(data=st.data(), period=st.sampled_from(MONTHS))
    def restate(self, data: st.DataObject, period: Period) -> None:
        self.company.rows[period] = data.draw(cost_rows_of(period, most=4))

    @rule(data=st.data())
    def remap(self, data: st.DataObject) -> None:
        self.company.mapping = data.draw(mappings())

    @rule(period=st.sampled_from(MONTHS))
    def close(self, period: Period) -> None:
        if self.company.books.state(period) == "closed":
            with pytest.raises(PeriodRefused, match="reopen"):
                self.company.books.check_close(period)
            return
        self.kept[period] = self.company.close(period).files[STATEMENT_JSON]

    @rule(period=st.sampled_from(MONTHS))
    def reopen(self, period: Period) -> None:
        books = self.company.books
        allowed = books.state(period) == "closed" and not books.correcting(period)
        try:
            self.company.reopen(period)
        except PeriodRefused:
            assert not allowed
        else:
            assert allowed
            del self.kept[period]

    @invariant()
    def each_dollar_stands_once(self) -> None:
        for month in self.MONTHS:
            assert self.company.billed_for(month) == self.company.source(month)

    @invariant()
    def a_closed_month_keeps_its_bytes(self) -> None:
        for month, statement in self.company.books.statements.items():
            assert statement.to_json() == self.kept[month]
            assert sum((line.billed for line in statement.lines), Decimal(0)) == statement.total


class PositionMachine(RuleBasedStateMachine):
    """Events handed out and settled in any order, with runs killed in between: none is passed over, none twice."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[int] = []  # of each entry
        self.settled: set[tuple[int, int]] = set()
        self._begin(BEGINNING, [], 0)

    def _begin(self, begun: Position, ahead: list[Any], passed: int) -> None:
        """A run begins where the last entry left off, and reads what that did not settle."""
        self.progress = Progress(begun, ahead, passed)
        self.given: list[tuple[int, int]] = []
        self.open: set[int] = set()
        self.saved = (begun, ahead, passed)
        self.next_entry = max(begun.seq, 0)
        self.skip = begun
        self.ahead = list(ahead)

    @rule(count=st.integers(1, 6))
    def commit(self, count: int) -> None:
        self.rows.append(count)

    @rule()
    @precondition(lambda self: self.next_entry < len(self.rows))
    def read_an_entry(self) -> None:
        seq = self.next_entry
        places = [
            (seq, row)
            for row in range(self.rows[seq])
            if Position(seq, row) >= self.skip
            and not any(start <= Position(seq, row) < end for start, end in self.ahead)
        ]
        first = self.progress.hand_out([seq for seq, _ in places], [row for _, row in places])
        self.progress.scanned(Position(seq, self.rows[seq]), sum(self.rows[: seq + 1]))
        self.given += places
        self.open |= set(range(first, first + len(places)))
        self.next_entry += 1

    @rule(data=st.data())
    @precondition(lambda self: self.open)
    def settle_some(self, data: st.DataObject) -> None:
        start = data.draw(st.sampled_from(sorted(self.open)))
        end = start
        while end in self.open and end - start < 4:
            end += 1
        self.progress.settle(start, end)
        self.open -= set(range(start, end))

    @rule()
    def write_an_entry(self) -> None:
        position = self.progress.position()
        self.saved = (position, self.progress.ahead(), self.progress.passed(position))
        self.settled |= {place for number, place in enumerate(self.given) if number not in self.open}
        self.progress.forget()

    @rule()
    def the_run_is_killed(self) -> None:
        self._begin(*self.saved)

    @invariant()
    def what_lies_before_the_saved_position_is_settled(self) -> None:
        begun, ahead, passed = self.saved
        behind = {
            (seq, row)
            for seq, count in enumerate(self.rows)
            for row in range(count)
            if Position(seq, row) < begun or any(start <= Position(seq, row) < end for start, end in ahead)
        }
        assert behind == self.settled
        assert passed == sum(self.rows[: max(begun.seq, 0)]) + begun.row


def _test(machine: type[RuleBasedStateMachine]) -> Any:
    machine.TestCase.settings = QUICK
    return machine.TestCase


TestLog = _test(LogMachine)
TestHolds = _test(HoldMachine)
TestMonths = _test(MonthsMachine)
TestPositions = _test(PositionMachine)
