"""Errors of the rooms as Dagster shows them: what happened and what to do next, on the run's first line.

Promise: an error of ours becomes a Failure with its own words and is not retried by Dagster (the client has
tried already); anything else goes on as it is, with its traceback.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from warehouse.anthropic.errors import AnthropicError
from warehouse.archive.errors import ArchiveError
from warehouse.config import ConfigError
from warehouse.finops.errors import FinopsError
from warehouse.tables.audit_export.errors import AuditExportError
from warehouse.tables.marts import MartsError
from warehouse.telemetry import TelemetryError

OURS = (AnthropicError, ArchiveError, AuditExportError, ConfigError, FinopsError, MartsError, TelemetryError)


@contextmanager
def told_plainly() -> Iterator[None]:
    """Raise dg.Failure instead of an error of ours. No message of ours holds a secret."""
    try:
        yield
    except OURS as error:
        said = str(error)
        remedy = getattr(error, "remedy", "")
        if remedy and remedy not in said:
            said = f"{said}\nWhat to do: {remedy}"
        raise dg.Failure(said, metadata={"error": type(error).__name__}, allow_retries=False) from error
