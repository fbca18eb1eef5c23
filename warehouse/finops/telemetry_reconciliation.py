"""Three figures for a user and day of Claude Code: telemetry's estimate, the cost report, the invoice.

Promise: each row gives the reasons for its differences, by code; the columns of the cost API add up to its total
and the invoiced ones to the part of the invoice that they explain. None of it changes an amount. Rule book:
finops, section 5.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from warehouse.finops.inputs import CostRow
from warehouse.finops.money import EXACT, ZERO, minus, split, total
from warehouse.finops.session_cost import PRODUCT, SessionDay

# Clients below these versions over-count cost: 2.1.214 behind a gateway, where a reply comes in several frames.
EXACT_SINCE = (2, 1, 214)
# A difference that needs no reason: a cent, or a hundredth of the larger figure.
# Sessions of nobody are no user's; cost of nobody has a row of its own.
_NOBODY = "\0"
_CENT, _HUNDREDTH = Decimal("0.01"), Decimal("0.01")
REASONS = {
    "agrees": "telemetry and the cost report differ by a cent or a hundredth at most",
    "no_telemetry": "cost without telemetry: the settings did not reach the machine, or nothing arrived",
    "not_in_cost_report": "telemetry without cost: a seat's allowance, a cloud's bill, an API key paid elsewhere",
    "no_actor": "cost without an actor, as of code review: no session stands behind it",
    "no_account": "sessions without an account: nobody can be found for them",
    "partial_telemetry": "telemetry saw less than was billed: lost offline, or a machine without settings",
    "old_version": "a client older than 2.1.214, which counts a reply in several frames more than once",
    "estimate_above": "telemetry saw more than was billed, and no old client is in it",
    "discount": "billed below list price, as negotiated",
    "surcharge": "billed above list price",
    "no_list_price": "the cost report does not say the list price, so telemetry is held against what was billed",
    "no_invoice": "no invoice of the month is known",
    "invoice_differs": "the invoice is not what the cost report says; the difference is shared by amount",
}


@dataclass(frozen=True, slots=True)
class UserDay:
    """One row: a user and day. `estimate` and `listed` are at list price, `billed` after discounts, `invoiced` the
    day's part of the invoice's usage, None without an invoice. All in dollars, exact; None is not known."""

    day: date
    actor_id: str | None
    actor_email: str | None
    sessions: int
    estimate: Decimal
    listed: Decimal | None
    billed: Decimal
    invoiced: Decimal | None
    reasons: tuple[str, ...]

    @property
    def gap(self) -> Decimal:
        """Telemetry less the cost report, both at list price where that is known."""
        return minus(self.estimate, self.billed if self.listed is None else self.listed)


@dataclass
class _Sums:
    actor_id: str | None = None
    email: str | None = None
    sessions: set[str] = field(default_factory=set)
    estimate: Decimal = ZERO
    listed: Decimal | None = ZERO
    billed: Decimal = ZERO
    old: bool = False
    rows: int = 0


def three_ways(
    rows: Iterable[CostRow], sessions: Iterable[SessionDay], invoiced_usage: Decimal | None
) -> list[UserDay]:
    """The rows of a period, by day and user. `rows` are all of the period's cost, since the invoice is for all
    of it; `invoiced_usage` is what the invoice charges for usage, None where there is none."""
    days: dict[tuple[date, str], _Sums] = defaultdict(_Sums)
    names: dict[str, str] = {}
    others = ZERO
    for row in rows:
        if row.product != PRODUCT:
            others = EXACT.add(others, row.amount)
            continue
        key = row.actor_id or (row.actor_email or "").casefold()
        if row.actor_id and row.actor_email:
            names[row.actor_email.casefold()] = row.actor_id
        sums = days[row.day, key]
        sums.actor_id, sums.email = row.actor_id, row.actor_email or sums.email
        sums.rows += 1
        sums.billed = EXACT.add(sums.billed, row.amount)
        known = sums.listed is not None and row.list_amount is not None
        sums.listed = EXACT.add(sums.listed or ZERO, row.list_amount or ZERO) if known else None
    for one in sessions:
        email = one.actor_email.casefold() if one.actor_email else ""
        sums = days[one.day, one.actor_id or names.get(email, email) or _NOBODY]
        sums.actor_id, sums.email = sums.actor_id or one.actor_id, sums.email or one.actor_email
        sums.sessions.add(one.session_id)
        sums.estimate = EXACT.add(sums.estimate, one.estimate)
        sums.old = sums.old or is_old(one.version)
    ordered = sorted(days.items())
    shares = _invoiced([sums.billed for _, sums in ordered], others, invoiced_usage)
    return [_user_day(day, key, sums, share) for ((day, key), sums), share in zip(ordered, shares, strict=True)]


def _user_day(day: date, key: str, sums: _Sums, invoiced: Decimal | None) -> UserDay:
    listed = sums.listed if sums.rows else ZERO
    reasons = [_of_telemetry(key, sums, listed)]
    if listed is None:
        reasons.append("no_list_price")
    elif sums.billed != listed:
        reasons.append("discount" if sums.billed < listed else "surcharge")
    if sums.rows:
        if invoiced is None:
            reasons.append("no_invoice")
        elif abs(minus(invoiced, sums.billed)) > _CENT:
            reasons.append("invoice_differs")
    return UserDay(
        day, sums.actor_id, sums.email, len(sums.sessions), sums.estimate, listed, sums.billed,
        invoiced if sums.rows else None, tuple(reasons),
    )  # fmt: skip


def _of_telemetry(key: str, sums: _Sums, listed: Decimal | None) -> str:
    reported = sums.billed if listed is None else listed
    if key == _NOBODY:
        return "no_account"
    if not sums.sessions:
        return "no_telemetry" if key else "no_actor"
    if not sums.rows:
        return "not_in_cost_report"
    gap = minus(sums.estimate, reported)
    if abs(gap) <= max(_CENT, EXACT.multiply(_HUNDREDTH, max(sums.estimate, reported))):
        return "agrees"
    if gap < 0:
        return "partial_telemetry"
    return "old_version" if sums.old else "estimate_above"


def is_old(version: str | None) -> bool:
    """Whether a client is known to count too much. One that does not say its version is not."""
    try:
        parts = tuple(int(part) for part in (version or "").split(".")[:3])
    except ValueError:
        return False
    return bool(parts) and parts < EXACT_SINCE


def _invoiced(billed: Sequence[Decimal], others: Decimal, usage: Decimal | None) -> list[Decimal | None]:
    """The invoice's usage, shared by what the cost report says: each row's part, and that of all other
    products."""
    if usage is None:
        return [None] * len(billed)
    weights = {f"{number:09}": amount for number, amount in enumerate(billed) if amount > 0}
    if others > 0:
        weights["others"] = others
    if not weights:
        return [ZERO] * len(billed)
    parts = split(usage, weights)
    return [parts.get(f"{number:09}", ZERO) for number in range(len(billed))]


@dataclass(frozen=True)
class Explained:
    """A month on one page: sums, by reason. `users` are those with sessions; `coverage` is the part of the billed
    amount that telemetry explains."""

    users: int
    sessions: int
    estimate: Decimal
    listed: Decimal | None
    billed: Decimal
    invoiced: Decimal | None
    with_telemetry: Decimal
    by_reason: "Mapping[str, ByReason]"

    @property
    def days(self) -> int:
        """User-days."""
        return sum(one.days for one in self.by_reason.values())

    @property
    def held_against(self) -> Decimal:
        """What the estimate is held against in all."""
        return total(one.held_against for one in self.by_reason.values())

    @property
    def coverage(self) -> Decimal | None:
        """In percent."""
        if not self.billed:
            return None
        return (self.with_telemetry * 100 / self.billed).quantize(Decimal("0.1"))


@dataclass(frozen=True, slots=True)
class ByReason:
    """The user-days whose first reason it is. `held_against`: what the cost report says at list price, where that
    is known; else as billed."""

    days: int = 0
    estimate: Decimal = ZERO
    held_against: Decimal = ZERO
    billed: Decimal = ZERO

    def and_of(self, row: UserDay) -> "ByReason":
        against = row.billed if row.listed is None else row.listed
        return ByReason(
            self.days + 1,
            EXACT.add(self.estimate, row.estimate),
            EXACT.add(self.held_against, against),
            EXACT.add(self.billed, row.billed),
        )


def explained(rows: Sequence[UserDay]) -> Explained:
    """The sums, and those of each reason that comes first somewhere."""
    by_reason: dict[str, ByReason] = {}
    for row in rows:
        by_reason[row.reasons[0]] = by_reason.get(row.reasons[0], ByReason()).and_of(row)
    listed = [row.listed for row in rows]
    invoiced = [row.invoiced for row in rows if row.invoiced is not None]
    return Explained(
        users=len({row.actor_id or row.actor_email for row in rows if row.sessions} - {None}),
        sessions=sum(row.sessions for row in rows),
        estimate=total(row.estimate for row in rows),
        listed=None if None in listed else total(one for one in listed if one is not None),
        billed=total(row.billed for row in rows),
        invoiced=total(invoiced) if invoiced else None,
        with_telemetry=total(row.billed for row in rows if row.sessions),
        by_reason={reason: by_reason[reason] for reason in REASONS if reason in by_reason},
    )
