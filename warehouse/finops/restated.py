"""A day of a month that the vendor told anew: what it cost before and after, and what became of its rows.

Rule book: reference finops, section 5.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from warehouse.finops.money import minus


@dataclass(frozen=True, slots=True)
class RestatedDay:
    """One restatement of one day, in dollars; the counts are of rows."""

    day: date
    version: int
    refreshed_at: datetime
    before: Decimal
    after: Decimal
    added: int
    changed: int
    vanished: int

    @property
    def change(self) -> Decimal:
        return minus(self.after, self.before)
