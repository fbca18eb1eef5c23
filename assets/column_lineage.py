"""From which columns of which assets each column of a mart is made: for the UI as text, and for what draws it.

The facts are data: `column_lineage.csv`, read from the marts' SQL by `python -m docs.site`.
"""

import csv
from functools import cache
from pathlib import Path
from typing import Any, Final

import dagster as dg

from assets.mart_models import made_by

_SHOWN: Final = 4
LINEAGE: Final = Path(__file__).with_name("column_lineage.csv")


def lineage(mart: str) -> dict[str, Any]:
    """Metadata of a materialization; nothing for a mart whose SQL was not read."""
    found = _read().get(mart)
    return {"dagster/column_lineage": dg.TableColumnLineage(found)} if found else {}


def made_from(mart: str, column: str) -> str:
    """The same in words, the first few: `From audit_events.id.`; empty where nothing is known."""
    parents = [
        f"{one.asset_key.to_user_string()}.{one.column_name}" for one in _read().get(mart, {}).get(column, [])
    ]
    more = f" and {len(parents) - _SHOWN} more" if len(parents) > _SHOWN else ""
    return f"From {', '.join(parents[:_SHOWN])}{more}." if parents else ""


@cache
def _read() -> dict[str, dict[str, list[dg.TableColumnDep]]]:
    """By mart and column."""
    found: dict[str, dict[str, list[dg.TableColumnDep]]] = {}
    with LINEAGE.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            parent = dg.TableColumnDep(asset_key=made_by(row["from_table"]), column_name=row["from_column"])
            parents = found.setdefault(row["mart"], {}).setdefault(row["column"], [])
            if parent not in parents:  # two tables of one asset may have a column of one name
                parents.append(parent)
    return found
