"""The stamp on an answer: over which log, known up to when, how many rows.

Promise: whoever holds a checkpoint of the same size can see whether the answer was given over the same log.
"""

import base64
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from warehouse.archive.state import LogState
from warehouse.wire.times import rfc3339


@dataclass(frozen=True)
class Stamp:
    """Origin, size (in entries) and root (base64) of the log that was asked; the moment that is asked about."""

    origin: str | None
    size: int
    root: str | None
    as_of: str | None

    @classmethod
    def of(cls, state: LogState, moment: datetime | None = None) -> "Stamp":
        """The stamp of an answer over a state of the log; `moment` where `--as-of` named one."""
        root = base64.b64encode(state.edge().root()).decode() if state.size else None
        return cls(state.origin, state.size, root, state.committed_at if moment is None else rfc3339(moment))

    def document(self, rows: int) -> dict[str, Any]:
        """As JSON carries it."""
        checkpoint = {"origin": self.origin, "size": self.size, "root": self.root}
        return {"checkpoint": checkpoint, "as_of": self.as_of, "rows": rows}

    def lines(self, rows: int) -> tuple[str, str]:
        """Two lines for people."""
        count = f"{rows:,} row{'' if rows == 1 else 's'}"
        if not self.size:
            return "checkpoint: none, the archive is empty", count
        return (
            f"checkpoint: {self.origin}, {self.size:,} entries, root {self.root}",
            f"as of {self.as_of}: {count}",
        )
