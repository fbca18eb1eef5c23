"""The customer's files of who pays, read and checked together; the same files again as a close kept them.

Promise: a file with a mistake is refused with the mistakes of all files at once. Knows no Dagster.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import TypeVar

import duckdb

from assets.group_stays import groups_of, stays_of
from assets.session_days import sessions_of
from assets.workshop import PayerFiles
from warehouse.finops.budgets import Budget, read_budgets
from warehouse.finops.cost_centers import UNALLOCATED, CostCenters, read_cost_centers
from warehouse.finops.declared_centers import SOURCE, declared_mapping
from warehouse.finops.errors import FileRefused, Mistake
from warehouse.finops.group_centers import centers_of, group_mapping, read_group_centers
from warehouse.finops.rules import DEFAULT_RULES, Rules, read_rules
from warehouse.finops.seats import Contract, read_contracts

T = TypeVar("T")
MAPPING, OVERRIDES, GROUPS, DECLARED = "mapping.csv", "overrides.csv", "groups.csv", "telemetry.csv"
RULES, CONTRACTS, BUDGETS = "rules.toml", "contracts.csv", "budgets.csv"
_GROUP_CENTERS = "group-centers.csv"


@dataclass(frozen=True)
class Payers:
    """What the files say, and their bytes by our own names for them. `groups.csv` and `telemetry.csv` among them
    are ours: what the groups of the directory say, and what machines declare, written as mappings."""

    mapping: CostCenters
    rules: Rules = DEFAULT_RULES
    contracts: tuple[Contract, ...] = ()
    budgets: tuple[Budget, ...] = ()
    files: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def notes(self) -> tuple[Mistake, ...]:
        return tuple(note for rank in self.mapping.ranks for note in rank.notes)


def read_payers(files: PayerFiles, db: duckdb.DuckDBPyConnection, now: datetime) -> Payers:
    """The files as they are now, and the groups as the tables of `db` have them. Raises FileRefused."""
    reading = _Reading({})
    paths = {
        MAPPING: files.cost_centers,
        OVERRIDES: files.overrides,
        RULES: files.rules,
        CONTRACTS: files.seat_contracts,
        BUDGETS: files.budgets,
        _GROUP_CENTERS: files.group_centers,
    }
    for name, path in paths.items():
        if path is not None:
            reading.load(name, path)
    if files.group_pattern or files.group_centers:
        named = reading.take(_GROUP_CENTERS, read_group_centers) or {}
        centers = centers_of(groups_of(db), files.group_pattern or "", named)
        reading.bodies[GROUPS] = group_mapping(stays_of(db), centers)
        reading.names[GROUPS] = "groups of the directory"
    reading.bodies.pop(_GROUP_CENTERS, None)  # what it led to is kept, as groups.csv
    if files.telemetry_cost_centers:
        declared = declared_mapping(sessions_of(db, date.min, now.date()))
        if declared is not None:
            reading.bodies[DECLARED] = declared
            reading.names[DECLARED] = "cost centres in telemetry"
    return _payers(reading, now, check_budgets=True)


def kept_payers(bodies: Mapping[str, bytes], recorded_at: datetime) -> Payers:
    """What a close kept, by our own names. Raises FileRefused, which an unaltered archive never does."""
    return _payers(_Reading(dict(bodies)), recorded_at, check_budgets=False)


@dataclass
class _Reading:
    """Files on their way: their bytes, what the customer calls them, and the mistakes so far."""

    bodies: dict[str, bytes]
    names: dict[str, str] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)

    def load(self, name: str, path: Path) -> None:
        self.names[name] = path.name
        try:
            self.bodies[name] = path.read_bytes()
        except OSError as error:
            what = f"it cannot be read: {error.strerror}"
            remedy = f"a file at {path}, or another path in [finops]"
            self.mistakes.append(Mistake(path.name, 0, "file", what, remedy))

    def take(self, name: str, read: Callable[[bytes, str], T]) -> T | None:
        """A file read; None where there is none, or it has mistakes, which are then noted."""
        if name not in self.bodies:
            return None
        try:
            return read(self.bodies[name], self.names.get(name, name))
        except FileRefused as refused:
            self.mistakes += refused.mistakes
            return None


def _payers(reading: _Reading, recorded_at: datetime, *, check_budgets: bool) -> Payers:
    mapping: CostCenters | None = None
    # from the lowest rank to the highest: each stands on what was read before it
    for name, source in ((DECLARED, SOURCE), (GROUPS, "group"), (MAPPING, "file"), (OVERRIDES, "manual")):
        below = mapping

        def read(body: bytes, name: str, source: str = source, below: CostCenters | None = below) -> CostCenters:
            return read_cost_centers(body, name, recorded_at, source, below)

        mapping = reading.take(name, read) or mapping
    rules = reading.take(RULES, read_rules)
    contracts = reading.take(CONTRACTS, read_contracts)
    known = None
    if check_budgets and mapping is not None and not reading.mistakes:
        known = {UNALLOCATED, *mapping.centers, *(rules.centers if rules else ())}
        known |= {one.owner_cost_center for one in contracts or ()}
    budgets = reading.take(BUDGETS, lambda body, name: read_budgets(body, name, known))
    if reading.mistakes:
        raise FileRefused(reading.mistakes)
    assert mapping is not None
    return Payers(mapping, rules or DEFAULT_RULES, contracts or (), budgets or (), reading.bodies)
