"""Usage and cost as assets: what was used and what it cost, by person, product and model, day by day.

A partition is a UTC day. Days are whole, and restated by the vendor for up to 30 days: each complete pull of a day
is a version of it. What may not be summed: `*_row_versions`, where a restated day stands several times.
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg
from pydantic import Field

from assets.audit import ONE_API_WINDOW, OWNERS
from assets.code_references import written_here
from assets.column_schema import table
from assets.cost_verdicts import OF_COST
from assets.failures import told_plainly
from assets.run_log import RunLog
from assets.spend_pulling import SpendReport, due_or_requested, pull_spend_windows, recover_spend
from assets.spend_verdicts import LATE, OF_SPEND, TOO_LATE, day_facts
from assets.verdict_results import check_result, spec
from assets.workshop import Workshop
from warehouse.anthropic.errors import WindowRefused
from warehouse.anthropic.spend_planning import first_day
from warehouse.anthropic.spend_queries import STREAMS, Stream
from warehouse.tables.spend.schema import COST_ROWS, USAGE_ROWS
from warehouse.wire.times import midnight
from warehouse.wire.windows import Window

GROUP = "spend"
DAYS = dg.DailyPartitionsDefinition(start_date="2026-01-01", timezone="UTC")
# One budget of 60 requests a minute for the whole organisation: one run at a time.
POOL = "analytics_api"


class SpendRun(dg.Config):
    """How a run reads its days."""

    again: bool = Field(
        default=False,
        description="Read days again that are held and cannot have changed: final ones, and those whose figures "
        "the vendor has not refreshed since. Otherwise a run asks for what is missing or may have moved, so one "
        "that takes up where another was killed repeats nothing.",
    )


usage_and_cost_api = dg.AssetSpec(
    "usage_and_cost_api",
    metadata=written_here(),
    owners=OWNERS,
    group_name="vendor",
    kinds={"anthropic", "api"},
    description="Usage and cost of the Analytics API, `GET /v1/organizations/analytics/usage` and `/cost` (beta): "
    "figures of at most 365 days, refreshed about every four hours, restated for up to 30 days.",
)


@dg.asset(
    deps=[usage_and_cost_api],
    partitions_def=DAYS,
    backfill_policy=ONE_API_WINDOW,
    pool=POOL,
    group_name=GROUP,
    kinds={"parquet"},
    owners=OWNERS,
    freshness_policy=dg.FreshnessPolicy.time_window(fail_window=TOO_LATE, warn_window=LATE),
    metadata=table("usage_rows", USAGE_ROWS),
)
def usage_rows(
    context: dg.AssetExecutionContext, config: SpendRun, workshop: dg.ResourceParam[Workshop]
) -> dg.MaterializeResult[None]:
    """Tokens and requests, by actor, product, model, organisation and context window.

    - **Source**: `usage_and_cost_api`, key with the scope `read:analytics`.
    - **Grain**: one row per day, actor, product, model, organisation and context window.
    - **Window**: whole UTC days, at most 31 in one request.
    - **Promise**: a later complete pull of a day is a new version of it; a day is final at the age of 31 days; the
      rows add up to the ungrouped total, or a check says so. Sum `usage_rows`, never `usage_row_versions`.
    """
    return materialize_days(context, workshop, "usage", again=config.again)


@dg.asset(
    deps=[usage_and_cost_api],
    partitions_def=DAYS,
    backfill_policy=ONE_API_WINDOW,
    pool=POOL,
    group_name=GROUP,
    kinds={"parquet"},
    owners=OWNERS,
    freshness_policy=dg.FreshnessPolicy.time_window(fail_window=TOO_LATE, warn_window=LATE),
    metadata=table("cost_rows", COST_ROWS),
)
def cost_rows(
    context: dg.AssetExecutionContext, config: SpendRun, workshop: dg.ResourceParam[Workshop]
) -> dg.MaterializeResult[None]:
    """What it cost, by actor, product, model, organisation, context window, kind of cost and kind of token.

    - **Source**: `usage_and_cost_api`, key with the scope `read:analytics`.
    - **Grain**: one row per day and combination; `amount` in USD, after discount and before credits.
    - **Window**: whole UTC days, at most 31 in one request.
    - **Promise**: no amount is rounded unseen; a later complete pull of a day is a new version of it; a day is
      final at the age of 31 days; the rows add up to the ungrouped total, or a check says so. Sum `cost_rows`,
      never `cost_row_versions`.
    """
    return materialize_days(context, workshop, "cost", again=config.again)


def materialize_days(
    context: dg.AssetExecutionContext, workshop: Workshop, stream: Stream, *, again: bool
) -> dg.MaterializeResult[None]:
    """Pull what the partitions of a run ask for, and note money and rows of each day."""
    with told_plainly():
        total = SpendReport(stream)
        recover_spend(workshop, stream, total)
        if total.seqs:
            context.log.info(f"finished what an earlier run left: entries {total.seqs}")
        span = context.partition_time_window
        start = max(span.start, midnight(first_day(workshop.clock(), workshop.start)))
        try:
            windows = due_or_requested(workshop, stream, start, span.end, total, again=again)
        except WindowRefused as refused:
            context.log.info(str(refused))
            windows = []
        progress = RunLog(context.log)
        progress.start(len(windows))
        reports: list[tuple[Window, SpendReport]] = []
        for window, report in pull_spend_windows(workshop, stream, windows, progress=progress):
            reports.append((window, report))
            total.merge(report)
        workshop.archive.settle()
        if windows and len(total.failed) == len(windows):
            raise dg.Failure(
                f"None of the {len(windows)} windows could be read; the newest: {total.failed[-1]['error']}",
                allow_retries=False,
            )
        days = list(context.partition_keys)
        known = day_facts(workshop, stream, days)
        for day in days:
            context.add_asset_metadata(_metadata(day, known.get(day), total, reports), partition_key=day)
    return dg.MaterializeResult()


def _metadata(
    day: str, known: dict[str, Any] | None, total: SpendReport, reports: list[tuple[Window, SpendReport]]
) -> dict[str, Any]:
    """Money and rows of one day, what this run did to it, and what the run asked for."""
    did = total.by_day.get(day, {})
    facts: dict[str, Any] = {
        "requests of the run": total.requests,
        "first": did.get("first", 0),
        "revised": did.get("revised", 0),
        "withdrawn": did.get("withdrawn", 0),
        "log_entries": ", ".join(str(seq) for _, report in reports for seq in report.seqs) or "none",
    }
    if known is None:
        return {"covered": "nothing: the figures do not reach this day yet", **facts}
    return facts | figures(known) | {"summary": dg.MetadataValue.md(_summary(day, known, did))}


def figures(known: dict[str, Any]) -> dict[str, Any]:
    """Money, rows and version of a day, of what the tables say of it (`day_facts`)."""
    facts: dict[str, Any] = {"covered": "the whole day"}
    for name in ("amount", "list_amount", "total_amount"):
        if known.get(name) is not None:
            facts[name] = f"{known[name]:f}"
            # floats are for the plot of the UI only, beside the exact text
            facts[f"{name} USD"] = round(float(known[name]), 2)
    for name in ("tokens", "requests", "total_tokens"):
        if name in known:
            facts[name] = known[name]
    return facts | {
        "version": known["version"],
        "final": bool(known["final"]),
        "adds up to the total": bool(known["agrees"]),
        "figures of": known["data_refreshed_at"].isoformat(),
        "dagster/partition_row_count": known["rows"],
    }


def _summary(day: str, known: dict[str, Any], did: dict[str, Any]) -> str:
    figure = f"{known['amount']:,.8f} USD" if "amount" in known else f"{known['tokens']:,} tokens"
    state = "final" if known["final"] else "may still be restated"
    news = f", version {known['version']} is of this run" if did.get("first") or did.get("revised") else ""
    return f"**{day}**: {figure} in {known['rows']:,} rows; {state}{news}."


@dg.multi_asset_check(
    name="spend_checks",
    specs=[
        dg.AssetCheckSpec(
            judge.__name__, asset=f"{stream}_rows", description=" ".join((judge.__doc__ or "").split())
        )
        for stream in STREAMS
        for judge in OF_SPEND
    ]
    + [spec("cost_rows", judge) for judge in OF_COST],
    can_subset=True,
)
def spend_checks(
    context: dg.AssetCheckExecutionContext, workshop: dg.ResourceParam[Workshop]
) -> Iterator[dg.AssetCheckResult]:
    """What the log and the tables say about usage and cost; it follows every run."""
    with told_plainly():
        workshop.archive.refresh()
        for stream in STREAMS:
            for judge in OF_SPEND:
                key = dg.AssetCheckKey(dg.AssetKey(f"{stream}_rows"), judge.__name__)
                if key in context.selected_asset_check_keys:
                    yield check_result(context, key, judge(workshop, stream), workshop)
        for own in OF_COST:
            key = dg.AssetCheckKey(dg.AssetKey("cost_rows"), own.__name__)
            if key in context.selected_asset_check_keys:
                yield check_result(context, key, own(workshop), workshop)
