"""Evidence for auditors, where the archive, its tables and the signing key meet: certificates and packs.

Promise: reads the archive and writes nothing into it; what was made for a period is made the same again from the
same log, but for the moment at which it was made. Knows no Dagster.
"""

import base64
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from assets.workshop import Workshop
from warehouse.evidence.certificate import Certificate
from warehouse.evidence.completeness import certificate
from warehouse.evidence.controls import Control
from warehouse.evidence.files import new_bag, refuse_taken
from warehouse.evidence.pack import Packed, Wanted, fill_pack
from warehouse.evidence.report import Report, report
from warehouse.evidence.report_files import Written, folder_beside, write_report, write_report_with_proofs
from warehouse.tables.catalog import connect
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


@dataclass(frozen=True)
class Pack:
    """A pack that was written: what went into it, its certificate, the seed of its sample, and whether the log's
    key signed it."""

    packed: Packed
    certificate: Certificate
    seed: str
    signed: bool


def make_pack(
    workshop: Workshop,
    control: Control,
    period: Window,
    place: Path,
    *,
    sample: int,
    seed: str | None = None,
    signed: bool = True,
) -> Pack:
    """Write the evidence pack of a control and a period as a folder, or as a ZIP where the name ends so.

    The log's key signs it and the certificate in it, unless told otherwise.
    Without a seed it is the root of the log: nobody chooses that. Raises PlaceTaken, SigningKeyMissing, and what
    reading the archive raises.
    """
    with new_bag(place.absolute()) as folder:
        made = certify(workshop, period, signed=signed)
        signer = workshop.archive.log.signer() if made.signed is not None else None
        chosen = seed or base64.b64encode(workshop.archive.state.edge().root()).decode()
        wanted = Wanted(control, period, sample, chosen, program())
        packed = fill_pack(folder, workshop.archive, wanted, made, signer)
    return Pack(packed, made, chosen, signer is not None)


def make_report(
    workshop: Workshop, period: Window, place: Path, *, proofs: bool, signed: bool
) -> tuple[Report, Written]:
    """Write the evidence report of a period; with `proofs`, a folder of them beside it, signed unless told not to.

    Raises PlaceTaken, SigningKeyMissing, SigningKeyInvalid, and what reading the archive raises.
    """
    refuse_taken(place)
    if proofs:
        refuse_taken(folder_beside(place))
    archive = workshop.archive
    signer = archive.log.signer() if proofs and signed and archive.refresh().size else None
    with connect(archive) as db:
        made = report(db, archive, period, program=program())
        if not proofs:
            return made, write_report(made, place)
        return made, write_report_with_proofs(made, place, db, archive, signer)


def period_of_month(workshop: Workshop, start: datetime, end: datetime) -> Window:
    """The part of a month that can be told of: not before the first day of the configuration, and of a month that
    is not over not beyond what was pulled. Raises NothingCovered."""
    start = max(start, midnight(workshop.start))
    return period_of(workshop, start, end if end <= workshop.clock() else None)
