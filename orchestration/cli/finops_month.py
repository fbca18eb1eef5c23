"""What the commands of chargeback share: the month they are about, and the books they open."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.cli.output import Output

if TYPE_CHECKING:
    from assets.period_books import Bookkeeping
    from warehouse.config import Settings
    from warehouse.finops.periods import Period

PERIOD = Annotated[str, typer.Option("--period", metavar="YYYY-MM", help="The month, UTC.", show_default=False)]
OUT_DIR = Annotated[
    Path | None,
    typer.Option("--out", metavar="DIR", help="Default: data/reports/<period>.", show_default=False),
]


def begin(period: str, config: Path | None, json: bool) -> "tuple[Settings, Period, Output]":
    """The settings and the month. Raises PeriodRefused and ConfigError."""
    from warehouse.finops.periods import Period  # noqa: PLC0415

    month = Period.parse(period)

    from warehouse.config import load  # noqa: PLC0415

    return load(config), month, Output(json=json)


NO_PDF = Annotated[bool, typer.Option("--no-pdf", help="Leave out the PDF files, which take the longest.")]


@contextmanager
def open_desk(settings: "Settings", *, for_writing: bool) -> "Iterator[Bookkeeping]":
    """The books of the archive of a configuration.

    Rows of a month are many and none of them is garbage: looking through them again and again for cycles takes a
    sixth of the time, so the collector rests while the books are open.
    """
    from assets.period_books import bookkeeping  # noqa: PLC0415
    from orchestration.workshop import open_workshop  # noqa: PLC0415

    gc.disable()
    try:
        with open_workshop(settings, for_writing=for_writing) as workshop, bookkeeping(workshop) as desk:
            yield desk
    finally:
        gc.enable()
