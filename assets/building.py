"""The marts from the archive. Knows no Dagster."""

from collections.abc import Callable

from assets.workshop import Workshop
from warehouse.tables.catalog import statements
from warehouse.tables.marts import BuildReport, ModelBuild, build_marts
from warehouse.tables.masking import fingerprint


def build(
    workshop: Workshop,
    *,
    select: str | None = None,
    full_refresh: bool = False,
    progress: Callable[[ModelBuild], None] | None = None,
) -> BuildReport:
    """Build the marts of the archive as it is now. Raises MartsError."""
    workshop.archive.refresh()
    return build_marts(
        catalog_sql=statements(workshop.archive),
        database=workshop.marts,
        select=select,
        full_refresh=full_refresh,
        restrictions=fingerprint(workshop.archive.state),
        progress=progress,
    )
