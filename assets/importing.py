"""Second sources handed in as files. Knows no Dagster."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from assets.workshop import Progress, Silent, Workshop
from warehouse.tables.audit_export import AuditExportError
from warehouse.tables.audit_export.committing import import_export
from warehouse.tables.catalog import connect


@dataclass
class ImportReport:
    """What became of each file, and how its rows compare with the feed (`feed_has`, `feed_lacks`,
    `not_comparable`; counts of rows)."""

    files: list[dict[str, Any]] = field(default_factory=list)
    findings: list[dict[str, str]] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def import_audit_export(
    workshop: Workshop, paths: Sequence[Path], progress: Progress | None = None
) -> ImportReport:
    """Import the console's exports, one commit a file; a file that is none is named and the others go on."""
    progress = progress or Silent()
    progress.start(len(paths))
    report = ImportReport()
    fresh: list[int] = []
    for path in paths:
        try:
            done = import_export(workshop.archive, path.read_bytes(), path.name)
        except (AuditExportError, OSError) as error:
            report.files.append({"name": path.name, "status": "bad", "reason": str(error)})
            report.findings.append({"code": "not_an_export", "subject": path.name, "detail": str(error)})
        else:
            fresh += done.seqs
            report.files.append(asdict(done))
            if done.with_problems:
                report.findings.append(
                    {
                        "code": "row_problems",
                        "subject": path.name,
                        "detail": f"{done.with_problems} rows have cells that could not be read in full; all "
                        "their text is kept; see the column problems of audit_export_rows",
                    }
                )
        progress.window_done(path.name, records=report.files[-1].get("rows", 0))
    workshop.archive.settle()
    if fresh:
        _compare(workshop, report)
    return report


def _compare(workshop: Workshop, report: ImportReport) -> None:
    """Say per file how many of its rows the feed has and how many it lacks."""
    with connect(workshop.archive) as db:
        found = db.execute(
            "select r.commit_seq, m.match, count(*) from audit_export_matches as m "
            "join audit_export_rows as r using (row_key) group by r.commit_seq, m.match"
        ).fetchall()
    for file in report.files:
        if file["status"] == "imported":
            # by commit, not by name: each month's export may be called the same
            file["matches"] = {match: count for seq, match, count in found if seq in file["seqs"]}
