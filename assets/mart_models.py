"""What the dbt project says of its marts, read from its files: names, words, columns, tests, and what feeds them.

Promise: reads text only. Loading definitions must not cost the five seconds that dbt takes to parse a project,
and the tail loads them every five minutes.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml  # read here only, and checked by what comes out

from warehouse.tables.marts import find_project

# Tables of which an asset makes several, by the name of that asset.
_MADE_BY = {
    "cost_row_versions": "cost_rows",
    "cost_day_versions": "cost_rows",
    "directory_user_versions": "directory",
    "directory_group_members": "directory",
    "directory_api_keys": "directory",
}
_REF = re.compile(r"""\bref\(\s*['"](\w+)['"]\s*\)""")
_SOURCE = re.compile(r"""\bsource\(\s*['"]archive['"]\s*,\s*['"](\w+)['"]\s*\)""")
_IN_DUCKDB = re.compile(r"'duckdb':\s*'([^']*)'")
_QUOTED = re.compile(r"'([^']*)'")


@dataclass(frozen=True)
class Column:
    name: str
    type: str
    description: str
    tests: tuple[str, ...]


@dataclass(frozen=True)
class Mart:
    """One model people read. `sources` are the assets it is made from, through every model between; `sql` is its
    file."""

    name: str
    description: str
    columns: tuple[Column, ...]
    sources: tuple[str, ...]
    tests: int
    sql: Path


def read_marts(project: Path | None = None) -> list[Mart]:
    """The marts of the project, by name. Raises ProjectMissing."""
    models = find_project(project) / "models"
    sql = {path.stem: path.read_text(encoding="utf-8") for path in models.rglob("*.sql")}
    said = {model["name"]: model for path in models.rglob("*.yml") for model in _models_in(path)}
    marts = sorted((models / "marts").rglob("*.sql"), key=lambda path: path.stem)
    return [_mart(path, said.get(path.stem, {}), sql) for path in marts]


def _models_in(path: Path) -> list[dict[str, Any]]:
    document = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    models: list[dict[str, Any]] = document.get("models") or []
    return models


def _mart(path: Path, said: dict[str, Any], sql: dict[str, str]) -> Mart:
    columns = tuple(_column(column) for column in said.get("columns", []))
    tests = sum(len(column.tests) for column in columns) + len(said.get("data_tests", []))
    description = " ".join(str(said.get("description", "")).split())
    return Mart(path.stem, description, columns, _assets(_sources(path.stem, sql, set())), tests, path.absolute())


def _column(said: dict[str, Any]) -> Column:
    tests = tuple(test if isinstance(test, str) else next(iter(test)) for test in said.get("data_tests", []))
    declared = str(said.get("data_type", ""))
    if declared.startswith("{{"):  # one name per adapter; DuckDB's says so or stands first
        declared = (_IN_DUCKDB.findall(declared) or _QUOTED.findall(declared) or [""])[0]
    return Column(str(said["name"]), declared or "unknown", str(said.get("description", "")), tests)


def _assets(tables: set[str]) -> tuple[str, ...]:
    return tuple(sorted({made_by(table) for table in tables}))


def made_by(table: str) -> str:
    """The asset that makes a table of the archive."""
    return _MADE_BY.get(table, table)


def _sources(name: str, sql: dict[str, str], seen: set[str]) -> set[str]:
    """The archive's tables that a model reads, itself or through the models it refers to."""
    if name in seen or name not in sql:
        return set()
    seen.add(name)
    found = set(_SOURCE.findall(sql[name]))
    for other in _REF.findall(sql[name]):
        found |= _sources(other, sql, seen)
    return found
