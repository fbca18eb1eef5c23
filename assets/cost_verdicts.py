"""What can be said of the amounts of cost: their currency, their sign, and list price beside price.

Promise: a verdict that is not good says what to do. Asks the vendor nothing. Knows no Dagster.
"""

from collections.abc import Callable

from assets.verdicts import Verdict
from assets.workshop import Workshop
from warehouse.finops.inputs import CURRENCY
from warehouse.tables.catalog import connect
from warehouse.tables.masking import ACCOUNTING

_ODD = """
select count(*) filter (where amount is null), count(*) filter (where amount < 0),
       count(*) filter (where amount > list_amount), min(day) filter (where amount < 0 or amount > list_amount)
from cost_rows
"""


def one_currency(workshop: Workshop) -> Verdict:
    """All cost is in dollars, so that a statement has one currency. Where some is not, no statement of that month
    is made: ask the vendor, or leave that organisation out."""
    with connect(workshop.archive, unmasked=ACCOUNTING) as db:
        found = db.execute(
            "select currency, count(*), min(day), max(day) from cost_rows group by currency order by currency"
        ).fetchall()
    others = [row for row in found if row[0] != CURRENCY]
    facts = {"rows": sum(row[1] for row in found), "in another currency": sum(row[1] for row in others)}
    if others:
        named = "; ".join(f"{count} rows in {name} from {first} to {last}" for name, count, first, last in others)
        return Verdict(
            False, f"{named}. Statements of these months are refused; ask the vendor.", severe=True, facts=facts
        )
    return Verdict(True, f"All {facts['rows']:,} rows are in {CURRENCY}.", facts=facts)


def amounts_are_plausible(workshop: Workshop) -> Verdict:
    """Use costs nothing below zero and no more than at list price, and each amount can be read. What is otherwise
    is booked as the vendor says: look at these rows of cost_rows and ask the vendor."""
    with connect(workshop.archive, unmasked=ACCOUNTING) as db:
        unreadable, below, above, first = db.execute(_ODD).fetchall()[0]
    facts = {"unreadable": unreadable, "below zero": below, "above list price": above}
    if unreadable or below or above:
        since = f", the first of {first}" if first else ""
        return Verdict(
            False,
            f"{unreadable} amounts cannot be read, {below} are below zero, {above} are above list price{since}. "
            "Look at them in cost_rows and ask the vendor.",
            severe=bool(unreadable),
            facts=facts,
        )
    return Verdict(True, "Every amount can be read, is not below zero and not above list price.", facts=facts)


OF_COST: tuple[Callable[[Workshop], Verdict], ...] = (one_currency, amounts_are_plausible)
