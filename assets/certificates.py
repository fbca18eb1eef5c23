"""The certificate of each month as an asset: how complete its audit records are, signed, in a folder to hand out.

Promise: a certificate that was written is never written over; one over a later state of the log stands beside it.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import dagster as dg

from assets.audit import OWNERS
from assets.failures import told_plainly
from assets.sealed import audit_events_sealed
from assets.workshop import Workshop
from warehouse.wire.times import midnight
from warehouse.wire.windows import Window

if TYPE_CHECKING:
    from warehouse.evidence.certificate import Certificate

# From the first month there can be anything; orchestration begins them at the configured day's.
# A month is certified when it is over.
MONTHS = dg.MonthlyPartitionsDefinition(start_date="2023-01-01", timezone="UTC")
# It is made on the 3rd of each month.
KEPT_UP = dg.FreshnessPolicy.time_window(fail_window=timedelta(days=45), warn_window=timedelta(days=35))
_SHOWN = 50


@dg.asset(
    deps=[audit_events_sealed],
    partitions_def=MONTHS,
    group_name="archive",
    kinds={"json", "html"},
    owners=OWNERS,
    tags={"tier": "evidence"},
    freshness_policy=KEPT_UP,
    check_specs=[
        dg.AssetCheckSpec(
            "month_is_complete",
            asset="completeness_certificate",
            description="Nothing speaks against the completeness of the month's records: no gap, no time without "
            "recording, no stranger at the audit trail, no missing request of ours, nothing changed afterwards. "
            "When something does: explain each finding in writing beside the certificate, fill gaps by "
            "materializing those days of audit_events, and make the certificate again.",
        )
    ],
)
def completeness_certificate(
    context: dg.AssetExecutionContext, workshop: dg.ResourceParam[Workshop]
) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
    """How complete the audit records of a month are, and what speaks against it: signed, as data and as a page.

    - **Source**: the log, `audit_events` and `audit_events_sealed`.
    - **Grain**: one certificate per month and state of the log, in the folder `certificates/` beside the marts.
    - **Window**: a UTC month that is over, from the configured first day on.
    - **Promise**: says what it found and what it cannot know; the signature is checked with `verify_proof.py`.
    """
    from assets.evidence import certify  # noqa: PLC0415 - loading the definitions stays cheap
    from warehouse.evidence.files import certificate_files, write_new  # noqa: PLC0415

    with told_plainly():
        start, end = context.partition_time_window
        period = Window(max(start.astimezone(UTC), midnight(workshop.start)), end.astimezone(UTC))
        made = certify(workshop, period)
        folder = workshop.marts.parent / "certificates" / f"{period.start:%Y-%m}" / _state_of(made)
        if not folder.exists():
            write_new(folder, certificate_files(made))
    context.log.info(f"{len(made.findings)} findings; {folder / 'certificate.html'}")
    document = made.document
    yield dg.MaterializeResult(
        metadata={
            "page": dg.MetadataValue.path(str(folder / "certificate.html")),
            "events": document["events"]["count"],
            "seconds missing": document["coverage"]["seconds_missing"],
            "late": document["late"]["count"],
            "findings": len(made.findings),
            "sha256": made.sha256,
            "checkpoint": document["checkpoint"]["size"],
        }
    )
    yield _complete(made)


def _state_of(made: "Certificate") -> str:
    """A folder's name for the state of the log that a certificate was made from, and when."""
    at = datetime.fromisoformat(made.document["made_at"])
    return f"{made.document['checkpoint']['size']:012}-{at:%Y%m%dT%H%M%SZ}"


def _complete(made: "Certificate") -> dg.AssetCheckResult:
    shown = [
        dg.TableRecord({"code": found["code"], "subject": found["subject"], "detail": found["detail"]})
        for found in made.findings[:_SHOWN]
    ]
    return dg.AssetCheckResult(
        passed=not made.findings,
        check_name="month_is_complete",
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{len(made.findings)} findings must be explained; the certificate's page has them."
        if made.findings
        else "Nothing speaks against the completeness of this month.",
        metadata={"findings": dg.MetadataValue.table(shown)} if shown else {},
    )
