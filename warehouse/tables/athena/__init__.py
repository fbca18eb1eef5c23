"""The archive's tables in Athena and in Trino, the engine under it: the same names and answers as in DuckDB.

Promise: every table comes from `stored_tables`, so no catalogue has one more, or a column otherwise, than another.
"""

from warehouse.tables.athena.by_actor import copies_by_actor
from warehouse.tables.athena.catalogue import Place, catalogue, external_tables, glue_tables, unseen_days
from warehouse.tables.athena.engines import ENGINES, Engine

__all__ = [
    "ENGINES",
    "Engine",
    "Place",
    "catalogue",
    "copies_by_actor",
    "external_tables",
    "glue_tables",
    "unseen_days",
]
