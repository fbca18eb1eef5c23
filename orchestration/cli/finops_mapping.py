"""`ledgerline finops mapping`: where who pays is read from, what was recorded of it, who paid as known then."""

from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.cli.finops_month import open_desk
from orchestration.cli.options import CONFIG, DEBUG, JSON, add_command
from orchestration.cli.output import Output

if TYPE_CHECKING:
    from warehouse.finops.cost_centers import CostCenters


def register_mapping(group: typer.Typer) -> None:
    """Add the command to `ledgerline finops`."""
    add_command(
        group,
        "mapping",
        mapping,
        {
            "ledgerline finops mapping": "the sources by rank, and the states that were recorded",
            "ledgerline finops mapping --record": "keep the files as they are now, where they changed",
            "ledgerline finops mapping --actor ada@example.com --day 2026-10-05 --as-of 2026-11-04": (
                "who paid for somebody on a day, as known at a moment"
            ),
        },
    )


def mapping(
    record: Annotated[
        bool, typer.Option("--record", help="Record the files in the log where they changed since.")
    ] = False,
    actor: Annotated[
        str | None, typer.Option("--actor", metavar="WHO", help="An address or an id.", show_default=False)
    ] = None,
    day: Annotated[
        str, typer.Option("--day", metavar="DAY", help="With --actor: the day of the charge. Default: today.")
    ] = "today",
    as_of: Annotated[
        str | None, typer.Option("--as-of", metavar="T", help="As known then. Default: now.", show_default=False)
    ] = None,
    config: CONFIG = None,
    json: JSON = False,
    debug: DEBUG = False,
) -> int:
    """Show where who pays is read from, and the states of it that the log keeps.

    Each close keeps the files as they were; `--record` (and the asset in Dagster, each time it runs) keeps them
    between closes. So two questions have an answer: who pays for a day, and what we knew of it at a moment. Exit
    code 2 where nothing was known then.
    """
    from warehouse.config import load  # noqa: PLC0415

    settings, output = load(config), Output(json=json)

    from assets.payer_versions import known_at, record_payers, recorded  # noqa: PLC0415
    from orchestration.cli.failures import CannotRun  # noqa: PLC0415
    from orchestration.cli.moments import moment, past_moment  # noqa: PLC0415
    from warehouse.wire.times import rfc3339  # noqa: PLC0415

    then, charged = past_moment(as_of, "--as-of"), moment(day, "--day").date()
    with open_desk(settings, for_writing=record) as desk:
        entry = record_payers(desk) if record else None
        states = recorded(desk)
        if then is None:
            shown = desk.payers.mapping
        else:
            state = known_at(states, then)
            if state is None:
                raise CannotRun(
                    f"nothing was recorded of who pays by {rfc3339(then)}",
                    remedy=f"the first was recorded at {rfc3339(states[0].at)}"
                    if states
                    else "`ledgerline finops mapping --record` records it from now on",
                    kind="usage",
                )
            shown = state.payers.mapping
    placed = _placed(shown, actor, charged) if actor else None
    if json:
        output.document(
            {
                "version": shown.sha256,
                "recorded_at": rfc3339(shown.recorded_at) if then else None,
                "sources": [{"source": rank.source, "rows": len(rank.rows)} for rank in shown.ranks],
                "states": [
                    {
                        "recorded_at": rfc3339(one.at),
                        "version": one.payers.mapping.sha256,
                        "entry": one.entry,
                        "by_close": one.by_close,
                        "rows": len(one.payers.mapping.all_rows),
                    }
                    for one in states
                ],
                "recorded": entry.seq if entry else None,
                "placed": placed,
            }
        )
    output.table(("source", "rows"), [(rank.source, len(rank.rows)) for rank in shown.ranks], right=("rows",))
    if states:
        rows = [
            (rfc3339(one.at), one.entry, "close" if one.by_close else "recorded", one.payers.mapping.sha256[:16])
            for one in states
        ]
        output.table(("known since", "entry", "by", "version"), rows, right=("entry",))
    if record:
        output.line(f"recorded in entry {entry.seq}" if entry else "nothing has changed since the last one")
    if actor:
        shares = ", ".join(f"{center} {percent} %" for center, percent in (placed or {}).items())
        output.line(f"{actor} on {charged}: {shares or 'no cost centre'}")
    return 0


def _placed(mapping: "CostCenters", actor: str, day: date) -> dict[str, str] | None:
    found = mapping.place(None if "@" in actor else actor, actor if "@" in actor else None, day)
    return None if found is None else {center: f"{percent:f}" for center, percent in sorted(found.shares.items())}
