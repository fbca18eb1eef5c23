"""What each event type is, as a view of values: the cookbook joins it, and needs no dbt for it."""

import csv

from warehouse.tables.sql_literal import literal
from warehouse.taxonomy.seed import SEED_COLUMNS
from warehouse.taxonomy.taxonomy import EVENT_TYPES_CSV


def event_types() -> str:
    """The SELECT of `event_types`: one row for each listed type, every column text, as the CSV file has it."""
    with EVENT_TYPES_CSV.open(newline="", encoding="utf-8") as file:
        rows = [[row[name] for name in SEED_COLUMNS] for row in csv.DictReader(file)]
    values = ",\n".join("(" + ", ".join(_value(value) for value in row) + ")" for row in rows)
    names = ", ".join(SEED_COLUMNS)
    return f"select {names} from (values\n{values}\n) as listed ({names})"  # noqa: S608 - our own file


def _value(text: str) -> str:
    """An empty cell is null, as DuckDB's reader of CSV has it."""
    return literal(text) if text else "null"
