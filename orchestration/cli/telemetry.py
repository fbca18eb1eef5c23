"""`ledgerline telemetry`: Claude Code's OpenTelemetry, from the settings of the machines to the archive."""

import typer

from orchestration.cli import telemetry_land, telemetry_receive, telemetry_settings


def register(app: typer.Typer) -> None:
    group = typer.Typer(name="telemetry", help="Claude Code's telemetry, without content.", no_args_is_help=True)
    telemetry_settings.register(group)
    telemetry_receive.register(group)
    telemetry_land.register(group)

    @group.callback()
    def _telemetry() -> None:
        pass

    app.add_typer(group)
