"""SQL of people over an archive: what a question may read, and a connection that it cannot open again.

Promise: a question reads the tables and views of its connection and nothing else: no file by its name (not of the
archive either, where the masks would be passed by), no other machine, no setting. Two locks, each enough against
most: the engine is closed to everything but the archive's files, and a question that names a file is refused.
"""

import json
import os
import re
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import duckdb

from warehouse.archive.archive import Archive
from warehouse.tables.object_access import reader_of
from warehouse.tables.sql_literal import literal
from warehouse.taxonomy.taxonomy import EVENT_TYPES_CSV

# Table functions that read nothing but what they are given, or the engine's own lists.
_HARMLESS: Final = frozenset(
    """
    range generate_series unnest repeat repeat_row json_each json_tree summary duckdb_columns duckdb_constraints
    duckdb_databases duckdb_functions duckdb_indexes duckdb_keywords duckdb_schemas duckdb_sequences
    duckdb_settings duckdb_tables duckdb_types duckdb_views pragma_show pragma_table_info pragma_version
    """.split()  # noqa: SIM905 - a list of names reads better as text
)
_NO_NAME = re.compile(r"[/\\.*?:]")
_QUOTED = re.compile(r"""'[^']*'|"[^"]*\"""")
_OTHER_QUOTES = re.compile(r"\$\w*\$|(?i:\bu&['\"])")
_REMEDY = "ask the tables, which `show tables` lists; files are read by DuckDB itself, or by warehouse.connect"


class ReadsFiles(Exception):
    """A question would read something else than the tables. `remedy` says what to do instead."""

    remedy = _REMEDY


def enclose(db: duckdb.DuckDBPyConnection, archive: Archive) -> None:
    """Close a connection of `catalog.connect` for good: the archive's files and what is attached can be read."""
    root, _ = reader_of(archive)
    # A name that nobody can foresee: the folder is made by the engine, when an answer does not fit into memory.
    spill = Path(tempfile.gettempdir()) / f"ledgerline-sql-{secrets.token_hex(8)}"
    for setting in (
        f"temp_directory = {literal(os.fspath(spill))}",
        "python_enable_replacements = false",
        f"allowed_directories = [{literal(root)}]",
        f"allowed_paths = [{literal(os.fspath(EVENT_TYPES_CSV))}]",
        "enable_external_access = false",
        "lock_configuration = true",
    ):
        db.execute(f"set {setting}")


def refuse_files(db: duckdb.DuckDBPyConnection, text: str) -> None:
    """Raises ReadsFiles where a question (SELECT or PIVOT) names something else than tables and views."""
    tree = _tree(db, text)
    if tree is None:  # the engine has no tree of PIVOT at the top: then by its words, and more is refused
        _refuse_words(db, text)
        return
    own, schemas = _own_functions(db), _schemas(db)
    for node in _nodes(tree):
        if node.get("type") == "TABLE_FUNCTION":
            name = str(node["function"].get("function_name", "")).lower()
            if name not in own:
                raise ReadsFiles(f"{name} is refused: a question reads the tables, and no files or other machines")
        elif node.get("type") == "BASE_TABLE":
            name = str(node.get("table_name", ""))
            around = [str(node.get(part) or "") for part in ("catalog_name", "schema_name")]
            if _NO_NAME.search(name) or any(part and part not in schemas for part in around):
                raise ReadsFiles(
                    f"{'.'.join([*filter(None, around), name])!r} is no table, and files are not read"
                )


def _tree(db: duckdb.DuckDBPyConnection, text: str) -> Any:
    """The question as the engine itself has parsed it; None for what it does not give."""
    if "\0" in text:  # would end the literal for the engine's parser
        return None
    # As a literal: to bind values, DuckDB loads pandas, which takes longer than most questions.
    row = db.execute(f"select json_serialize_sql({literal(text)})").fetchone()
    tree = json.loads(row[0]) if row else {"error": True}
    return None if tree["error"] else tree["statements"]


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    rest = [tree]
    while rest:
        node = rest.pop()
        if isinstance(node, dict):
            yield node
            rest += node.values()
        elif isinstance(node, list):
            rest += node


def _refuse_words(db: duckdb.DuckDBPyConnection, text: str) -> None:
    """No name of a table function but the harmless ones, and no text or quoted name that could be a file's."""
    kinds = "('table', 'table_macro', 'pragma')"
    found = db.execute(f"select function_name from duckdb_functions() where function_type in {kinds}").fetchall()  # noqa: S608
    refused = {str(row[0]).lower() for row in found} - _own_functions(db)
    named = [word for word in re.findall(r"\w+", text.lower()) if word in refused]
    quoted = [one for one in _QUOTED.findall(text) if _NO_NAME.search(one)]
    for odd in (*named, *quoted, *_OTHER_QUOTES.findall(text)):
        raise ReadsFiles(
            f"{odd} could be a file, and a question with PIVOT in front may name none; make it a subquery, "
            "with its values in IN"
        )


def _own_functions(db: duckdb.DuckDBPyConnection) -> frozenset[str]:
    """The harmless ones, and the macros that were made for the archive's tables."""
    made = db.execute(
        "select function_name from duckdb_functions() where function_type = 'table_macro' and not internal"
    )
    return _HARMLESS | {str(row[0]).lower() for row in made.fetchall()}


def _schemas(db: duckdb.DuckDBPyConnection) -> frozenset[str]:
    found = db.execute(
        "select schema_name from duckdb_schemas() union select database_name from duckdb_databases()"
    )
    return frozenset(str(row[0]) for row in found.fetchall())
