"""Anchoring as a piece of work: the newest checkpoint to all places that are set; what failed becomes findings.

Promise: no place that fails stops a pull, a seal or a night's upkeep. Off unless archive.anchors or
archive.timestamp_authority is set.
"""

from dataclasses import dataclass, field

from assets.workshop import Workshop
from warehouse.archive.anchor import AnchorReport, anchor
from warehouse.archive.errors import ArchiveError


@dataclass(frozen=True)
class Anchoring:
    """What became of each place, and the findings among it: {code, subject, detail}."""

    report: AnchorReport = field(default_factory=AnchorReport)
    findings: list[dict[str, str]] = field(default_factory=list)


def anchor_checkpoint(workshop: Workshop) -> Anchoring:
    """Copy the newest checkpoint to each place that is set. Raises nothing of the archive's room."""
    if not workshop.anchors:
        return Anchoring()
    findings: list[dict[str, str]] = []

    def add(code: str, subject: str, detail: str) -> None:
        findings.append({"code": code, "subject": subject, "detail": detail})

    try:
        report = anchor(workshop.archive, workshop.anchors)
    except ArchiveError as error:  # the checkpoint itself cannot be read; the pull is committed all the same
        add("anchor_failed", workshop.archive.store.url, str(error))
        return Anchoring(AnchorReport(), findings)
    for one in report.anchored:
        if one.outcome == "failed":
            add("anchor_failed", one.place, f"{one.detail}. The next seal, or `ledgerline anchor`, tries again")
        elif one.outcome == "differs":
            add(
                "anchor_differs",
                one.place,
                f"{one.detail}. Nothing was copied there. Stop writing and run `ledgerline verify`",
            )
    return Anchoring(report, findings)
