"""`ledgerline build`: the dbt marts, in process, without Dagster."""

from typing import Annotated, Any

import typer

from orchestration.cli.options import CONFIG, DEBUG, JSON, add_command
from orchestration.cli.output import Output, duration
from orchestration.cli.progress import Progress


def register(app: typer.Typer) -> None:
    add_command(
        app,
        "build",
        build,
        {
            "ledgerline build": "every mart",
            "ledgerline build fct_login+": "one model and what depends on it",
        },
    )


def build(
    select: Annotated[
        str | None,
        typer.Argument(metavar="SELECT", help="dbt's selection syntax: a model, tag:x, +model, model+."),
    ] = None,
    config: CONFIG = None,
    json: JSON = False,
    debug: DEBUG = False,
) -> int:
    """Build the marts from the archive into the DuckDB file of the configuration, and test them.

    Readers keep the old file until the new one is whole. Exit code 1 when a model or a test failed.
    """
    from warehouse.config import load  # noqa: PLC0415

    settings = load(config)

    from assets.building import build as build_marts  # noqa: PLC0415

    from orchestration.workshop import open_workshop  # noqa: PLC0415

    output = Output(json=json)
    with Progress("models") as progress, open_workshop(settings, for_writing=False) as workshop:
        report = build_marts(workshop, select=select, progress=progress).as_dict()
    if json:
        output.document(report)
    _show(report, output)
    return 0 if report["ok"] else 1


def _show(report: dict[str, Any], output: Output) -> None:
    counts = ", ".join(f"{count:,} {state}" for state, count in report["counts"].items())
    output.line(f"{report['database']}: {counts} in {duration(report['seconds'])}")
    for failed in report["failed"]:
        output.line(f"  failed  {failed['name']}: {failed['error']}")
