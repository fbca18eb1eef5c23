"""The report in a few sentences: what it costs, what moved it, whether budgets hold, what nobody owns.

Promise: each sentence is said by figures that the page has too, and is left out where they are not known.
"""

from decimal import Decimal

from warehouse.finops.inputs import CURRENCY
from warehouse.finops.report import Report, month_name, unallocated_of
from warehouse.finops.shown import shown

_CAUSES = {
    "volume": "more or fewer tokens",
    "mix": "another mix of models and kinds of token",
    "price": "another price of the same tokens",
    "other": "what is not tokens",
}
_SHARE = Decimal(10)


def brief(report: Report) -> list[str]:
    """The sentences, in their order."""
    said = [_cost(report)]
    said += [one for one in (_mover(report), _budgets(report), _forecast(report), _owners(report)) if one]
    return said


def _cost(report: Report) -> str:
    total = f"{report.statement.total:,.2f} {CURRENCY}"
    if not report.is_whole:
        days = f"{report.whole_days} of {report.period.length} days"
        return f"{month_name(report.period)} has cost {total} so far, with {days} known."
    if report.headline.percent is None or report.headline.change is None:
        return f"{month_name(report.period)} costs {total}."
    way = "more" if report.headline.change > 0 else "less"
    if not report.headline.change:
        return f"{month_name(report.period)} costs {total}, the same as {_before(report)}."
    moved = f"{abs(report.headline.percent):,.1f} % {way} than {_before(report)}"
    return f"{month_name(report.period)} costs {total}, {moved}."


def _before(report: Report) -> str:
    return month_name(report.before) if report.before else "before"


def _mover(report: Report) -> str | None:
    if not report.movers or not report.is_whole:
        return None
    first = report.movers[0]
    return (
        f"{shown(first.center)} moved most, by {first.change:+,.2f} {CURRENCY}: mainly {_CAUSES[first.cause]} "
        f"({first.cause})."
    )


def _budgets(report: Report) -> str | None:
    states = report.told.outlook.budgets if report.told else ()
    if not states:
        return None
    used = [shown(one.budget.cost_center) for one in states if one.reached >= 100]
    soon = [shown(one.budget.cost_center) for one in states if one.reached < 100 and one.breach_forecast]
    if not used and not soon:
        return f"All {len(states)} budgets hold." if len(states) > 1 else "The one budget holds."
    parts = [f"{', '.join(used)} {'has' if len(used) == 1 else 'have'} used up the budget"] if used else []
    parts += [f"{', '.join(soon)} will pass it by the forecast"] if soon else []
    return f"Of {len(states)} budgets: {'; '.join(parts)}."


def _forecast(report: Report) -> str | None:
    if report.told is None or report.told.outlook.is_over or report.is_whole:
        return None
    whole = report.told.outlook.whole
    return f"It is forecast to end at {whole.month_end:,.2f} ({whole.low:,.2f} to {whole.high:,.2f})."


def _owners(report: Report) -> str:
    share = unallocated_of(report.statement)
    if not report.statement.unallocated:
        return "Every dollar has an owner."
    more = f", {share:,.1f} % of it" if share is not None else ""
    warn = ", which is much" if share is not None and share > _SHARE else ""
    return f"{report.statement.unallocated:,.2f} {CURRENCY} have no owner{more}{warn}."
