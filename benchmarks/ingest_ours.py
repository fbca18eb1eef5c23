"""Contender: our pull of a range of days, wire to committed archive and Parquet. Prints one JSON line."""

import argparse
import json
import tempfile
from datetime import UTC, datetime
from pathlib import Path

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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True)
    parser.add_argument("--key", required=True)
    parser.add_argument("--start", required=True)
    parser.add_argument("--end", required=True)
    parser.add_argument("--archive", default="")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ledgerline-bench-") as scratch:
        folder = Path(options.archive or scratch)
        key = folder / "signing.key"
        if not key.exists():
            create_key(key)
        end = parse_rfc3339(options.end)
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
            workshop = Workshop(archive, ActivityFeed(client), datetime(2026, 1, 1, tzinfo=UTC).date(), folder / "m")
            report = pull_activities(workshop, start=parse_rfc3339(options.start), end=end)
        print(json.dumps({"records": report.records, "requests": report.requests, "seconds": report.seconds}))


if __name__ == "__main__":
    main()
