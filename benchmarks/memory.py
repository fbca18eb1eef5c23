"""Peak memory of a large backfill, in one process: it must not grow with the backfill."""

from benchmarks.harness import Run, module, tenant
from benchmarks.report import Aim, Table


def measure(*, smoke: bool) -> list[Table]:
    month, dense = (500, 5_000) if smoke else (161_500, 1_000_000)
    table = Table(
        "Memory of a backfill",
        ["backfill", "records", "wall s", "records/s", "peak MB"],
        measures=(
            "One process pulls 31 days, then (anew) one dense day, from the wire to committed archive and tables. "
            "The resident set is the kernel's own high-water mark."
        ),
    )
    worst = 0.0
    for name, per_day, start in (
        ("31 days", month, "2026-10-22T00:00:00Z"),
        ("one day", dense, "2026-11-21T00:00:00Z"),
    ):
        span = 31 if start.startswith("2026-10") else 1
        with tenant(per_day=per_day, days=span, now="2026-11-22T00:30:00Z", lazy=True) as one:
            run: Run = module("ingest_ours", *one.reached, "--start", start, "--end", "2026-11-22T00:00:00Z")
        records = run.said["records"]
        table.rows.append((name, records, run.wall, round(records / run.wall), run.peak_mb))
        worst = max(worst, run.peak_mb)
    table.aims.append(Aim("Peak memory", worst, 1000, at_most=True, ratio=False, unit=" MB"))
    table.reads = (
        "The server makes its days while they are asked for, so the rate here is not the rate of the ingest table."
    )
    return [table]
