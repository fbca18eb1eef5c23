"""The reference of the tables: every table, view and mart with its columns, their types and meanings.

Promise: which tables and columns there are, and of which type, is asked of an archive that was just made; what
they mean is read from where it is kept (formats.md and sql.md, the dbt project, chargeback_columns.csv). A column
without a meaning raises LookupError.
"""

import csv
import re
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import yaml

from assets.chargeback_build import PAYER_SCHEMAS, SCHEMAS
from assets.mart_models import read_marts
from assets.month_tables import MONTHLY_SCHEMAS
from warehouse.archive.archive import Archive
from warehouse.archive.store import open_store
from warehouse.finops.focus_periods import BILLING_PERIOD_SCHEMA
from warehouse.finops.outlook_tables import SCHEMAS as OUTLOOK_SCHEMAS
from warehouse.tables.catalog import connect

_DOCS = Path(__file__).parents[1]
_SEED = _DOCS.parent / "dbt_project" / "seeds" / "event_types.yml"
_WORDS = Path(__file__).with_name("chargeback_columns.csv")
_CELLS = re.compile(r"(?<!\\)\|")
_LINK = re.compile(r"\]\(([^)]*)\)")
_GROUPS = {
    "Audit": ("audit_", "event_types"),
    "The log": ("log_",),
    "Cost and usage": ("cost_", "usage_", "legacy_"),
    "The directory": ("directory_", "spend_"),
    "Engagement": ("engagement_",),
    "Telemetry of Claude Code": ("otel_",),
    "Alerts and delivery": ("alert", "deliver", "dead_"),
}


@dataclass(frozen=True)
class Table:
    """A table on the page: what a row is, its columns as (name, type, meaning), and views alike."""

    name: str
    row: str
    columns: tuple[tuple[str, str, str], ...]
    alike: tuple[str, ...] = ()


def written(made: str) -> str:
    """The whole page; `made` says by which command, and stands below its title."""
    stored, marts, books = archive_tables(), mart_tables(), chargeback_tables()
    groups = {title: [one for one in stored if one.name.startswith(begin)] for title, begin in _GROUPS.items()} | {
        "Marts": marts,
        "Chargeback": books,
    }
    lines = [
        "# Tables",
        "",
        made,
        "",
        "Every table that `ledgerline sql` and `warehouse.connect` show, with each column, its type in DuckDB,",
        "and what it means. How versions, `fold` and *as of* work, and questions to begin with: [SQL](../sql.md).",
        "The files behind the tables, column by column: [formats](../formats.md). The same in Athena and Trino:",
        "[Athena](../athena.md).",
        "",
    ]
    for title, tables in groups.items():
        lines.append(f"- [{title}](#{_anchor(title)}): " + ", ".join(f"[`{t.name}`](#{t.name})" for t in tables))
    for title, tables in groups.items():
        lines += ["", f"## {title}"]
        for table in tables:
            lines += ["", *_section(table)]
    return "\n".join(lines) + "\n"


def _section(table: Table) -> Iterable[str]:
    yield f"### {table.name}"
    yield ""
    if table.row:
        yield table.row
    if table.alike:
        yield ""
        yield "The same columns: " + ", ".join(f"`{name}`" for name in table.alike) + "."
    yield from ["", "| column | type | meaning |", "| --- | --- | --- |"]
    yield from (f"| `{name}` | {kind} | {meaning} |" for name, kind, meaning in table.columns)


def archive_tables() -> list[Table]:
    """The tables over the archive, in the order of the list in sql.md. One that has no words of its own stands
    with the first that has the same columns: versions, as-of forms, the legacy reports."""
    listed = _listed()
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(f"file:{folder}/archive")
        with Archive(store, cache=Path(folder) / "state.cache") as archive, connect(archive) as db:
            shown = {name: _described(db, name) for name in listed if not name.endswith("_as_of")}
    words = _words_of_the_archive(shown)
    alike: dict[str, list[str]] = {name: [] for name in shown if name in words}
    for name in listed:
        columns = shown.get(name) or shown[name.removesuffix("_as_of")]
        if name not in alike:
            own = name.removesuffix("_as_of")
            base = own if own in alike else next((one for one in alike if shown[one] == columns), None)
            if base is None:
                raise LookupError(f"neither formats.md nor sql.md describes the columns of {name}")
            alike[base].append(f"{name}(ts)" if name.endswith("_as_of") else name)
    return [
        Table(
            base, listed[base], tuple((*one, _meaning(words, base, one[0])) for one in shown[base]), tuple(names)
        )
        for base, names in alike.items()
    ]


def mart_tables() -> list[Table]:
    """What dbt builds for people, as its files describe it."""
    return [
        Table(mart.name, mart.description, tuple((c.name, c.type, _cell(c.description)) for c in mart.columns))
        for mart in read_marts()
    ]


def chargeback_tables() -> list[Table]:
    """What `ledgerline finops build` puts beside the marts."""
    schemas: dict[str, pa.Schema] = {
        **SCHEMAS,
        **MONTHLY_SCHEMAS,
        **OUTLOOK_SCHEMAS,
        **PAYER_SCHEMAS,
        "billing_period": BILLING_PERIOD_SCHEMA,
    }
    with _WORDS.open(newline="", encoding="utf-8") as file:
        words = {(row["table"], row["column"]): row["meaning"] for row in csv.DictReader(file)}
    said = {name: row[1] for row in _table("chargeback.md", "table", "one row is") for name in _names(row[0])}
    return [
        Table(
            name,
            "One row is " + _relinked(re.split(r": `|, in the words|\(`", said[name])[0].strip(), "../") + ".",
            tuple((one.name, _in_duckdb(one), _of_either(words, name, one.name)) for one in schema),
        )
        for name, schema in schemas.items()
    ]


def _of_either(words: Mapping[tuple[str, str], str], table: str, column: str) -> str:
    found = words.get((table, column)) or words.get(("*", column))
    if not found:
        raise LookupError(f"{_WORDS.name} has no meaning for {table}.{column}")
    return _cell(found)


def _meaning(words: Mapping[str, Mapping[str, str]], table: str, column: str) -> str:
    found = words.get(table, {}).get(column)
    if not found:
        raise LookupError(f"neither formats.md nor sql.md says what {table}.{column} means")
    return found


def _listed() -> dict[str, str]:
    """Every table of the list in sql.md, with what a row is and what it is for."""
    return {
        name.partition("(")[0]: _relinked(f"A row is {row[1]}. Use it for: {row[2]}.", "../")
        for row in _table("sql.md", "table", "a row is", "use it for")
        for name in _names(row[0])
    }


def _words_of_the_archive(shown: Mapping[str, list[tuple[str, str]]]) -> dict[str, dict[str, str]]:
    """Per table and column what formats.md and sql.md say; the listed types from the seed of the marts."""
    words: dict[str, dict[str, str]] = {"event_types": {}}
    for column in yaml.safe_load(_SEED.read_text(encoding="utf-8"))["seeds"][0]["columns"]:
        words["event_types"][column["name"]] = _cell(column["description"])
    for page, heading in (("formats.md", r"## Columns of `{}`"), ("sql.md", r"### {}")):
        text = (_DOCS / page).read_text(encoding="utf-8")
        for table in shown:
            section = re.search(rf"^{heading.format(re.escape(table))}$(.*?)(?=^##)", text, re.M | re.S)
            if section is None:
                continue
            found = words.setdefault(table, {})
            for cells in _rows(section.group(1), "column"):
                for name in _names(cells[0]):
                    place = (
                        f"see [there](../{page}#{_anchor(section.group(0).partition(chr(10))[0].lstrip('# '))})"
                    )
                    found[name] = _relinked(cells[-1], "../", page).replace("see below", place)
    return words


def _described(db: duckdb.DuckDBPyConnection, view: str) -> list[tuple[str, str]]:
    found = db.execute(f"select column_name, column_type from (describe {view})").fetchall()  # noqa: S608 - ours
    return [(name, _lower(kind)) for name, kind in found]


def _in_duckdb(field: pa.Field) -> str:
    with duckdb.connect() as db:
        return _lower(str(db.from_arrow(pa.schema([field]).empty_table()).types[0]))


def _lower(kind: str) -> str:
    return kind.lower().replace("timestamp with time zone", "timestamptz").replace(",", ", ").replace("  ", " ")


def _table(page: str, *titles: str) -> list[list[str]]:
    """The rows of every table of a page whose header begins with these titles."""
    text = (_DOCS / page).read_text(encoding="utf-8")
    return list(_rows(text, *titles))


def _rows(text: str, *titles: str) -> Iterable[list[str]]:
    inside = False
    for line in text.split("\n"):
        if not line.startswith("|"):
            inside = False
            continue
        cells = [cell.strip() for cell in _CELLS.split(line)[1:-1]]
        if cells[: len(titles)] == list(titles):
            inside = True
        elif inside and not all(re.fullmatch(r":?-+:?", cell) for cell in cells):
            yield cells


def _names(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def _relinked(text: str, up: str, page: str = "sql.md") -> str:
    """Links as they are right one folder further down."""

    def turned(match: re.Match[str]) -> str:
        target = match.group(1)
        if ":" in target:
            return match.group(0)
        return f"]({up}{page}{target})" if target.startswith("#") else f"]({up}{target})"

    return _LINK.sub(turned, text)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;").rstrip(".")


def _anchor(title: str) -> str:
    return title.lower().replace("`", "").replace(" ", "-")
