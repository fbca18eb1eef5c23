"""Evidence for auditors, where the archive, its tables and the signing key meet: certificates and packs.

Promise: reads the archive and writes nothing into it; what was made for a period is made the same again from the
same log, but for the moment at which it was made. Knows no Dagster.
"""

from datetime import datetime
from importlib.metadata import PackageNotFoundError, version

from assets.workshop import Workshop
from warehouse.evidence.certificate import Certificate
from warehouse.evidence.completeness import certificate
from warehouse.tables.fold import STREAM
from warehouse.wire.times import midnight
from warehouse.wire.windows import Window


class NothingCovered(Exception):
    """There is no complete pull yet, so there is no period to speak of."""


def program() -> str:
    """This software, as certificates and packs name it."""
    try:
        return f"ledgerline/{version('ledgerline')}"
    except PackageNotFoundError:
        return "ledgerline"


def period_of(workshop: Workshop, start: datetime | None, end: datetime | None) -> Window:
    """A period; by default from the first day of the configuration to the end of coverage.

    Raises NothingCovered where that is nothing.
    """
    start = start or midnight(workshop.start)
    covered = workshop.archive.refresh().covered_until(STREAM)
    end = end or covered
    if end is None or covered is None or end <= start:
        raise NothingCovered
    return Window(start, end)


def certify(workshop: Workshop, period: Window, *, signed: bool = True) -> Certificate:
    """The completeness certificate of a period, signed with the log's key unless told otherwise.

    Raises SigningKeyMissing or SigningKeyInvalid where the key is not on this machine or not the log's.
    """
    archive = workshop.archive
    signer = archive.log.signer() if signed and archive.refresh().size else None
    made = certificate(archive, period, now=workshop.clock(), program=program())
    return made if signer is None else made.sign(signer, archive.state)
