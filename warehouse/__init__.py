"""HOW it is done, without Dagster: one room per concern. `connect` is the door for notebooks.

No room imports this face of the package, and importing it loads none of them.
"""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb


def connect(config: "str | Path | None" = None) -> "duckdb.DuckDBPyConnection":
    """A DuckDB connection with every table of the archive that a configuration file names, and the marts.

    Reads only; needs neither the API nor the signing key. Raises ConfigError, StoreError and LogError kinds.
    """
    from warehouse.archive.archive import Archive  # noqa: PLC0415 - importing the package stays cheap
    from warehouse.archive.store import open_store  # noqa: PLC0415
    from warehouse.config import load  # noqa: PLC0415
    from warehouse.tables.catalog import connect as catalog  # noqa: PLC0415

    settings = load(Path(config) if config is not None else None)
    own = settings.archive
    store = open_store(own.url, **own.opening(), writable=False)
    with Archive(store, cache=own.cache / "state.cache") as archive:
        return catalog(archive, database=settings.warehouse.duckdb)
