"""Table schemas as Dagster's catalogue shows them."""

import dagster as dg
import pyarrow as pa


def table_schema(columns: pa.Schema) -> dg.TableSchema:
    """The columns of a Parquet table, with their Arrow types."""
    return dg.TableSchema([dg.TableColumn(field.name, str(field.type)) for field in columns])
