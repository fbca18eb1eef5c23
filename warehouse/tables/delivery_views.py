"""Receipts and dead letters as tables: what went to which destination, and what still lies there.

Promise: only objects that a delivery entry of the log names are read; what a killed run left is no receipt. Who
asks for one destination, or for some days (`dt`), opens the receipts of these and no other.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from warehouse.archive.deliveries import RECEIPTS
from warehouse.archive.state import LogState
from warehouse.tables.masking import Masks
from warehouse.tables.object_access import within
from warehouse.tables.sql_literal import literal

DELIVERIES: Final = {
    "destination": "VARCHAR",
    "batch_id": "VARCHAR",
    "event_id": "VARCHAR",
    "version": "INTEGER",
    "status": "VARCHAR",
    "attempts": "INTEGER",
    "event_time": "TIMESTAMPTZ",
    "sent_at": "TIMESTAMPTZ",
    "acknowledged_at": "TIMESTAMPTZ",
    "age_seconds": "DOUBLE",
    "ack": "VARCHAR",
    "reason": "VARCHAR",
    "late": "VARCHAR",
    "action": "VARCHAR",
    "mapping_version": "VARCHAR",
    "entry_seq": "BIGINT",
    "entry_row": "BIGINT",
    "dt": "DATE",
}
DEAD_LETTERS: Final = {
    "destination": "VARCHAR",
    "batch_id": "VARCHAR",
    "event_id": "VARCHAR",
    "version": "INTEGER",
    "status": "VARCHAR",
    "reason": "VARCHAR",
    "first_at": "TIMESTAMPTZ",
    "attempts": "INTEGER",
    "slice": "VARCHAR",
    "event_time": "TIMESTAMPTZ",
    "entry_seq": "BIGINT",
    "entry_row": "BIGINT",
}


def delivery_views(prefix: str, state: LogState, root: str, masks: Masks) -> list[str]:
    """The views `deliveries` and `dead_letters`. `root`: what makes a key readable, as DuckDB takes it verbatim;
    `prefix`: the schema, with its dot. `log_entries` must be there."""
    served = state.served()
    receipts = _empty(DELIVERIES)
    folders = [f"{root}{RECEIPTS}{name}/" for name, one in sorted(served.items()) if one.receipts]
    if folders:
        plain = _plain(root)
        # which files count is asked of the log when the table is read: a list of all of them would grow for ever
        receipts = (
            f"select {_shown(DELIVERIES, masks, _by_path(len(plain + RECEIPTS)))} from read_parquet("
            f"[{', '.join(literal(folder + '*/*.parquet') for folder in folders)}], hive_partitioning = false, "
            f"filename = true) where filename in (select concat({literal(plain)}, object ->> 'key') from "
            f"(select unnest(cast(objects as json[])) as object from {prefix}log_entries where kind = 'delivery') "
            f"as named)"
        )
    files = [root + within(file.key, "dead_letters/") for one in served.values() for file in one.dead]
    dead = _empty(DEAD_LETTERS)
    if files:
        listed = ", ".join(map(literal, files))
        dead = f"select {_shown(DEAD_LETTERS, masks, {})} from read_parquet([{listed}], hive_partitioning = false)"
    return [
        f"create or replace view {prefix}deliveries as {receipts}",
        f"create or replace view {prefix}dead_letters as {dead}",
    ]


def _by_path(before: int) -> dict[str, str]:
    """Columns that the path of a file says, `before` characters being before the destination's name: DuckDB leaves
    out files by them without opening one."""
    below = f"substr(filename, {before + 1})"
    return {
        "destination": f"split_part({below}, '/', 1)",
        "dt": f"cast(substr(split_part({below}, '/', 2), {len('dt=') + 1}) as date)",
    }


def _shown(columns: Iterable[str], masks: Masks, made: Mapping[str, str]) -> str:
    """The columns, some of them `made` by an expression. A receiver may have repeated what it was sent."""
    shown = {name: masks.text(name) if name in ("ack", "reason") else name for name in columns}
    return ", ".join(f"{made[name]} as {name}" if name in made else text for name, text in shown.items())


def _empty(columns: dict[str, str]) -> str:
    return (
        "select " + ", ".join(f"cast(null as {kind}) as {name}" for name, kind in columns.items()) + " where false"
    )


def _plain(root: str) -> str:
    """The root as file names come back, where `[`, `*` and `?` stand for themselves."""
    return root.replace("[[]", "[").replace("[*]", "*").replace("[?]", "?")
