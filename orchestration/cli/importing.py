"""`ledgerline import`: second sources, committed verbatim beside the feed."""

from pathlib import Path
from typing import Annotated, Any

import typer

from orchestration.cli.failures import CannotRun
from orchestration.cli.options import CONFIG, DEBUG, JSON, add_command
from orchestration.cli.output import Output, counted
from orchestration.cli.progress import Progress


def register(app: typer.Typer) -> None:
    group = typer.Typer(
        name="import", help="Bring in a second source, verbatim, beside the feed.", no_args_is_help=True
    )
    add_command(
        group,
        "audit-export",
        audit_export,
        {
            "ledgerline import audit-export audit_logs.csv": "one export of the console",
            "ledgerline import audit-export 2026-10.zip 2026-11.zip": "several; a file that is known adds nothing",
        },
    )

    @group.callback()
    def _import() -> None:
        pass

    app.add_typer(group)


def audit_export(
    paths: Annotated[
        list[Path], typer.Argument(metavar="FILE", help="CSV, ZIP or JSON files as the console exports them.")
    ],
    config: CONFIG = None,
    json: JSON = False,
    debug: DEBUG = False,
) -> int:
    """Import the console's nine-field audit log export.

    Each file is archived as it is (of a ZIP with several exports, each of them), each row is kept whatever its
    cells hold, and rows are matched with the feed so that you see which of them the feed has too. A file that was
    imported before is recognised and adds nothing. Exit code 1 when rows could not be read in full or a file is
    not an export.
    """
    missing = [_why_no_file(path) for path in paths if not path.is_file()]
    if missing:
        raise CannotRun(
            "; ".join(missing) + "; nothing was imported",
            remedy="check the path; the console offers the export under Organization settings > Data and privacy",
        )

    from warehouse.config import load  # noqa: PLC0415

    settings = load(config)

    from assets.importing import import_audit_export  # noqa: PLC0415
    from orchestration.workshop import open_workshop  # noqa: PLC0415

    output = Output(json=json)
    with Progress("files", "rows") as progress, open_workshop(settings, for_writing=True) as workshop:
        report = import_audit_export(workshop, paths, progress).as_dict()
    if json:
        output.document(report)
    for file in report["files"]:
        _show(file, output)
    output.findings(report.get("findings", []))
    return 1 if report.get("findings") or any(file.get("status") == "bad" for file in report["files"]) else 0


def _why_no_file(path: Path) -> str:
    if path.is_dir():
        return f"{path} is a folder; name the files in it"
    return f"{path} is no regular file" if path.exists() else f"there is no file {path}"


def _show(file: dict[str, Any], output: Output) -> None:
    if file["status"] == "bad":
        return  # the findings say why
    if file["status"] == "known":
        output.line(f"{file['name']}: is in the archive already; nothing was added")
        return
    output.line(
        f"{file['name']}: {counted(file['rows'], 'row')}, {file['new']:,} new, {file['unchanged']:,} held "
        f"already, "
        f"{file['unmapped']:,} of an event that no feed type is known for"
    )
    if file.get("matches"):
        listed = ", ".join(f"{match.replace('_', ' ')} {count:,}" for match, count in file["matches"].items())
        output.line(f"  compared with the feed: {listed} (see audit_export_matches)")
    for note in file["notes"]:
        output.line(f"  note: {note}")
