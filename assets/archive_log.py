"""The archive itself as an asset: its log kept in order each night, and verified.

Promise: what crashed runs left is signed in while it is young, the state is snapshotted, and every object of
the last days (once a week: of all time) is read back and compared with what the log says of it.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

import dagster as dg
from pydantic import Field

from assets.anchoring import Anchoring, anchor_checkpoint
from assets.audit import NIGHTLY, OWNERS
from assets.exports import audit_export_rows
from assets.failures import told_plainly
from assets.sealed import audit_events_sealed
from assets.workshop import Workshop
from warehouse.archive.adopt import adopt_orphans
from warehouse.archive.holds import complete
from warehouse.archive.note import Verifier
from warehouse.archive.timestamp import reader
from warehouse.archive.verify import Verification, verify
from warehouse.archive.verify_pins import kept_pin
from warehouse.archive.verify_start import Position, PositionFile
from warehouse.tables.seal import write_missing_markers

_SHOWN = 50


class VerifyRun(dg.Config):
    """How far back objects are read."""

    days: int = Field(
        default=2,
        ge=0,
        description="Read back the objects committed in so many days; 0 reads the whole log and every object "
        "there is. The log is read from where the last clean look ended, where this machine knows it.",
    )


@dg.asset(
    deps=[audit_events_sealed, audit_export_rows],
    group_name="archive",
    kinds={"json"},
    owners=OWNERS,
    tags={"tier": "evidence"},
    freshness_policy=NIGHTLY,
    check_specs=[
        dg.AssetCheckSpec(
            "archive_verified",
            asset="archive_log",
            description="The log replays, every checkpoint is signed by our key over exactly its entries, "
            "and every object read back has the bytes the log names. When not: touch nothing, "
            "run `ledgerline verify` for the full list, restore altered or missing objects from "
            "their versions or a copy, and find out who did it.",
        ),
        dg.AssetCheckSpec(
            "checkpoint_anchored",
            asset="archive_log",
            description="The newest checkpoint was copied to each of archive.anchors, and timestamped where an "
            "authority is set. When not: the text says which place failed and why; the next run tries again. A "
            "place that keeps another history than this log (ERROR): touch nothing, run `ledgerline verify`, and "
            "find out which of the two was rewritten.",
        ),
    ],
)
def archive_log(
    context: dg.AssetExecutionContext, config: VerifyRun, workshop: dg.ResourceParam[Workshop]
) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
    """The log of commits: numbered entries, chained by hash, covered by signed checkpoints.

    - **Source**: every run that writes.
    - **Grain**: one entry per commit.
    - **Window**: each night what was added since the last clean look, with the objects of two days; on Sundays
      the whole log and every object.
    - **Promise**: what is in the archive can be proven to be what was put there; nothing under its prefixes is
      unexplained.
    """
    with told_plainly():
        archive = workshop.archive
        adopted, finished = adopt_orphans(archive), list[str]()
        if archive.refresh().size:
            write_missing_markers(archive, newest=None)
            finished = complete(archive)
            archive.log.snapshot()
            archive.settle()
        since = workshop.clock() - timedelta(days=config.days) if config.days else None
        trusted = [archive.log.signer().verifier] if archive.state.origin else None
        anchored = anchor_checkpoint(workshop)
        result = _verify(workshop, trusted, since)
    context.log.info(f"{len(adopted)} objects of crashed runs signed in; {result.checked} checked")
    for what in finished:
        context.log.info(f"finished what a crashed run had begun: {what}")
    yield dg.MaterializeResult(
        metadata={
            **result.checked,
            "findings": len(result.findings),
            "adopted": len(adopted),
            "root": archive.state.edge().root().hex() if archive.state.size else "",
            "notes": dg.MetadataValue.text("\n".join(result.notes)),
        }
    )
    yield _verified(result)
    yield _anchored(anchored)


def _anchored(done: Anchoring) -> dg.AssetCheckResult:
    differs = any(found["code"] == "anchor_differs" for found in done.findings)
    named = "; ".join(f"{found['subject']}: {found['detail']}" for found in done.findings)
    places = len(done.report.anchored)
    return dg.AssetCheckResult(
        passed=not done.findings,
        check_name="checkpoint_anchored",
        severity=dg.AssetCheckSeverity.ERROR if differs else dg.AssetCheckSeverity.WARN,
        description=named or f"The checkpoint of {done.report.size} entries is kept in {places} other places.",
        metadata={"places": places, "size": done.report.size},
    )


def _verify(workshop: Workshop, trusted: list[Verifier] | None, since: datetime | None) -> Verification:
    """Go on where the last clean verification ended, if this machine knows; Sundays' looks at everything."""
    archive = workshop.archive
    kept = PositionFile.beside(archive.cache) if archive.cache else None
    position = kept.load() if kept else None
    began = archive.clock()
    result = verify(
        archive.store,
        trusted=trusted,
        since=since,
        position=position if since is not None else None,
        pins=[kept_pin(position)] if position is not None and since is None else (),
        retention=archive.retention,
        witnesses=workshop.witnesses,
        timestamps=reader(workshop.anchors.certificates),
    )
    if kept is not None and result.reached is not None:
        kept.save(Position(result.reached, began))
    return result


def _verified(result: Verification) -> dg.AssetCheckResult:
    shown = [
        dg.TableRecord({"code": found.code, "subject": found.subject, "detail": found.detail})
        for found in result.findings[:_SHOWN]
    ]
    return dg.AssetCheckResult(
        passed=result.ok,
        check_name="archive_verified",
        severity=dg.AssetCheckSeverity.ERROR,
        description=(
            f"{result.checked['objects']} objects and {result.checked['entries']} entries are what the log says."
            if result.ok
            else f"{len(result.findings)} findings, the first: {result.findings[0].code} of "
            f"{result.findings[0].subject}. Touch nothing and run `ledgerline verify`."
        ),
        metadata={"findings": dg.MetadataValue.table(shown)} if shown else {},
    )
