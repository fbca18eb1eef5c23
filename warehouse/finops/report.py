"""The figures of the monthly report: what a reader of a statement asks next, from statements and allocations.

Promise: every figure is the statement's, or is made of its lines by sums and differences; nothing is estimated. No
person is named. Rule book: reference finops, sections 6 to 8.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal

from warehouse.finops.allocation import AllocatedLine, ageing
from warehouse.finops.anomalies import Volume, explain_change
from warehouse.finops.books import Event
from warehouse.finops.corrections import explained
from warehouse.finops.cost_centers import UNALLOCATED
from warehouse.finops.money import EXACT, ZERO, minus, sortable, to_cents, total
from warehouse.finops.periods import Period
from warehouse.finops.preparing import Prepared
from warehouse.finops.seats import PRODUCT as SEATS
from warehouse.finops.statement import Line, Statement

_ROUGH = Context(prec=40, rounding=ROUND_HALF_UP)
_MOVERS = 10
MONTHS_BEFORE = 12  # how many months stand beside the one that is told
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


@dataclass(frozen=True, slots=True)
class ModelUse:
    """A model's cost with its tokens, dollars per million of them, and how many percent of its input came from the
    cache; None where it has no tokens, or they are not known."""

    cost: Compared
    tokens: Decimal | None
    per_million: Decimal | None
    cached: Decimal | None


@dataclass(frozen=True, slots=True)
class Owed:
    """What one centre's corrections of one closed month come to: taken back, booked, and the difference."""

    period: Period
    center: str
    reversed: Decimal
    rebooked: Decimal
    difference: Decimal


@dataclass(frozen=True)
class Report:
    """Everything the page shows. `months` are the statements up to and with this one, ascending; `whole_days` how
    many days of the month were read to the end; `ages` what has no owner, by its age in days at the end of the
    month."""

    statement: Statement
    months: tuple[Statement, ...]
    events: tuple[Event, ...]
    whole_days: int
    headline: Compared
    centers: tuple[Compared, ...]
    movers: tuple[Mover, ...]
    products: tuple[Compared, ...]
    models: tuple[ModelUse, ...]
    ages: dict[str, Decimal]
    corrections: tuple[Owed, ...]
    sources: dict[str, object]

    @property
    def period(self) -> Period:
        return self.statement.period

    @property
    def before(self) -> Period | None:
        return self.months[-2].period if self.headline.before is not None else None

    @property
    def last_close(self) -> Event | None:
        closes = [event for event in self.events if event.state == "closed"]
        return closes[-1] if closes else None

    @property
    def usage(self) -> Decimal:
        """What the vendor bills for use in the month, exact."""
        return total(line.exact for line in self.statement.own_lines if line.key.service != SEATS)

    @property
    def seats(self) -> Decimal:
        """Seats by contract, exact."""
        return total(line.exact for line in self.statement.own_lines if line.key.service == SEATS)

    @property
    def corrected(self) -> Decimal:
        """Corrections of closed months, whole cents."""
        return total(line.billed for line in self.statement.lines if line.original_period is not None)

    @property
    def untied(self) -> Decimal:
        """The statement less its source, in cents: 0.00, or do not send it."""
        return minus(self.statement.total, to_cents(self.statement.source_total))


def make_report(
    done: Prepared,
    before: Prepared | None,
    earlier: Sequence[Statement],
    events: Iterable[Event],
    whole_days: int,
) -> Report:
    """The figures of a month. `before` is the calendar month before it, None where the tables have none;
    `earlier` all statements of months before it, ascending; `events` those of the books."""
    statement, last = done.statement, before.statement if before else None
    return Report(
        statement=statement,
        months=(*earlier[-MONTHS_BEFORE:], statement),
        events=tuple(event for event in events if event.period == statement.period),
        whole_days=whole_days,
        headline=Compared(None, statement.total, last.total if last else None),
        centers=_compared(statement, last, lambda line: line.key.cost_center),
        movers=_movers(done, before) if before else (),
        products=_compared(statement, last, lambda line: line.key.service),
        models=_models(done, last),
        ages=_ages(done),
        corrections=_corrections(statement),
        sources=done.sources.document(),
    )


def _ages(done: Prepared) -> dict[str, Decimal]:
    found = ageing(done.allocation.unallocated, done.statement.period.end)
    return {band: to_cents(amount) for band, amount in found.items()}


def percent(part: Decimal, whole: Decimal) -> Decimal | None:
    """A part in percent of a whole, one decimal; None where the whole is not above 0."""
    if whole <= 0:
        return None
    return _ROUGH.divide(_ROUGH.multiply(part, Decimal(100)), whole).quantize(Decimal("0.1"), context=_ROUGH)


def unallocated_of(statement: Statement) -> Decimal | None:
    """How many percent of a statement have no owner."""
    return percent(statement.unallocated, statement.total)


def _compared(
    now: Statement, before: Statement | None, name: Callable[[Line], str | None]
) -> tuple[Compared, ...]:
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


def _movers(now: Prepared, before: Prepared) -> tuple[Mover, ...]:
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


def _models(done: Prepared, last: Statement | None) -> tuple[ModelUse, ...]:
    counted: dict[str | None, dict[str | None, Volume]] = defaultdict(dict)
    for line in done.allocation.lines:
        if line.row.unit == _TOKENS and line.quantity is not None:
            kinds = counted[line.row.model]
            so_far = kinds.get(line.row.token_type, Volume(ZERO, ZERO))
            kinds[line.row.token_type] = Volume(
                EXACT.add(so_far.amount, line.amount), EXACT.add(so_far.quantity, line.quantity)
            )
    costs = _compared(done.statement, last, lambda line: None if line.key.service == SEATS else line.key.model)
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


def _corrections(statement: Statement) -> tuple[Owed, ...]:
    pairs = {(line.original_period, line.key.cost_center) for line in statement.lines if line.original_period}
    found = []
    for period, center in sorted(pairs, key=sortable):
        assert period is not None
        sums = explained(period, statement.of_center(center))
        found.append(Owed(period, center, sums["reversed"], sums["rebooked"], sums["difference"]))
    return tuple(found)


def is_unallocated(name: str | None) -> bool:
    return name == UNALLOCATED
