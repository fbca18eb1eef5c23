"""The resources of the pipeline, made from Settings: one workshop per run, opened at its first use.

Nothing is read, contacted or asked for while definitions load; a configuration or a store that cannot be used
fails the run that needed it, in its own words.
"""

import os
from collections.abc import Iterator

import dagster as dg

from assets.failures import told_plainly
from assets.workshop import Workshop
from orchestration.report_server import REPORTS_URL
from orchestration.workshop import open_workshop
from warehouse.config import Settings
from warehouse.wire.times import Clock, system_clock


class Waits:
    """Waits for the vendor's rate limit, and what else should be known, told in the log of the run."""

    def __init__(self, context: dg.InitResourceContext) -> None:
        self._log = context.log

    def waiting(self, seconds: float, why: str) -> None:
        if self._log is not None:
            self._log.info(f"waiting {seconds:.0f} s: {why}")

    def note(self, text: str) -> None:
        if self._log is not None:
            self._log.warning(text)


def workshop_resource(settings: Settings, clock: Clock = system_clock) -> dg.ResourceDefinition:
    """A resource that opens the workshop for writing at the start of a run and closes it at its end."""

    @dg.resource(description="Archive, API client and parser, as ledgerline.toml describes them.")
    def workshop(context: dg.InitResourceContext) -> Iterator[Workshop]:
        with told_plainly():
            opened = open_workshop(settings, clock=clock, progress=Waits(context))
            made = opened.__enter__()
        made.reports_url = os.environ.get(REPORTS_URL) or None
        try:
            yield made
        finally:
            opened.__exit__(None, None, None)

    return workshop
