"""Sources that the models read beside the feed, where the archive has none of them: empty, never missing.

Promise: a build of an archive that only has the feed makes every mart; those of what was never pulled are empty.
"""

import duckdb
import pyarrow as pa

from warehouse.tables.audit_export.schema import AUDIT_EXPORT_ROWS
from warehouse.tables.directory.schema import API_KEYS, MEMBERS, USERS
from warehouse.tables.directory.views import versions_view
from warehouse.tables.engagement.schema import USERS as ENGAGED
from warehouse.tables.file_rows import sql_type
from warehouse.tables.spend.schema import COST, USAGE
from warehouse.tables.telemetry import TABLES as TELEMETRY
from warehouse.tables.telemetry import shown_columns

BESIDE_THE_FEED: dict[str, pa.Schema] = {
    f"{COST.stream}_row_versions": COST.rows,
    f"{COST.stream}_day_versions": COST.days,
    USAGE.rows_table: USAGE.rows,
    versions_view(USERS): USERS.schema,
    MEMBERS.table: MEMBERS.schema,
    API_KEYS.table: API_KEYS.schema,
    "audit_export_rows": AUDIT_EXPORT_ROWS,
    ENGAGED.table: ENGAGED.schema,
    **{one.name: shown_columns(one) for one in TELEMETRY.values() if one.key is not None},
}


def make_absent(db: duckdb.DuckDBPyConnection) -> list[str]:
    """Make an empty view in the schema `archive` for each source that is not there; returns their names."""
    found = db.execute(
        "select view_name from duckdb_views() where schema_name = 'archive' union all "
        "select table_name from duckdb_tables() where schema_name = 'archive'"
    ).fetchall()
    have = {name for (name,) in found}
    absent = [name for name in BESIDE_THE_FEED if name not in have]
    for name in absent:
        columns = ", ".join(
            f'cast(null as {sql_type(field)}) as "{field.name}"' for field in BESIDE_THE_FEED[name]
        )
        db.execute(f"create view archive.{name} as select {columns} where false")
    return absent
