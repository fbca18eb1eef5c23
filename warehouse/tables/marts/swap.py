"""The new file beside the old one: one builder at a time, a copy or an empty start, and the swap at the end.

Promise: nobody ever sees half a file, no file is replaced that a build has not made, and nothing is left behind.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from warehouse.tables.connection import open_duckdb
from warehouse.tables.marts import days as built_days
from warehouse.tables.marts.errors import MartsBusy, MartsError, NotMarts, Unwritable


@contextmanager
def writing(database: Path) -> Iterator[None]:
    """Turn what the operating system refuses into Unwritable."""
    try:
        yield
    except OSError as error:
        raise Unwritable(
            f"The marts could not be written beside {database}: {error}. The marts that were there before are "
            "unchanged. Make room or give the right to write, then build again."
        ) from error


@contextmanager
def only_builder(database: Path) -> Iterator[Path]:
    """The folder the new file is made in, empty, for one builder at a time; emptied again at the end."""
    folder = database.parent / f".{database.name}.build"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise MartsBusy(
                f"Another build of {database} is running. Wait for it to end, then build again: whatever it "
                "leaves out is built then."
            ) from None
        try:
            _empty(folder)
            yield folder
        finally:
            _empty(folder)


def _empty(folder: Path) -> None:
    """Remove what a build made, or one that was killed has left; the lock stays, or two builders could hold it."""
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name != "lock":
            path.unlink()


def start(
    database: Path, new: Path, identity: str, full_refresh: bool, restrictions: str = ""
) -> tuple[bool, str]:
    """Whether to begin with an empty file, and why; otherwise `new` is a copy of the old one."""
    if not database.exists():
        return True, "there were no marts yet"
    shutil.copyfile(database, new)
    try:
        with open_duckdb(new) as db:
            last = built_days.last_build(db)
    except duckdb.Error as error:
        raise NotMarts(
            f"{database} cannot be read as a DuckDB file: {error}. Move it away or name another file in "
            "[warehouse] duckdb; the marts are then built from the archive."
        ) from error
    if last is None:
        raise NotMarts(
            f"{database} holds no marts built by ledgerline, so it is not replaced. Name another file in "
            "[warehouse] duckdb, or move this one away."
        )
    if full_refresh:
        reason = "asked for"
    elif last.project_sha256 != identity:
        reason = "the models, the taxonomy or dbt changed since the last build"
    elif last.restrictions != restrictions:
        reason = "a restriction was set or lifted since the last build"
    else:
        return False, ""
    new.unlink()
    return True, reason


def publish(new: Path, database: Path) -> None:
    """Put the closed file in the old one's place. Whoever has the old one open goes on reading that."""
    leftover = new.with_name(new.name + ".wal")
    if leftover.exists():
        raise MartsError(
            f"{leftover} is still there after the build closed its file, so {database} was not replaced. "
            "Build again."
        )
    handle = os.open(new, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    os.replace(new, database)
