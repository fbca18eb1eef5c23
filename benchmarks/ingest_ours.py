"""Contender: our pull of a range of days, wire to committed archive and Parquet. Prints one JSON line."""

import argparse
import json
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from assets.pull_report import PullReport
from assets.pulling import pull_activities
from assets.workshop import Workshop
from benchmarks.own_memory import peak_mb
from warehouse.anthropic.activities import ActivityFeed
from warehouse.anthropic.budget import Budget
from warehouse.anthropic.http import Client
from warehouse.anthropic.surfaces import COMPLIANCE
from warehouse.archive.archive import Archive
from warehouse.archive.signing import create_key, load_key
from warehouse.archive.store import open_store
from warehouse.wire.times import parse_rfc3339

_FIRST_DAY = datetime(2023, 1, 1, tzinfo=UTC).date()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("--url", "--key", "--start", "--end"):
        parser.add_argument(name, required=True)
    parser.add_argument("--folder", default="", help="where archive and key are; a temporary one without")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ledgerline-bench-") as scratch:
        folder = Path(options.folder or scratch)
        report = pull(options, folder)
        if report.failed:
            raise SystemExit(f"windows failed: {report.failed}")
        said = {"records": report.records, "requests": report.requests, "seconds": report.seconds}
        print(json.dumps({**said, "peak_mb": peak_mb(), "on_disk": size(folder / "archive")}))


def pull(options: argparse.Namespace, folder: Path) -> PullReport:
    """The range in one go by one writer, as `ledgerline pull activities --from --to` does it."""
    key = folder / "signing.key"
    if not key.exists():
        create_key(key)
    with (
        Archive(
            open_store(f"file:{folder}/archive"), key=lambda: load_key(key), cache=folder / "cache"
        ) as archive,
        Client(
            COMPLIANCE,
            base_url=options.url,
            key=lambda: options.key,
            writer=archive.writer,
            budget=Budget(1_000_000),
        ) as client,
    ):
        workshop = Workshop(archive, ActivityFeed(client), _FIRST_DAY, folder / "warehouse.duckdb")
        return pull_activities(workshop, start=parse_rfc3339(options.start), end=parse_rfc3339(options.end))


def size(folder: Path) -> int:
    """Bytes of all files below."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


if __name__ == "__main__":
    main()
