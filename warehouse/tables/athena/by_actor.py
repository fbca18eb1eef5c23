"""A copy of events by actor and month, for who often asks Athena for one actor's year.

Sealed files hold a day each, so a question about a year opens 365 of them, and reads between the pieces it wants
(decision 35). In the copy an actor's month lies in one bucket of 128. Promise: the copy is no evidence and can be
thrown away; it shows what `audit_events` showed when it was made, and the restrictions of the state that the view
was last made with.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

from warehouse.archive.state import LogState
from warehouse.tables.athena.engines import Engine
from warehouse.tables.masking import Masks
from warehouse.tables.schema import AUDIT_EVENTS, TABLE
from warehouse.tables.sql_literal import literal

VIEW: Final = "audit_events_by_actor"
# One of them is under 1 % of a month, whatever its size. The engine hashes the id to find it.
_BUCKETS: Final = 128


def copies_by_actor(
    state: LogState, database: str, months: Sequence[date], folder: str, engine: Engine
) -> list[str]:
    """The statements: one that copies each month (its first day) from the view `audit_events` into files below
    `folder` (an address with a slash at its end), and the view over all of them.

    A month that is there already is refused by the engine; nothing is ever replaced.
    """
    copies = [f"{database}.{VIEW}_{month:%Y_%m}" for month in months]
    made = [_copy(copy, database, month, folder, engine) for copy, month in zip(copies, months, strict=True)]
    columns = [*AUDIT_EVENTS.names, "dt"]
    named = ", ".join(columns)
    rows = "\nunion all\n".join(f"select {named} from {copy}" for copy in copies)  # noqa: S608 - names of our own
    masks = Masks.of(state, dialect="trino")
    shown = masks.over(TABLE, columns, f"({rows}) as copies") or rows
    return [*made, f"create or replace view {database}.{VIEW} as\n{shown}"]


def _copy(copy: str, database: str, month: date, folder: str, engine: Engine) -> str:
    after = (month + timedelta(days=31)).replace(day=1)
    place = literal(f"{folder}{VIEW}/{month:%Y-%m}/")
    rows = f"select {', '.join(AUDIT_EVENTS.names)}, dt from {database}.audit_events"  # noqa: S608 - our names
    packed = ", write_compression = 'ZSTD'" if engine.name == "athena" else ""  # Trino: a setting of its catalogue
    return (
        f"create table {copy}\n"
        f"with (format = 'PARQUET'{packed}, external_location = {place}, bucketed_by = array['actor_id'], "
        f"bucket_count = {_BUCKETS}) as\n"
        f"{rows}\nwhere dt >= date '{month}' and dt < date '{after}'"
    )
