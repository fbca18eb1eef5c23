"""Table schemas as Dagster's catalogue shows them."""

from collections.abc import Mapping

import dagster as dg
import pyarrow as pa


def table_schema(columns: pa.Schema, words: Mapping[str, str] | None = None) -> dg.TableSchema:
    """The columns of a Parquet table with their Arrow types, and what is said of them."""
    said = words or {}
    return dg.TableSchema([dg.TableColumn(field.name, str(field.type), said.get(field.name)) for field in columns])
