"""Alerts as an asset: what the rules found in what the tail brought, with the events that prove it."""

from datetime import timedelta
from typing import Any

import dagster as dg

from assets.audit import OWNERS, audit_events
from assets.column_schema import table_schema
from assets.detecting import Detected, detect, due
from assets.failures import told_plainly
from assets.workshop import Workshop
from warehouse.detections.rulebook import load
from warehouse.tables.alerts import ALERTS

GROUP = "detections"
_LEVELS = ("critical", "high", "medium", "low", "informational")
_BEHIND = timedelta(hours=1)


@dg.asset(
    deps=[audit_events],
    group_name=GROUP,
    kinds={"parquet", "sigma"},
    owners=[*OWNERS, "team:soc"],
    metadata={"dagster/column_schema": table_schema(ALERTS)},
)
def alerts(context: dg.AssetExecutionContext, workshop: dg.ResourceParam[Workshop]) -> dg.MaterializeResult[None]:
    """What the rules found: one row per version of an alert, with the ids of its events.

    - **Source**: `audit_events`, by the Sigma rules that ship and those of `[detections] rules`.
    - **Grain**: one row per version of an alert. SQL: `alerts` (newest versions), `alert_versions`.
    - **Window**: commits that no run has looked at yet, whatever the time of their events.
    - **Promise**: a window that came late raises its alerts, once; later events join an alert, its id stays.
    """
    with told_plainly():
        done = detect(workshop, load(workshop.rule_folders))
    for alert in done.alerts:
        context.log.warning(f"{alert.find.rule.level}: {alert.find.rule.title} ({alert.alert_id})")
    return dg.MaterializeResult(metadata=_facts(done))


def _facts(done: Detected) -> dict[str, Any]:
    return {
        "raised": done.raised,
        "joined by further events": done.joined,
        "events looked at": done.events,
        "rules": done.rules,
        **{level: done.by_severity[level] for level in _LEVELS if done.by_severity[level]},
        "alerts": dg.MetadataValue.table(
            [
                dg.TableRecord(
                    {
                        "severity": alert.find.rule.level,
                        "title": alert.find.rule.title,
                        "first at": f"{alert.find.first_at:%Y-%m-%d %H:%M:%S}",
                        "events": len(alert.find.event_ids),
                        "alert": alert.alert_id,
                    }
                )
                for alert in done.alerts[:50]
            ]
        )
        if done.alerts
        else "none",
        "seconds": round(done.seconds, 2),
    }


@dg.asset_check(
    asset=alerts,
    description="Every commit of the feed was looked at by the rules. When some were not: run "
    "`ledgerline detections run`, or launch `audit_tail`, and read its log.",
)
def every_commit_was_looked_at(workshop: dg.ResourceParam[Workshop]) -> dg.AssetCheckResult:
    """Looks at the log."""
    with told_plainly():
        waiting = due(workshop.archive.refresh())
    behind = max((workshop.clock() - span.end for span in waiting.spans), default=timedelta())
    return dg.AssetCheckResult(
        passed=not waiting.spans or behind < _BEHIND,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata={"looked at through entry": waiting.after, "there are entries up to": waiting.through},
    )
