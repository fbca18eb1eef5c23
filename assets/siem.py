"""The destinations as assets: one for each that is configured, downstream of events and alerts, with its checks.

Promise: all of them are served at once and for some minutes at most, so that one which is down or slow delays no
other for longer; trouble is a check that fails and says which command mends it, never a failed run.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import dagster as dg

from assets.audit import OWNERS
from assets.delivering import Configured, deliver
from assets.failures import told_plainly
from assets.status import destinations as standing
from assets.workshop import Workshop
from warehouse.archive.archive import Archive
from warehouse.archive.deliveries import RECEIPTS, step_of
from warehouse.delivery.chunk import Report
from warehouse.delivery.receipts import from_parquet
from warehouse.wire.times import parse_rfc3339

GROUP = "siem"
_BEHIND = timedelta(minutes=30)
# After so much sending a destination leaves the rest to the next run: neither the others nor the next pull of the
# five-minute job wait longer for one that is slow, or has a long way to go.
_MOST_SECONDS = 240.0


def asset_name(destination: str) -> str:
    """The asset of a destination: `siem_` and its name."""
    return "siem_" + re.sub(r"[^a-z0-9]", "_", destination)


def destination_assets(configured: Sequence[Configured]) -> list[dg.AssetsDefinition]:
    """One asset for each destination, all served by one step; nothing where none is configured."""
    if not configured:
        return []
    names = {dg.AssetKey(asset_name(one.name)): one.name for one in configured}

    @dg.multi_asset(
        name="siem",
        specs=[_spec(one) for one in configured],
        check_specs=[check for one in configured for check in _checks(one)],
        can_subset=True,
    )
    def siem(
        context: dg.AssetExecutionContext, workshop: dg.ResourceParam[Workshop]
    ) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
        wanted = [names[key] for key in names if key in context.selected_asset_keys]
        with told_plainly():
            reports = {report.name: report for report in deliver(workshop, wanted, most_seconds=_MOST_SECONDS)}
            now = {one["name"]: one for one in standing(workshop, workshop.archive.refresh())}
        for key, name in names.items():
            if name not in reports:
                continue
            report = reports[name]
            if report.stopped is not None:
                context.log.warning(f"{name}: {report.stopped}")
            yield dg.MaterializeResult(asset_key=key, metadata=_facts(report, now[name]))
            for result in _judged(key, report, now[name], workshop):
                if dg.AssetCheckKey(key, result.check_name or "") in context.selected_asset_check_keys:
                    yield result

    return [siem]


def _spec(one: Configured) -> dg.AssetSpec:
    return dg.AssetSpec(
        asset_name(one.name),
        deps=["audit_events", "alerts"],
        group_name=GROUP,
        kinds={one.type},
        owners=[*OWNERS, "team:soc"],
        description=f"""What the destination `{one.name}` ({one.type}) was sent: the slice `{one.slice}`.

- **Grain**: each version of each event, or alert, once; with a receipt in `deliveries`.
- **Window**: what the log has added since the destination's own position.
- **Promise**: delivered at least once, or in the dead letters with a human told.""",
    )


def _checks(one: Configured) -> list[dg.AssetCheckSpec]:
    asset = asset_name(one.name)
    return [
        dg.AssetCheckSpec(
            "dead_letters_are_empty",
            asset=asset,
            description=f"Nothing lies in the dead letters. `ledgerline dead-letters {one.name}` says what does, "
            f"and with --retry sends it again.",
        ),
        dg.AssetCheckSpec(
            "destination_keeps_up",
            asset=asset,
            description=f"The destination takes what is due. When it does not, mend what the message names and "
            f"run `ledgerline deliver {one.name}`: it goes on where it stopped.",
        ),
        dg.AssetCheckSpec(
            "receipts_equal_selections",
            asset=asset,
            description="Every event that the last run selected has exactly one receipt. If not, report it: this "
            "is a fault of Ledgerline; `deliveries` shows which ones lack it.",
        ),
    ]


def _facts(report: Report, now: dict[str, Any]) -> dict[str, Any]:
    return {
        "selected": report.selected,
        "delivered": report.delivered,
        "retried": report.retried,
        "dead": report.dead,
        "skipped": report.skipped,
        "restamped": report.restamped,
        "bytes": report.bytes,
        "requests": report.batches,
        "p95 age at arrival (s)": report.p95_age if report.p95_age is not None else "nothing arrived",
        "position": str(now["position"]),
        "rows behind": now["behind"],
        "checkpoint sent": report.checkpoint if report.checkpoint is not None else "none",
        "stopped": str(report.stopped) if report.stopped else "no",
        "seconds": round(report.seconds, 2),
    }


def _judged(
    key: dg.AssetKey, report: Report, now: dict[str, Any], workshop: Workshop
) -> Iterator[dg.AssetCheckResult]:
    dead = now["dead"]
    yield dg.AssetCheckResult(
        passed=dead == 0,
        asset_key=key,
        check_name="dead_letters_are_empty",
        severity=dg.AssetCheckSeverity.ERROR,
        description=f"{dead} events could not be delivered to {report.name}; `ledgerline dead-letters "
        f"{report.name}` says why, and with --retry sends them again"
        if dead
        else None,
        metadata={"total": dead},
    )
    late = _is_late(now, workshop)
    words = str(report.stopped) if report.stopped else f"{now['behind']} rows are behind"
    yield dg.AssetCheckResult(
        passed=report.stopped is None and not late,
        asset_key=key,
        check_name="destination_keeps_up",
        severity=dg.AssetCheckSeverity.ERROR
        if late or (report.stopped is not None and report.stopped.halted)
        else dg.AssetCheckSeverity.WARN,
        description=f"{report.name}: {words}. When that is mended: `ledgerline deliver {report.name}`"
        if report.stopped or late
        else None,
        metadata={"rows behind": now["behind"]},
    )
    selected, receipts = _receipts(workshop.archive, report.entries)
    yield dg.AssetCheckResult(
        passed=selected == receipts,
        asset_key=key,
        check_name="receipts_equal_selections",
        severity=dg.AssetCheckSeverity.ERROR,
        description=f"{selected} events were selected for {report.name} and {receipts} have a receipt"
        if selected != receipts
        else None,
        metadata={"selected": selected, "receipts": receipts},
    )


def _is_late(now: dict[str, Any], workshop: Workshop) -> bool:
    """Rows are behind, and nothing was put on record for a while."""
    if not now["behind"] or now["last_entry"] is None:
        return bool(now["behind"])
    return workshop.clock() - parse_rfc3339(now["last_entry"]) > _BEHIND


def _receipts(archive: Archive, entries: Sequence[int]) -> tuple[int, int]:
    """Events that these entries say were selected, and distinct ones of which they hold a receipt."""
    selected = receipts = 0
    for seq in entries:
        entry = archive.entry(seq)
        selected += step_of(entry).selected
        for ref in entry.objects:
            if ref.key.startswith(RECEIPTS):
                rows = from_parquet(archive.read(ref)).select(["entry_seq", "entry_row"])
                placed = rows.filter(rows["entry_seq"].is_valid())
                receipts += placed.group_by(["entry_seq", "entry_row"]).aggregate([]).num_rows
    return selected, receipts
