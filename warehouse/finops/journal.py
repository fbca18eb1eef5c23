"""The general-ledger journal of a statement: each centre's account against one clearing account.

Promise: debits equal credits, to the cent. Rule book: reference finops, section 8.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from warehouse.finops.customer_files import Number, csv_bytes
from warehouse.finops.errors import ConservationBroken
from warehouse.finops.inputs import CURRENCY
from warehouse.finops.money import EXACT, ZERO, text, total
from warehouse.finops.statement import Statement

COLUMNS = (
    "journal", "line", "posting_date", "period", "original_period", "account", "cost_center", "debit", "credit",
    "currency", "description",
)  # fmt: skip
EXPENSE_ACCOUNT = "AI-EXPENSE"
CLEARING_ACCOUNT = "ANTHROPIC-CLEARING"


@dataclass(frozen=True, slots=True)
class Posting:
    """One line of the journal. One of `debit` and `credit` is 0."""

    line: int
    account: str
    cost_center: str
    original_period: str
    debit: Decimal
    credit: Decimal
    description: str


@dataclass(frozen=True)
class Journal:
    """The postings of one statement. `name` is `<period>-<number>`."""

    name: str
    period: str
    posting_date: date
    postings: tuple[Posting, ...]

    def to_csv(self) -> bytes:
        rows = [
            (
                self.name, posting.line, self.posting_date, self.period, posting.original_period, posting.account,
                posting.cost_center, Number(text(posting.debit, 2)), Number(text(posting.credit, 2)), CURRENCY,
                posting.description,
            )
            for posting in self.postings
        ]  # fmt: skip
        return csv_bytes(COLUMNS, rows)


def journal_of(
    statement: Statement,
    accounts: Mapping[str, str] | None = None,
    *,
    expense: str = EXPENSE_ACCOUNT,
    clearing: str = CLEARING_ACCOUNT,
) -> Journal:
    """Post each centre's sum of each original period; what lowers its cost is a credit to it.

    `accounts` maps a centre to its own expense account. The posting date is the period's last day. Raises
    ConservationBroken where debits and credits differ.
    """
    sums: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for line in statement.lines:
        key = (line.key.cost_center, str(line.original_period or statement.period))
        sums[key] = EXACT.add(sums[key], line.billed)
    postings: list[Posting] = []
    for (center, original), amount in sorted(sums.items()):
        if not amount:
            continue
        account = (accounts or {}).get(center, expense)
        what = f"Claude {original}" + (", correction" if original != str(statement.period) else "")
        up, size = amount > 0, abs(amount)
        for name, debited in ((account, up), (clearing, not up)):
            debit, credit = (size, ZERO) if debited else (ZERO, size)
            postings.append(Posting(len(postings) + 1, name, center, original, debit, credit, what))
    debits, credits = (total(getattr(posting, side) for posting in postings) for side in ("debit", "credit"))
    booked = total(posting.debit - posting.credit for posting in postings if posting.account != clearing)
    if debits != credits or booked != statement.total:
        raise ConservationBroken(f"debits are {debits} and credits {credits}; no journal was written")
    name = f"{statement.period}-{statement.number}"
    return Journal(name, str(statement.period), statement.period.end - timedelta(days=1), tuple(postings))
