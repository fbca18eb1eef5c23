"""A small company for the tests of the books: months of rows that change, a mapping that changes, closes,
reopenings."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from warehouse.finops.books import Books, Event
from warehouse.finops.closing import Closing, closing
from warehouse.finops.cost_centers import CostCenters
from warehouse.finops.inputs import CostRow
from warehouse.finops.money import to_cents, total
from warehouse.finops.periods import Period
from warehouse.finops.preparing import Inputs, Prepared, prepare
from warehouse.finops.rules import DEFAULT_RULES, Rules


class Company:
    def __init__(self, mapping: CostCenters, rules: Rules = DEFAULT_RULES) -> None:
        self.books = Books()
        self.mapping = mapping
        self.rules = rules
        self.rows: dict[Period, Sequence[CostRow]] = {}
        self.published: dict[Period, Closing] = {}
        self.now = datetime(2027, 6, 1, tzinfo=UTC)

    @property
    def inputs(self) -> Inputs:
        return Inputs(rows=lambda period: self.rows.get(period, ()), mapping=self.mapping, rules=self.rules)

    def prepare(self, period: Period) -> Prepared:
        return prepare(self.books, period, self.inputs)

    def close(self, period: Period) -> Closing:
        done = prepare(self.books, period, self.inputs, "closed")
        self.now += timedelta(hours=1)
        files = closing(
            done.statement,
            mapping=self.mapping,
            rules=done.rules,
            sources=done.sources,
            closed_at=self.now,
            closed_by="ana@example.com",
        )
        number = done.statement.number
        event = Event(period, "closed", number, self.now, "ana@example.com", manifest_sha256=files.manifest_sha256)
        self.books.close(event, done.statement)
        self.published[period] = files
        return files

    def reopen(self, period: Period, reason: str = "wrong rule") -> None:
        self.now += timedelta(hours=1)
        last = self.books.last_close(period)
        number = last.number if last else 0
        self.books.reopen(Event(period, "reopened", number, self.now, "ana@example.com", reason))

    def source(self, period: Period) -> Decimal:
        """What the vendor says a month costs today, to the cent."""
        return to_cents(total(row.amount for row in self.rows.get(period, ())))

    def billed_for(self, period: Period) -> Decimal:
        """What all statements together have for a month: closed ones, and those that are prepared now."""
        statements = list(self.books.statements.values())
        statements += [
            self.prepare(other).statement for other in self.months() if other not in self.books.statements
        ]
        return total(
            line.billed
            for statement in statements
            for line in statement.lines
            if (line.original_period or statement.period) == period
        )

    def months(self) -> list[Period]:
        """Every month from the first with rows or a state to the one after the last."""
        known = sorted(set(self.rows) | set(self.books.states))
        if not known:
            return []
        months = [known[0]]
        while months[-1] <= known[-1]:
            months.append(months[-1].next)
        return months
