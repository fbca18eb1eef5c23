"""The one Definitions object: what exists (assets), when it runs (schedules, sensors) and with what (resources).

Loading it reads the configuration for its first day and nothing else: no key, no store, no vendor.
"""

import warnings

import dagster as dg

warnings.filterwarnings("ignore", category=dg.BetaWarning)  # `backfill_policy` of @asset, used for years

from assets import (  # noqa: E402
    alerts,
    analytics,
    archive_log,
    audit,
    chargeback,
    chargeback_report,
    directory,
    engagement,
    evidence_reports,
    exports,
    legacy,
    marts,
    sealed,
    siem,
    telemetry,
)
from assets.code_references import with_code  # noqa: E402
from orchestration.closing import close_to_others  # noqa: E402
from orchestration.forwarding import forward_claims, waiting_claims  # noqa: E402
from orchestration.partitions import ended, ended_months, monthly, since  # noqa: E402
from orchestration.pruning import pruning_job  # noqa: E402
from orchestration.resources import workshop_resource  # noqa: E402
from orchestration.schedules import JOBS, schedules  # noqa: E402
from orchestration.sensors import export_files, failed_runs, failing_checks  # noqa: E402
from orchestration.telemetry_schedule import telemetry_landing, telemetry_schedule  # noqa: E402
from warehouse.config import ConfigError, Settings, load  # noqa: E402
from warehouse.wire.times import Clock, system_clock  # noqa: E402


def definitions_of(settings: Settings, clock: Clock = system_clock) -> dg.Definitions:
    """The pipeline that a configuration describes."""
    start = settings.anthropic.start
    prune_runs, inbox = pruning_job(settings.warehouse.duckdb), exports.inbox(settings.warehouse.duckdb)
    return dg.Definitions(
        assets=with_code(
            *(audit.activity_feed, analytics.usage_and_cost_api, *legacy.APIS),
            *(*directory.APIS, exports.console_export),
            *since(start, [audit.audit_pages, audit.audit_events, sealed.audit_events_sealed]),
            *(alerts.alerts, *siem.destination_assets(settings.destinations)),
            *ended(start, [analytics.usage_rows, analytics.cost_rows, *legacy.ASSETS, *engagement.ASSETS]),
            *monthly(start, [chargeback.chargeback_statement, chargeback_report.chargeback_report]),
            *(*directory.ASSETS, *telemetry.ASSETS),
            *(exports.audit_export_rows, marts.marts, archive_log.archive_log),
            *ended_months(start, evidence_reports.ASSETS),
        ),
        asset_checks=[
            *(audit.audit_feed_checks, sealed.audit_sealed_checks, alerts.every_commit_was_looked_at),
            *(analytics.spend_checks, engagement.engagement_checks, legacy.parity_checks),
            *(*directory.CHECKS, *telemetry.CHECKS, exports.feed_has_the_rows, exports.cells_are_readable),
        ],
        jobs=[*JOBS, telemetry_landing, forward_claims, prune_runs],
        schedules=[*schedules(start, prune_runs), telemetry_schedule(settings)],
        sensors=[failed_runs, failing_checks, waiting_claims(settings), export_files(inbox)],
        resources={"workshop": workshop_resource(settings, clock)},
        executor=dg.in_process_executor,
    )


@dg.definitions
def defs() -> dg.Definitions:
    """What Dagster loads: the pipeline of $LEDGERLINE_CONFIG, else of ./ledgerline.toml."""
    close_to_others()  # each process of Dagster that runs code of ours comes by here first
    try:
        return definitions_of(load())
    except ConfigError as error:
        raise dg.DagsterInvalidDefinitionError(f"{error}\nWhat to do: {error.remedy}") from None
