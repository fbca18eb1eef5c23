"""A closed month once more, row by row: from the files that its close kept and the tables as they were then.

Promise: what comes out is what was published, or it is refused; a later restatement or mapping changes nothing.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import duckdb

from assets.cost_lines import refreshed_at, rows_of
from assets.payers import Payers, kept_payers
from assets.period_books import Bookkeeping, close_entry, file_of
from assets.seat_days import seat_days_of
from warehouse.archive.archive import Archive
from warehouse.archive.entry import Entry
from warehouse.archive.errors import ArchiveError
from warehouse.finops.books import Books
from warehouse.finops.budgets import Budget
from warehouse.finops.closing import MANIFEST
from warehouse.finops.errors import PeriodRefused
from warehouse.finops.periods import Period
from warehouse.finops.preparing import Inputs, Prepared, prepare
from warehouse.tables.catalog import as_of_statements, connect
from warehouse.tables.masking import ACCOUNTING
from warehouse.wire.times import parse_rfc3339


def prepared(desk: Bookkeeping, period: Period) -> Prepared:
    """A month with the allocation behind its statement: the published one where it is closed.

    Raises PeriodRefused where a closed month cannot be made again as it was published.
    """
    entry = close_entry(desk.workshop.archive, period)
    if entry is None:
        return desk.prepare(period)
    published = desk.books.statements[period]
    with _as_closed(desk.workshop.archive, entry) as inputs:
        # its lines are compared below, so its rows need not be hashed once more
        again = prepare(Books(), period, inputs, "closed", str(published.versions["rows"]))
    own = tuple(replace(line, original_period=None) for line in again.statement.lines)
    if own != tuple(published.own_lines):
        raise PeriodRefused(
            f"{period} was closed with {published.total}, and its rows as of then give {again.statement.total}; "
            "the published statement stands. Run `ledgerline verify --rederive` to see which rows differ"
        )
    return replace(again, statement=published)


@contextmanager
def as_known(desk: Bookkeeping, period: Period) -> Iterator[duckdb.DuckDBPyConnection]:
    """The tables a month is told from: as of its close where it is closed, else as they are now."""
    entry = close_entry(desk.workshop.archive, period)
    if entry is None:
        yield desk.db
        return
    with _tables_as_closed(desk.workshop.archive, _manifest(desk.workshop.archive, entry)) as db:
        yield db


def input_hashes(desk: Bookkeeping, period: Period) -> dict[str, str]:
    """SHA-256 of the customer's files that a month is told with, by our names for them."""
    archive = desk.workshop.archive
    entry = close_entry(archive, period)
    if entry is None:
        return {name: hashlib.sha256(body).hexdigest() for name, body in sorted(desk.payers.files.items())}
    kept = _manifest(archive, entry)["files"]
    return {
        name.removeprefix("input-"): facts["sha256"]
        for name, facts in sorted(kept.items())
        if name.startswith("input-")
    }


def budgets_of(desk: Bookkeeping, period: Period) -> Sequence[Budget]:
    """The budgets a month is told with: those that its close kept where it is closed, else those of today."""
    archive = desk.workshop.archive
    entry = close_entry(archive, period)
    if entry is None:
        return desk.payers.budgets
    return payers_of_close(archive, entry).budgets


def payers_of_close(archive: Archive, entry: Entry) -> Payers:
    """The customer's files as a close kept them."""
    manifest = _manifest(archive, entry)
    names = [name for name in manifest["files"] if name.startswith("input-")]
    bodies = {name.removeprefix("input-"): archive.read(file_of(entry, name)) for name in names}
    return kept_payers(bodies, parse_rfc3339(manifest["mapping"]["recorded_at"]))


@contextmanager
def _tables_as_closed(archive: Archive, manifest: Mapping[str, Any]) -> Iterator[duckdb.DuckDBPyConnection]:
    with connect(archive, unmasked=ACCOUNTING) as db:
        for statement in as_of_statements(manifest["closed_at"], archive.state):
            db.execute(statement)
        yield db


@contextmanager
def _as_closed(archive: Archive, entry: Entry) -> Iterator[Inputs]:
    """The inputs of a close: its own files, and the tables as of its moment."""
    manifest = _manifest(archive, entry)
    payers = payers_of_close(archive, entry)
    with _tables_as_closed(archive, manifest) as db:
        yield Inputs(
            rows=lambda period: rows_of(db, period),
            mapping=payers.mapping,
            rules=payers.rules,
            contracts=payers.contracts,
            refreshed=lambda period: refreshed_at(db, period),
            seat_days=lambda period: seat_days_of(
                db, period, payers.contracts, parse_rfc3339(manifest["closed_at"]).date()
            ),
        )


def _manifest(archive: Archive, entry: Entry) -> dict[str, Any]:
    try:
        document: dict[str, Any] = json.loads(archive.read(file_of(entry, MANIFEST)))
    except ValueError as error:
        raise ArchiveError(f"the manifest of entry {entry.seq} is no JSON; run `ledgerline verify`") from error
    return document
