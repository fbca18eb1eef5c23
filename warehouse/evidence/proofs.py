"""Proofs of events for what is handed out: of each version that tables name, but of none that is masked.

Promise: a proof holds the whole record as it was served, so none is made of a record of a restricted person.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import duckdb

from warehouse.archive.errors import ObjectAltered
from warehouse.archive.proof import Made, Place, Prover
from warehouse.tables.masking_rules import MASKED_RECORDS_BEGIN
from warehouse.tables.sql_literal import literal


@dataclass(frozen=True, slots=True)
class Provable:
    """A version of an event and where its bytes stand; a withdrawn one stands on no page."""

    id: str
    type: str
    created_at: datetime
    version: int
    fold: str
    commit_seq: int
    page: int | None
    position: int | None
    created_at_text: str | None
    content_sha256: str


_COLUMNS = "id, type, created_at, version, fold, commit_seq, page, position, created_at_text, content_sha256"


def provable(db: duckdb.DuckDBPyConnection, table: str, order: str, limit: int) -> list[Provable]:
    """Rows of a relation that has the columns of `audit_events`, in an order, without those that are masked."""
    rows = db.execute(
        f"select {_COLUMNS} from {table} where not starts_with(raw, '{MASKED_RECORDS_BEGIN}') "
        f"order by {order} limit {limit}"
    ).fetchall()
    return [Provable(*row) for row in rows]


def provable_ids(db: duckdb.DuckDBPyConnection, ids: Iterable[str], versions: Iterable[str]) -> list[Provable]:
    """The newest version of some events, and every version of others; none that is masked."""
    asked = [f"({literal(one)}, false)" for one in ids] + [f"({literal(one)}, true)" for one in versions]
    if not asked:
        return []
    # as text: handing values to the engine would load pandas
    db.execute(
        f"create or replace temp table wanted_ids as "
        f"select * from (values {', '.join(asked)}) as w(id, every_version)"
    )
    found = "select " + _COLUMNS + ", raw from {table} where id in (select id from wanted_ids where {which})"
    union = (
        f"({found.format(table='audit_events', which='not every_version')} union "
        f"{found.format(table='audit_event_versions', which='every_version')}) as named"
    )
    return provable(db, union, "id, version, commit_seq, fold", 10_000)


def proof_of(db: duckdb.DuckDBPyConnection, prover: Prover, version: Provable) -> Made:
    """The proof of a version; of a withdrawn one that of the bytes served last, with the later pull.

    Raises ObjectAltered where the tables do not say where it was served, and what `Prover` raises.
    """
    if version.fold != "withdrawn":
        if version.page is None or version.position is None:
            raise _nowhere(version)
        return prover.event(Place(version.commit_seq, version.page, version.position))
    before = db.execute(
        "select commit_seq, page, position from audit_event_versions where id = ? and fold <> 'withdrawn' "
        "and version = ? and content_sha256 = ?",
        [version.id, version.version - 1, version.content_sha256],
    ).fetchone()
    if before is None:
        raise _nowhere(version)
    in_utc = (version.created_at_text or "").endswith("Z")  # the checker compares times as texts
    return prover.event(Place(*before), withdrawn_by=version.commit_seq if in_utc else None)


def _nowhere(version: Provable) -> ObjectAltered:
    return ObjectAltered(f"the tables do not say where {version.id} was served; run `ledgerline verify`")
