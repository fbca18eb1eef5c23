"""Builds an archive for the tail benchmark. Prints one JSON line: entries, files, seconds.

`--step past`: whole days before the newest one, each pulled whole and sealed the next morning, as years of work
leave them. `--step newest`: the newest day in commits of five minutes, as the tail leaves it until it is sealed.
"""

import argparse
import json
import os
import time
from datetime import timedelta
from pathlib import Path

from assets.pulling import pull_activities
from benchmarks.tail_setup import COMMITS, LAG, NEWEST, TICK, SetClock, write_config
from orchestration.workshop import open_workshop
from warehouse.archive.signing import create_key
from warehouse.config import load
from warehouse.tables.schema import TABLE
from warehouse.tables.seal import seal_settled_days

_NEXT_MORNING = timedelta(days=1, hours=2, minutes=30)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--step", choices=["past", "newest"], required=True)
    parser.add_argument("--days", type=int, default=0, help="past: how many before the newest")
    parser.add_argument("--ticks", type=int, default=COMMITS, help="newest: how many commits")
    options = parser.parse_args()
    began = time.monotonic()
    clock = SetClock(options.url)
    past = options.step == "past"
    start = NEWEST - timedelta(days=options.days) if past else NEWEST
    config = write_config(options.folder, options.url, start)
    if not (options.folder / "signing.key").exists():
        create_key(options.folder / "signing.key")
    with open_workshop(load(config, os.environ), clock=clock) as workshop:
        archive = workshop.archive
        if past:
            for day in range(options.days):
                begin = start + timedelta(days=day)
                # the last of these days is too young to be sealed
                clock.set(min(begin + _NEXT_MORNING, NEWEST + LAG))
                pull_activities(workshop, start=begin, end=begin + timedelta(days=1))
                seal_settled_days(archive)
            archive.settle()
        else:
            for tick in range(COMMITS - options.ticks + 1, COMMITS + 1):
                clock.set(NEWEST + tick * TICK + LAG)
                pull_activities(workshop)
        table = archive.state.table(TABLE)
        said = {"entries": archive.state.size, "recent": len(table.recent), "sealed": len(table.sealed)}
    print(json.dumps({**said, "seconds": time.monotonic() - began}))


if __name__ == "__main__":
    main()
