"""Alerts as an asset: what the rules found in what the tail brought, with the events that prove it."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import dagster as dg

from assets.audit import OWNERS, audit_events
from assets.column_schema import table
from assets.computed_turns import looked_at, waiting_since
from assets.detecting import Detected, detect
from assets.detection_turns import REST, due, due_hourly
from assets.failures import told_plainly
from assets.telemetry import telemetry
from assets.verdicts import LATE, TOO_LATE
from assets.workshop import Workshop
from warehouse.detections.alert import Alert
from warehouse.detections.computed import COMPUTED
from warehouse.detections.engine import Commits
from warehouse.detections.levels import LEVELS
from warehouse.detections.rulebook import load
from warehouse.tables.alerts import ALERTS

GROUP = "detections"
_BEHIND = timedelta(hours=1)
_NAMED = 50  # alerts that a run names one by one


@dg.asset(
    deps=[audit_events, telemetry],
    group_name=GROUP,
    kinds={"parquet", "sigma"},
    owners=[*OWNERS, "team:soc"],
    metadata=table("alert_versions", ALERTS),
    freshness_policy=dg.FreshnessPolicy.time_window(fail_window=TOO_LATE, warn_window=LATE),
)
def alerts(context: dg.AssetExecutionContext, workshop: dg.ResourceParam[Workshop]) -> dg.MaterializeResult[None]:
    """What the rules found: one row per version of an alert, with the ids of its events.

    - **Source**: `audit_events`, spend, the directory and telemetry, by the Sigma rules that ship and those of
      `[detections] rules`.
    - **Grain**: one row per version of an alert. SQL: `alerts` (newest versions), `alert_versions`.
    - **Window**: commits that no run has looked at yet, whatever the time of their events.
    - **Promise**: a window that came late raises its alerts, once; later events join an alert, its id stays.
    """
    with told_plainly():
        done = detect(workshop, load(workshop.rule_folders), patient=True)
    for line in told(done.alerts):
        context.log.warning(line)
    return dg.MaterializeResult(metadata=_facts(done))


def told(alerts: Sequence[Alert]) -> list[str]:
    """A line for each of the gravest alerts, and one for the rest: each line of a run's log costs it a commit."""
    gravest, rest = _gravest(alerts)
    lines = [f"{alert.find.rule.level}: {alert.find.rule.title} ({alert.alert_id})" for alert in gravest]
    if rest:
        levels = Counter(alert.find.rule.level for alert in rest)
        by_level = ", ".join(f"{levels[level]} {level}" for level in LEVELS if levels[level])
        lines.append(f"and {len(rest)} more ({by_level}): query the table alerts with `ledgerline sql` for all")
    return lines


def _gravest(alerts: Sequence[Alert]) -> tuple[list[Alert], list[Alert]]:
    """The gravest, in order, and the rest."""
    ordered = sorted(alerts, key=lambda alert: LEVELS.index(alert.find.rule.level))
    return ordered[:_NAMED], ordered[_NAMED:]


def _facts(done: Detected) -> dict[str, Any]:
    return {
        "raised": done.raised,
        "joined by further events": done.joined,
        "events looked at": done.events,
        "rules": done.rules,
        "hourly rules that took their turn": ", ".join(sorted(done.hourly)) or "none",
        "hourly rules that rest": ", ".join(sorted(done.resting)) or "none",
        "rules that are off": dg.MetadataValue.json(done.off) if done.off else "none",
        "thresholds": dg.MetadataValue.json(done.thresholds) if done.thresholds else "none",
        "expired": ", ".join([*done.expired, *done.thresholds_expired]) or "none",
        **{level: done.by_severity[level] for level in LEVELS if done.by_severity[level]},
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
                for alert in _gravest(done.alerts)[0]
            ]
        )
        if done.alerts
        else "none",
        "seconds": round(done.seconds, 2),
    }


@dg.asset_check(
    asset=alerts,
    description="Every commit of the feed, of spend, of the directory and of telemetry was looked at by the "
    "rules. When some were not: run `ledgerline detections run`, or launch `audit_tail`, and read its log.",
)
def every_commit_was_looked_at(workshop: dg.ResourceParam[Workshop]) -> dg.AssetCheckResult:
    """Looks at the log."""
    now = workshop.clock()
    with told_plainly():
        state = workshop.archive.refresh()
        since = {source: waiting_since(workshop.archive, source) for source in COMPUTED}
    always, hourly = due(state), due_hourly(state)
    late = {source: now - first for source, first in since.items() if first is not None}
    passed = (
        _behind(always, now) < _BEHIND
        and _behind(hourly, now) < _BEHIND + REST
        and max(late.values(), default=timedelta()) < _BEHIND + REST
    )
    return dg.AssetCheckResult(
        passed=passed,
        severity=dg.AssetCheckSeverity.ERROR,
        description="The rules have looked at every commit that is due."
        if passed
        else "The rules are behind the feed: launch audit_tail and read its log, or `ledgerline detections run`.",
        metadata={
            "looked at through entry": always.after,
            "looked at through entry by the hourly rules": hourly.after,
            "there are entries up to": always.through,
            **{f"looked at through entry, {source}": looked_at(state, source) for source in COMPUTED},
            "waiting": ", ".join(f"{source} for {str(age).partition('.')[0]}" for source, age in late.items())
            or "nothing",
        },
    )


def _behind(waiting: Commits, now: datetime) -> timedelta:
    return max((now - span.end for span in waiting.spans), default=timedelta())
