"""The legacy reports as assets: a second source, kept to be compared with the current API and never summed.

A partition is a UTC day. No schedule reads it: backfill the days that you want to compare.
"""

from collections.abc import Callable, Iterator

import dagster as dg

from assets.analytics import DAYS, GROUP, POOL, SpendRun, materialize_days
from assets.audit import ONE_API_WINDOW, OWNERS
from assets.code_references import written_here
from assets.column_schema import table
from assets.failures import told_plainly
from assets.parity import old_and_new_agree, old_and_new_usage_agree
from assets.verdict_results import check_result, spec
from assets.verdicts import Verdict
from assets.workshop import Workshop
from warehouse.tables.spend.schema import COST_ROWS, USAGE_ROWS

ASSET, USAGE_ASSET = "legacy_cost_rows", "legacy_usage_rows"

legacy_cost_api = dg.AssetSpec(
    "legacy_cost_reports",
    metadata=written_here(),
    owners=OWNERS,
    group_name="vendor",
    kinds={"anthropic", "api"},
    description="The older reports of the Analytics API, `cost_report` and `user_cost_report`: the total by day, "
    "and rows of people only. Keys, service accounts and what has no actor are in the total and in no row.",
)

legacy_usage_api = dg.AssetSpec(
    "legacy_usage_reports",
    metadata=written_here(),
    owners=OWNERS,
    group_name="vendor",
    kinds={"anthropic", "api"},
    description="The older reports of the Analytics API, `usage_report` and `user_usage_report`: the total by "
    "day, and rows of people only. Keys, service accounts and what has no actor are in the total and in no row.",
)


@dg.asset(
    name=ASSET,
    deps=[legacy_cost_api],
    partitions_def=DAYS,
    backfill_policy=ONE_API_WINDOW,
    pool=POOL,
    group_name=GROUP,
    kinds={"parquet"},
    owners=OWNERS,
    metadata=table(ASSET, COST_ROWS),
)
def legacy_cost_rows(
    context: dg.AssetExecutionContext, config: SpendRun, workshop: dg.ResourceParam[Workshop]
) -> dg.MaterializeResult[None]:
    """What it cost by person, product and model, as the older reports tell it.

    - **Source**: `legacy_cost_reports`, key with the scope `read:analytics`.
    - **Grain**: one row per day, person, product, model, context window, kind of cost and kind of token.
    - **Window**: whole UTC days, at most 31 in one request.
    - **Promise**: kept beside `cost_rows` and never added to it; a check says whether both agree, and what the
      rows of people leave out.
    """
    return materialize_days(context, workshop, "legacy_cost", again=config.again)


@dg.asset(
    name=USAGE_ASSET,
    deps=[legacy_usage_api],
    partitions_def=DAYS,
    backfill_policy=ONE_API_WINDOW,
    pool=POOL,
    group_name=GROUP,
    kinds={"parquet"},
    owners=OWNERS,
    metadata=table(USAGE_ASSET, USAGE_ROWS),
)
def legacy_usage_rows(
    context: dg.AssetExecutionContext, config: SpendRun, workshop: dg.ResourceParam[Workshop]
) -> dg.MaterializeResult[None]:
    """Tokens and requests by person, product and model, as the older reports tell it.

    - **Source**: `legacy_usage_reports`, key with the scope `read:analytics`.
    - **Grain**: one row per day, person, product, model and context window.
    - **Window**: whole UTC days, at most 31 in one request.
    - **Promise**: kept beside `usage_rows` and never added to it; a check says whether both agree.
    """
    return materialize_days(context, workshop, "legacy_usage", again=config.again)


APIS = [legacy_cost_api, legacy_usage_api]
ASSETS = [legacy_cost_rows, legacy_usage_rows]
JUDGES: dict[str, Callable[[Workshop], Verdict]] = {
    ASSET: old_and_new_agree,
    USAGE_ASSET: old_and_new_usage_agree,
}


@dg.multi_asset_check(
    name="parity_checks", specs=[spec(name, judge) for name, judge in JUDGES.items()], can_subset=True
)
def parity_checks(
    context: dg.AssetCheckExecutionContext, workshop: dg.ResourceParam[Workshop]
) -> Iterator[dg.AssetCheckResult]:
    """Old beside new, after each pull of the old."""
    with told_plainly():
        workshop.archive.refresh()
        for name, judge in JUDGES.items():
            key = dg.AssetCheckKey(dg.AssetKey(name), judge.__name__)
            if key in context.selected_asset_check_keys:
                yield check_result(context, key, judge(workshop), workshop)
