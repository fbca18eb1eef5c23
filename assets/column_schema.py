"""Tables as Dagster's catalogue shows them: the name that SQL knows them by, and their columns."""

from collections.abc import Mapping
from typing import Any

import dagster as dg
import pyarrow as pa


def table(name: str, columns: pa.Schema, words: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Metadata of an asset that makes a table: its columns with their Arrow types, and what is said of them."""
    said = words or {}
    schema = dg.TableSchema(
        [dg.TableColumn(field.name, str(field.type), said.get(field.name)) for field in columns]
    )
    return {"dagster/column_schema": schema, "dagster/table_name": name}
