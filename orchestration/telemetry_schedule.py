"""When telemetry lands: every ten minutes, where a source is configured. Late, twice or never loses nothing."""

from collections.abc import Iterator

import dagster as dg

from assets.telemetry import telemetry
from warehouse.config import Settings

telemetry_landing = dg.define_asset_job(
    "telemetry_landing",
    selection=dg.AssetSelection.assets(telemetry),
    description="Closed files of the OpenTelemetry Collector, landed without content, and the checks on them.",
)


def telemetry_schedule(settings: Settings) -> dg.ScheduleDefinition:
    """The schedule of an installation; it skips as long as `[telemetry] sources` names none."""

    @dg.schedule(
        job=telemetry_landing,
        cron_schedule="*/10 * * * *",
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Lands what the Collector has closed since.",
    )
    def telemetry_every_10_minutes() -> Iterator[dg.RunRequest | dg.SkipReason]:
        if settings.telemetry.sources:
            yield dg.RunRequest()
        else:
            yield dg.SkipReason("the configuration names no source of telemetry: [telemetry] sources")

    return telemetry_every_10_minutes
