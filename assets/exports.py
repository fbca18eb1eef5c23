"""The console's audit-log export as an asset: the second source, beside the feed and compared with it.

Files come from the folder `exports/` beside the marts (a sensor watches it) or are named by the run. One that was
imported before is recognised by its bytes and adds nothing.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
from pydantic import Field

from assets.audit import GROUP, OWNERS, audit_events
from assets.code_references import written_here
from assets.column_schema import table
from assets.failures import told_plainly
from assets.importing import ImportReport, import_audit_export
from assets.run_log import RunLog
from assets.workshop import Workshop
from warehouse.tables.audit_export import AUDIT_EXPORT_ROWS
from warehouse.tables.catalog import connect

_COUNTS = ("rows", "new", "unchanged", "with_problems", "unmapped")

console_export = dg.AssetSpec(
    "console_audit_export",
    metadata=written_here(),
    owners=OWNERS,
    group_name="vendor",
    kinds={"anthropic", "csv"},
    description="The nine-field audit log that an owner exports by hand from the console (Organization "
    "settings > Data and privacy), at most 180 days back. CSV, a ZIP of it, or JSON.",
)


def inbox(marts: Path) -> Path:
    """The folder that export files are laid into; `marts` is the DuckDB file."""
    return marts.parent / "exports"


class ImportRun(dg.Config):
    """Which files a run imports."""

    files: list[str] = Field(
        default=[],
        description="Paths of export files. Empty: every file in the folder exports/ beside the marts.",
    )


@dg.asset(
    deps=[console_export],
    group_name=GROUP,
    kinds={"parquet"},
    owners=OWNERS,
    tags={"tier": "recent"},
    metadata=table("audit_export_rows", AUDIT_EXPORT_ROWS),
)
def audit_export_rows(
    context: dg.AssetExecutionContext, config: ImportRun, workshop: dg.ResourceParam[Workshop]
) -> Iterator[dg.MaterializeResult[None]]:
    """Rows of the console's audit-log export, each with its text as it was.

    - **Source**: `console_audit_export`, archived verbatim as one commit a file.
    - **Grain**: one row per row of a file; a row that two files have is kept once.
    - **Window**: whatever the files hold.
    - **Promise**: no row is lost, however its cells are written. `audit_export_matches` says which rows the feed
      has too and which it lacks. Never add these rows to `audit_events`: they are the same events, told twice.
    """
    folder = inbox(workshop.marts)
    waiting = [Path(name) for name in config.files] or sorted(path for path in folder.glob("*") if path.is_file())
    with told_plainly():
        report = import_audit_export(workshop, waiting, RunLog(context.log, "files"))
    yield dg.MaterializeResult(metadata=_facts(report))
    bad = [file for file in report.files if file["status"] == "bad"]
    if bad:
        raise dg.Failure(
            f"{len(bad)} of {len(report.files)} files were not imported: "
            + "; ".join(f"{file['name']}: {file['reason']}" for file in bad)
            + " The others were. Export the log again, or take the file out of the folder.",
            allow_retries=False,
        )


def _facts(report: ImportReport) -> dict[str, Any]:
    counts = {name: sum(int(file.get(name, 0)) for file in report.files) for name in _COUNTS}
    columns = ("name", "status", *_COUNTS)
    shown = [dg.TableRecord({name: file.get(name, 0) for name in columns}) for file in report.files]
    return {"files": len(report.files), **counts} | ({"by file": dg.MetadataValue.table(shown)} if shown else {})


@dg.asset_check(
    asset=audit_export_rows,
    additional_deps=[audit_events],
    description="The feed has every row that the console exported for times the feed covers. Rows it lacks "
    "are events that somebody saw in the console and our archive does not hold: backfill their "
    "days, then ask the vendor.",
)
def feed_has_the_rows(workshop: dg.ResourceParam[Workshop]) -> dg.AssetCheckResult:
    """Compares by actor, time and event."""
    with told_plainly(), connect(workshop.archive) as db:
        found = dict(db.execute("select match, count(*) from audit_export_matches group by match").fetchall())
    lacking = found.get("feed_lacks", 0)
    return dg.AssetCheckResult(
        passed=not lacking,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"The feed lacks {lacking} exported rows; see match = 'feed_lacks' in audit_export_matches."
        if lacking
        else "The feed has every exported row that can be compared.",
        metadata={name: found.get(name, 0) for name in ("feed_has", "feed_lacks", "not_comparable")},
    )


@dg.asset_check(
    asset=audit_export_rows,
    description="Every cell of every row could be read in full. A row with problems keeps all its text; say "
    "what it should mean, and extend the reader if more such rows come.",
)
def cells_are_readable(workshop: dg.ResourceParam[Workshop]) -> dg.AssetCheckResult:
    """Counts rows that name problems."""
    with told_plainly():
        counts = workshop.archive.refresh().table("audit_export_rows").counts
    troubled = counts.get("with_problems", 0)
    return dg.AssetCheckResult(
        passed=not troubled,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{troubled} rows have cells not read in full; the column `problems` says why."
        if troubled
        else "Every cell could be read.",
        metadata={"rows": counts.get("first", 0), "with problems": troubled},
    )
