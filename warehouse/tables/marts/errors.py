"""What can go wrong when the marts are built, and what to do about it.

    MartsError
    ├── ProjectMissing      no dbt project where one was looked for
    ├── NotMarts            the file to replace exists and was not made by a build: it is left alone
    ├── MartsBusy           another build of the same file is running
    ├── CatalogIncomplete   the archive's views lack a table or a column that the marts need, or cannot be read
    ├── Unwritable          no room or no right to write beside the file
    └── BuildFailed         a model or a test failed; the old file is as it was

Each message says what happened, to what, and what to do next.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


class MartsError(Exception):
    """The root: catch this to catch all of it."""


class ProjectMissing(MartsError):
    """There is no dbt project to build."""


class NotMarts(MartsError):
    """A file is in the way that no build has made."""


class MartsBusy(MartsError):
    """Two builds of one file at the same time would lose each other's days."""


class CatalogIncomplete(MartsError):
    """The archive's views are not those that the marts read, or their files cannot be read."""


class Unwritable(MartsError):
    """The new file could not be written where it has to be."""


@dataclass(frozen=True)
class Failure:
    """One model or test that failed: its name, what the engine said, and the SQL it ran (None if none was)."""

    name: str
    message: str
    compiled: Path | None


class BuildFailed(MartsError):
    """dbt could not build everything; `failures` says what, first cause first."""

    def __init__(self, headline: str, failures: Sequence[Failure]) -> None:
        self.failures = tuple(failures)
        lines = [headline]
        for failure in self.failures:
            where = f"\n    SQL: {failure.compiled}" if failure.compiled else ""
            lines.append(f"  {failure.name}: {failure.message.strip()}{where}")
        lines.append("The marts that were there before are unchanged.")
        super().__init__("\n".join(lines))
