"""What moved between two months and why, and what the models did: the comparisons of the report.

Promise: the parts of a change add up to it, in cents. Rule book: reference finops, section 6.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal

from warehouse.finops.allocation import AllocatedLine
from warehouse.finops.anomalies import Volume, explain_change
from warehouse.finops.money import EXACT, ZERO, minus, sortable, to_cents, total
from warehouse.finops.preparing import Prepared
from warehouse.finops.seats import PRODUCT as SEATS
from warehouse.finops.statement import Line, Statement

_ROUGH = Context(prec=40, rounding=ROUND_HALF_UP)
_MOVERS = 10
_TOKENS, _CACHED, _OUTPUT = "Tokens", "cache_read_input_tokens", "output_tokens"
_MILLION = Decimal(1_000_000)


@dataclass(frozen=True, slots=True)
class Compared:
    """One name with what it costs in the month and in the month before (None: there is none), in dollars."""

    name: str | None
    now: Decimal
    before: Decimal | None

    @property
    def change(self) -> Decimal | None:
        return None if self.before is None else minus(self.now, self.before)

    @property
    def percent(self) -> Decimal | None:
        """The change in percent of the month before, one decimal; None where that was not above 0."""
        return None if self.before is None or self.change is None else percent(self.change, self.before)


@dataclass(frozen=True, slots=True)
class Mover:
    """Why a centre costs another sum than last month. The parts add up to `change`, in cents: `volume`, `mix` and
    `price` of its tokens (None where it had none last month), `other` is all else and the rounding."""

    center: str
    change: Decimal
    volume: Decimal | None
    mix: Decimal | None
    price: Decimal | None
    other: Decimal

    @property
    def cause(self) -> str:
        """The part that moved most in the direction of the change."""
        parts = {"volume": self.volume, "mix": self.mix, "price": self.price, "other": self.other}
        known = {name: part for name, part in parts.items() if part is not None}
        return max(known, key=lambda name: known[name] if self.change >= 0 else -known[name])


@dataclass(frozen=True, slots=True)
class ModelUse:
    """A model's cost with its tokens, dollars per million of them, and how many percent of its input came from the
    cache; None where it has no tokens, or they are not known."""

    cost: Compared
    tokens: Decimal | None
    per_million: Decimal | None
    cached: Decimal | None


def percent(part: Decimal, whole: Decimal) -> Decimal | None:
    """A part in percent of a whole, one decimal; None where the whole is not above 0."""
    if whole <= 0:
        return None
    return _ROUGH.divide(_ROUGH.multiply(part, Decimal(100)), whole).quantize(Decimal("0.1"), context=_ROUGH)


def compared(now: Statement, before: Statement | None, name: Callable[[Line], str | None]) -> tuple[Compared, ...]:
    """What each name costs now and before: the dearest first, ties by name."""
    new, old = _sums(now, name), _sums(before, name) if before else None
    names = new.keys() | (old or {}).keys()
    found = [Compared(one, new.get(one, ZERO), None if old is None else old.get(one, ZERO)) for one in names]
    return tuple(sorted(found, key=lambda one: (-one.now, sortable(one.name))))


def _sums(statement: Statement, name: Callable[[Line], str | None]) -> dict[str | None, Decimal]:
    sums: dict[str | None, Decimal] = defaultdict(Decimal)
    for line in statement.lines:
        sums[name(line)] = EXACT.add(sums[name(line)], line.billed)
    return sums


def movers_of(now: Prepared, before: Prepared) -> tuple[Mover, ...]:
    """The ten largest changes by centre."""
    new, old = now.statement.by_center(), before.statement.by_center()
    use_now, use_before = _volumes(now.allocation.lines), _volumes(before.allocation.lines)
    movers = []
    for center in new.keys() | old.keys():
        change = minus(new.get(center, ZERO), old.get(center, ZERO))
        if change:
            movers.append(_mover(center, change, use_before.get(center, {}), use_now.get(center, {})))
    return tuple(sorted(movers, key=lambda one: (-abs(one.change), one.center))[:_MOVERS])


def _mover(center: str, change: Decimal, before: dict[str, Volume], now: dict[str, Volume]) -> Mover:
    if not any(kind.quantity for kind in before.values()):
        return Mover(center, change, None, None, None, change)
    why = explain_change(before, now)
    of_tokens, price = to_cents(why.change), to_cents(why.price)
    mix = minus(of_tokens, EXACT.add(why.volume, price))
    return Mover(center, change, why.volume, mix, price, minus(change, of_tokens))


def _volumes(lines: Iterable[AllocatedLine]) -> dict[str, dict[str, Volume]]:
    """By centre: cost and count of the tokens of each product, model and kind of token."""
    found: dict[str, dict[str, Volume]] = defaultdict(dict)
    for line in lines:
        if line.row.unit != _TOKENS or line.quantity is None:
            continue
        kind = repr((line.row.product, line.row.model, line.row.token_type))
        so_far = found[line.cost_center].get(kind, Volume(ZERO, ZERO))
        found[line.cost_center][kind] = Volume(
            EXACT.add(so_far.amount, line.amount), EXACT.add(so_far.quantity, line.quantity)
        )
    return found


def models_of(done: Prepared, last: Statement | None) -> tuple[ModelUse, ...]:
    """Each model, the dearest first."""
    counted: dict[str | None, dict[str | None, Volume]] = defaultdict(dict)
    for line in done.allocation.lines:
        if line.row.unit == _TOKENS and line.quantity is not None:
            kinds = counted[line.row.model]
            so_far = kinds.get(line.row.token_type, Volume(ZERO, ZERO))
            kinds[line.row.token_type] = Volume(
                EXACT.add(so_far.amount, line.amount), EXACT.add(so_far.quantity, line.quantity)
            )
    costs = compared(done.statement, last, lambda line: None if line.key.service == SEATS else line.key.model)
    return tuple(_model(cost, counted.get(cost.name, {})) for cost in costs)


def _model(cost: Compared, kinds: dict[str | None, Volume]) -> ModelUse:
    tokens = total(kind.quantity for kind in kinds.values())
    if not tokens:
        return ModelUse(cost, None, None, None)
    amount = total(kind.amount for kind in kinds.values())
    rate = _ROUGH.divide(_ROUGH.multiply(amount, _MILLION), tokens).quantize(Decimal("0.01"), context=_ROUGH)
    read = total(kind.quantity for name, kind in kinds.items() if name not in (_OUTPUT, None))
    cached = total(kind.quantity for name, kind in kinds.items() if name == _CACHED)
    return ModelUse(cost, tokens, rate, percent(cached, read))
