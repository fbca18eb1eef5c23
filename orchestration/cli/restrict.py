"""`ledgerline restrict`: mask a person's records in what people read; nothing that is stored changes."""

from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.cli.failures import CannotRun
from orchestration.cli.options import CONFIG, DEBUG, JSON, add_command
from orchestration.cli.output import Output

if TYPE_CHECKING:
    from warehouse.archive.entry import Entry

NAME = Annotated[
    str,
    typer.Argument(
        metavar="NAME", help="The number of the request, say: a-z, 0-9, '.', '_', '-'. No person's name."
    ),
]
REASON = Annotated[
    str,
    typer.Option("--reason", metavar="TEXT", help="Why; it stays in the log for ever, so it must name nobody."),
]
REBUILD = "run `ledgerline build`: the marts are not shown until they are built again"


def register(app: typer.Typer) -> None:
    group = typer.Typer(
        name="restrict", help="Mask a person's records at reading; what is stored stays.", no_args_is_help=True
    )
    add_command(
        group,
        "set",
        set_,
        {
            "ledgerline restrict set dsr-2026-014 --email jane@example.com --reason 'request for erasure'": "mask",
            "ledgerline restrict set dsr-2026-014 --user user_01AbC --email jane@example.com --reason objection": (
                "by every id and address that the person had"
            ),
        },
    )
    add_command(
        group, "lift", lift, {"ledgerline restrict lift dsr-2026-014 --reason 'request withdrawn'": "end it"}
    )
    add_command(group, "list", list_, {"ledgerline restrict list --json": "which are on, which were, and why"})
    app.add_typer(group)


def set_(
    name: NAME,
    reason: REASON,
    user: Annotated[
        list[str] | None,
        typer.Option("--user", metavar="ID", help="An id of the person; several times.", show_default=False),
    ] = None,
    email: Annotated[
        list[str] | None,
        typer.Option("--email", metavar="ADDRESS", help="An address; several times.", show_default=False),
    ] = None,
    config: CONFIG = None,
    json: JSON = False,
    debug: DEBUG = False,
) -> int:
    """Restrict a person's records: every table shows [restricted] instead of what names the person.

    It reaches records that the person made and records of others that name the person, in all versions and as of
    every moment, those committed now and those committed later. Counts, times and types stay right. The log gets
    salted hashes only. The archive, `verify` and `prove` stay as they are.
    """
    for address in email or []:
        local, at, domain = address.strip().rpartition("@")
        if not (local and at and domain):
            raise CannotRun(f"--email {address!r} is not an address", remedy="give an id with --user")

    from warehouse.config import load  # noqa: PLC0415

    settings = load(config)

    from assets.restricting import restrict  # noqa: PLC0415
    from orchestration.workshop import open_workshop  # noqa: PLC0415

    output = Output(json=json)
    with open_workshop(settings, for_writing=True) as workshop:
        done = restrict(workshop, name, [*(user or []), *(email or [])], reason)
        marts = workshop.marts.exists()
    if json:
        output.document(
            {
                "name": name,
                "seq": done.entry.seq,
                "events": done.events,
                "also_known": done.also_known,
                "marts": marts,
            }
        )
    output.line(f"restriction {name} is on: {done.events:,} current events are masked")
    for one in done.also_known:
        output.line(f"  the same actor is also known as {one}; if that is the same person, restrict it too")
    if marts:
        output.line(f"  {REBUILD}")
    return 0


def lift(name: NAME, reason: REASON, config: CONFIG = None, json: JSON = False, debug: DEBUG = False) -> int:
    """Lift a restriction: the tables show the person's records again as they are stored."""
    from warehouse.config import load  # noqa: PLC0415

    settings = load(config)

    from orchestration.workshop import open_workshop  # noqa: PLC0415
    from warehouse.archive.restriction import lift_restriction  # noqa: PLC0415

    with open_workshop(settings, for_writing=True) as workshop:
        entry: Entry = lift_restriction(workshop.archive, name, reason)
        workshop.archive.settle()
        marts = workshop.marts.exists()
    output = Output(json=json)
    if json:
        output.document({"name": name, "seq": entry.seq, "marts": marts})
    output.line(f"restriction {name} is lifted")
    if marts:
        output.line(f"  {REBUILD}")
    return 0


def list_(config: CONFIG = None, json: JSON = False, debug: DEBUG = False) -> int:
    """List the restrictions that are on and those that were lifted. Writes nothing and needs no key."""
    from warehouse.config import load  # noqa: PLC0415

    settings = load(config)

    from assets.restricting import known_restrictions  # noqa: PLC0415
    from orchestration.workshop import open_workshop  # noqa: PLC0415

    output = Output(json=json)
    with open_workshop(settings, for_writing=False) as workshop:
        found = known_restrictions(workshop.archive.refresh())
    if json:
        output.document({"restrictions": found})
    if not found:
        output.line("nothing is restricted")
        return 0
    output.table(
        ["name", "since", "reason", "identifiers", "lifted", "because"],
        [
            (
                one["name"],
                one["at"],
                one["reason"],
                one["identifiers"],
                one["lifted_at"] or "",
                one["lifted_because"] or "",
            )
            for one in found
        ],
        right=["identifiers"],
    )
    return 0
