"""`ledgerline telemetry land`: Claude Code's OpenTelemetry into the archive, content left out."""

from pathlib import Path
from typing import Annotated, Any

import typer

from orchestration.cli.failures import CannotRun
from orchestration.cli.options import CONFIG, DEBUG, JSON, add_command
from orchestration.cli.output import Output, counted
from orchestration.cli.progress import Progress

_NAMES_SHOWN = 8


def register(group: typer.Typer) -> None:
    add_command(
        group,
        "land",
        land,
        {
            "ledgerline telemetry land ./otel": "every closed file in a folder and the folders below",
            "ledgerline telemetry land s3://claude-otel/logs": "what a Collector's awss3 exporter wrote",
            "ledgerline telemetry land": "the sources of [telemetry] in the configuration",
        },
    )


def land(
    paths: Annotated[
        list[str] | None,
        typer.Argument(metavar="PATH", help="Files, folders, s3:// addresses. Default: telemetry.sources."),
    ] = None,
    config: CONFIG = None,
    json: JSON = False,
    debug: DEBUG = False,
) -> int:
    """Land OTLP files in the archive: metrics, logs and traces, JSON or protobuf, plain, gzip or Zstandard.

    Attributes that the allow-list does not name are removed before anything is stored, and counted by name. A
    file that landed before is recognised by its bytes. A file that is no OTLP, or is cut off, lands nothing and is
    named; it lands once it is repaired. Of a folder, the file that an exporter still writes to is left alone. Exit
    code 1 when a file was bad.
    """
    from warehouse.config import load  # noqa: PLC0415

    settings = load(config)
    if not paths and not settings.telemetry.sources:
        raise CannotRun(
            "no path was given, and the configuration names no source of telemetry",
            remedy="give a path, or set sources = [...] under [telemetry]",
        )
    missing = [path for path in paths or () if not path.startswith("s3://") and not Path(path).exists()]
    if missing:
        raise CannotRun(f"there is no {', '.join(missing)}; nothing was landed", remedy="check the path")

    from datetime import timedelta  # noqa: PLC0415

    from assets.telemetry_landing import land_telemetry  # noqa: PLC0415
    from orchestration.workshop import open_workshop  # noqa: PLC0415

    output = Output(json=json)
    with Progress("files", "rows") as progress, open_workshop(settings, for_writing=True) as workshop:
        settled = timedelta(0) if paths else None  # whoever names a path says that it is closed
        report = land_telemetry(workshop, paths or (), progress, settled=settled).as_dict()
    if json:
        output.document(report)
    else:
        _show(report["files"], output)
    output.findings(report["findings"])
    return 1 if report["findings"] else 0


def _show(files: list[dict[str, Any]], output: Output) -> None:
    landed = [file for file in files if file["status"] == "landed"]
    known = sum(file["status"] == "duplicate" for file in files)
    rows = ", ".join(
        counted(total, noun)
        for noun in ("point", "event", "span")
        if (total := sum(file[f"{noun}s"] for file in landed))
    )
    output.line(f"{counted(len(landed), 'file')} landed: {rows or 'no rows'}")
    if known:
        output.line(f"  in the archive already: {counted(known, 'file')}")
    removed: dict[str, int] = {}
    for file in landed:
        for name, count in file["removed"].items():
            removed[name] = removed.get(name, 0) + count
    if removed:
        most = sorted(removed, key=lambda name: (-removed[name], name))
        listed = ", ".join(f"{name} {removed[name]:,}" for name in most[:_NAMES_SHOWN])
        more = f" and {len(most) - _NAMES_SHOWN} more names" if len(most) > _NAMES_SHOWN else ""
        output.line(f"  removed, not on the allow-list: {listed}{more}")
