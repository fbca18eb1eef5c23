"""A five-minute tail run, tick to committed Parquet, over an archive of one day and over one of a year.

What is archived already must not slow the next run: warm or cold, in a worker or as a process of its own.
"""

import os
import tempfile
from pathlib import Path
from statistics import median, quantiles

from benchmarks.harness import Failed, Tenant, module, tenant
from benchmarks.report import Aim, Table
from benchmarks.tail_setup import COMMITS, FIRST_TICK, LAG, NEWEST, TICK, drop_cache

ONE, YEAR = "one", "year"
_MEASURES = """\
From the tick to pages, log and tables committed and signed; {ticks} ticks of each kind, the two archives in
turn. A tick reads 15 minutes (5 new, 10 again) of a feed of {per_day:,} events a day. One archive holds one day
in five-minute commits, {commits} ({one:,} entries) when the first tick is measured; the other has {past} days
before it, each pulled whole and sealed the next morning ({year:,} entries, {sealed:,} sealed files). The clock
is simulated. *In a worker*: the interpreter and its modules are there already. *Process*: the whole `ledgerline
pull activities`. *Cold*: the local cache is deleted before each tick."""


def measure(*, smoke: bool) -> list[Table]:
    days, past_per_day, newest_per_day = (12, 40, 2_880) if smoke else (365, 500, 57_600)
    commits, ticks = (6, 2) if smoke else (COMMITS, 30)
    with tempfile.TemporaryDirectory(prefix="ledgerline-bench-") as scratch:
        folders = {name: Path(scratch) / name for name in (ONE, YEAR)}
        for folder in folders.values():
            folder.mkdir()
        entries = {}
        now = f"{NEWEST + LAG:%Y-%m-%dT%H:%M:%SZ}"
        with tenant(per_day=past_per_day, days=days, users=100, now=now) as past:
            _history(past, folders[YEAR], "past", "--days", str(days - 1))
        with tenant(per_day=newest_per_day, days=1, now=f"{FIRST_TICK:%Y-%m-%dT%H:%M:%SZ}") as newest:
            for name, folder in folders.items():
                said = _history(newest, folder, "newest", "--ticks", str(commits))
                entries[name] = said
            took = _ticks(newest, folders, ticks)
        return [_table(took, entries, days, commits, newest_per_day, ticks)]


def _history(one: Tenant, folder: Path, step: str, *more: str) -> dict[str, int]:
    arguments = ["--url", one.url, "--folder", os.fspath(folder), "--step", step, *more]
    return module("tail_history", *arguments, env=_keys(one)).said


def _keys(one: Tenant) -> dict[str, str]:
    return {"LEDGERLINE_COMPLIANCE_KEY": one.key}


def _ticks(one: Tenant, folders: dict[str, Path], ticks: int) -> dict[str, dict[str, list[float]]]:
    """Milliseconds of each tick, by way of running and archive; the moments go on from way to way."""
    took: dict[str, dict[str, list[float]]] = {}
    first = FIRST_TICK + TICK
    for way, cold in (("in a worker, warm", False), ("in a worker, cold", True)):
        arguments = ["--url", one.url, "--folders", *map(os.fspath, folders.values()), "--ticks", str(ticks)]
        arguments += ["--first", first.isoformat(), *(["--cold"] if cold else [])]
        took[way] = module("tail_run", *arguments, env=_keys(one)).said["ms"]
        first += (ticks + 1) * TICK
    for way, cold in (("process, warm", False), ("process, cold", True)):
        took[way] = {name: [] for name in folders}
        for tick in range(ticks):
            moment = first + tick * TICK
            one.ask("clock", {"now": f"{moment:%Y-%m-%dT%H:%M:%SZ}"})
            for name, folder in folders.items():
                if cold:
                    drop_cache(folder)
                took[way][name].append(_process(one, folder, moment.isoformat()))
        first += ticks * TICK
    return took


def _process(one: Tenant, folder: Path, moment: str) -> float:
    """One `ledgerline pull activities`; milliseconds."""
    run = module(
        "tail_process",
        *(moment, "pull", "activities", "--json", "--config", os.fspath(folder / "ledgerline.toml")),
        env=_keys(one),
        speaks=False,
    )
    if not run.wall:
        raise Failed("the process took no time")
    return run.wall * 1000


def _table(
    took: dict[str, dict[str, list[float]]],
    entries: dict[str, dict[str, int]],
    days: int,
    commits: int,
    per_day: int,
    ticks: int,
) -> Table:
    columns = ["run", "1 day: median ms", "p95", f"{days} days: median ms", "p95 ", "ratio of medians"]
    table = Table("Tail: one five-minute run", columns)
    table.measures = _MEASURES.format(
        ticks=ticks,
        per_day=per_day,
        commits=commits,
        past=days - 1,
        one=entries[ONE]["entries"],
        year=entries[YEAR]["entries"],
        sealed=entries[YEAR]["sealed"],
    )
    for way, by_archive in took.items():
        one, year = by_archive[ONE], by_archive[YEAR]
        ratio = median(year) / median(one)
        table.rows.append((way, median(one), _p95(one), median(year), _p95(year), ratio))
        table.aims.append(Aim(f"A year against a day, {way}", ratio, 1.2, at_most=True))
    table.reads = (
        "The year was built by daily windows, so its log is shorter than one of 105,000 five-minute commits; what "
        "a run reads of it are the head, one snapshot and the entries since, whatever its length."
    )
    return table


def _p95(values: list[float]) -> float:
    return quantiles(values, n=20, method="inclusive")[18]
