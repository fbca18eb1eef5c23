"""How far one machine goes: days of a very large tenant through every stage, each a process of its own.

Sizes come from the environment: LEDGERLINE_LOAD_USERS, LEDGERLINE_LOAD_EVENTS (a day), LEDGERLINE_LOAD_DAYS.
One day and several have tables of their own on the page: the largest day and the longest run, side by side.
"""

import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.delivery_receiver import Sink, sink
from benchmarks.harness import Failed, Run, Tenant, module, tenant
from benchmarks.report import Aim, Table
from benchmarks.tail_setup import TICK, write_config

LAST = datetime(2026, 11, 21, tzinfo=UTC)  # the last whole day
_MORNING = timedelta(days=1, hours=2, minutes=30)  # when a day has settled
_NOON = timedelta(days=1, hours=12)  # when the vendor's figures of a day are there
_TICKS = 4
_TICKS_A_DAY = 288
_PARTS = ("pages", "log", "tables", "seals", "receipts")
_MEASURES = """\
{users:,} people; {size}, whole, into one archive on this machine's disk; tenant and receiver work on the same
cores. Each stage is the command that an operator runs, from the start of its process to its end, at a moment of
the simulated clock: the day's pull (pages, log and tables committed; of a second day what the five-minute job
has not brought yet is new), its seal, usage and cost by person, all marts, all rules over what is new, every
event to an Elasticsearch receiver with its receipt, the archive verified (each record's hash, and all tables
made again from the pages and compared). Then the five-minute job of Dagster, run after run in one process.
Sizes: LEDGERLINE_LOAD_USERS, LEDGERLINE_LOAD_EVENTS, LEDGERLINE_LOAD_DAYS."""


@dataclass(frozen=True)
class Size:
    """How much is put on the machine."""

    users: int
    events: int
    days: int

    @classmethod
    def of(cls, *, smoke: bool) -> "Size":
        if smoke:
            return cls(60, 3_000, 1)
        return cls(_asked("USERS", 50_000), _asked("EVENTS", 1_000_000), _asked("DAYS", 1))

    def __str__(self) -> str:
        each = f"of {self.events:,} events"
        return f"one day {each}" if self.days == 1 else f"{self.days} days {each} each"


def _asked(name: str, usual: int) -> int:
    return int(os.environ.get(f"LEDGERLINE_LOAD_{name}", usual))


def measure(*, smoke: bool) -> list[Table]:
    size = Size.of(smoke=smoke)
    of_days = size.days > 1
    stages = Table(
        "Load: days of a large tenant" if of_days else "Load: a very large tenant",
        ["day", "stage", "what", "wall s", "CPU s", "a second", "peak MB"],
        measures=_MEASURES.format(users=size.users, size=size),
    )
    growth = Table(
        "Load: what each of the days leaves on disk" if of_days else "Load: what a day leaves on disk",
        ["day", *(f"{part} MB" for part in _PARTS), "marts MB", "Dagster kB a run", "Dagster MB a day"],
        measures="Bytes that each day added. Dagster's storage (SQLite and logs) is measured over the runs of the "
        f"five-minute job and reckoned for {_TICKS_A_DAY} of them; `prune_runs` deletes those older than a month.",
    )
    with tempfile.TemporaryDirectory(prefix="ledgerline-bench-") as scratch, sink() as to:
        folder = Path(scratch)
        first = LAST - timedelta(days=size.days - 1)
        begins = f"{first + _MORNING:%Y-%m-%dT%H:%M:%SZ}"
        with tenant(per_day=size.events, days=size.days + 1, users=size.users, now=begins, lazy=True) as one:
            load = _Load(folder, one, to, first, size.events)
            for number in range(size.days):
                load.day(number + 1, first + timedelta(days=number), stages, growth)
    stages.aims += load.aims(size)
    return [stages, growth]


class _Load:
    """One archive under load; the tenant makes `a_day` events a day, or more."""

    def __init__(self, folder: Path, one: Tenant, to: Sink, first: datetime, a_day: int) -> None:
        self._folder, self._tenant, self._a_day = folder, one, a_day
        self._keys = {
            "LEDGERLINE_COMPLIANCE_KEY": one.key,
            "LEDGERLINE_ANALYTICS_KEY": one.keys["analytics"],
            "BENCH_KEY": "fake",
        }
        self._config = write_config(folder, one.url, first)
        with self._config.open("a") as config:
            config.write(
                '[[destinations]]\nname = "soc"\ntype = "elastic"\nslice = "all"\nlate = "send"\n'
                f'url = "{to.url}"\n'
                'api_key = "env:BENCH_KEY"\n'
            )
        text = self._config.read_text()
        rate = "requests_per_minute.compliance = 60000\n"
        self._config.write_text(text.replace(rate, f"{rate}requests_per_minute.analytics = 60000\n"))
        self._step("key", first)
        self._peak = 0.0
        self._longest = 0.0

    def day(self, number: int, day: datetime, stages: Table, growth: Table) -> None:
        """All stages of a day; adds a row for each."""
        before, began = self._bytes(), self._longest
        until = day + timedelta(days=1)
        span = ["--from", f"{day:%Y-%m-%d}", "--to", f"{until:%Y-%m-%d}"]
        total = 0.0

        def stage(name: str, run: Run, count: int, what: str) -> None:
            nonlocal total
            rate = round(count / run.wall) if run.wall else 0
            stages.rows.append((number, name, f"{count:,} {what}", run.wall, run.cpu, rate, run.peak_mb))
            print(stages.rows[-1], file=sys.stderr, flush=True)  # the whole may take an hour
            self._peak = max(self._peak, run.peak_mb)
            total += run.wall

        self._at(day + _MORNING)
        self._made(day)
        pulled = self._command(day + _MORNING, "pull", "activities", *span)
        new = int(pulled.said["first"])  # the five-minute job of the day before has pulled some of this day
        events = _whole(new + pulled.said["unchanged"], self._a_day, "stored")
        stage("pull and fold", pulled, events, "events")
        sealed = self._step("seal", day + _MORNING)
        stage("seal", sealed, _whole(sealed.said["rows"], events, "sealed"), "events")
        self._at(day + _NOON)
        for stream in ("usage", "cost"):
            run = self._command(day + _NOON, "pull", stream, *span)
            stage(f"pull {stream}", run, int(run.said["records"]), "rows")
        built = self._command(day + _NOON, "build")
        stage("marts", built, events * number, "events so far")
        found = self._command(day + _NOON, "detections", "run")
        stage("detections", found, int(found.said["events"]), "events looked at")
        sent = self._command(day + _NOON, "deliver")
        delivered = sum(one["delivered"] for one in sent.said["destinations"])
        stage("delivery", sent, _whole(delivered, new, "delivered"), "events")
        checked = self._command(day + _NOON, "verify", "--deep", "--rederive")
        if checked.said["findings"]:
            raise Failed(f"verify: {checked.said['findings'][:3]}")
        stage("verify", checked, events * number, "events so far")
        self._longest = max(began, total)
        after = self._bytes()
        moment = day + _NOON + TICK
        self._at(moment)
        self._made(until)
        ticks = self._step("ticks", moment, str(_TICKS), self._tenant.url)
        self._peak = max(self._peak, ticks.peak_mb)
        stages.rows.append(
            (number, "five-minute job", f"{_TICKS} runs", ticks.said["median"], None, None, ticks.peak_mb)
        )
        kilobytes = ticks.said["bytes"] / 1e3
        grown = [(after[part] - before[part]) / 1e6 for part in (*_PARTS, "marts")]
        growth.rows.append((number, *grown, kilobytes, kilobytes * _TICKS_A_DAY / 1e3))

    def aims(self, size: Size) -> list[Aim]:
        hours = self._longest / 3600
        return [
            Aim(f"Peak memory of any stage ({size})", self._peak, 2_000, at_most=True, ratio=False, unit=" MB"),
            Aim(f"All stages of one day ({size})", hours, 6, at_most=True, ratio=False, unit=" h"),
        ]

    def _step(self, name: str, moment: datetime, *more: str) -> Run:
        return module("load_step", name, moment.isoformat(), os.fspath(self._folder), *more, env=self._keys)

    def _at(self, moment: datetime) -> None:
        self._tenant.ask("clock", {"now": f"{moment:%Y-%m-%dT%H:%M:%SZ}"})

    def _made(self, day: datetime) -> None:
        """Have the tenant make a day now, and no client wait for it longer than it would for a server."""
        self._tenant.ask(f"truth?start={day:%Y-%m-%dT%H:%M:%SZ}&end={day:%Y-%m-%dT%H:%M:%S}.001Z")

    def _command(self, moment: datetime, *arguments: str) -> Run:
        config = os.fspath(self._config)
        # exit 1: findings, of which a pretend tenant has some
        return module(
            "tail_process",
            moment.isoformat(),
            *arguments,
            "--json",
            "--config",
            config,
            env=self._keys,
            accepts=(0, 1),
        )

    def _bytes(self) -> dict[str, int]:
        found = {part: _size(self._folder / "archive" / part) for part in _PARTS}
        return {**found, "marts": _size(self._folder / "warehouse.duckdb")}


def _whole(count: int, wanted: int, done: str) -> int:
    """The count. Raises Failed where a stage did less than there was to do: its time would say nothing."""
    if count < wanted:
        raise Failed(f"{count:,} of {wanted:,} events were {done}")
    return count


def _size(place: Path) -> int:
    """Bytes of a file, or of all files in a folder and below it."""
    if place.is_file():
        return place.stat().st_size
    walk: Callable[..., Any] = os.walk
    return sum((Path(folder) / name).stat().st_size for folder, _, names in walk(place) for name in names)
