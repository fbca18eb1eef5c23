"""What happened to a tenant while it ran, so that a restarted one serves the same past.

Access records, redactions and withdrawals do not follow from the seed. With a journal file they survive; without
one a restart forgets them, and a pipeline that archived them rightly reports them as withdrawn.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any


class Journal:
    """An append-only file of JSON lines; `None` as path keeps nothing."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)

    def read(self) -> Iterator[dict[str, Any]]:
        """The entries so far; a last line that a crash cut short is skipped."""
        if self._path is None or not self._path.exists():
            return
        for line in self._path.read_text(encoding="utf-8").splitlines():
            try:
                yield json.loads(line)
            except ValueError:
                continue

    def write(self, entry: dict[str, Any]) -> None:
        if self._path is not None:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(entry, ensure_ascii=False) + "\n")
