"""The tables of telemetry as people read them: every row that came, and which of them repeat an earlier one.

Promise: delivery is at least once, so repeats are kept and marked (`duplicate`), whichever file came first and
however many writers there were; what is not marked can be summed.
"""

import pyarrow as pa

from warehouse.tables.masking import Masks
from warehouse.tables.telemetry.schema import TABLES, Table


def shown_columns(table: Table) -> pa.Schema:
    """The columns of the view but `dt`: those of the files and, where rows can repeat, `duplicate`."""
    return table.schema if table.key is None else table.schema.append(pa.field("duplicate", pa.bool_()))


def telemetry_as_of(literal: str) -> list[str]:
    """Make the tables mean what had landed by a moment (a SQL literal), for this connection."""
    return [
        f"create or replace temp view {name} as select * from memory.main.{name} where landed_at <= {literal}"
        for name in TABLES
    ]


def telemetry_view(name: str, table: Table, stored: str, masks: Masks) -> str:
    """The view over the stored rows (a SELECT of the table's columns and `dt`)."""
    return f"create or replace view {name} as {telemetry_rows(table, stored, masks)}"


def telemetry_rows(table: Table, stored: str, masks: Masks) -> str:
    """What the view selects, in words that DuckDB and Athena share."""
    columns = [f'"{field.name}"' for field in table.schema]
    if table.key is not None:
        same = ", ".join(f'"{one}"' for one in table.key)
        columns.append(f"row_number() over (partition by {same} order by commit_seq, position) > 1 as duplicate")
    marked = f"select {', '.join([*columns, 'dt'])} from ({stored}) as stored"
    shown = [f'"{field.name}"' for field in shown_columns(table)] + ["dt"]
    return masks.over(table.name, shown, f"({marked}) as marked") or marked
