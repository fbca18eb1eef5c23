"""`ledgerline build`: the dbt marts, in process, without Dagster."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.cli.names import known
from orchestration.cli.options import CONFIG, DEBUG, JSON, add_command
from orchestration.cli.output import Output, counted, duration
from orchestration.cli.progress import Progress

if TYPE_CHECKING:
    from warehouse.tables.marts.dbt_run import ModelBuild
    from warehouse.tables.marts.errors import BuildFailed


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

    Readers keep the old file until the new one is whole. Exit code 1 when a model or a test failed, 2 where the
    disk has no room for them.
    """
    from warehouse.config import load  # noqa: PLC0415

    settings = load(config)

    from assets.building import build as build_marts  # noqa: PLC0415
    from orchestration.workshop import open_workshop  # noqa: PLC0415
    from warehouse.tables.marts.errors import BuildFailed  # noqa: PLC0415

    output = Output(json=json)
    with Progress("models", "rows") as progress, open_workshop(settings, for_writing=False) as workshop:

        def built(model: "ModelBuild") -> None:
            progress.window_done(model.name, records=model.rows or 0)

        try:
            report = build_marts(workshop, select=select, progress=built)
        except BuildFailed as error:
            return show_failed(error, output)
    if select is not None and not report.models:
        _refuse_unknown(select)
    if json:
        output.document({"ok": True, **asdict(report)})
    built_rows = [
        (model.name, model.status, model.rows, f"{model.seconds:.1f} s") for model in report.models if model.rows
    ]
    if built_rows:
        output.table(("model", "status", "rows", "time"), built_rows, right=("rows", "time"))
    span = f"{report.first_day} to {report.last_day}" if report.first_day else "no day"
    output.line(f"{report.database}: {span} ({report.reason}) in {duration(report.seconds)}")
    output.line(f"{counted(report.tests_passed, 'test')} passed, {report.tests_failed} found something")
    for warning in report.warnings:
        output.line(f"  found  {warning.name}: {counted(warning.rows, 'row')}; see {warning.compiled}")
    return 1 if report.warnings else 0


def _refuse_unknown(select: str) -> None:
    """Nothing was built: because nothing was due, or because no model has that name. Raises CannotRun."""
    from warehouse.tables.marts.project import find_project  # noqa: PLC0415

    models = sorted(path.stem for path in (find_project(None) / "models").rglob("*.sql"))
    for name in select.split():
        bare = name.strip("+@")
        if bare.isidentifier():
            known("model", bare, models)


def show_failed(error: "BuildFailed", output: Output) -> int:
    """Show what failed in a build of the marts; returns the exit code: a full disk is no finding."""
    if output.json:
        output.document({"ok": False, "failures": [asdict(failure) for failure in error.failures]})
    for line in str(error).split("\n"):
        output.line(line)
    if "No space left on device" in str(error):
        output.line("  What to do: make room on the disk of warehouse.duckdb and build again")
        return 2
    return 1
