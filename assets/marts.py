"""The marts as assets: people's tables of who did what, built by dbt into one DuckDB file that auditors may
have open.

One step builds all that were asked for, in process and into a new file; their data tests are their checks. Not
part of the five-minute tail.
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from assets.audit import NIGHTLY
from assets.building import build
from assets.code_references import written_at
from assets.column_lineage import lineage, made_from
from assets.failures import told_plainly
from assets.mart_models import Mart, read_marts
from assets.workshop import Workshop
from warehouse.tables.marts import BuildFailed, BuildReport, ModelBuild

CHECK = "data_tests"
MARTS = read_marts()


def _spec(mart: Mart) -> dg.AssetSpec:
    columns = [
        dg.TableColumn(
            column.name,
            column.type,
            f"{column.description} {made_from(mart.name, column.name)}".strip(),
            dg.TableColumnConstraints(nullable="not_null" not in column.tests, unique="unique" in column.tests),
        )
        for column in mart.columns
    ]
    return dg.AssetSpec(
        mart.name,
        deps=list(mart.sources),
        skippable=True,
        group_name="marts",
        kinds={"dbt", "duckdb"},
        owners=["team:platform", "team:analytics"],
        description=mart.description,
        freshness_policy=NIGHTLY,
        metadata={
            **written_at(mart.sql, "the SQL of the model"),
            "dagster/column_schema": dg.TableSchema(columns),
            "dagster/table_name": mart.name,
        },
    )


def _check(mart: Mart) -> dg.AssetCheckSpec:
    return dg.AssetCheckSpec(
        CHECK,
        asset=mart.name,
        description=f"The {mart.tests} data tests of this mart in dbt_project/. One that fails keeps the old "
        "file in place: read the rows it names, mend the model or the taxonomy, and materialize "
        "the marts again.",
    )


@dg.multi_asset(
    name="marts",
    specs=[_spec(mart) for mart in MARTS],
    check_specs=[_check(mart) for mart in MARTS],
    can_subset=True,
    pool="warehouse_file",
)
def marts(
    context: dg.AssetExecutionContext, workshop: dg.ResourceParam[Workshop]
) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
    """The days whose events changed since the last build, rebuilt in every mart."""
    asked = sorted(key.to_user_string() for key in context.selected_asset_keys)

    def built(model: ModelBuild) -> None:
        context.log.info(f"{model.name}: {model.status} in {model.seconds:.1f} s")

    with told_plainly():
        try:
            report = build(
                workshop,
                select=None if len(asked) == len(MARTS) else " ".join(f"+{name}" for name in asked),
                progress=built,
            )
        except BuildFailed as failure:
            yield from _failed_checks(failure, asked)
            raise
    yield from _results(report, asked)


def _results(report: BuildReport, asked: list[str]) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
    models = {model.name: model for model in report.models}
    for name in asked:
        model = models.get(name)
        facts: dict[str, Any] = {"build": f"{report.mode}: {report.reason}" if report.reason else report.mode}
        if model is not None:
            facts |= {"seconds": round(model.seconds, 3)}
            facts |= {"dagster/row_count": model.rows} if model.rows is not None else {}
        if report.first_day is not None and report.last_day is not None:
            facts |= {"first_day": report.first_day.isoformat(), "last_day": report.last_day.isoformat()}
        yield dg.MaterializeResult(asset_key=name, metadata=facts | lineage(name))
        warned = [test for test in report.warnings if _is_of(test.name) == name]
        yield dg.AssetCheckResult(
            asset_key=name,
            check_name=CHECK,
            passed=not warned,
            severity=dg.AssetCheckSeverity.WARN,
            description="; ".join(f"{test.name}: {test.rows} rows" for test in warned)
            or f"All tests of the build passed ({report.tests_passed}).",
            metadata={"tests of the build": report.tests_passed, "warnings": len(warned)},
        )


def _failed_checks(failure: BuildFailed, asked: list[str]) -> Iterator[dg.AssetCheckResult]:
    for name in asked:
        failed = [one for one in failure.failures if _is_of(one.name) == name]
        if failed:
            yield dg.AssetCheckResult(
                asset_key=name,
                check_name=CHECK,
                passed=False,
                severity=dg.AssetCheckSeverity.ERROR,
                description="; ".join(f"{one.name}: {one.message.strip()}" for one in failed),
            )


def _is_of(node: str) -> str | None:
    """The mart that a model or one of its tests belongs to; dbt puts the model's name into a test's."""
    return max((mart.name for mart in MARTS if mart.name in node), key=len, default=None)
