"""The stamp on an answer: over which log, known up to when, how many rows.

Promise: whoever holds a checkpoint of the same size can see whether the answer was given over the same log.
"""

import base64
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from warehouse.archive import keys
from warehouse.archive.archive import Archive
from warehouse.archive.errors import KeyMissing, LogError
from warehouse.archive.note import Checkpoint, NoteError, Verifier, open_note
from warehouse.archive.state import LogState
from warehouse.wire.times import rfc3339


@dataclass(frozen=True)
class Stamp:
    """Origin, size (in entries) and root (base64) of the log that was asked; the moment that is asked about."""

    origin: str | None
    size: int
    root: str | None
    as_of: str | None

    checked: bool = True

    @classmethod
    def of_checked(cls, archive: Archive, moment: datetime | None = None) -> "Stamp":
        """As `of`, once the stored checkpoint was found to be over this log and signed by the log's key.

        A head that a killed run left unsigned makes a stamp that says so. Raises LogError for a checkpoint that
        is none, that another key signed, or that is over other entries.
        """
        state = archive.state
        stamp = cls.of(state, moment)
        if not state.size:
            return stamp
        name = keys.checkpoint(state.size)
        try:
            text, _ = open_note(archive.store.get(name).decode(), _keys_at(state))
            signed = Checkpoint.from_text(text)
        except KeyMissing:
            return replace(stamp, checked=False)
        except UnicodeDecodeError:
            raise LogError(f"{name} is no checkpoint; run `ledgerline verify`") from None
        except NoteError as error:
            raise LogError(
                f"{name} is not signed by the log's key ({error}): no stamp can be given; run `ledgerline verify`"
            ) from error
        if (signed.origin, signed.size, signed.root) != (state.origin, state.size, state.edge().root()):
            raise LogError(f"{name} was signed over another log than the one stored; run `ledgerline verify`")
        return stamp

    @classmethod
    def of(cls, state: LogState, moment: datetime | None = None) -> "Stamp":
        """The stamp of an answer over a state of the log; `moment` where `--as-of` named one."""
        root = base64.b64encode(state.edge().root()).decode() if state.size else None
        return cls(state.origin, state.size, root, state.committed_at if moment is None else rfc3339(moment))

    def document(self, rows: int) -> dict[str, Any]:
        """As JSON carries it."""
        checkpoint: dict[str, Any] = {"origin": self.origin, "size": self.size, "root": self.root}
        if not self.checked:
            checkpoint["checked"] = False
        return {"checkpoint": checkpoint, "as_of": self.as_of, "rows": rows}

    def lines(self, rows: int) -> tuple[str, str]:
        """Two lines for people."""
        count = f"{rows:,} row{'' if rows == 1 else 's'}"
        if not self.size:
            return "checkpoint: none, the archive is empty", count
        return (
            f"checkpoint: {self.origin}, {self.size:,} entries, root {self.root}"
            + ("" if self.checked else " (not checked: the head is not signed yet)"),
            f"as of {self.as_of}: {count}",
        )


def _keys_at(state: LogState) -> list[Verifier]:
    """The key in force at the head. Raises NoteError."""
    named = state.key_at(state.size)
    return [Verifier.from_vkey(named)] if named is not None else []
