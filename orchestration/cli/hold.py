"""`ledgerline hold`: legal holds on all that concerns a span of events, set, released and listed."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestration.cli import moments
from orchestration.cli.failures import CannotRun
from orchestration.cli.names import STREAMS, known
from orchestration.cli.options import CONFIG, DEBUG, JSON, add_command
from orchestration.cli.output import Output
from orchestration.cli.progress import Progress

if TYPE_CHECKING:
    from warehouse.archive.holds import Done
    from warehouse.archive.store import Store

NAME = Annotated[str, typer.Argument(metavar="NAME", help="What the hold is called: a-z, 0-9, '.', '_', '-'.")]
REASON = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it stands in the log for ever.")]
HELD_STREAMS = (*STREAMS, "audit_export")
FOLDER = (
    "this archive is a folder: the hold stands in the log and `ledgerline expire` heeds it; nobody else is kept "
    "from deleting files"
)


def register(app: typer.Typer) -> None:
    group = typer.Typer(
        name="hold", help="Legal holds: what concerns a span of events stays until they are released.",
        no_args_is_help=True,
    )  # fmt: skip
    add_command(
        group,
        "set",
        set_,
        {
            "ledgerline hold set case-7 --from 2026-10-01 --to 2026-11-01 --reason 'Doe v. Example'": "a month",
            "ledgerline hold set x --from 2026-10-01 --to 2027-01-01 --stream activities --reason audit": (
                "one stream; what is committed later for that time is held too"
            ),
        },
    )
    add_command(group, "release", release, {"ledgerline hold release case-7 --reason settled": "let it go"})
    add_command(group, "list", list_, {"ledgerline hold list --json": "which holds are on, since when, and why"})
    app.add_typer(group)


def set_(
    name: NAME,
    from_: Annotated[str, typer.Option("--from", metavar="T", help="The first moment of the events held.")],
    to: Annotated[str, typer.Option("--to", metavar="T", help="Where they end; may lie in the future.")],
    reason: REASON,
    stream: Annotated[
        str | None, typer.Option("--stream", metavar="STREAM", help="Only this stream.", show_default=False)
    ] = None,
    config: CONFIG = None,
    json: JSON = False,
    debug: DEBUG = False,
) -> int:
    """Put a legal hold on all that concerns the events of [--from, --to).

    It reaches pages, table files, seals, imported files and the entries of the log, those committed now and those
    committed later. The store itself refuses to delete them, whatever their retention says; a folder cannot, and
    the command says so. It is announced in the log first. After an interruption run it again: it goes on. Exit
    code 1 when something that concerns the events is not there.
    """
    from warehouse.wire.windows import Window  # noqa: PLC0415

    chosen = known("stream", stream, HELD_STREAMS) if stream else None
    start, end = moments.moment(from_, "--from"), moments.moment(to, "--to")
    _check_name(name)
    _check_reason(reason)
    if start >= end:
        raise CannotRun("--from is not before --to; a window is [from, to)", remedy="swap them")

    from warehouse.config import load  # noqa: PLC0415

    settings = load(config)

    from orchestration.workshop import open_workshop  # noqa: PLC0415
    from warehouse.archive.holds import set_hold  # noqa: PLC0415

    with Progress("objects") as progress, open_workshop(settings, for_writing=True) as workshop:
        archive = workshop.archive
        done = set_hold(
            archive, name, Window(start, end), stream=chosen, reason=reason,
            tell=lambda count: progress.reached("objects", count, count),
        )  # fmt: skip
        archive.settle()
    return report(Output(json=json), done, f"hold {name} is on: {done.objects:,} objects", FOLDER, name=name)


def release(name: NAME, reason: REASON, config: CONFIG = None, json: JSON = False, debug: DEBUG = False) -> int:
    """Release a legal hold: what no other hold keeps is let go, and lives by its retention again.

    It is announced in the log first. After an interruption run it again: it goes on.
    """
    _check_name(name)
    _check_reason(reason)

    from warehouse.config import load  # noqa: PLC0415

    settings = load(config)

    from orchestration.workshop import open_workshop  # noqa: PLC0415
    from warehouse.archive.holds import release_hold  # noqa: PLC0415

    with Progress("objects") as progress, open_workshop(settings, for_writing=True) as workshop:
        archive = workshop.archive
        done = release_hold(
            archive, name, reason=reason, tell=lambda count: progress.reached("objects", count, count)
        )
        archive.settle()
    return report(Output(json=json), done, f"hold {name} is released: {done.objects:,} objects", "", name=name)


def list_(config: CONFIG = None, json: JSON = False, debug: DEBUG = False) -> int:
    """List the legal holds that are on, being set or being released. Writes nothing and needs no key."""
    from warehouse.config import load  # noqa: PLC0415

    settings = load(config)

    from orchestration.workshop import open_workshop  # noqa: PLC0415

    output = Output(json=json)
    with open_workshop(settings, for_writing=False) as workshop:
        state = workshop.archive.refresh()
        enforced = _enforced(workshop.archive.store)
    holds = [
        {
            "name": name,
            "window": hold.window.as_text(),
            "stream": hold.stream,
            "reason": hold.reason,
            "phase": hold.phase,
            "seq": hold.seq,
            "at": hold.at,
        }
        for name, hold in sorted((state.holds or {}).items())
    ]
    if json:
        output.document({"holds": holds, "enforced": enforced})
    _show(holds, output, enforced=enforced)
    return 0


def report(output: Output, done: "Done", said: str, folder: str, **more: Any) -> int:
    """What a command on locks ends with; 1 where something is gone that should be there."""
    lost = [key for key in done.gone if not key.startswith("tables/recent/")]
    if output.json:
        document = {"objects": done.objects, "seq": done.seq, "enforced": done.enforced, "gone": done.gone}
        output.document({**more, **document})
    output.line(said)
    if folder and not done.enforced:
        output.line(f"  note: {folder}")
    expired = len(done.gone) - len(lost)
    if expired:
        output.line(f"  note: {expired:,} files of the recent tier had expired before")
    if lost:
        output.line(f"  {len(lost):,} objects are not there; run `ledgerline verify`. The first: {lost[0]}")
    return 1 if lost else 0


def _show(holds: list[dict[str, Any]], output: Output, *, enforced: bool) -> None:
    if not holds:
        output.line("no legal hold is on")
        return
    output.table(
        ["name", "events from", "to", "stream", "state", "since", "reason"],
        [(h["name"], *h["window"], h["stream"] or "all", h["phase"], h["at"], h["reason"]) for h in holds],
    )
    unfinished = [hold["name"] for hold in holds if hold["phase"] != "on"]
    if unfinished:
        output.line(f"not finished: {', '.join(unfinished)}; run its command again")
    if not enforced:
        output.line(f"note: {FOLDER}")


def _enforced(store: "Store") -> bool:
    from warehouse.archive.locks import HasLocks  # noqa: PLC0415

    return isinstance(store, HasLocks) and store.locks().enforced


def _check_name(name: str) -> None:
    from warehouse.archive.retention import HOLD_NAME  # noqa: PLC0415

    if not HOLD_NAME.fullmatch(name):
        raise CannotRun(
            f"{name!r} cannot be the name of a hold",
            remedy="use a-z, 0-9, '.', '_' and '-', for example case-2026-7",
        )


def _check_reason(reason: str) -> None:
    from warehouse.archive.retention import LONGEST_REASON  # noqa: PLC0415

    if not reason.strip() or len(reason) > LONGEST_REASON or not reason.isprintable():
        raise CannotRun(
            f"--reason must be one line of at most {LONGEST_REASON} characters", remedy="say why, briefly"
        )
