"""The console's nine-field audit-log export, the second source beside the feed: file to rows, rows to answers.

Promise: no row of a file is lost, no text is changed, and what could not be read is said beside it.
"""

from warehouse.tables.audit_export.errors import AuditExportError, ColumnsMissing, NotAnExport, PackingRefused
from warehouse.tables.audit_export.fields import FIELDS
from warehouse.tables.audit_export.join import audit_export_matches_sql
from warehouse.tables.audit_export.parse import Export, ExportRow, read_export
from warehouse.tables.audit_export.schema import AUDIT_EXPORT_ROWS, TABLE, by_day, rows_to_table

__all__ = [
    "AUDIT_EXPORT_ROWS",
    "FIELDS",
    "TABLE",
    "AuditExportError",
    "ColumnsMissing",
    "Export",
    "ExportRow",
    "NotAnExport",
    "PackingRefused",
    "audit_export_matches_sql",
    "by_day",
    "read_export",
    "rows_to_table",
]
