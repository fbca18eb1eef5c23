"""Tables that dbt does not build, put into the file of the marts beside those that it does.

Promise: as with a build, a new file takes the old one's place; readers keep what they opened, and a failure
leaves the old file as it was.
"""

import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import duckdb
import pyarrow as pa

from warehouse.tables.connection import open_duckdb
from warehouse.tables.marts import days as built_days
from warehouse.tables.marts.errors import NotMarts
from warehouse.tables.marts.swap import only_builder, publish, writing
from warehouse.tables.masking import Masks


def put_tables(
    database: Path, tables: Mapping[str, tuple[pa.Schema, Iterable[pa.RecordBatch]]], masks: Masks
) -> dict[str, int]:
    """Replace tables of these names in the marts; returns their rows. Names are ours, never served text.

    Restricted persons are masked, as in every mart: `masks` are those that the marts were just built under. A
    later build keeps these tables, except where it begins anew because models or restrictions have changed. Raises
    NotMarts where there is no file of marts, what a build raises, and what the batches raise.
    """
    database = database.resolve()
    if not database.exists():
        raise NotMarts(f"{database} does not exist; `ledgerline build` makes it")
    rows = {}
    with writing(database), only_builder(database) as folder:
        new = folder / database.name
        shutil.copyfile(database, new)
        with open_duckdb(new) as db:
            if built_days.last_build(db) is None:
                raise NotMarts(f"{database} holds no marts built by ledgerline, so nothing is put into it")
            failed: list[Exception] = []
            for name, (schema, batches) in tables.items():
                incoming = pa.RecordBatchReader.from_batches(schema, _noting(batches, failed))
                db.register("incoming", incoming)
                shown = masks.over(name, schema.names, "incoming") or "select * from incoming"
                try:
                    db.execute(f'create or replace table main."{name}" as {shown}')
                except duckdb.Error:
                    if failed:  # what stopped the batches, not the engine's words about it
                        raise failed[0] from None
                    raise
                db.unregister("incoming")
                found = db.execute(f'select count(*) from main."{name}"').fetchone()  # noqa: S608
                rows[name] = int(found[0]) if found else 0
            db.execute("checkpoint")
        publish(new, database)
    return rows


def _noting(batches: Iterable[pa.RecordBatch], failed: list[Exception]) -> Iterator[pa.RecordBatch]:
    """The batches; an error of theirs is kept, because Arrow only passes on its text."""
    try:
        yield from batches
    except Exception as error:
        failed.append(error)
        raise
