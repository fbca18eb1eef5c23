"""Contender: ours, from the archive's files to receipts and entries in the log. Prints one JSON line.

Seconds begin when the libraries are loaded and the archive is open, and end when the last receipt is on record.
With `--replay` a window of the archive is sent again instead of what is due.
"""

import argparse
import importlib
import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from assets.delivering import deliver
from assets.delivery_again import replay
from assets.workshop import Workshop
from benchmarks.delivery_days import FIRST
from benchmarks.delivery_receiver import Sink
from benchmarks.delivery_setup import destination, options
from benchmarks.own_memory import peak_mb
from warehouse.archive.archive import Archive
from warehouse.archive.signing import load_key
from warehouse.archive.store import open_store
from warehouse.delivery.chunk import Report
from warehouse.wire.windows import Window


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--name", required=True, help="of the destination: a new one begins at the beginning")
    parser.add_argument("--replay", type=int, default=0, help="days from the first on that are sent again")
    told = parser.parse_args()
    key = told.folder / "signing.key"
    with Archive(
        open_store(f"file:{told.folder}/archive"), key=lambda: load_key(key), cache=told.folder / "cache"
    ) as archive:
        no_feed: Any = None
        workshop = Workshop(archive, no_feed, FIRST, Path(told.folder) / "warehouse.duckdb")
        workshop.destinations = [destination(told.type, Sink(told.http, told.syslog), told.name)]
        importlib.import_module(f"warehouse.delivery.destinations.{told.type}")
        wall, cpu = time.perf_counter(), time.process_time()
        report = _sent(workshop, told)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    if report.stopped is not None or report.dead or report.delivered != told.events:
        raise SystemExit(f"{report.delivered} of {told.events} delivered, {report.dead} dead: {report.stopped}")
    print(json.dumps({"events": report.delivered, "wall": wall, "cpu": cpu, "peak_mb": peak_mb()}))


def _sent(workshop: Workshop, told: argparse.Namespace) -> Report:
    if told.replay:
        start = datetime.combine(FIRST, datetime.min.time(), UTC)
        return replay(workshop, told.name, Window(start, start + timedelta(days=told.replay)))
    (report,) = deliver(workshop)
    return report


if __name__ == "__main__":
    main()
