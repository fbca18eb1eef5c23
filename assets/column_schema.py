"""Tables as Dagster's catalogue shows them: the name that SQL knows them by, and what each column means.

The meanings are data: `column_words.csv`, made of what the documentation says by `python -m docs.site`.
"""

import csv
from functools import cache
from pathlib import Path
from typing import Any, Final

import dagster as dg
import pyarrow as pa

WORDS: Final = Path(__file__).with_name("column_words.csv")


def table(name: str, columns: pa.Schema) -> dict[str, Any]:
    """Metadata of an asset that makes a table: its columns with their Arrow types and what they mean."""
    said = _words().get(name, {})
    schema = dg.TableSchema(
        [dg.TableColumn(field.name, str(field.type), said.get(field.name)) for field in columns]
    )
    return {"dagster/column_schema": schema, "dagster/table_name": name}


@cache
def _words() -> dict[str, dict[str, str]]:
    """What each column means, by table."""
    found: dict[str, dict[str, str]] = {}
    with WORDS.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            found.setdefault(row["table"], {})[row["column"]] = row["meaning"]
    return found
