"""Contender: ours with several writers: each a process that pulls its part of the days into one archive.

The fence of the log keeps them apart. Prints one JSON line: sums; `peak_mb` is the sum of their peaks.
"""

import argparse
import itertools
import json
import subprocess
import sys
import tempfile
from datetime import datetime
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("--url", "--key", "--start", "--end"):
        parser.add_argument(name, required=True)
    parser.add_argument("--writers", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ledgerline-bench-") as folder:
        make_key(Path(folder))
        common = ["--url", options.url, "--key", options.key, "--folder", folder]
        writers = [
            subprocess.Popen(
                [sys.executable, "-m", "benchmarks.ingest_ours", *common, "--start", start, "--end", end],
                stdout=subprocess.PIPE,
                text=True,
            )
            for start, end in itertools.pairwise(_cuts(options.start, options.end, options.writers))
        ]
        said = [json.loads(writer.communicate()[0].splitlines()[-1]) for writer in writers]
        if any(writer.returncode for writer in writers):
            raise SystemExit("a writer failed")
    totals = {name: sum(one[name] for one in said) for name in ("records", "requests", "peak_mb")}
    print(json.dumps({**totals, "on_disk": max(one["on_disk"] for one in said)}))


def make_key(folder: Path) -> None:
    """The one key that all writers sign with; made before any of them could make its own."""
    from warehouse.archive.signing import create_key  # noqa: PLC0415 - the parent of processes stays small

    create_key(folder / "signing.key")


def _cuts(start: str, end: str, parts: int) -> list[str]:
    """The range in parts of whole days, as RFC 3339."""
    begin, stop = datetime.fromisoformat(start), datetime.fromisoformat(end)
    day = (stop - begin) / (stop - begin).days
    inner = [begin + day * ((stop - begin).days * part // parts) for part in range(1, parts)]
    return [f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment in (begin, *inner, stop)]


if __name__ == "__main__":
    main()
