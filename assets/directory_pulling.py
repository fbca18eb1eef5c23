"""Snapshots of the directory: taken, committed and folded. Knows no Dagster.

Promise: a snapshot is one entry, complete only after the last page of its last list; what a killed run left is
folded first; one that failed is committed with what it did serve and withdraws nobody.
"""

import time

from assets.pull_report import PullReport
from assets.walking import commit_window, walk_window
from assets.workshop import Progress, Silent, Workshop
from warehouse.anthropic.directory import Snapshot
from warehouse.anthropic.surfaces import ORGANIZATION
from warehouse.archive.adopt import adopt_orphans
from warehouse.tables.directory.fold import fold_pending_snapshots
from warehouse.wire.windows import Window


def pull_snapshot(workshop: Workshop, stream: Snapshot, *, progress: Progress | None = None) -> PullReport:
    """Take a snapshot of one list now. Raises StreamTrouble when the key does not open it."""
    progress = progress or Silent()
    began = time.monotonic()
    archive, directory = workshop.archive, workshop.lists_of(stream)
    report = PullReport(stream)
    archive.refresh()
    archive.check_key()
    _fold(workshop, stream, report)
    adopt_orphans(archive)
    progress.start(1)
    day = Window.of_day(directory.client.server_clock.now().date())
    walked = walk_window(archive, stream, day, directory.pages(stream, day))
    finding = directory.client.server_clock.finding()
    if finding is not None:
        report.findings.append({"code": finding.code, "subject": "clock", "detail": str(finding)})
    commit_window(
        archive,
        walked,
        report,
        api_version=directory.client.version,
        audited=directory.client.surface is ORGANIZATION,  # part of the Compliance API, which records its calls
        of_a_moment=True,
    )
    report.windows = 1
    _fold(workshop, stream, report)
    archive.settle()
    progress.window_done(day, report.pages, report.records)
    report.seconds = time.monotonic() - began
    return report


def _fold(workshop: Workshop, stream: Snapshot, report: PullReport) -> None:
    for folded in fold_pending_snapshots(workshop.archive, stream):
        report.add_fold(folded)
        report.bytes += folded.bytes
