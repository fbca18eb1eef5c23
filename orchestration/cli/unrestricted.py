"""The connection that `ledgerline sql` asks: masked as a rule; unmasked for a reason, which is on record first."""

from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.cli.output import Output

if TYPE_CHECKING:
    import duckdb

    from assets.workshop import Workshop


def connected(
    workshop: "Workshop", reason: str | None, output: Output, marts: Path | None
) -> "duckdb.DuckDBPyConnection":
    """Connect for reading; with a reason, without masks, after an entry in the log said so.

    `marts` is the file of the marts, None to leave them out; one that cannot be read is left out with a note.
    Where no restriction is on there is nothing to put on record, and nothing is. Raises RestrictionRefused.
    """
    from warehouse.archive.restriction import check_reason, record_reading  # noqa: PLC0415
    from warehouse.tables.catalog import connect  # noqa: PLC0415
    from warehouse.tables.masking import EVERY_TABLE  # noqa: PLC0415

    archive = workshop.archive
    unmasked = []
    if reason is not None:
        check_reason(reason)
        if archive.refresh().restricted():
            entry = record_reading(archive, reason)
            archive.settle()
            unmasked.append(EVERY_TABLE)
            output.aside(f"restricted persons are shown; entry {entry.seq} of the log says so")
        else:
            output.aside("nothing is restricted, so nothing was put on record")
    damaged: list[str] = []
    db = connect(archive, database=marts, unmasked=unmasked, on_unreadable=damaged.append)
    if damaged:
        output.aside(
            f"note: {marts} cannot be read as a DuckDB file ({damaged[0]}), so the marts are left out and the "
            "archive's tables answered; move it away and run `ledgerline build`"
        )
    elif marts is not None and marts.exists() and not _has_marts(db):
        output.aside(
            "the marts are not shown, a restriction changed since they were built: run `ledgerline build`"
        )
    elif unmasked and marts is not None and marts.exists():
        output.aside("the marts are masked as they were built")
    return db


def _has_marts(db: "duckdb.DuckDBPyConnection") -> bool:
    return bool(db.execute("select 1 from duckdb_databases() where database_name = 'marts'").fetchall())
