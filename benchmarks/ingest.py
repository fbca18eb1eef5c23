"""Pages on loopback to a committed archive and Parquet: ours, a bare loop and dlt, on the same records.

`measure` gives two tables: with all cores, and with server and contender on one core each.
"""

import importlib.util
import os
from collections.abc import Callable

from benchmarks.harness import Run, Tenant, in_turn, middle, module, tenant
from benchmarks.report import Aim, Table

DAYS = 30
START, END = "2026-10-23T00:00:00Z", "2026-11-22T00:00:00Z"
OURS, TWO, BARE, DLT = "ours", "ours, two writers", "bare loop", "dlt"

_WHAT = (
    "{records:,} records of {size:,.0f} bytes on average over 30 days, 30 windows, {requests:,} requests of up to "
    "5,000 records. *Ours* ends with pages, log, checkpoints and tables committed and synced to disk; *two "
    "writers* are two processes that pull 15 days each into one archive. The *bare loop* ({here}) fetches with "
    "httpx, hashes and compresses each body into a file, decodes each record with msgspec into a typed struct and "
    "writes one Parquet file a day with the columns and writer settings of ours: one thread, no content hash, no "
    "unknown-event tagging, no fold, no log, no sync to disk. *dlt* ({there}) is its REST API source into its "
    "filesystem destination as Parquet, as documented; it keeps no page as served and no verbatim record."
)


def measure(*, smoke: bool) -> list[Table]:
    per_day, rounds = (667, 1) if smoke else (33_334, 3)
    tables = []
    with tenant(per_day=per_day, days=31) as one:
        size = len(one.ask("truth?start=2026-11-21T00:00:00Z&end=2026-11-22T00:00:00Z")) / per_day
        tables.append(_all_cores(one, size, rounds))
    if (cores := sorted(os.sched_getaffinity(0)))[1:]:
        with tenant(per_day=per_day, days=31, cpus={cores[1]}) as pinned:
            tables.append(_one_core(pinned, {cores[0]}, rounds))
    return tables


def _contender(name: str, one: Tenant, cpus: set[int] | None = None) -> Callable[[], Run]:
    return lambda: module(name, *one.reached, "--start", START, "--end", END, cpus=cpus)


def _all_cores(one: Tenant, size: float, rounds: int) -> Table:
    contenders = {
        OURS: _contender("ingest_ours", one),
        TWO: _contender("ingest_writers", one),
        BARE: _contender("ingest_bare", one),
    }
    absent = importlib.util.find_spec("dlt") is None
    if not absent:
        contenders[DLT] = _contender("ingest_dlt", one)
    results = in_turn(contenders, rounds)
    table = _table("Ingest: wire to committed archive and Parquet", results)
    table.measures = _WHAT.format(
        records=results[OURS][0].said["records"],
        size=size,
        requests=results[OURS][0].said["requests"],
        here="`benchmarks/ingest_bare.py`",
        there="`benchmarks/ingest_dlt.py`",
    )
    table.aims.append(Aim("Ours against the bare loop, all cores", _times(results, OURS, BARE), 0.7, unit="x"))
    if absent:
        table.rows.append((DLT, *["-"] * (len(table.columns) - 1)))
        table.reads = "dlt is not installed here (extra `bench`), so nothing is said of it. "
    else:
        table.aims.append(Aim("Ours against dlt", _times(results, OURS, DLT), 5, unit="x"))
        table.aims.append(Aim("Two writers against dlt", _times(results, TWO, DLT), 10, unit="x", aspired=True))
    table.reads += (
        "Server and contender share the cores: where ours works beside the server, it has less than the machine. "
        "What ours spends beyond the bare loop buys the content hash, the tags, the fold and a log that proves it."
    )
    return table


def _one_core(one: Tenant, cpus: set[int], rounds: int) -> Table:
    results = in_turn(
        {
            OURS: _contender("ingest_ours", one, cpus=cpus),
            BARE: _contender("ingest_bare", one, cpus=cpus),
        },
        rounds,
    )
    table = _table("Ingest on one core", results)
    table.measures = (
        "The same, with the contender pinned to one core and the server to another, so that threads gain nothing "
        "but the waits for disk and server."
    )
    table.aims.append(Aim("Ours against the bare loop, one core", _times(results, OURS, BARE), 0.7, unit="x"))
    table.reads = "Per record and core, this is the price of what the bare loop leaves out."
    return table


def _table(title: str, results: dict[str, list[Run]]) -> Table:
    table = Table(title, ["contender", "records/s", "wall s", "slowest s", "CPU s", "peak MB", "MB on disk"])
    for name, runs in results.items():
        records = _records(runs)
        if records != _records(results[OURS]):
            raise ValueError(f"{name} ended with {records} records, ours with {_records(results[OURS])}")
        table.rows.append(
            (
                name,
                round(records / middle(runs, lambda run: run.wall)),
                middle(runs, lambda run: run.wall),
                max(run.wall for run in runs),
                middle(runs, lambda run: run.cpu),
                # several processes at once say themselves what they took together
                middle(runs, lambda run: max(run.peak_mb, run.said.get("peak_mb", 0.0))),
                middle(runs, lambda run: run.said["on_disk"] / 1e6),
            )
        )
    return table


def _records(runs: list[Run]) -> int:
    return int(runs[0].said["records"])


def _times(results: dict[str, list[Run]], ours: str, other: str) -> float:
    return middle(results[other], lambda run: run.wall) / middle(results[ours], lambda run: run.wall)
