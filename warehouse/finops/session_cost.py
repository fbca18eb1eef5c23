"""What Claude Code cost, divided among sessions, teams, repositories and cost centres by what telemetry says.

Promise: telemetry gives weights and never an amount: the parts of a row of cost add up to the row, exactly. What
no session explains stays with its user as a whole, and says so. Rule book: reference finops, section 4.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from warehouse.finops.errors import ConservationBroken
from warehouse.finops.inputs import CostRow
from warehouse.finops.money import EXACT, ZERO, split, total

PRODUCT = "claude_code"
# How a part of a row of cost was found: by sessions of its model, of any model that day, or by none.
MODEL, DAY, NONE = "model", "day", "no_telemetry"


@dataclass(frozen=True, slots=True)
class SessionDay:
    """What a session's client estimates for one model on one UTC day. `estimate` is in dollars at list price,
    counted on the laptop. `actor_id` and `actor_email` are whose account it was, by `identity`: `account_id`,
    `account_uuid`, `email`, `enduser_id`, or `none`. The rest is what the machine says of itself."""

    day: date
    session_id: str
    actor_id: str | None
    actor_email: str | None
    identity: str
    organization: str | None
    model: str | None
    estimate: Decimal
    requests: int
    cost_center: str | None = None
    department: str | None = None
    team: str | None = None
    repository: str | None = None
    version: str | None = None

    @property
    def actor(self) -> str | None:
        return self.actor_id or (self.actor_email.casefold() if self.actor_email else None)


@dataclass(frozen=True, slots=True)
class CostPart:
    """The part of a user's cost of a day and model that one session has; `session` None where none explains it.

    `amount` is what the vendor bills, `list_amount` the same at list price or None where the vendor does not say.
    """

    day: date
    actor_id: str | None
    actor_email: str | None
    organization: str | None
    model: str | None
    session: SessionDay | None
    amount: Decimal
    list_amount: Decimal | None
    basis: str


def divide(rows: Iterable[CostRow], sessions: Iterable[SessionDay]) -> list[CostPart]:
    """The rows of Claude Code divided; other products are left out. In a stable order.

    Raises ConservationBroken, never returning, if a single unit of money was lost or doubled.
    """
    weights = _Weights(sessions)
    parts: list[CostPart] = []
    pools = _pools(rows)
    for (day, actor_id, email, organization, model), (amount, listed) in sorted(pools.items(), key=_order):
        found, basis = weights.of(actor_id, email, day, model)
        if not found:
            parts.append(CostPart(day, actor_id, email, organization, model, None, amount, listed, NONE))
            continue
        by_name = {key: weight for key, (weight, _) in found.items()}
        amounts = split(amount, by_name)
        lists = split(listed, by_name) if listed is not None else {}
        for key, part in amounts.items():
            one = found[key][1]
            parts.append(CostPart(day, actor_id, email, organization, model, one, part, lists.get(key), basis))
    whole = total(amount for amount, _ in pools.values())
    if total(part.amount for part in parts) != whole:
        raise ConservationBroken(
            f"{whole} of Claude Code went in and another amount came out; nothing was written"
        )
    return parts


_Pool = tuple[date, str | None, str | None, str | None, str | None]


def _pools(rows: Iterable[CostRow]) -> dict[_Pool, tuple[Decimal, Decimal | None]]:
    """Cost by day, actor, organisation and model: kinds of tokens are not what telemetry can tell apart in
    money."""
    pools: dict[_Pool, tuple[Decimal, Decimal | None]] = {}
    for row in rows:
        if row.product != PRODUCT:
            continue
        key = (row.day, row.actor_id, row.actor_email, row.organization, row.model)
        amount, listed = pools.get(key, (ZERO, ZERO))
        both = EXACT.add(listed, row.list_amount) if listed is not None and row.list_amount is not None else None
        pools[key] = (EXACT.add(amount, row.amount), both)
    return pools


def _order(item: tuple[_Pool, object]) -> tuple[str, ...]:
    return tuple(str(part or "") for part in item[0])


class _Weights:
    """Sessions of each actor and day, by id and by e-mail; a session without an account weighs nowhere."""

    def __init__(self, sessions: Iterable[SessionDay]) -> None:
        self._days: dict[tuple[str, date], list[SessionDay]] = defaultdict(list)
        for one in sessions:
            if one.estimate <= ZERO:
                continue
            for key in {one.actor_id, one.actor_email.casefold() if one.actor_email else None} - {None}:
                self._days[str(key), one.day].append(one)

    def of(
        self, actor_id: str | None, email: str | None, day: date, model: str | None
    ) -> tuple[Mapping[str, tuple[Decimal, SessionDay]], str]:
        known = self._days.get((actor_id or "", day)) or self._days.get(((email or "").casefold(), day)) or []
        same = [one for one in known if one.model == model]
        return (_by_session(same), MODEL) if same else (_by_session(known), DAY)


def _by_session(sessions: Iterable[SessionDay]) -> dict[str, tuple[Decimal, SessionDay]]:
    found: dict[str, tuple[Decimal, SessionDay]] = {}
    for one in sessions:
        before = found.get(one.session_id)
        weight = EXACT.add(before[0], one.estimate) if before else one.estimate
        found[one.session_id] = (weight, before[1] if before else one)
    return found
