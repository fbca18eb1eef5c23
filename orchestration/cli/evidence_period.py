"""What the commands of evidence share: the period they are about, and what to do where nothing can be signed."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.cli.failures import CannotRun

if TYPE_CHECKING:
    from assets.workshop import Workshop
    from warehouse.wire.windows import Window

FROM = Annotated[
    str | None,
    typer.Option("--from", metavar="T", help="The period begins. Default: the first day.", show_default=False),
]
TO = Annotated[
    str | None,
    typer.Option("--to", metavar="T", help="The period ends. Default: the end of coverage.", show_default=False),
]


def period_of(
    workshop: "Workshop", start: datetime | None, end: datetime | None, month: str | None = None
) -> "Window":
    """The period between two ends, or of a month. Raises CannotRun where nothing of it was pulled."""
    from assets import evidence  # noqa: PLC0415
    from warehouse.finops.periods import Period  # noqa: PLC0415
    from warehouse.wire.times import midnight  # noqa: PLC0415

    try:
        if month is None:
            return evidence.period_of(workshop, start, end)
        asked = Period.parse(month)
        return evidence.period_of_month(workshop, midnight(asked.start), midnight(asked.end))
    except evidence.NothingCovered:
        raise CannotRun(
            "no complete pull covers any of that period yet, so there is nothing to certify",
            remedy="run `ledgerline pull activities`; `ledgerline status` says what is covered",
        ) from None


@contextmanager
def signing() -> Iterator[None]:
    """What to do where the signing key is not on this machine."""
    from warehouse.archive.errors import SigningKeyMissing  # noqa: PLC0415
    from warehouse.config import SecretUnavailable  # noqa: PLC0415

    try:
        yield
    except (SigningKeyMissing, SecretUnavailable) as error:
        raise CannotRun(
            f"nothing can be signed here: {error}",
            remedy="run it where archive.signing_key is, or add --unsigned",
            kind="archive",
        ) from error
