"""Second sources handed in as files. Knows no Dagster."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from assets.workshop import Progress, Silent, Workshop
from warehouse.tables.audit_export import AuditExportError
from warehouse.tables.audit_export.committing import import_export
from warehouse.tables.audit_export.packing import member, members
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
        before = len(report.files)
        for inside in _members(path, report):
            fresh += _import(workshop, path, inside, report)
        progress.window_done(path.name, records=sum(file.get("rows", 0) for file in report.files[before:]))
    workshop.archive.settle()
    if fresh:
        _compare(workshop, report)
    return report


def _members(path: Path, report: ImportReport) -> list[str | None]:
    """What to import of a file: all of it, or each export in a ZIP that holds several."""
    try:
        found = members(path.read_bytes(), path.name)
    except (AuditExportError, OSError) as error:
        _refused(path.name, error, report)
        return []
    return [*found] if len(found) > 1 else [None]


def _import(workshop: Workshop, path: Path, inside: str | None, report: ImportReport) -> list[int]:
    """Import a file, or one export of a ZIP; its entries in the log."""
    name = path.name if inside is None else f"{path.name} ({inside})"
    try:
        data = path.read_bytes()
        if inside is not None:
            data = member(data, inside, path.name)
        done = import_export(workshop.archive, data, path.name, member=inside)
    except (AuditExportError, OSError) as error:
        _refused(name, error, report)
        return []
    report.files.append(asdict(done))
    if done.with_problems:
        rows = "1 row has" if done.with_problems == 1 else f"{done.with_problems} rows have"
        report.findings.append(
            {
                "code": "row_problems",
                "subject": name,
                "detail": f"{rows} cells that could not be read in full; all their text is kept; see the column "
                "problems of audit_export_rows",
            }
        )
    return done.seqs


def _refused(name: str, error: Exception, report: ImportReport) -> None:
    report.files.append({"name": name, "status": "bad", "reason": str(error)})
    report.findings.append({"code": "not_an_export", "subject": name, "detail": str(error)})


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
