"""Contender: ours. Prints one JSON line.

`decode`: each request into messages without content. `rows`: that, and the lines that are archived, and the
typed rows. `land`: all of it, to a committed archive with its Parquet files.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from assets.telemetry_landing import land_telemetry
from orchestration.workshop import open_workshop
from warehouse.archive.signing import create_key
from warehouse.config import parse
from warehouse.tables.telemetry.taking import rows_of
from warehouse.telemetry import Message, Reader, write_line

_CONFIG = '[archive]\nurl = "file:./archive"\nlock = "none"\nsigning_key = "file:./key"\ncache = "./cache"\n'


def decode(path: Path) -> int:
    with path.open("rb") as file:
        return sum(_rows(message) for message in Reader().read(file, path.name))


def rows(path: Path) -> int:
    written = 0

    def told() -> Iterator[Message]:
        nonlocal written
        for message in Reader().read(file, path.name):
            written += len(write_line(message))
            yield message

    with path.open("rb") as file:
        return sum(table.num_rows for _, table in rows_of(told()))


def land(path: Path) -> int:
    with tempfile.TemporaryDirectory(prefix="ledgerline-bench-") as name:
        folder = Path(name)
        create_key(folder / "key")
        with open_workshop(parse(_CONFIG, folder / "ledgerline.toml", {})) as workshop:
            report = land_telemetry(workshop, [str(path)], settled=timedelta(0))
    return report.total("points") + report.total("events")


def _rows(message: Message) -> int:
    return message.events + sum(len(metric.points) for group in message.groups for metric in group.metrics)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--file", type=Path, required=True)
    parser.add_argument("--do", choices=["decode", "rows", "land"], required=True)
    options = parser.parse_args()
    began = time.process_time()
    found = {"decode": decode, "rows": rows, "land": land}[options.do](options.file)
    print(json.dumps({"rows": found, "seconds": time.process_time() - began}))


if __name__ == "__main__":
    main()
