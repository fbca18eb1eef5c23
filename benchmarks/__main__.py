"""`python -m benchmarks [NAME ...] [--smoke] [--out FILE | --into FILE]`: run benchmarks, print each table, write
the page.

Without names all of them run, and the page goes to docs/benchmarks.md. `--smoke` runs each one tiny and exits 1
where a ratio is absurdly far from its target; its figures mean nothing and are written only where `--out` says.
`--into` puts the tables into a page that is there, in place of those of the same titles.
"""

import argparse
import importlib
import os
import sys
import time
from pathlib import Path

from benchmarks.harness import Failed
from benchmarks.report import Table, page
from benchmarks.targets import PAGE, put, with_tables

BENCHMARKS = {
    "ingest": "ingest",
    "requests": "request_count",
    "backfill": "backfill",
    "tail": "tail",
    "memory": "memory",
    "queries": "queries",
    "scan": "scan",
    "start": "start",
    "verify": "verify",
    "report": "chargeback_report",
    "forecast": "forecast",
    "marts": "marts",
    "detections": "detections",
    "delivery": "delivery",
    "telemetry": "telemetry",
    "load": "load",
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure, beside a peer or a limit.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(BENCHMARKS)}; default: all")
    parser.add_argument("--smoke", action="store_true", help="each one tiny: that it works, not how fast")
    parser.add_argument("--out", type=Path, help="where the page goes; default for a full run: docs/benchmarks.md")
    parser.add_argument("--into", type=Path, metavar="FILE", help="a page that takes these tables for its own")
    options = parser.parse_args()
    unknown = [name for name in options.names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    names = options.names or list(BENCHMARKS)
    tables: list[Table] = []
    for name in names:
        began = time.monotonic()
        try:
            measured = importlib.import_module(f"benchmarks.{BENCHMARKS[name]}").measure(smoke=options.smoke)
        except Failed as failure:
            print(f"{name}: {failure}", file=sys.stderr)
            return 1
        tables += measured
        print("\n".join(table.markdown() for table in measured))
        print(f"({name}: {time.monotonic() - began:.0f} s, load {os.getloadavg()[0]:.1f})\n", flush=True)
    out = options.out or (None if options.smoke or options.names or options.into else PAGE)
    if out is not None:
        whole = page(tables, smoke=options.smoke)
        if options.smoke:
            out.write_text(whole)
        else:
            put(out, whole)
        print(f"written: {out}")
    if options.into is not None:
        put(options.into, with_tables(options.into.read_text(encoding="utf-8"), tables))
        print(f"written into {options.into}")
    absurd = [aim for table in tables for aim in table.aims if aim.absurd]
    for aim in absurd:
        print(f"absurd: {aim}", file=sys.stderr)
    return 1 if options.smoke and absurd else 0


if __name__ == "__main__":
    sys.exit(main())
