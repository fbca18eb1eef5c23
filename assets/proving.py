"""From an event's id to its proof: where the tables say the record stands, and the proof file made from there.

Promise: the tables only say where to look; what is proven are the bytes of the page. Needs no key, writes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb

from assets.workshop import Workshop
from warehouse.archive.errors import ObjectAltered, StoreError
from warehouse.archive.proof import Made, Place, Prover
from warehouse.archive.state import TableFile
from warehouse.tables.connection import open_duckdb
from warehouse.tables.fold import STREAM
from warehouse.tables.object_access import reader_of
from warehouse.tables.schema import TABLE
from warehouse.tables.sql_literal import literal

_LONGEST = 200  # letters of an id that others are compared with

_VERSIONS = """
select version, fold, commit_seq, page, position, observed_at, created_at_text, content_sha256
from {files} where id = {id} order by commit_seq, fold <> 'withdrawn', version
"""

# Ids that begin with this one, or that three typing errors lead to.
_NEAR = """
select distinct id from {files}
where (length({id}) > 8 and starts_with(id, {id}))
   or (abs(length(id) - length({id})) <= 3 and levenshtein(lower(id), lower({id})) <= 3)
order by levenshtein(lower(id), lower({id})), id limit 3
"""


class EventUnknown(Exception):
    """No event of this id is in the tables. `near` are ids that look like it."""

    def __init__(self, event_id: str, near: list[str]) -> None:
        super().__init__(event_id)
        self.near = near


class VersionUnknown(Exception):
    """The event has no version of this number; `numbers` are those it has."""

    def __init__(self, version: int, numbers: list[int]) -> None:
        super().__init__(version)
        self.numbers = numbers


@dataclass(frozen=True)
class Version:
    """One version of an event, as the tables have it. A withdrawn one stands on no page."""

    version: int
    fold: str
    commit_seq: int
    page: int | None
    position: int | None
    observed_at: datetime
    created_at: str | None
    content_sha256: str

    @property
    def withdrawn(self) -> bool:
        return self.fold == "withdrawn"


@dataclass(frozen=True)
class ProvenEvent:
    """`asked` is the version that was asked for; `served` the one whose bytes are proven, which differs from it
    for a withdrawn version: of that there are no bytes but the ones served last. `withdrawn_by` is the entry of
    the later pull that the proof carries along."""

    event_id: str
    asked: Version
    served: Version
    versions: int
    withdrawn_by: int | None
    made: Made


def prove_event(workshop: Workshop, event_id: str, version: int | None = None) -> ProvenEvent:
    """Prove the newest version of an event, or one of its earlier ones.

    Raises EventUnknown, VersionUnknown, and what `Prover` raises.
    """
    prover = Prover(workshop.archive)
    found = versions(workshop, event_id)
    wanted = [row for row in found if version is None or row.version == version]
    if not wanted:
        assert version is not None
        raise VersionUnknown(version, sorted({row.version for row in found}))
    asked = wanted[-1]
    served = _last_served(found, asked)
    if served is None or served.page is None or served.position is None:
        raise ObjectAltered(
            f"the tables do not say where version {asked.version} of {event_id} was served; "
            f"run `ledgerline verify`"
        )
    # The checker compares times as texts, which it can only do in UTC; the vendor writes no other.
    in_utc = (served.created_at or "").endswith("Z")
    withdrawn_by = asked.commit_seq if asked.withdrawn and in_utc else None
    made = prover.event(Place(served.commit_seq, served.page, served.position), withdrawn_by=withdrawn_by)
    return ProvenEvent(event_id, asked, served, len(found), withdrawn_by, made)


def _last_served(found: list[Version], asked: Version) -> Version | None:
    """The version with the bytes of the one asked for: itself, or for a withdrawn one that before it."""
    if not asked.withdrawn:
        return asked
    before = asked.version - 1, asked.content_sha256, asked.created_at
    rows = [row for row in found if not row.withdrawn and row.commit_seq < asked.commit_seq]
    return next((row for row in rows if (row.version, row.content_sha256, row.created_at) == before), None)


def prove_consistency(workshop: Workshop, old: int, new: int) -> Made:
    """Prove that the log of `old` entries is the beginning of the log of `new`, with 0 < old <= new.

    Raises what `Prover` raises.
    """
    return Prover(workshop.archive, new).consistency(old)


def versions(workshop: Workshop, event_id: str) -> list[Version]:
    """All versions of an event, oldest first. Raises EventUnknown.

    An event whose `created_at` the vendor moved to another day has two rows of one number, the withdrawn first.
    """
    table = workshop.archive.refresh().table(TABLE)
    files = [*table.sealed, *table.recent]
    with open_duckdb() as db:
        rows = _ask(db, workshop, files, _VERSIONS, event_id)
        if not rows:
            near = [row[0] for row in _ask(db, workshop, files, _NEAR, event_id[:_LONGEST])]
            raise EventUnknown(event_id, near)
    return [Version(*row) for row in rows]


def _ask(
    db: duckdb.DuckDBPyConnection, workshop: Workshop, files: Sequence[TableFile], question: str, event_id: str
) -> list[tuple[Any, ...]]:
    """Rows of the table's files; of the whole catalogue only these are needed, which keeps a start short."""
    if not files:
        return []
    root, setup = reader_of(workshop.archive, files)
    listed = ", ".join(literal(f"{root}{file.key}") for file in files)
    # As literals: to bind values, DuckDB loads pandas, which takes longer than the question.
    asked = question.format(files=f"read_parquet([{listed}], hive_partitioning = false)", id=literal(event_id))
    try:
        for statement in setup:
            db.execute(statement)
        return db.execute(asked).fetchall()
    except duckdb.Error as error:
        reason = str(error).strip().partition("\n")[0]
        raise StoreError(
            f"the tables of {workshop.archive.store.url} cannot be read ({reason}); check that the store answers, "
            f"and run `ledgerline verify`"
        ) from error


def unfolded(workshop: Workshop) -> int:
    """Pulls that are committed and not in the tables yet."""
    return len(workshop.archive.state.stream(STREAM).pending_fold)
