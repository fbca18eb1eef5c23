"""Contender: our backfill of usage and cost, wire to committed archive and Parquet. Prints one JSON line."""

import argparse
import json
import math
import tempfile
import time
from datetime import date, datetime, timedelta
from pathlib import Path

from assets.spend_pulling import pull_spend
from assets.workshop import Workshop
from benchmarks.own_memory import peak_mb
from warehouse.anthropic.budget import Budget
from warehouse.anthropic.http import Client
from warehouse.anthropic.spend import SpendReports
from warehouse.anthropic.spend_queries import STREAMS
from warehouse.anthropic.surfaces import ANALYTICS
from warehouse.archive.archive import Archive
from warehouse.archive.signing import create_key, load_key
from warehouse.archive.store import open_store
from warehouse.tables.catalog import connect
from warehouse.wire.times import parse_rfc3339
from warehouse.wire.windows import Window

_GROUPS = "day, actor_type, actor_id, product, model, organization_id, context_window"
_PAGE = 1_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("--url", "--key", "--first", "--now"):
        parser.add_argument(name, required=True)
    parser.add_argument("--per-minute", type=int, required=True, help="the budget, anthropic.requests_per_minute")
    options = parser.parse_args()
    now = parse_rfc3339(options.now)
    with tempfile.TemporaryDirectory(prefix="ledgerline-bench-") as scratch:
        print(json.dumps(pull(options, Path(scratch), now)))


def pull(options: argparse.Namespace, folder: Path, now: datetime) -> dict[str, float]:
    """Both streams from the first day on, as `ledgerline pull usage` and `pull cost` do it."""
    create_key(folder / "signing.key")
    with (
        Archive(open_store(f"file:{folder}/archive"), key=lambda: load_key(folder / "signing.key")) as archive,
        Client(
            ANALYTICS,
            base_url=options.url,
            key=lambda: options.key,
            writer=archive.writer,
            budget=Budget(options.per_minute),
            clock=lambda: now,  # the tenant's time stands still
        ) as client,
    ):
        workshop = Workshop(
            archive,
            None,
            date.fromisoformat(options.first),
            folder / "warehouse.duckdb",
            clock=lambda: now,
            spend={name: SpendReports(client, name) for name in STREAMS},
        )
        began = time.monotonic()
        reports = [pull_spend(workshop, stream) for stream in STREAMS]
        seconds = time.monotonic() - began
        failed = [failure for report in reports for failure in report.failed]
        if failed:
            raise SystemExit(f"windows failed: {failed}")
        return {
            "seconds": seconds,
            "requests": sum(report.requests for report in reports),
            "asked": sum(report.asked for report in reports),
            "windows": sum(report.windows for report in reports),
            "records": sum(report.records for report in reports),
            "least": sum(least(archive, stream) for stream in STREAMS),
            "peak_mb": peak_mb(),
        }


def least(archive: Archive, stream: str) -> int:
    """The fewest requests that could bring what is there: one per 31 days for the total, and pages of groups."""
    with connect(archive) as db:
        days = db.execute(f"select min(day), max(day) from {stream}_days").fetchall()[0]
        groups = dict(
            db.execute(
                f"select day, count(*) from (select distinct {_GROUPS} from {stream}_rows) group by day"
            ).fetchall()
        )
    needed, end = 0, days[1] + timedelta(days=1)
    while end > days[0]:
        start = max(days[0], end - timedelta(days=31))
        window = Window.of_day(start).start, Window.of_day(end).start
        rows = sum(groups.get(day, 0) for day in Window(*window).days())
        needed += 1 + max(1, math.ceil(rows / _PAGE))
        end = start
    return needed


if __name__ == "__main__":
    main()
