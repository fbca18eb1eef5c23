"""Every table that the archive stores as Parquet: DuckDB's views and Athena's and Glue's tables are made from it.

Promise: a table that is added here is in each catalogue, with the same columns in the same order.
"""

from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from warehouse.tables.alerts import ALERTS
from warehouse.tables.alerts import TABLE as ALERT_TABLE
from warehouse.tables.audit_export.schema import AUDIT_EXPORT_ROWS
from warehouse.tables.audit_export.schema import TABLE as EXPORT_TABLE
from warehouse.tables.directory.schema import LISTINGS
from warehouse.tables.directory.views import versions_view as directory_versions
from warehouse.tables.engagement.schema import MEASURES
from warehouse.tables.engagement.views import versions_view as engagement_versions
from warehouse.tables.schema import AUDIT_EVENTS, TABLE
from warehouse.tables.spend.schema import ALL_REPORTS


@dataclass(frozen=True)
class StoredTable:
    """One table: `view` is the name under which people read all of its rows, `folder` that below `tables/<tier>/`.

    by_day: the folder's day is the rows' own, and people see it as the column `dt`. sealed: its days are sealed.
    """

    view: str
    folder: str
    columns: pa.Schema
    by_day: bool = False
    sealed: bool = False


def _stored() -> list[StoredTable]:
    tables = [
        StoredTable("audit_event_versions", TABLE, AUDIT_EVENTS, by_day=True, sealed=True),
        StoredTable(EXPORT_TABLE, EXPORT_TABLE, AUDIT_EXPORT_ROWS, by_day=True),
        StoredTable("alert_versions", ALERT_TABLE, ALERTS),
    ]
    for report in ALL_REPORTS.values():
        tables.append(StoredTable(f"{report.stream}_row_versions", report.rows_table, report.rows))
        tables.append(StoredTable(f"{report.stream}_day_versions", report.days_table, report.days))
    tables += [StoredTable(directory_versions(one), one.table, one.schema) for one in LISTINGS.values()]
    tables += [StoredTable(engagement_versions(one), one.table, one.schema) for one in MEASURES.values()]
    return tables


STORED: Final[tuple[StoredTable, ...]] = tuple(_stored())
