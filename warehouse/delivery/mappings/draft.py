"""Drafts the rows of listed event types that the tables lack: `python -m warehouse.delivery.mappings.draft`.

Promise: it only adds rows, in the taxonomy's order, each taken from the most alike type that has one. It says from
which, because a person reads every drafted row before it is committed.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from warehouse.delivery.mappings.tables import HERE, SCHEMA_TABLES, UNLISTED
from warehouse.taxonomy import EventType, load

_TARGETS: Final = "targets"


def draft(folder: Path = HERE) -> list[str]:
    """Add the missing rows to the tables in `folder`; one line for each, saying where it was taken from."""
    said = []
    for name in (*SCHEMA_TABLES, _TARGETS):
        path = folder / f"{name}.csv"
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            columns = list(reader.fieldnames or ())
            rows = {row["type"]: row for row in reader}
        missing = [known for known in load().types.values() if known.type not in rows]
        for known in missing:
            said.append(f"{name}.csv: {known.type} as {_model(name, known, rows) or 'nothing'}")
            rows[known.type] = {**dict.fromkeys(columns, ""), **drafted(name, known, rows)}
        if missing:
            path.write_text(_text(columns, rows), encoding="utf-8", newline="")
    return said


def drafted(name: str, known: EventType, rows: dict[str, dict[str, str]]) -> dict[str, str]:
    """The row of `known` in the table `name`, by what the other `rows` of that table say."""
    model = _model(name, known, rows)
    row = {**rows.get(model, {}), "type": known.type}
    if name == _TARGETS:
        return _declared_only(known, row)
    if model in load().types and row.get("object_category") == load().types[model].object:
        row["object_category"] = known.object
    return row


def _model(name: str, known: EventType, rows: dict[str, dict[str, str]]) -> str:
    return _most_alike(known, rows, object_counts=9 if name == _TARGETS else 2)


def _most_alike(known: EventType, rows: dict[str, dict[str, str]], object_counts: int) -> str:
    """The listed type that shares most of verb, category and object; else the row of the verb; else none."""

    def likeness(other: EventType) -> tuple[int, int]:
        # the verb decides what is done, the category to what, the object only how it is called
        alike = 4 * (other.verb == known.verb) + 3 * (other.category == known.category)
        same_words = set(known.type.split("_")) & set(other.type.split("_"))
        return alike + object_counts * (other.object == known.object), len(same_words)

    others = [other for other in load().types.values() if other.type in rows]
    best = max(others, key=likeness, default=None)
    if best is not None and likeness(best)[0] >= 5:
        return best.type
    unlisted = f"{UNLISTED}{known.verb}"
    return unlisted if unlisted in rows else ""


def _declared_only(known: EventType, row: dict[str, str]) -> dict[str, str]:
    """Of the places that the row names, those whose fields this type has."""
    declared = {field.name for field in known.fields}

    def kept(cell: str) -> str:
        return "|".join(place for place in cell.split("|") if place.partition("[")[0] in declared)

    return {name: cell if name == "type" else kept(cell) for name, cell in row.items()}


def _text(columns: Iterable[str], rows: dict[str, dict[str, str]]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(columns), lineterminator="\n")
    writer.writeheader()
    listed = [rows[name] for name in load().types if name in rows]
    writer.writerows([*listed, *(row for name, row in rows.items() if name not in load().types)])
    return out.getvalue()


def main() -> None:
    """Draft into the checkout this module was loaded from, and say what is to be read."""
    said = draft()
    print("\n".join(said) or "every listed event type has its rows")
    if said:
        print("Read each row, give MAPPING_VERSION a new value, and write the page and the packs anew.")


if __name__ == "__main__":
    main()
