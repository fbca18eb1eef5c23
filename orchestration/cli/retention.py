"""`ledgerline retention extend` and `ledgerline expire`: how long things stay, and what goes when it may."""

from typing import Annotated

import typer

from orchestration.cli import moments
from orchestration.cli.failures import CannotRun
from orchestration.cli.hold import HELD_STREAMS, report
from orchestration.cli.names import known
from orchestration.cli.options import CONFIG, DEBUG, JSON, add_command
from orchestration.cli.output import Output, size
from orchestration.cli.progress import Progress

_FOLDER = "this archive is a folder, which keeps no dates: the log says it and `ledgerline expire` heeds it"


def register(app: typer.Typer) -> None:
    group = typer.Typer(name="retention", help="How long the store keeps things.", no_args_is_help=True)
    add_command(
        group,
        "extend",
        extend,
        {
            "ledgerline retention extend --until 2036-01-01": "everything committed by now",
            "ledgerline retention extend --until 2036-01-01 --from 2026-01-01 --to 2027-01-01": "a year's events",
        },
    )

    @group.callback()
    def _retention() -> None:
        pass

    app.add_typer(group)
    add_command(
        app,
        "expire",
        expire,
        {
            "ledgerline expire --dry-run": "what could go",
            "ledgerline expire": "delete it",
        },
    )


def extend(
    until: Annotated[str, typer.Option("--until", metavar="T", help="Retain at least until then.")],
    from_: Annotated[
        str | None,
        typer.Option("--from", metavar="T", help="Only what concerns events from then.", show_default=False),
    ] = None,
    to: Annotated[
        str | None, typer.Option("--to", metavar="T", help="Where those events end.", show_default=False)
    ] = None,
    stream: Annotated[
        str | None, typer.Option("--stream", metavar="STREAM", help="Only this stream.", show_default=False)
    ] = None,
    reason: Annotated[
        str | None, typer.Option("--reason", metavar="TEXT", help="Why; it stands in the log.", show_default=False)
    ] = None,
    config: CONFIG = None,
    json: JSON = False,
    debug: DEBUG = False,
) -> int:
    """Retain longer what was committed by now. Nothing is ever retained shorter, and no lock changes its mode.

    Without --from and --to it reaches everything that the log names, and the log. What is committed later gets
    retention_days as before: set that too. It is announced in the log first. After an interruption run it again.
    """
    from warehouse.wire.times import rfc3339, system_clock  # noqa: PLC0415
    from warehouse.wire.windows import Window  # noqa: PLC0415

    chosen = known("stream", stream, HELD_STREAMS) if stream else None
    moment = moments.moment(until, "--until")
    if moment <= system_clock():
        raise CannotRun(f"--until {rfc3339(moment)} has passed", remedy="name a day to come")
    if (from_ is None) != (to is None):
        raise CannotRun("--from and --to go together", remedy="give both, or neither for everything")
    window = None
    if from_ is not None and to is not None:
        start, end = moments.moment(from_, "--from"), moments.moment(to, "--to")
        if start >= end:
            raise CannotRun("--from is not before --to; a window is [from, to)", remedy="swap them")
        window = Window(start, end)

    from warehouse.config import load  # noqa: PLC0415

    settings = load(config)

    from orchestration.workshop import open_workshop  # noqa: PLC0415
    from warehouse.archive.holds import extend as extend_retention  # noqa: PLC0415

    with Progress("objects") as progress, open_workshop(settings, for_writing=True) as workshop:
        archive = workshop.archive
        done = extend_retention(
            archive, moment, window=window, stream=chosen, reason=reason,
            tell=lambda count: progress.reached("objects", count, count),
        )  # fmt: skip
        archive.settle()
    said = f"{done.objects:,} objects are retained at least until {rfc3339(moment)}"
    return report(Output(json=json), done, said, _FOLDER, until=rfc3339(moment))


def expire(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be deleted; delete nothing.")] = False,
    config: CONFIG = None,
    json: JSON = False,
    debug: DEBUG = False,
) -> int:
    """Delete files of the recent tier whose lock has passed and whose rows a seal took over.

    Never anything else, and nothing that concerns a legal hold. The sealed file that replaces them is read and
    compared first, and the log names them before they go. Needs the right to delete, which a pull does not need.
    Exit code 1 when files were left alone because something about them is not as it should be.
    """
    from warehouse.config import load  # noqa: PLC0415

    settings = load(config)

    from orchestration.workshop import open_workshop  # noqa: PLC0415
    from warehouse.archive.expire import expire as expire_recent  # noqa: PLC0415

    output = Output(json=json)
    with Progress("files") as progress, open_workshop(settings, for_writing=not dry_run) as workshop:
        archive = workshop.archive
        result = expire_recent(
            archive, dry_run=dry_run, tell=lambda count: progress.reached("files", count, count)
        )
        if not dry_run:
            archive.settle()
    if json:
        output.document(
            {
                "dry_run": dry_run,
                "deleted": result.deleted,
                "bytes": result.bytes,
                "kept": result.kept,
                "strange": result.strange,
            }
        )
    verb = "would be deleted" if dry_run else "deleted"
    output.line(f"{len(result.deleted):,} files of the recent tier {verb}, {size(result.bytes)}")
    for reason, count in sorted(result.kept.items()):
        output.line(f"  {count:,} kept: {reason}")
    for key in result.strange:
        output.line(f"  left alone: {key}")
    if result.strange:
        output.line("  something about these is not as it should be: run `ledgerline verify`")
    return 1 if result.strange else 0
