"""`ledgerline finops parity`: the current API beside the legacy reports, and what the old ones leave out."""

from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.cli import moments
from orchestration.cli.failures import CannotRun
from orchestration.cli.options import CONFIG, DEBUG, JSON
from orchestration.cli.output import Output, counted

if TYPE_CHECKING:
    from assets.parity import Parity, TokenParity

_KINDS = {
    "api_actor": "API keys",
    "service_account_actor": "service accounts",
    "federated_actor": "federated identities",
    "no actor": "without an actor",
    "no row": "in the total only",
}


def parity(
    from_: Annotated[
        str | None,
        typer.Option("--from", metavar="T", help=f"First day: {moments.FORMS}.", show_default=False),
    ] = None,
    to: Annotated[
        str | None, typer.Option("--to", metavar="T", help="End, not included. Default: now.", show_default=False)
    ] = None,
    config: CONFIG = None,
    json: JSON = False,
    debug: DEBUG = False,
) -> int:
    """Compare the current API with the legacy reports, over the days that were pulled of both.

    Totals, spend of people, and what the old report per user has no row for, explained by the rows without a
    person of the current API: in a statement that is UNALLOCATED, or what a rule or a key's owner pays. Exit
    code 1 when they differ.
    """
    from warehouse.config import load  # noqa: PLC0415

    settings, output = load(config), Output(json=json)
    start, end = moments.window(from_, to, settings.anthropic.start)

    from assets.parity import parity as compared  # noqa: PLC0415
    from assets.parity import token_parity  # noqa: PLC0415
    from orchestration.workshop import open_workshop  # noqa: PLC0415
    from warehouse.tables.catalog import connect  # noqa: PLC0415
    from warehouse.tables.masking import ACCOUNTING  # noqa: PLC0415

    with open_workshop(settings, for_writing=False) as workshop:
        workshop.archive.refresh()
        with connect(workshop.archive, unmasked=ACCOUNTING) as db:
            span = start.date() if start else date.min, end.date() if end else date.max
            found, tokens = compared(db, *span), token_parity(db, *span)
    if not found.days:
        raise CannotRun(
            "no day was read of both sources in the same refresh of the vendor's figures"
            + (
                f" ({counted(len(found.not_comparable), 'day')} in different ones)" if found.not_comparable else ""
            ),
            remedy="run `ledgerline pull cost` and `ledgerline pull legacy_cost` for the same days, one after the "
            "other",
        )
    if json:
        output.document(found.document() | {"usage": tokens.document() if tokens.days else None})
    _show(found, output)
    if tokens.days:
        _show_tokens(tokens, output)
    return 0 if found.agrees and (tokens.agrees or not tokens.days) else 1


def _show_tokens(found: "TokenParity", output: Output) -> None:
    rows = (
        ("total", found.tokens, found.legacy_tokens),
        ("of people", found.of_people, found.legacy_of_people),
        ("without a person", found.tokens - found.of_people, found.missing),
    )
    output.line()
    output.table(
        ("tokens", "current API", "legacy reports", "difference"),
        [(what, f"{new:,}", f"{old:,}", f"{old - new:,}") for what, new, old in rows],
        right=("current API", "legacy reports", "difference"),
    )
    output.line(
        f"{counted(found.days, 'day')}: " + ("they agree to the last token" if found.agrees else "THEY DIFFER")
    )


def _show(found: "Parity", output: Output) -> None:
    output.table(
        ("USD", "current API", "legacy reports", "difference"),
        [
            ("total", f"{found.amount:,.8f}", f"{found.legacy_amount:,.8f}", f"{found.difference:,.8f}"),
            (
                "of people",
                f"{found.of_people:,.8f}",
                f"{found.legacy_of_people:,.8f}",
                f"{found.difference_of_people:,.8f}",
            ),
            (
                "without a person",
                f"{found.amount - found.of_people:,.8f}",
                f"{found.missing:,.8f}",
                f"{found.missing - (found.amount - found.of_people):,.8f}",
            ),
        ],
        right=("current API", "legacy reports", "difference"),
    )
    output.line(
        f"{counted(found.days, 'day')}, {found.first} to {found.last}: "
        + ("they agree to the last decimal" if found.agrees else "THEY DIFFER")
    )
    output.line()
    output.line("What the legacy report per user has no row for, by who spent it in the current API:")
    output.table(
        ("spent by", "how many", "product", "USD"),
        [
            (_KINDS.get(one.actor_type, one.actor_type), one.actors or "", one.product, f"{one.amount:,.8f}")
            for one in found.explained
        ],
        right=("how many", "USD"),
    )
    output.line(f"unexplained: {found.unexplained:,.8f} USD")
    if found.not_comparable:
        output.line(
            f"left out: {counted(len(found.not_comparable), 'day')} of which the two were read in different "
            f"refreshes (first {found.not_comparable[0]})"
        )
