"""Tables of Claude Code's telemetry: messages without content to rows, rows to answers.

Promise: every point and event that landed is a row, repeats included and marked; rows follow from the archive.
"""

from warehouse.tables.telemetry.known import KnownFiles
from warehouse.tables.telemetry.landing import FILES_PER_COMMIT, ROWS_PER_COMMIT, finish_landings, land
from warehouse.tables.telemetry.schema import STREAM, TABLES, Table
from warehouse.tables.telemetry.taking import Taken, take
from warehouse.tables.telemetry.views import shown_columns, telemetry_view

__all__ = [
    "FILES_PER_COMMIT",
    "ROWS_PER_COMMIT",
    "STREAM",
    "TABLES",
    "KnownFiles",
    "Table",
    "Taken",
    "finish_landings",
    "land",
    "shown_columns",
    "take",
    "telemetry_view",
]
