"""Claude Code's telemetry as assets: the Collector's closed files landed, content left out, and what is watched.

Which files are due follows from what has landed: a run that comes late, twice or not at all loses nothing.
"""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import dagster as dg

from assets.audit import OWNERS
from assets.code_references import written_here
from assets.column_schema import table
from assets.failures import told_plainly
from assets.run_log import RunLog
from assets.telemetry_landing import LandingReport, land_telemetry
from assets.workshop import Workshop
from warehouse.tables.catalog import connect
from warehouse.tables.telemetry import TABLES, shown_columns
from warehouse.telemetry import never_kept

GROUP = "telemetry"

_WATCHED = timedelta(days=7)
_QUIET = timedelta(hours=24)
_NAMED = 10

collector = dg.AssetSpec(
    "claude_code_collector",
    metadata=written_here(),
    owners=OWNERS,
    group_name="vendor",
    kinds={"opentelemetry"},
    description="Files that an OpenTelemetry Collector writes of what Claude Code sends (`[telemetry] "
    "sources`): OTLP metrics and logs, in a bucket or a folder. Delivery is at least once, and "
    "nothing while a laptop is offline.",
)

_GRAINS = {
    "otel_metric_points": "a data point of a counter. Never sum cumulative ones, nor those marked duplicate",
    "otel_events": "a log record. Sum what is not marked duplicate",
    "otel_spans": "a span; the recommended settings send none",
    "otel_files": "a file that landed, with what was removed from it, by name",
}


@dg.multi_asset(
    name="telemetry",
    specs=[
        dg.AssetSpec(
            one.name,
            deps=[collector],
            group_name=GROUP,
            kinds={"parquet"},
            owners=OWNERS,
            description=f"""What Claude Code says of itself over OpenTelemetry: {one.name}.

- **Source**: `claude_code_collector`.
- **Grain**: {_GRAINS[one.name]}.
- **Window**: whatever the files hold.
- **Promise**: content never enters; every row is kept, repeats marked.""",
            metadata=table(one.name, shown_columns(one)),
        )
        for one in TABLES.values()
    ],
)
def telemetry(
    context: dg.AssetExecutionContext, workshop: dg.ResourceParam[Workshop]
) -> Iterator[dg.MaterializeResult[None]]:
    """Every closed file of the configured sources that has not landed yet."""
    with told_plainly():
        report = land_telemetry(workshop, progress=RunLog(context.log, "files"))
    for name in TABLES:
        yield dg.MaterializeResult(asset_key=name, metadata=_facts(report))
    bad = [file for file in report.files if file["status"] == "bad"]
    if bad:
        raise dg.Failure(
            f"{len(bad)} of {len(report.files)} files did not land: "
            + "; ".join(str(file["reason"]) for file in bad[:_NAMED])
            + ". The others did. Let them be sent again, or take them away.",
            allow_retries=False,
        )


def _facts(report: LandingReport) -> dict[str, Any]:
    statuses = Counter(str(file["status"]) for file in report.files)
    removed: Counter[str] = Counter()
    for file in report.files:
        removed.update(file["removed"])
    facts: dict[str, Any] = {name: statuses.get(name, 0) for name in ("landed", "duplicate", "bad")}
    facts |= {name: report.total(name) for name in ("points", "events", "spans")}
    return facts | {"removed": removed.total()}


@dg.asset_check(
    asset="otel_events",
    description="No client sends content. What one sends is removed before anything is stored; the switches "
    "that let it should be off all the same: set the OTEL_LOG_* variables in the managed settings "
    "(docs/telemetry.md).",
)
def no_content_is_sent(workshop: dg.ResourceParam[Workshop]) -> dg.AssetCheckResult:
    """Looks at what was removed from the files of the last seven days."""
    found = {name: count for name, count in _removed(workshop).items() if name in never_kept()}
    return dg.AssetCheckResult(
        passed=not found,
        severity=dg.AssetCheckSeverity.ERROR,
        description=f"Content was sent and removed: {_listed(found)}." if found else "No content was sent.",
        metadata={"total": sum(found.values())},
    )


@dg.asset_check(
    asset="otel_events",
    description="Every attribute is one that the allow-list knows. Another was removed and counted: a new "
    "release of Claude Code sends more, or somebody sets a custom one. Read the names; "
    "`telemetry.keep` lets one in.",
)
def attributes_are_listed(workshop: dg.ResourceParam[Workshop]) -> dg.AssetCheckResult:
    """Looks at the files of the last seven days."""
    found = {name: count for name, count in _removed(workshop).items() if name not in never_kept()}
    return dg.AssetCheckResult(
        passed=not found,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"Removed, because not listed: {_listed(found)}." if found else "Every attribute is listed.",
        metadata={"total": sum(found.values())},
    )


@dg.asset_check(
    asset="otel_events",
    description="Rows of the last day have come. Laptops that are offline send nothing, so a weekend may be "
    "quiet; else look at the Collector, its queue and its exporter.",
)
def telemetry_is_fresh(workshop: dg.ResourceParam[Workshop]) -> dg.AssetCheckResult:
    """Compares the newest row with the clock; passes where nothing was ever landed."""
    now = workshop.clock()
    with told_plainly(), connect(workshop.archive) as db:
        row = db.execute("select max(last_time) from otel_files where last_time <= ?", [now]).fetchone()
    newest = row[0] if row else None
    late = newest is not None and now - newest > _QUIET
    return dg.AssetCheckResult(
        passed=not late,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"The newest row is of {newest:%Y-%m-%d %H:%M} UTC." if newest else "Nothing has landed yet.",
    )


@dg.asset_check(
    asset="otel_metric_points",
    description="Every point is a counter that can be added up. One that is not counts for nothing and says "
    "why in `problems` (docs/telemetry.md).",
)
def counters_add_up(workshop: dg.ResourceParam[Workshop]) -> dg.AssetCheckResult:
    """Counts points of the last seven days by what is odd about them."""
    with told_plainly(), connect(workshop.archive) as db:
        found = dict(
            db.execute(
                "select problem, count(*) from (select unnest(problems) as problem from otel_metric_points "
                "where landed_at > ?) group by problem",
                [workshop.clock() - _WATCHED],
            ).fetchall()
        )
    return dg.AssetCheckResult(
        passed=not found,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"Odd points: {_listed(found)}." if found else "Every point can be added up.",
        metadata={"total": sum(found.values())},
    )


def _removed(workshop: Workshop) -> Counter[str]:
    """What was removed from the files of the last seven days, by name."""
    with told_plainly(), connect(workshop.archive) as db:
        rows = db.execute(
            "select removed from otel_files where removed is not null and landed_at > ?",
            [workshop.clock() - _WATCHED],
        ).fetchall()
    found: Counter[str] = Counter()
    for (removed,) in rows:
        found.update(json.loads(removed))
    return found


def _listed(found: dict[str, int]) -> str:
    most = sorted(found, key=lambda name: (-found[name], name))
    return ", ".join(f"{name} {found[name]}" for name in most[:_NAMED]) + (
        " and more" if len(most) > _NAMED else ""
    )


ASSETS: list[dg.AssetsDefinition | dg.AssetSpec] = [collector, telemetry]
CHECKS = [no_content_is_sent, attributes_are_listed, telemetry_is_fresh, counters_add_up]
