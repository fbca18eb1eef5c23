"""Delivery, archive to receipts, for each type of destination, beside a bare loop and the vendors' own clients.

Then the memory of a long replay, and how long an alert takes from the tick.

`LEDGERLINE_BENCH_DELIVERED` and `LEDGERLINE_BENCH_REPLAYED` set how many events (a million, ten million).
"""

import importlib.util
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.delivery_receiver import Sink, sink
from benchmarks.delivery_ticks import measure_ticks
from benchmarks.harness import Run, module
from benchmarks.report import Aim, Table

PER_DAY = 100_000
# type -> the vendor's client, its module, and how many times as fast ours is to be
VENDORS = {
    "elastic": ("elasticsearch, streaming_bulk", "elasticsearch", 3.0),
    "datadog": ("datadog-api-client", "datadog_api_client", 5.0),
    "sentinel": ("azure-monitor-ingestion", "azure.monitor.ingestion", 1.3),
}
TYPES = (
    *(
        "elastic",
        "datadog",
        "sentinel",
        "splunk",
        "cribl",
        "sumo",
        "logstash",
        "webhook",
        "sentinel_legacy",
        "otlp",
    ),
    *("secops", "syslog", "security_lake", "snowflake"),
)
# those that are not sent as JSON over HTTP: a smoke run does not leave them out
ODD = ("syslog", "security_lake")
_COLUMNS = [
    "destination",
    "events/s per core",
    "bare loop",
    "of bare",
    "vendor's client",
    "times it",
    "wall s",
    "peak MB",
]
_MEASURES = """\
{events:,} events of about 700 bytes from recent files to a receiver on loopback: read, mapped, encoded,
gzipped, sent, acknowledged, and the receipts and entries in the log. Events per second of processor time of the
sender, which has one core; the receiver has the other and throws away what it reads. Seconds begin when libraries
are loaded. *Bare loop*: the same documents as Python objects ready in memory (the canonical ones
where a destination sends no JSON), written by orjson, gzipped by the same compressor, posted 5,000 at a time;
no archive, no mapping, no receipts. *Vendor's client*: the same documents ready in memory through
`elasticsearch` (uncompressed, 5,000 a request), `datadog-api-client` (gzip, 1,000) and
`azure-monitor-ingestion` (gzip, 1 MB). Sentinel takes 1 MB at a time, some 650 events, which ours heeds and the
bare loop does not. One run of each, one after the other."""


def measure(*, smoke: bool) -> list[Table]:
    events = 20_000 if smoke else int(os.environ.get("LEDGERLINE_BENCH_DELIVERED", "1000000"))
    replayed = 20_000 if smoke else int(os.environ.get("LEDGERLINE_BENCH_REPLAYED", "10000000"))
    per_day = min(PER_DAY, events)
    cores = sorted(os.sched_getaffinity(0))
    mine, other = {cores[0]}, {cores[-1]}
    with sink(other) as to, tempfile.TemporaryDirectory(prefix="ledgerline-bench-") as scratch:
        folder = Path(scratch)
        _build(folder, 0, events // per_day, per_day)
        speed = Table("Delivery to each type of destination", _COLUMNS)
        speed.measures = _MEASURES.format(events=events)
        _speed(speed, folder, to, mine, (*VENDORS, *ODD) if smoke else TYPES, events)
        _build(folder, events // per_day, (replayed - events) // per_day, per_day)
        memory = _replay(folder, to, replayed, per_day)
        return [speed, memory, measure_ticks(to, smoke=smoke)]


def _build(folder: Path, skip: int, days: int, per_day: int) -> None:
    if days > 0:
        given = ["--skip", str(skip), "--days", str(days), "--per-day", str(per_day)]
        module("delivery_build", "--folder", os.fspath(folder), *given)


def _speed(table: Table, folder: Path, to: Sink, cpus: set[int], types: Sequence[str], events: int) -> None:
    """Measure these types, and add their rows to the table."""
    for type in types:
        given = ["--folder", os.fspath(folder), *to.reached, "--type", type, "--events", str(events)]
        name = f"bench-{type.replace('_', '-')}"
        ours = module("delivery_ours", *given, "--name", name, cpus=cpus)
        bare = module("delivery_bare", *given, cpus=cpus)
        theirs = module("delivery_vendors", *given, cpus=cpus) if _installed(type) else None
        share = _rate(ours) / _rate(bare)
        times = _rate(ours) / _rate(theirs) if theirs else None
        table.rows.append(
            (
                type,
                round(_rate(ours)),
                round(_rate(bare)),
                share,
                round(_rate(theirs)) if theirs else None,
                times,
                ours.said["wall"],
                ours.said["peak_mb"],
            )
        )
        table.aims.append(Aim(f"{type} against the bare loop", share, 0.5, unit="x"))
        if times is not None:
            table.aims.append(Aim(f"{type} against {VENDORS[type][0]}", times, VENDORS[type][2], unit="x"))
    table.reads = (
        "Several destinations at once are so many threads of one process: what each takes of a core adds up. "
        "Parquet (`security_lake`, `snowflake`) is made of the JSON rows that the bare loop only compresses."
    )


def _installed(type: str) -> bool:
    if type not in VENDORS:
        return False
    try:
        return importlib.util.find_spec(VENDORS[type][1]) is not None
    except ModuleNotFoundError:
        return False


def _rate(run: Run) -> float:
    return float(run.said["events"] / run.said["cpu"])


def _replay(folder: Path, to: Sink, events: int, per_day: int) -> Table:
    table = Table(
        "Memory of a replay",
        ["destination", "events", "wall s", "events/s", "peak MB"],
        measures="A window with all events of the archive is sent again to one destination, with all cores. "
        "The resident set is the kernel's own high-water mark of the process.",
    )
    given = ["--folder", os.fspath(folder), *to.reached, "--type", "elastic", "--events", str(events)]
    run = module("delivery_ours", *given, "--name", "bench-elastic", "--replay", str(events // per_day))
    wall = run.said["wall"]
    table.rows.append(("elastic", run.said["events"], wall, round(events / wall), run.said["peak_mb"]))
    table.aims.append(Aim("Peak memory", run.said["peak_mb"], 300, at_most=True, ratio=False, unit=" MB"))
    return table
