"""What can be said of a month's statement: one function per promise that is watched.

Promise: a verdict that is not good says what to do. Knows no Dagster.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from assets.verdicts import Verdict
from assets.workshop import Workshop
from warehouse.archive.restriction import digest, normal
from warehouse.finops.allocation import ageing
from warehouse.finops.money import text, to_cents, total
from warehouse.finops.preparing import Prepared
from warehouse.finops.seats import PRODUCT
from warehouse.finops.statement import Statement
from warehouse.tables.catalog import connect
from warehouse.tables.masking import ACCOUNTING
from warehouse.tables.masking_rules import MARK

_WATCHED, _TOO_MUCH = Decimal("0.02"), Decimal("0.10")
_NAMED = 10

Judge = Callable[[Workshop, Statement, Prepared | None], Verdict]


def statement_is_the_source(workshop: Workshop, statement: Statement, done: Prepared | None) -> Verdict:
    """The statement's own lines, without seats, are the vendor's ungrouped total of the month, to the cent. A
    closed month may differ by what was restated since: that is in the corrections of the next open month. When an
    open one does not tie, do not send it: run `ledgerline verify` and report the month."""
    period = statement.period
    with connect(workshop.archive, unmasked=ACCOUNTING) as db:
        found = db.execute(
            "select coalesce(sum(total_amount), 0) from cost_days where day >= $start and day < $end",
            {"start": period.start, "end": period.end},
        ).fetchone()
    vendor = found[0] if found else Decimal(0)
    ours = total(line.exact for line in statement.own_lines if line.key.service != PRODUCT)
    difference = ours - vendor
    facts: dict[str, Any] = {
        "statement": text(ours),
        "vendor": text(vendor),
        "difference": text(difference),
        "billed": text(statement.total, 2),
    }
    if statement.state == "closed":
        return Verdict(
            True, f"Closed with {statement.total}; restated by {text(-difference)} USD since.", facts=facts
        )
    good = to_cents(difference) == 0 and statement.total == to_cents(statement.source_total)
    said = f"The rows of {period} add up to {text(ours)}, the vendor's total is {text(vendor)} USD."
    return Verdict(good, said if good else f"{said} Do not send it; run `ledgerline verify`.", True, facts=facts)


def unallocated_is_small(workshop: Workshop, statement: Statement, done: Prepared | None) -> Verdict:
    """At most 2 % of a month has no owner (above 10 % is severe). What has none: people, service accounts and keys
    that cost_centers.csv does not name on that day, and cost without an actor. Add rows or a rule."""
    share = statement.unallocated / statement.total if statement.total > 0 else Decimal(0)
    facts: dict[str, Any] = {"unallocated": text(statement.unallocated, 2), "percent": f"{share * 100:.2f}"}
    if done is not None:
        ages = ageing(done.allocation.unallocated, workshop.clock().date())
        facts |= {f"{band} days old": text(to_cents(amount), 2) for band, amount in ages.items()}
        unknown = sorted(done.allocation.unknown.items(), key=lambda pair: (-pair[1], pair[0]))
        facts["largest without a row"] = (
            ", ".join(_shown(workshop, name) for name, _ in unknown[:_NAMED]) or "nobody"
        )
    said = f"{statement.unallocated:,.2f} of {statement.total:,.2f} USD ({share * 100:.1f} %) have no owner."
    return Verdict(share <= _WATCHED, said, severe=share > _TOO_MUCH, facts=facts)


def leavers_cost_nothing(workshop: Workshop, statement: Statement, done: Prepared | None) -> Verdict:
    """Nobody whose last membership has ended still costs anything. Who does: scheduled work or a key that lives
    on. Switch it off, or give it an owner in cost_centers.csv."""
    leavers = {} if done is None else done.allocation.leavers
    if not leavers:
        return Verdict(True, "Nobody who has left costs anything in this month.", facts={"leavers": 0})
    named = sorted(leavers.items(), key=lambda pair: (-pair[1], pair[0]))
    listed = ", ".join(
        f"{_shown(workshop, name)} (left {left}): {text(to_cents(cost), 2)}"
        for (name, left), cost in named[:_NAMED]
    )
    return Verdict(
        False,
        f"{len(leavers)} who have left still cost {text(to_cents(total(leavers.values())), 2)} USD: {listed}.",
        facts={"leavers": len(leavers)},
    )


def _shown(workshop: Workshop, name: str) -> str:
    """An actor as a check may name it: not one whose records are restricted."""
    restricted = workshop.archive.state.restricted().values()
    return MARK if any(digest(one.salt, normal(name)) in one.digests for one in restricted) else name


# Each judge, and whether a severe failure stops what is built on the statement.
OF_STATEMENT: tuple[tuple[Judge, bool], ...] = (
    (statement_is_the_source, True),
    (unallocated_is_small, True),  # only where it is severe
    (leavers_cost_nothing, False),
)
