"""DuckDB as all of us open it, in memory or over the file of the marts.

Promise: times are UTC; nothing is drawn on stdout, whatever kind of process asks; in memory, nobody's host is
contacted because a question names what only an extension could read.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

_OFFLINE = {"autoinstall_known_extensions": False, "autoload_known_extensions": False}


def open_duckdb(
    file: Path | None = None, *, read_only: bool = False, **config: str | bool | int | float | list[str]
) -> duckdb.DuckDBPyConnection:
    """A connection, which the caller closes. `config`: further settings of an instance in memory; a file has those
    of whoever opened it first, dbt among them. Raises duckdb.Error for a file that is none."""
    import duckdb  # noqa: PLC0415 - tens of megabytes, for who only asks where rows stand

    if file is None:
        db = duckdb.connect(config={**_OFFLINE, **config})
    else:
        db = duckdb.connect(os.fspath(file), read_only=read_only)
    # DuckDB takes `python -c` and workers of a pool for a person at a prompt, and draws a bar for what takes long
    with suppress(duckdb.InvalidInputException):  # in a notebook that has no ipywidgets, and so no bar
        db.execute("set enable_progress_bar = false")
    db.execute("set timezone = 'UTC'")
    return db


def bound_memory(db: duckdb.DuckDBPyConnection, megabytes: int, spill: Path | None = None) -> None:
    """Let an instance hold so much, or less on a machine that has not so much, and put what does not fit into a
    folder; without one, beside the database."""
    there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 1_000_000
    db.execute(f"set memory_limit = '{min(megabytes, there * 6 // 10)}MB'")
    if spill is not None:
        db.execute("set temp_directory = ?", [os.fspath(spill)])
