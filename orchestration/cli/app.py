"""The `ledgerline` command: its sub-commands, each in a file of its own, and how any of them may end.

Promise: importing this loads no Dagster, pandas, pyarrow or DuckDB; every ending has one exit code:
0 done, 1 done with findings or failures that are listed, 2 could not run, 130 interrupted.
"""

import io
import os
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated

import typer
from typer.exceptions import TyperException

from orchestration.cli import (
    anchor,
    build,
    catalog,
    checkpoint,
    cost_model,
    deliver,
    demo,
    detections,
    doctor,
    evidence,
    finops,
    hold,
    importing,
    init,
    key,
    prove,
    pull,
    redeliver,
    restrict,
    retention,
    sql,
    status,
    telemetry,
    tenants,
    verify,
    witness,
)
from orchestration.cli.failures import INTERRUPTED, Failure, failure_of, tell, traceback_of
from orchestration.cli.options import epilog
from orchestration.cli.output import Output

app = typer.Typer(
    name="ledgerline",
    help="Who did what in Claude, what it cost, and proof of both.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog=epilog(
        {
            "ledgerline demo": "all of it against a pretend tenant, no account needed",
            "ledgerline init": "a configuration and a signing key, to begin with",
            "ledgerline pull activities": "what is due, into the archive",
            'ledgerline sql "select count(*) from audit_events"': "ask it",
            "ledgerline pull --help": "more about one command; every command has examples",
        }
    ),
)
for command in (
    demo,
    init,
    doctor,
    pull,
    importing,
    deliver,
    redeliver,
    status,
    sql,
    verify,
    prove,
    evidence,
    checkpoint,
    witness,
    anchor,
    key,
    hold,
    retention,
    restrict,
    build,
    detections,
    finops,
    telemetry,
    tenants,
    catalog,
    cost_model,
):
    command.register(app)


def _show_version(wanted: bool) -> None:
    if wanted:
        try:
            typer.echo(f"ledgerline {version('ledgerline')}")
        except PackageNotFoundError:
            typer.echo("ledgerline, from a source tree that is not installed")
        raise typer.Exit


@app.callback()
def _root(
    show_version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    pass


def run(args: Sequence[str]) -> int:
    """Run one command line; returns its exit code and never raises."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # closed by who started us: nobody listens
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 - as long as we run
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    debug, as_json = "--debug" in args, "--json" in args
    try:
        code = typer.main.get_command(app).main(list(args), prog_name="ledgerline", standalone_mode=False)
        sys.stdout.flush()
    except TyperException as error:
        return _tell(_usage_failure(error, args), as_json=as_json)
    except SystemExit as error:  # typer's and rich's way out of a broken pipe, and of shell completion
        return _pipe_closed() if isinstance(error.__context__, BrokenPipeError) else int(error.code or 0)
    except BrokenPipeError:
        return _pipe_closed()
    except BaseException as error:
        if isinstance(error, ImportError) and isinstance(error.__cause__ or error.__context__, KeyboardInterrupt):
            error = KeyboardInterrupt()  # a compiled library made an import error of it
        if debug:
            print(traceback_of(error), file=sys.stderr)
        return _tell(failure_of(error, debug=debug, args=args), as_json=as_json)
    if code == INTERRUPTED:  # typer makes an exit code of an interrupt
        return _tell(failure_of(KeyboardInterrupt()), as_json=as_json)
    return code if isinstance(code, int) else 0


def _pipe_closed() -> int:
    """Whoever read our output has seen enough: nothing more can be said, and it is no failure of ours."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _usage_failure(error: TyperException, args: Sequence[str]) -> Failure:
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "ledgerline"
    message = error.format_message().strip()
    if not message:  # the help was asked for by giving nothing, and has been shown
        return Failure("usage", "", "")
    remedy = f"see `{path} --help`"
    option = getattr(error, "option_name", "")
    if "requires an argument" in message and option == "--config":
        remedy = "give the path of the configuration after it: --config PATH"
    elif path == "ledgerline" and option in ("--json", "--config", "--debug"):
        remedy = f"{option} goes after the command: ledgerline status {option}"
    elif path == "ledgerline" and "No such command" in message and context is not None:
        remedy = f"the commands are: {', '.join(context.command.list_commands(context))}"
    return Failure("usage", message.replace("No such command", "there is no command"), remedy)


def _tell(failure: Failure, *, as_json: bool) -> int:
    if as_json:
        Output(json=True).document(failure.document())
    return tell(failure)
