"""What can go wrong when a file is read as an audit-log export.

    AuditExportError              (a ValueError) the file was refused as a whole; nothing of it was taken
    ├── NotAnExport               it is something else: empty, a PDF, a table with other columns, broken JSON
    │   └── ColumnsMissing        a table, but without some of the nine columns
    └── PackingRefused            a ZIP that cannot be opened safely: a bomb, a password, damage, nothing in it

A single bad row is never an error: it is kept, and its `problems` say what could not be read.
Each message names the file, what was found, what was expected and what to do.
"""


class AuditExportError(ValueError):
    """The root: catch this to catch all of it."""


class NotAnExport(AuditExportError):
    """The file is not the console's audit-log export."""


class ColumnsMissing(NotAnExport):
    """Some of the nine columns are not in the file; `missing` names them."""

    def __init__(self, message: str, missing: tuple[str, ...]) -> None:
        super().__init__(message)
        self.missing = missing


class PackingRefused(AuditExportError):
    """The ZIP cannot be unpacked, or not within the limits that `packing` states."""
