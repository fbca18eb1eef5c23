"""Writes docs/mappings.md from the tables: `python -m warehouse.delivery.mappings.page`.

Promise: the committed page is exactly what this writes; a test holds them together.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

import msgspec

from warehouse.delivery.mappings.asim import COLUMNS, TABLE
from warehouse.delivery.mappings.canonical import MAPPING_VERSION
from warehouse.delivery.mappings.sample import sample_alert, samples
from warehouse.delivery.mappings.schemas import SCHEMAS
from warehouse.delivery.mappings.tables import HERE, SCHEMA_TABLES, UNLISTED
from warehouse.taxonomy import load

PAGE: Final = Path(__file__).resolve().parents[3] / "docs" / "mappings.md"

_HEAD: Final = Path(__file__).with_suffix(".txt")
# The heading of each schema's column, and what a row of its table shows there.
_HEADINGS: Final[dict[str, tuple[str, Callable[[dict[str, str]], str]]]] = {
    "cim": ("CIM", lambda row: f"{row['model']}: {row['action'] or '-'}"),
    "ecs": ("ECS", lambda row: f"{_both(row['category'])}: {_both(row['event_type'])}"),
    "asim": ("ASIM", lambda row: f"{row['schema']}: {row['event_type']}"),
    "ocsf": ("OCSF", lambda row: f"{row['class_uid']}: {row['activity_id']}"),
    "datadog": ("Datadog", lambda row: row["evt_category"]),
    "udm": ("UDM", lambda row: row["event_type"]),
}


def text() -> str:
    """The page."""
    parts = [
        _HEAD.read_text(encoding="utf-8"),
        f"The tables below are version `{MAPPING_VERSION}`.\n",
        "## Severity and outcome\n",
        "An alert's severity is put on the same scales.\n",
        _file("severities.csv"),
        "An empty cell: the schema is told nothing.\n",
        _file("outcomes.csv"),
        "## One event in each schema\n",
        "A role given to somebody. What stands under `raw`, `record`, `RawEvent` is the vendor's record.\n",
        *_examples(),
        "## One alert in each schema\n",
        *_alerts(),
        f"## Columns of `{TABLE}`\n",
        _rows(("column", "type"), ((f"`{name}`", kind) for name, kind in COLUMNS.items())),
        "## Every event type\n",
        "CIM: data model and action (`outcome`: success, failure or pending, as it ended). ECS: category and\n"
        "type. ASIM: schema and event type. OCSF: class and activity. Datadog: `evt.category`. UDM: event type.\n",
        _types(),
        "## Types nobody has listed\n",
        "By the verb that the name is read for; category `unknown` everywhere.\n",
        _unlisted(),
    ]
    return "\n".join(parts)


def _examples() -> Iterable[str]:
    event = samples()[0]
    for schema in SCHEMAS.values():
        yield f"### {schema.title} {schema.version}\n"
        yield _json(schema.event(event))


def _alerts() -> Iterable[str]:
    alert = sample_alert()
    for schema in SCHEMAS.values():
        yield f"### An alert in {schema.title}\n"
        yield _json(schema.alert(alert))


def _json(document: dict[str, Any]) -> str:
    pretty = msgspec.json.format(msgspec.json.encode(document), indent=2).decode()
    return f"```json\n{pretty}\n```\n"


def _file(name: str) -> str:
    with (HERE / name).open(newline="", encoding="utf-8") as file:
        head, *rows = csv.reader(file)
    return _rows(head, rows)


def _tables() -> dict[str, dict[str, dict[str, str]]]:
    found = {}
    for name in SCHEMA_TABLES:
        with (HERE / f"{name}.csv").open(newline="", encoding="utf-8") as file:
            found[name] = {row["type"]: row for row in csv.DictReader(file)}
    return found


def _types() -> str:
    tables = _tables()
    heads = ("type", "category", "verb", "outcome", "severity", *(head for head, _ in _HEADINGS.values()))
    return _rows(
        heads,
        (
            (
                f"`{known.type}`",
                known.category,
                known.verb,
                known.outcome,
                known.severity,
                *(shown(tables[name][known.type]) for name, (_, shown) in _HEADINGS.items()),
            )
            for known in load().types.values()
        ),
    )


def _unlisted() -> str:
    tables = _tables()
    return _rows(
        ("verb", *(head for head, _ in _HEADINGS.values())),
        (
            (name.removeprefix(UNLISTED), *(shown(tables[table][name]) for table, (_, shown) in _HEADINGS.items()))
            for name in tables["cim"]
            if name.startswith(UNLISTED)
        ),
    )


def _both(cell: str) -> str:
    return cell.replace("|", ", ")


def _rows(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    names = list(head)
    lines = [names, ["---"] * len(names), *(list(row) for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def main() -> None:
    """Write the page into the checkout this module was loaded from."""
    PAGE.write_text(text(), encoding="utf-8", newline="\n")
    print(f"wrote {PAGE}")


if __name__ == "__main__":
    main()
