"""Contender: our pull of a range of days, wire to committed archive and Parquet. Prints one JSON line.

With `--writers 2` two processes pull the two halves of the range into one archive at the same time; the fence
of the log keeps them apart.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.own_memory import peak_mb


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True)
    parser.add_argument("--key", required=True)
    parser.add_argument("--start", required=True)
    parser.add_argument("--end", required=True)
    parser.add_argument("--folder", default="", help="where archive and key are; a temporary one without")
    parser.add_argument("--writers", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ledgerline-bench-") as scratch:
        folder = Path(options.folder or scratch)
        pull = side_by_side if options.writers > 1 else alone
        print(json.dumps({**pull(options, folder), "on_disk": _size(folder)}))


def alone(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """One writer, in this process."""
    from assets.pulling import pull_activities
    from assets.workshop import Workshop
    from warehouse.anthropic.activities import ActivityFeed
    from warehouse.anthropic.budget import Budget
    from warehouse.anthropic.http import Client
    from warehouse.anthropic.surfaces import COMPLIANCE
    from warehouse.archive.archive import Archive
    from warehouse.archive.signing import create_key, load_key
    from warehouse.archive.store import open_store
    from warehouse.wire.times import parse_rfc3339

    key = folder / "signing.key"
    if not key.exists():
        create_key(key)
    with (
        Archive(open_store(f"file:{folder}/archive"), key=lambda: load_key(key), cache=folder / "cache") as archive,
        Client(
            COMPLIANCE,
            base_url=options.url,
            key=lambda: options.key,
            writer=archive.writer,
            budget=Budget(1_000_000),
        ) as client,
    ):
        workshop = Workshop(archive, ActivityFeed(client), datetime(2023, 1, 1, tzinfo=UTC).date(), folder / "m")
        report = pull_activities(
            workshop, start=parse_rfc3339(options.start), end=parse_rfc3339(options.end)
        )
    if report.failed:
        raise SystemExit(f"windows failed: {report.failed}")
    return {
        "records": report.records,
        "first": report.first,
        "requests": report.requests,
        "seconds": report.seconds,
        "peak_mb": peak_mb(),
    }


def side_by_side(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """As many writers, each a process with its own part of the range; sums, and the sum of their peaks."""
    from warehouse.archive.signing import create_key

    create_key(folder / "signing.key")
    cuts = _cuts(options.start, options.end, options.writers)
    common = ["--url", options.url, "--key", options.key, "--folder", str(folder)]
    writers = [
        subprocess.Popen(
            [sys.executable, "-m", "benchmarks.ingest_ours", *common, "--start", start, "--end", end],
            stdout=subprocess.PIPE,
            text=True,
        )
        for start, end in zip(cuts, cuts[1:], strict=False)
    ]
    said = [json.loads(writer.communicate()[0].splitlines()[-1]) for writer in writers]
    if any(writer.returncode for writer in writers):
        raise SystemExit("a writer failed")
    totals = {name: sum(one[name] for one in said) for name in ("records", "first", "requests", "peak_mb")}
    return {**totals, "seconds": max(one["seconds"] for one in said)}


def _cuts(start: str, end: str, parts: int) -> list[str]:
    """The range in parts of whole days, as RFC 3339."""
    begin, stop = datetime.fromisoformat(start), datetime.fromisoformat(end)
    days = (stop - begin).days
    inner = [begin + (stop - begin) / days * (days * part // parts) for part in range(1, parts)]
    return [f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment in (begin, *inner, stop)]


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in (folder / "archive").rglob("*") if path.is_file())


if __name__ == "__main__":
    main()
