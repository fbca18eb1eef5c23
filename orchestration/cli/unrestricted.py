"""The connection that `ledgerline sql` asks: masked as a rule; unmasked for a reason, which is on record first."""

from typing import TYPE_CHECKING

from orchestration.cli.output import Output

if TYPE_CHECKING:
    import duckdb

    from assets.workshop import Workshop


def connected(workshop: "Workshop", reason: str | None, output: Output) -> "duckdb.DuckDBPyConnection":
    """Connect for reading; with a reason, without masks, after an entry in the log said so.

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
    db = connect(archive, database=workshop.marts, unmasked=unmasked)
    if workshop.marts.exists() and not _has_marts(db):
        output.aside(
            "the marts are not shown, a restriction changed since they were built: run `ledgerline build`"
        )
    elif unmasked and workshop.marts.exists():
        output.aside("the marts are masked as they were built")
    return db


def _has_marts(db: "duckdb.DuckDBPyConnection") -> bool:
    return bool(db.execute("select 1 from duckdb_databases() where database_name = 'marts'").fetchall())
