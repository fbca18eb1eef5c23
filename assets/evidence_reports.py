"""The auditor's page of each month as an asset: a link in the UI to the page, and to the proofs beside it.

Promise: a page that was written is never written over; one over a later state of the log stands beside it.
"""

from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from assets.audit import OWNERS
from assets.certificates import KEPT_UP, MONTHS, completeness_certificate
from assets.failures import told_plainly
from assets.report_links import link
from assets.workshop import Workshop
from warehouse.wire.times import midnight
from warehouse.wire.windows import Window

if TYPE_CHECKING:
    from warehouse.evidence.report import Report


@dg.asset(
    deps=[completeness_certificate, "alerts"],
    partitions_def=MONTHS,
    group_name="archive",
    kinds={"html"},
    owners=OWNERS,
    tags={"tier": "evidence"},
    freshness_policy=KEPT_UP,
)
def evidence_report(
    context: dg.AssetExecutionContext, workshop: dg.ResourceParam[Workshop]
) -> dg.MaterializeResult[None]:
    """What an auditor asks of a month, as one page to read, print and forward, with proofs beside it.

    - **Source**: the log, `audit_events`, `alerts`, receipts, the directory; its certificate.
    - **Grain**: one page per month and state of the log, in the folder of the month's reports.
    - **Window**: a UTC month that is over, from the configured first day on.
    - **Promise**: fetches nothing, runs no script, shows no restricted person; the same archive gives the same
      bytes, and the log's key signs them.
    """
    with told_plainly():
        start, end = context.partition_time_window
        period = Window(max(start.astimezone(UTC), midnight(workshop.start)), end.astimezone(UTC))
        size = workshop.archive.refresh().size
        place = workshop.reports / f"{period.start:%Y-%m}" / f"evidence-{size:012}.html"
        if not place.exists():
            made = _written(workshop, period, place)
            facts = _facts(made)
        else:
            context.log.info(f"{place} is there already, of the same log")
            facts = {"state": "there already, of the same log"}
    beside = place.with_name(f"{place.stem}-proofs")
    return dg.MaterializeResult(
        metadata={
            "report": link(workshop, place),
            "certificate": link(workshop, beside / "certificate.html"),
            "proofs": link(workshop, beside / "index.csv"),
            "checkpoint": size,
            **facts,
        }
    )


def _written(workshop: Workshop, period: Window, place: Path) -> "Report":
    from assets.evidence import make_report  # noqa: PLC0415 - loading the definitions stays cheap

    made, _ = make_report(workshop, period, place, proofs=True, signed=True)
    return made


def _facts(made: "Report") -> dict[str, Any]:
    told = made.document()
    days = told["days"]
    return {
        "events": told["events"],
        "findings": len(made.findings),
        "days complete": days["complete"],
        "days partial": days["partial"],
        "days missing": days["missing"],
        "days sealed": days["sealed"],
        "changed by the vendor": told["changes"]["revised"] + told["changes"]["withdrawn"],
        "summary": dg.MetadataValue.md(
            f"**{told['period']['from'][:7]}**: {told['events']:,} events, {len(made.findings)} findings to be "
            f"explained; {days['complete']} days complete, {days['partial']} partial, {days['missing']} missing."
        ),
    }


ASSETS = [completeness_certificate, evidence_report]
