"""Tail runs inside one process, in turn over several archives. Prints one JSON line: milliseconds per archive.

Warm: the workshop stays open from tick to tick, as in a worker. Cold: the local cache is deleted and the workshop
opened anew for each tick. A tick ends when its pages, log and tables are committed and the head is signed. One
tick comes before those that are counted.
"""

import argparse
import json
import os
import time
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

from assets.pull_report import PullReport
from assets.pulling import pull_activities
from assets.workshop import Workshop
from benchmarks.tail_setup import TICK, SetClock, drop_cache
from orchestration.workshop import open_workshop
from warehouse.config import load


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True)
    parser.add_argument("--folders", type=Path, nargs="+", required=True)
    parser.add_argument("--ticks", type=int, required=True)
    parser.add_argument("--first", type=datetime.fromisoformat, required=True)
    parser.add_argument("--cold", action="store_true")
    options = parser.parse_args()
    clock = SetClock(options.url)
    settings = {folder: load(folder / "ledgerline.toml", os.environ) for folder in options.folders}
    took: dict[str, list[float]] = {folder.name: [] for folder in options.folders}
    records = 0
    with ExitStack() as stack:
        open_ones: dict[Path, Workshop] = {}
        if not options.cold:
            for folder in options.folders:
                open_ones[folder] = stack.enter_context(open_workshop(settings[folder], clock=clock))
        for tick in range(-1, options.ticks):
            clock.set(options.first + tick * TICK)
            for folder in options.folders:
                if options.cold:
                    drop_cache(folder)
                began = time.perf_counter()
                if options.cold:
                    with open_workshop(settings[folder], clock=clock) as workshop:
                        report = pull_activities(workshop)
                else:
                    report = pull_activities(open_ones[folder])
                elapsed = (time.perf_counter() - began) * 1000
                _demand_one_window(report)
                if tick >= 0:
                    took[folder.name].append(elapsed)
                    records += report.records
    print(json.dumps({"ms": took, "records": records / options.ticks / len(options.folders)}))


def _demand_one_window(report: PullReport) -> None:
    if report.windows != 1 or report.failed or report.seqs == []:
        raise SystemExit(f"a tick is to pull one window: {report.as_dict()}")


if __name__ == "__main__":
    main()
