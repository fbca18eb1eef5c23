"""`cost_centers.csv`: who belongs to which cost centre, from when to when, and with which share.

Promise: a file with any mistake is refused as a whole, with all its mistakes. A file that is taken gives each
person, service account or key, on each day, either no centre or shares that add up to exactly 100.
Design section 13; rule book: reference finops, section 4.1.
"""

import hashlib
import json
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from itertools import pairwise

from warehouse.finops import customer_files as files
from warehouse.finops.errors import InputRefused, Mistake
from warehouse.finops.money import text, total

COLUMNS = ("user_email", "user_id", "cost_center", "valid_from", "valid_to")
UNALLOCATED = "UNALLOCATED"
_WHOLE = Decimal(100)


@dataclass(frozen=True, slots=True)
class Membership:
    """One row: an actor in a cost centre during `[valid_from, valid_to)`, UTC days. `valid_to` None: still.

    `user_id` may also be the id of a service account (`svac_...`) or of a key (`apikey_...`).
    `percent` None is all of it.
    """

    line: int
    user_email: str
    user_id: str
    cost_center: str
    valid_from: date
    valid_to: date | None
    percent: Decimal | None

    @property
    def end(self) -> date:
        return self.valid_to or date.max

    @property
    def who(self) -> str:
        return self.user_email or self.user_id

    def facts(self) -> list[str | None]:
        """What the row says, in the form that its hash is over."""
        end = self.valid_to.isoformat() if self.valid_to else None
        percent = text(self.percent, 0) if self.percent is not None else None
        return [self.user_email, self.user_id, self.cost_center, self.valid_from.isoformat(), end, percent]


@dataclass(frozen=True, slots=True)
class Placement:
    """Where an actor's cost of a day goes: percent by centre (they add up to 100). `left` is the day on which the
    membership had ended where it is applied in grace, else None."""

    shares: dict[str, Decimal]
    left: date | None = None


@dataclass(frozen=True)
class CostCenters:
    """One version of the mapping. `recorded_at` is when we learned of it, the second axis of time; `sha256` is
    over what its rows say, whatever their order and however the file is laid out.

    `source` says where its rows are from; `below` is the mapping of the next rank, which is asked on a day on
    which this one has no row of an actor.
    """

    rows: tuple[Membership, ...]
    recorded_at: datetime
    notes: tuple[Mistake, ...] = ()
    source: str = "file"
    below: "CostCenters | None" = None
    _lines: dict[str, "_Timeline"] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.recorded_at.tzinfo is None:
            raise InputRefused("a mapping was recorded at a time without a zone; give it in UTC")
        for people in _persons(self.rows):
            timeline = _Timeline(people)
            for key in {key for row in people for key in _keys(row)}:
                self._lines[key] = timeline

    @cached_property
    def sha256(self) -> str:
        facts: list[object] = sorted((row.facts() for row in self.rows), key=json.dumps)
        if self.below is not None:
            facts += [self.source, self.below.source, self.below.sha256]
        return hashlib.sha256(json.dumps(facts, separators=(",", ":"), ensure_ascii=False).encode()).hexdigest()

    @property
    def ranks(self) -> "list[CostCenters]":
        """This mapping and those below it, the first in rank first."""
        return [self, *(self.below.ranks if self.below else [])]

    @property
    def all_rows(self) -> tuple[Membership, ...]:
        """The rows of every rank, the first in rank first."""
        return tuple(row for rank in self.ranks for row in rank.rows)

    @cached_property
    def centers(self) -> frozenset[str]:
        """Every centre that a row names, of whatever rank."""
        return frozenset(row.cost_center for row in self.all_rows)

    def place(
        self, actor_id: str | None, email: str | None, day: date, grace: timedelta = timedelta(0)
    ) -> Placement | None:
        """Where the cost of an actor on a day goes, by id before e-mail. A leaver's last centre holds for
        `grace`."""
        lines = self._lines_of(actor_id, email)
        for line in lines:
            if shares := line.on(day):
                return Placement(shares)
        for line in lines:
            if (last := line.before(day)) and day < last[0] + grace:
                return Placement(last[1], left=last[0])
        return None

    def left_on(self, actor_id: str | None, email: str | None, day: date) -> date | None:
        """The day on which the last membership of an actor had ended by `day`, or None."""
        ends = [last[0] for line in self._lines_of(actor_id, email) if (last := line.before(day))]
        return max(ends, default=None)

    def _lines_of(self, actor_id: str | None, email: str | None) -> list["_Timeline"]:
        """Rank by rank, and in a rank by id before e-mail."""
        keys = _actor_keys(actor_id, email)
        return [line for rank in self.ranks for key in keys if (line := rank._lines.get(key))]


def read_cost_centers(
    body: bytes, name: str, recorded_at: datetime, source: str = "file", below: CostCenters | None = None
) -> CostCenters:
    """Read a mapping file. Raises FileRefused with every mistake: file, row, rule, remedy."""
    found = files.Findings(name)
    rows = [
        membership
        for row in files.read_rows(body, found, required=COLUMNS, optional=("percent",))
        if (membership := _membership(row, found))
    ]
    for people in _persons(rows):
        _check_overlaps(people, found)
    found.raise_if_any()
    return CostCenters(tuple(rows), recorded_at, tuple(found.notes), source, below)


def as_known(versions: Iterable[CostCenters], moment: datetime) -> CostCenters | None:
    """The version that was known at a moment: the newest recorded by then. None before the first."""
    known = [version for version in versions if version.recorded_at <= moment]
    return max(known, key=lambda version: version.recorded_at, default=None)


def _membership(row: files.Row, found: files.Findings) -> Membership | None:
    before = len(found.mistakes)
    email, user_id, center = row["user_email"].casefold(), row["user_id"], row["cost_center"]
    if not email and not user_id:
        found.add(row.line, "nobody", "it names nobody", "user_email or user_id, or both")
    if email and email.count("@") != 1:
        found.add(row.line, "email", f"user_email {files.shown(email)} is no address", "an address with one @")
    if not center:
        found.add(row.line, "cost_center", "cost_center is empty", "the name of a cost centre")
    if center.casefold() == UNALLOCATED.casefold() and center != UNALLOCATED:
        found.add(
            row.line, "cost_center", f"{files.shown(center)} looks like {UNALLOCATED}", f"exactly {UNALLOCATED}"
        )
    begin, end = files.day_cell(row, "valid_from", found), files.day_cell(row, "valid_to", found)
    if not row["valid_from"]:
        found.add(row.line, "valid_from", "valid_from is empty", "the first day, as YYYY-MM-DD")
    if begin and end and end <= begin:
        found.add(
            row.line, "dates", f"it ends on {end}, not after it starts on {begin}",
            "valid_to after valid_from; valid_to is the first day that no longer counts, empty for still",
        )  # fmt: skip
    percent = files.amount_cell(row, "percent", found) if row["percent"] else None
    if percent is not None and not 0 < percent <= _WHOLE:
        found.add(row.line, "percent", f"percent is {percent}", "above 0 and at most 100, or empty for all of it")
    files.note_formulas(row, ("cost_center", "user_id", "user_email"), found)
    if len(found.mistakes) > before or begin is None:
        return None
    return Membership(row.line, email, user_id, center, begin, end, percent)


def _keys(row: Membership) -> list[str]:
    return _actor_keys(row.user_id, row.user_email)


def _actor_keys(actor_id: str | None, email: str | None) -> list[str]:
    """How an actor is looked up: the id first, because it outlives a change of address."""
    return ([f"id:{actor_id}"] if actor_id else []) + ([f"email:{email.casefold()}"] if email else [])


def _persons(rows: Iterable[Membership]) -> list[list[Membership]]:
    """The rows by person: rows that share an id or an address, directly or through another row, are of one."""
    leader: dict[str, str] = {}

    def find(key: str) -> str:
        while leader.setdefault(key, key) != key:
            leader[key] = leader[leader[key]]
            key = leader[key]
        return key

    listed = list(rows)
    for row in listed:
        first, *others = _keys(row)
        for other in others:
            leader[find(other)] = find(first)
    people: dict[str, list[Membership]] = defaultdict(list)
    for row in listed:
        people[find(_keys(row)[0])].append(row)
    return list(people.values())


def _stretches(people: Sequence[Membership]) -> Iterable[tuple[date, date, list[Membership]]]:
    """The time of one person, cut where any row begins or ends, with the rows of each stretch."""
    cuts = sorted({day for row in people for day in (row.valid_from, row.end)})
    for begin, end in pairwise(cuts):
        active = [row for row in people if row.valid_from < end and begin < row.end]
        if active:
            yield begin, end, active


def _check_overlaps(people: Sequence[Membership], found: files.Findings) -> None:
    told: set[tuple[int, ...]] = set()
    for begin, end, active in _stretches(people):
        lines = tuple(sorted(row.line for row in active))
        if lines in told:
            continue
        when = f"from {begin}" + (f" to {end}" if end != date.max else " on")
        shares = [row.percent for row in active]
        others = ", ".join(str(line) for line in lines[:-1])
        if len(active) > 1 and None in shares:
            told.add(lines)
            found.add(
                lines[-1], "overlap", f"{files.shown(active[0].who)} is in {len(active)} rows at once {when}: "
                f"also in row {others}", "end one before the other begins, or give every one of them a percent",
            )  # fmt: skip
        elif None not in shares and (whole := total(share for share in shares if share is not None)) != _WHOLE:
            told.add(lines)
            also = f" (rows {', '.join(map(str, lines))})" if others else ""
            found.add(
                lines[-1], "percent_sum", f"the percentages of {files.shown(active[0].who)} add up to "
                f"{text(whole, 0)} {when}{also}", "percentages that add up to exactly 100 on each day",
            )  # fmt: skip


class _Timeline:
    """One person's stretches in order, for looking a day up."""

    def __init__(self, people: Sequence[Membership]) -> None:
        self.begins: list[date] = []
        self.stretches: list[tuple[date, dict[str, Decimal]]] = []
        for begin, end, active in _stretches(people):
            shares: dict[str, Decimal] = defaultdict(Decimal)
            for row in active:
                shares[row.cost_center] += _WHOLE if row.percent is None else row.percent
            self.begins.append(begin)
            self.stretches.append((end, dict(shares)))

    def on(self, day: date) -> dict[str, Decimal] | None:
        place = bisect_right(self.begins, day) - 1
        if place < 0:
            return None
        end, shares = self.stretches[place]
        return shares if day < end else None

    def before(self, day: date) -> tuple[date, dict[str, Decimal]] | None:
        """The last stretch that had ended by a day: its end and its shares."""
        place = bisect_right(self.begins, day) - 1
        if place < 0 or self.stretches[place][0] > day:
            return None
        return self.stretches[place]
