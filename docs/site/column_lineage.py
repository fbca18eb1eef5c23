"""Which columns of the archive each column of a mart is made from, as data for the Dagster UI
(`assets/column_lineage.csv`): read by sqlglot from the SQL that dbt compiles, as dagster-dbt does it.

Promise: what stands between (staging, intermediate models, other marts) is followed through to the archive's
tables. A column that is counted, or made of constants, has no line. It takes a build of the marts, so that loading
the definitions does not.
"""

import csv
import io
import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import duckdb
from sqlglot import MappingSchema, exp, parse_one, to_table
from sqlglot.lineage import lineage
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import build_scope

from warehouse.archive.archive import Archive
from warehouse.archive.store import open_store
from warehouse.tables.catalog import statements
from warehouse.tables.marts import build_marts, find_project
from warehouse.tables.marts.dbt_run import run_dbt

_DIALECT = "duckdb"
# A name that no table has (a column of an unnested list) ends there instead of stopping the reading.
_AS_WRITTEN: Final[dict[str, Any]] = {"dialect": _DIALECT, "validate_qualify_columns": False, "identify": False}
# A column of a table, as (table, column).
Place = tuple[str, str]


def written() -> str:
    """The file, of the project as it is now: builds its marts over an archive that holds nothing."""
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "warehouse.duckdb"
        with Archive(open_store(f"file:{folder}/archive"), cache=Path(folder) / "state.cache") as archive:
            build_marts(catalog_sql=statements(archive), database=database)
        return lines(compiled(database, Path(folder) / "dbt"), database)


def compiled(database: Path, work: Path) -> dict[str, Any]:
    """dbt's manifest of the project, with the SQL of every model as it is for a file that was built."""
    run_dbt(["compile"], project=find_project(), database=database, work=work, batch="month", progress=None)
    found: dict[str, Any] = json.loads((work / "target" / "duckdb-month" / "manifest.json").read_text("utf-8"))
    return found


def lines(manifest: Mapping[str, Any], database: Path) -> str:
    """A line for each column of a mart and each column of the archive that it is made from, sorted."""
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(("mart", "column", "from_table", "from_column"))
    rows.writerows(_traced(manifest, _schema(database)))
    return out.getvalue()


def _schema(database: Path) -> MappingSchema:
    """Every column of the file, by which `select *` and bare names are understood."""
    schema = MappingSchema(dialect=_DIALECT)
    with duckdb.connect(str(database), read_only=True) as db:
        found = db.execute(
            "select database_name, schema_name, table_name, list(column_name), list(data_type) "
            "from duckdb_columns() where not internal group by all order by all"
        ).fetchall()
    for catalog, folder, name, columns, types in found:
        table = exp.table_(name, db=folder, catalog=catalog, quoted=True)
        schema.add_table(table, dict(zip(columns, types, strict=True)), dialect=_DIALECT)
    return schema


def _traced(manifest: Mapping[str, Any], schema: MappingSchema) -> Iterator[tuple[str, str, str, str]]:
    models = {
        _key(node["relation_name"]): node
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model"
    }
    archive = {_key(node["relation_name"]): node["name"] for node in manifest["sources"].values()}

    @cache
    def made_from(table: str) -> dict[str, frozenset[Place]]:
        return _parents(models[table]["compiled_code"], models[table]["columns"], schema)

    @cache
    def beginnings(table: str, column: str) -> frozenset[Place]:
        """The archive's columns behind one column; a seed is no asset, and ends there."""
        if table in archive:
            return frozenset({(archive[table], column)})
        if table not in models:
            return frozenset()
        return frozenset().union(*(beginnings(*one) for one in made_from(table).get(column, ())))

    for table, node in sorted(models.items(), key=lambda item: item[1]["name"]):
        if node["original_file_path"].startswith("models/marts/"):
            for column in node["columns"]:
                for name, parent in sorted(beginnings(table, column)):
                    yield node["name"], column, name, parent


def _parents(sql: str, columns: Iterable[str], schema: MappingSchema) -> dict[str, frozenset[Place]]:
    """Per column of a SELECT the columns of the tables it reads, by name."""
    scope = build_scope(qualify(parse_one(sql, dialect=_DIALECT), schema=schema, **_AS_WRITTEN))
    found: dict[str, frozenset[Place]] = {}
    for column in columns:
        places = set()
        for leaf in lineage(column, sql, schema=schema, scope=scope, dialect=_DIALECT).walk():
            table = None if leaf.downstream else leaf.expression.find(exp.Table)
            if table is not None:
                places.add((_of(table), exp.to_column(leaf.name).name.lower()))
        found[column] = frozenset(places)
    return found


def _key(relation: str) -> str:
    return _of(to_table(relation, dialect=_DIALECT))


def _of(table: exp.Table) -> str:
    return f"{table.db}.{table.name}".lower()
