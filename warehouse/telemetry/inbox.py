"""Where the receiver puts what it took: files as the Collector's exporters write them, seen only when closed.

Promise: a file appears whole or not at all, and is on the disk before its requests are acknowledged. Names are
those of the `awss3` exporter (UTC minute of arrival), lines those of the `file` exporter (a request each, OTLP
JSON, gzip).
"""

import gzip
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex

from warehouse.telemetry.model import Signal

_LEVEL = 6


@dataclass(frozen=True)
class Inbox:
    """A folder of the machine that files are put into. `now` is the clock that names them."""

    folder: Path
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def put(self, signal: Signal, lines: Sequence[bytes]) -> Path:
        """Write the lines of one signal as one file; they end with their line breaks. Raises OSError, and then
        nothing is there."""
        when = self.now().astimezone(UTC)
        place = self.folder / "claude-code" / signal / when.strftime("year=%Y/month=%m/day=%d/hour=%H/minute=%M")
        # Sortable and unique: milliseconds first, as in a UUID of version 7.
        name = f"{signal}_{int(when.timestamp() * 1000):012x}{token_hex(10)}.json.gz"
        place.mkdir(parents=True, exist_ok=True)
        half = self.folder / f".{name}.part"  # not below the partitions: a reader of those meets whole files only
        try:
            with half.open("xb") as file:
                file.write(gzip.compress(b"".join(lines), _LEVEL, mtime=0))
                file.flush()
                os.fsync(file.fileno())
            half.replace(place / name)
            _keep_name(place)
        except OSError:
            half.unlink(missing_ok=True)
            raise
        return place / name

    def sweep(self) -> None:
        """Take away what a process that was killed left half-written: none of it was acknowledged."""
        for half in self.folder.glob(".*.part"):
            half.unlink(missing_ok=True)


def _keep_name(folder: Path) -> None:
    """Make the name of a file last, as its bytes do."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
