"""Files of a month as metadata that opens: a link where somebody serves them, else the path. Knows no payload."""

from pathlib import Path
from urllib.parse import quote

import dagster as dg

from assets.workshop import Workshop


def link(workshop: Workshop, path: Path) -> dg.MetadataValue:
    """A file below `workshop.reports`."""
    if workshop.reports_url is None:
        return dg.MetadataValue.path(path)
    place = quote(path.relative_to(workshop.reports).as_posix())
    return dg.MetadataValue.url(f"{workshop.reports_url.rstrip('/')}/{place}")
