"""`ledgerline replay` and `ledgerline dead-letters`: a window once more, and what could not be delivered."""

from typing import Annotated

import typer

from orchestration.cli import moments
from orchestration.cli.deliver import NAME, check_slices, chosen, code_of, tell
from orchestration.cli.delivery_progress import DeliveryProgress
from orchestration.cli.options import CONFIG, DEBUG, JSON, add_command
from orchestration.cli.output import Output, counted


def register(app: typer.Typer) -> None:
    add_command(
        app,
        "replay",
        replay,
        {
            "ledgerline replay soc --from 2026-11-01 --to 2026-11-02": "a day once more, to one destination",
        },
    )
    add_command(
        app,
        "dead-letters",
        dead_letters,
        {
            "ledgerline dead-letters": "what could not be delivered, and why",
            "ledgerline dead-letters soc --retry": "send it again, when what was wrong is mended",
        },
    )


def replay(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The destination.", show_default=False)],
    from_: Annotated[
        str, typer.Option("--from", metavar="T", help=f"Begin of the window: {moments.FORMS}.", show_default=False)
    ],
    to: Annotated[
        str, typer.Option("--to", metavar="T", help="End of the window, not included.", show_default=False)
    ],
    config: CONFIG = None,
    json: JSON = False,
    debug: DEBUG = False,
) -> int:
    """Send a window of events (by their own time) to one destination again, as its slice selects them.

    For a receiver that lost what it had acknowledged. The position stays; most receivers will hold the events
    twice, told apart by nothing but the time of receipt. Exit code 1 when anything is dead or the destination
    stopped early.
    """
    from warehouse.config import load  # noqa: PLC0415

    settings = load(config)
    (known,) = chosen(settings, name)
    start, end = moments.window(from_, to, settings.anthropic.start)
    assert start is not None

    from assets.delivery_again import replay as send_again  # noqa: PLC0415
    from orchestration.workshop import open_workshop  # noqa: PLC0415
    from warehouse.wire.windows import Window  # noqa: PLC0415

    assert end is not None
    output = Output(json=json)
    with open_workshop(settings, for_writing=True) as workshop:
        check_slices(workshop, [known])
        with DeliveryProgress({}) as progress:
            report = send_again(workshop, known, Window(start, end), on_progress=progress)
    tell([report], output)
    return code_of([report])


def dead_letters(
    name: NAME = None,
    retry: Annotated[
        bool, typer.Option("--retry", help="Send them again, as they would be encoded today.")
    ] = False,
    config: CONFIG = None,
    json: JSON = False,
    debug: DEBUG = False,
) -> int:
    """Show what could not be delivered and why, or send it again.

    The events are in the archive; a dead letter names them. Exit code 1 when there are any, or with --retry when
    some died again or a destination stopped early.
    """
    from warehouse.config import load  # noqa: PLC0415

    settings = load(config)
    names = chosen(settings, name)

    from assets.delivery_again import dead_letters as read_letters  # noqa: PLC0415
    from assets.delivery_again import retry as send_again  # noqa: PLC0415
    from orchestration.workshop import open_workshop  # noqa: PLC0415

    output = Output(json=json)
    with open_workshop(settings, for_writing=retry) as workshop:
        if retry:
            served = workshop.archive.refresh().served()
            waiting = {one: served[one].dead_letters for one in names if one in served}
            with DeliveryProgress(waiting) as progress:
                reports = send_again(workshop, names, on_progress=progress)
            tell(reports, output)
            if not reports:
                output.line("there are no dead letters")
            return code_of(reports)
        letters = read_letters(workshop, names)
    if json:
        output.document(letters)
    for letter in letters:
        ids = letter["event_ids"]
        output.line(
            f"{letter['destination']}: {counted(len(ids), 'event')} since {letter['first_at']}, "
            f"{counted(letter['attempts'], 'attempt')}: {letter['reason']}"
        )
        output.line(f"    {', '.join(ids[:5])}" + (f" and {len(ids) - 5:,} more" if len(ids) > 5 else ""))
    if letters:
        who = letters[0]["destination"]
        output.line(f"when that is mended: `ledgerline dead-letters {who} --retry` sends them again")
    else:
        output.line("there are no dead letters")
    return 1 if letters else 0
