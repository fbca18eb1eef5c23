"""Each row of cost to the cost centres that pay for it, by the first rule that takes it.

Promise: the lines of a row add up to the row, exactly, in amount and in list amount; what nobody owns goes to
UNALLOCATED, which is a centre like any other. Rule book: reference finops, section 4.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import TypeVar

from warehouse.finops.cost_centers import UNALLOCATED, CostCenters, Placement
from warehouse.finops.errors import ConservationBroken
from warehouse.finops.inputs import CostRow
from warehouse.finops.money import EXACT, ZERO, split, total
from warehouse.finops.rules import Driver, Rule, Rules

K = TypeVar("K")

_WHOLE = Decimal(100)


@dataclass(frozen=True, slots=True)
class AllocatedLine:
    """A row of cost, or the part of it that one centre pays. `share` is its percentage of the row, None for parts
    of a shared pool, whose weights are amounts. `quantity` is split as the amount is; `requests`, which are
    whole, stand on the first line of the row only."""

    row: CostRow
    cost_center: str
    amount: Decimal
    list_amount: Decimal | None
    quantity: Decimal | None
    requests: int | None
    rule_id: str
    share: Decimal | None
    left: date | None = None


@dataclass
class Allocation:
    """The lines, with the versions they were made from and what a human should look at.

    `leavers`: cost of people after their last membership had ended, by (actor, day it ended).
    `unknown`: cost of actors that the mapping has never heard of. `unallocated`: by the day it arose, for ageing.
    """

    mapping_version: str
    rules_version: str
    lines: list[AllocatedLine] = field(default_factory=list)
    source_total: Decimal = ZERO
    leavers: dict[tuple[str, date], Decimal] = field(default_factory=dict)
    unknown: dict[str, Decimal] = field(default_factory=dict)
    unallocated: dict[date, Decimal] = field(default_factory=dict)

    @property
    def total(self) -> Decimal:
        return total(line.amount for line in self.lines)


def allocate(
    rows: Iterable[CostRow], mapping: CostCenters, rules: Rules, seats: Mapping[str, int] | None = None
) -> Allocation:
    """Allocate the rows of one period. `seats` are assigned seat-days by centre, for the driver of that name.

    The same rows, mapping and rules give the same lines, in the order of the rows; shares of pools come last.
    Raises ConservationBroken, never returning, if a single unit of money was lost or doubled.
    """
    work = _Work(mapping, rules, Allocation(mapping.sha256, rules.version))
    for row in rows:
        work.take(row)
    work.share_pools(seats or {})
    done = work.done
    if done.total != done.source_total:
        raise ConservationBroken(f"{done.source_total} went in and {done.total} came out; nothing was written")
    for line in done.lines:
        if line.cost_center == UNALLOCATED:
            _add(done.unallocated, line.row.day, line.amount)
    return done


@dataclass
class _Work:
    mapping: CostCenters
    rules: Rules
    done: Allocation
    pools: list[tuple[Rule, CostRow]] = field(default_factory=list)
    _placed: dict[tuple[str | None, str | None, date, int], Placement | None] = field(default_factory=dict)

    def take(self, row: CostRow) -> None:
        self.done.source_total = EXACT.add(self.done.source_total, row.amount)
        known = True
        for rule in self.rules.rules:
            if not rule.meets(row):
                continue
            if rule.method != "direct":
                if rule.method == "central":
                    self._whole(row, rule.centers[0], rule)
                else:
                    self.pools.append((rule, row))
                break
            if row.actor_id is None and row.actor_email is None:
                continue
            if placement := self._place(row, rule.grace_days):
                self._direct(row, placement, rule)
                break
            known = False
        if not known:
            self._note_homeless(row)

    def _place(self, row: CostRow, grace_days: int) -> Placement | None:
        key = (row.actor_id, row.actor_email, row.day, grace_days)
        if key not in self._placed:
            self._placed[key] = self.mapping.place(
                row.actor_id, row.actor_email, row.day, timedelta(days=grace_days)
            )
        return self._placed[key]

    def _direct(self, row: CostRow, placement: Placement, rule: Rule) -> None:
        if placement.left:
            _add(self.done.leavers, (_name(row), placement.left), row.amount)
        if len(placement.shares) == 1:
            self._whole(row, next(iter(placement.shares)), rule, placement.left)
        else:
            self._shared(row, placement.shares, rule, placement.shares, placement.left)

    def _whole(self, row: CostRow, center: str, rule: Rule, left: date | None = None) -> None:
        self.done.lines.append(
            AllocatedLine(
                row, center, row.amount, row.list_amount, row.quantity, row.requests, rule.rule_id, _WHOLE, left
            )
        )

    def _shared(
        self,
        row: CostRow,
        weights: Mapping[str, Decimal | int],
        rule: Rule,
        shares: Mapping[str, Decimal] | None = None,
        left: date | None = None,
    ) -> None:
        amounts = split(row.amount, weights)
        lists = split(row.list_amount, weights) if row.list_amount is not None else {}
        quantities = split(row.quantity, weights) if row.quantity is not None else {}
        for number, center in enumerate(amounts):
            requests = row.requests if number == 0 else None
            share = shares[center] if shares else None
            self.done.lines.append(
                AllocatedLine(
                    row, center, amounts[center], lists.get(center), quantities.get(center),
                    requests, rule.rule_id, share, left,
                )
            )  # fmt: skip

    def _note_homeless(self, row: CostRow) -> None:
        """An actor that no membership covers: one who left longer ago than the grace, or one never heard of."""
        left = self.mapping.left_on(row.actor_id, row.actor_email, row.day)
        if left is not None:
            _add(self.done.leavers, (_name(row), left), row.amount)
        else:
            _add(self.done.unknown, _name(row), row.amount)

    def share_pools(self, seats: Mapping[str, int]) -> None:
        """Share what is in pools, by what was allocated to its owners before."""
        owned = [line for line in self.done.lines if line.cost_center != UNALLOCATED]
        weights_of: dict[tuple[str, Driver], Mapping[str, Decimal | int]] = {}
        for rule, row in self.pools:
            key = (rule.rule_id, rule.driver)
            if key not in weights_of:
                weights_of[key] = _weights(rule, owned, seats)
            weights = weights_of[key]
            if any(weights.values()):
                self._shared(row, weights, rule, dict(rule.weights) or None)
            else:  # nobody to share it with
                self._whole(row, UNALLOCATED, rule)


def _weights(rule: Rule, owned: Sequence[AllocatedLine], seats: Mapping[str, int]) -> Mapping[str, Decimal | int]:
    if rule.method == "fixed":
        return dict(rule.weights)
    driven = _driven(rule.driver, owned, seats)
    if rule.method == "even":
        return dict.fromkeys(rule.centers or sorted(driven), 1)
    allowed = set(rule.centers) or set(driven)
    return {center: driven[center] for center in sorted(driven) if center in allowed and driven[center] > 0}


def _driven(driver: Driver, owned: Sequence[AllocatedLine], seats: Mapping[str, int]) -> dict[str, Decimal | int]:
    """What each centre has of a driver in the period, over the lines that have an owner of their own."""
    if driver == "seats":
        return {center: count for center, count in seats.items() if center != UNALLOCATED}
    if driver == "active_users":
        users: dict[str, set[str]] = defaultdict(set)
        for line in owned:
            users[line.cost_center].add(_name(line.row))
        return {center: len(names) for center, names in users.items()}
    if driver == "requests":
        counts: dict[str, Decimal | int] = defaultdict(int)
        for line in owned:
            counts[line.cost_center] += line.requests or 0
        return counts
    sums: dict[str, Decimal | int] = {}
    for line in owned:
        amount = line.amount if driver == "billed_cost" else (line.list_amount or ZERO)
        if line.row.charge_category in ("Usage", "Purchase"):
            sums[line.cost_center] = EXACT.add(sums.get(line.cost_center, ZERO), amount)
    return sums


def _add(sums: dict[K, Decimal], key: K, amount: Decimal) -> None:
    sums[key] = EXACT.add(sums.get(key, ZERO), amount)


def _name(row: CostRow) -> str:
    return row.actor_id or row.actor_email or ""


def ageing(unallocated: Mapping[date, Decimal], today: date) -> dict[str, Decimal]:
    """UNALLOCATED by the age of its days: up to 7, 30, 60 days, and older. Keys in that order."""
    bands = {"0-7": ZERO, "8-30": ZERO, "31-60": ZERO, "61+": ZERO}
    for day, amount in unallocated.items():
        age = (today - day).days
        band = "0-7" if age <= 7 else "8-30" if age <= 30 else "31-60" if age <= 60 else "61+"
        bands[band] = EXACT.add(bands[band], amount)
    return bands
