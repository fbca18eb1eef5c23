"""Which telemetry files have landed: an index on this machine, which reads of the archive only what is new to it.

Promise: it says of a file what `otel_files` says. Lost, damaged, or made of another archive it is made anew.
"""

import sqlite3
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from warehouse.archive.archive import Archive
from warehouse.tables import parquet
from warehouse.tables.telemetry.schema import OTEL_FILES

INDEX: Final = "otel-files"
_COLUMNS: Final = ["source_sha256", "source_file", "source_version"]
# `part`: the table file that a row was read from, so that one that is gone takes its rows along
_TABLES: Final = """
create table if not exists archive (place text not null);
create table if not exists parts (key text primary key) without rowid;
create table if not exists files (part text not null, sha256 text not null, name text not null, version text);
create index if not exists by_part on files (part);
create index if not exists by_sha256 on files (sha256);
create index if not exists by_version on files (version, name) where version is not null;
"""


class KnownFiles:
    """Every file that has landed, by the digest of its bytes, and by its name with the version of a bucket."""

    def __init__(self, archive: Archive) -> None:
        """Brought up to date with the archive. Raises what reading the archive raises."""
        archive.refresh()
        path = archive.cache.with_name(INDEX) if archive.cache is not None else None
        try:
            self._db = _opened(path, archive)
        except (sqlite3.Error, OSError):  # a damaged file, or a disk that takes none
            self._db = _afresh(path, archive)

    def has_bytes(self, sha256: str) -> bool:
        return self._finds("select 1 from files where sha256 = ?", sha256)

    def has_object(self, name: str, version: str) -> bool:
        return self._finds("select 1 from files where version = ? and name = ?", version, name)

    def _finds(self, sql: str, *values: str) -> bool:
        return self._db.execute(f"{sql} limit 1", values).fetchone() is not None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()


def _afresh(path: Path | None, archive: Archive) -> sqlite3.Connection:
    if path is not None:
        with suppress(OSError):
            path.unlink(missing_ok=True)
        with suppress(sqlite3.Error, OSError):
            return _opened(path, archive)
    return _opened(None, archive)


def _opened(path: Path | None, archive: Archive) -> sqlite3.Connection:
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
    db = sqlite3.connect(path or ":memory:", timeout=60)
    try:
        with db:
            db.execute("begin immediate")  # another landing on this machine waits, and then finds it done
            _bring_up_to_date(db, archive)
    except BaseException:
        db.close()
        raise
    return db


def _bring_up_to_date(db: sqlite3.Connection, archive: Archive) -> None:
    for statement in _TABLES.split(";"):
        db.execute(statement)
    # by address and log, as the copies in the cache: an archive that was begun anew has files of the same names
    place = f"{archive.store.url} {archive.state.origin}"
    if db.execute("select place from archive").fetchall() != [(place,)]:
        for table in ("archive", "parts", "files"):
            db.execute(f"delete from {table}")  # noqa: S608 - names of our own
        db.execute("insert into archive values (?)", [place])
    there = {file.key: file for file in archive.state.table(OTEL_FILES.name).recent}
    read = {key for (key,) in db.execute("select key from parts")}
    for gone in sorted(read - there.keys()):
        db.execute("delete from files where part = ?", [gone])
        db.execute("delete from parts where key = ?", [gone])
    for key in sorted(there.keys() - read):
        rows = parquet.read(archive.read(there[key]), _COLUMNS)
        values = zip(*(rows[name].to_pylist() for name in _COLUMNS), strict=True)
        db.executemany("insert into files values (?, ?, ?, ?)", [(key, *row) for row in values])
        db.execute("insert into parts values (?)", [key])
