"""`ledgerline finops forecast|budgets|anomalies|units|orphans`: where a month is heading, and what to look at."""

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from orchestration.cli.finops_month import PERIOD, begin, open_desk
from orchestration.cli.options import CONFIG, DEBUG, JSON, add_command
from orchestration.cli.output import Output

if TYPE_CHECKING:
    from warehouse.finops.told import Told


def register_outlook(group: typer.Typer) -> None:
    """Add the commands to `ledgerline finops`."""
    month = "--period 2026-10"
    add_command(group, "forecast", forecast, {f"ledgerline finops forecast {month}": "what the month will end at"})
    add_command(group, "budgets", budgets, {f"ledgerline finops budgets {month}": "who is near or over a budget"})
    add_command(
        group,
        "anomalies",
        anomalies,
        {f"ledgerline finops anomalies {month}": "days that cost far more than their weekday usually does"},
    )
    add_command(group, "units", units, {f"ledgerline finops units {month}": "cost by person, request and token"})
    add_command(
        group,
        "orphans",
        orphans,
        {f"ledgerline finops orphans {month}": "spend that nobody stands behind any more"},
    )


def forecast(period: PERIOD, config: CONFIG = None, json: JSON = False, debug: DEBUG = False) -> int:
    """Show what a month will end at, in all and by cost centre.

    To the settled days so far comes, for each day to come, what its weekday cost on average in the eight weeks
    before, at the level of the month so far. The newest two days still grow, so they count as to come. `low` and
    `high` bound 80 of 100 resampled months. `naive` is the average day so far times the days of the month, to
    compare with. An estimate, never booked.
    """
    told, output = _told(period, config, json)
    rows = [told.outlook.whole, *told.outlook.centers]
    if json:
        known = {"period": str(told.outlook.period), "known_to": str(told.outlook.known_to)}
        output.document(
            known
            | {
                "forecasts": [
                    {
                        "cost_center": one.center,
                        "month_end": str(one.month_end),
                        "low": str(one.low),
                        "high": str(one.high),
                        "naive": str(one.naive),
                        "to_date": str(one.use.to_date),
                        "fixed": str(one.fixed),
                        "days_left": one.use.days_left,
                    }
                    for one in rows
                ]
            }
        )
    output.table(
        ("cost centre", "to date", "fixed", "month end", "low", "high", "naive"),
        [
            (
                one.center or "all",
                *map(_usd, (one.use.to_date, one.fixed, one.month_end, one.low, one.high, one.naive)),
            )
            for one in rows
        ],
        right=("to date", "fixed", "month end", "low", "high", "naive"),
    )
    left = told.outlook.whole.use.days_left
    output.line(f"{told.outlook.period}: {left} of {told.outlook.period.length} days are forecast")
    return 0


def budgets(period: PERIOD, config: CONFIG = None, json: JSON = False, debug: DEBUG = False) -> int:
    """Show each budget of a month: what was spent, which mark was reached, whether it will be passed.

    The budgets are those of `finops.budgets`, a CSV file. The marks are 50, 80 and 100 percent. Exit code 1 when a
    budget is used up or is forecast to be passed.
    """
    told, output = _told(period, config, json)
    states = told.outlook.budgets
    if json:
        document = [
            {
                "cost_center": one.budget.cost_center,
                "owner": one.budget.owner,
                "budget": str(one.budget.amount),
                "spent": str(one.spent),
                "forecast": str(one.forecast) if one.forecast is not None else None,
                "reached_percent": one.reached,
                "breach_forecast": one.breach_forecast,
            }
            for one in states
        ]
        output.document({"period": str(told.outlook.period), "budgets": document})
    if not states:
        output.line(f"{told.outlook.period} has no budget; `finops.budgets` names the file (docs/chargeback.md)")
    else:
        output.table(
            ("cost centre", "owner", "budget", "spent", "forecast", "reached", ""),
            [
                (
                    one.budget.cost_center,
                    one.budget.owner,
                    _usd(one.budget.amount),
                    _usd(one.spent),
                    _usd(one.forecast) if one.forecast is not None else "",
                    f"{one.reached} %" if one.reached else "",
                    "used up" if one.reached >= 100 else "will be passed" if one.breach_forecast else "",
                )
                for one in states
            ],
            right=("budget", "spent", "forecast", "reached"),
        )
    return 1 if any(one.breach_forecast or one.reached >= 100 for one in states) else 0


def anomalies(period: PERIOD, config: CONFIG = None, json: JSON = False, debug: DEBUG = False) -> int:
    """List the days of a month on which a cost centre, a model or a person cost far more than usual.

    Usual is the median of the same weekday of the eight weeks before; a day is listed from 50 USD and five median
    deviations above it. A subject whose first day costs 50 USD or more is new. The cause is the part of the change
    against a week before that moved most: volume, mix or price. Exit code 1 when there is one.
    """
    told, output = _told(period, config, json)
    found = told.outlook.dear_days
    if json:
        document = [
            {
                "day": str(one.anomaly.day),
                "subject": one.subject.kind,
                "name": one.subject.name,
                "amount": str(one.anomaly.amount),
                "usual": str(one.anomaly.usual),
                "score": str(one.anomaly.score) if one.anomaly.score is not None else None,
                "cause": one.cause,
                "reason": one.anomaly.reason,
            }
            for one in found
        ]
        output.document({"period": str(told.outlook.period), "anomalies": document})
    if found:
        output.table(
            ("day", "of", "name", "USD", "usual", "cause"),
            [
                (
                    str(one.anomaly.day),
                    one.subject.kind.replace("_", " "),
                    one.subject.name,
                    _usd(one.anomaly.amount),
                    _usd(one.anomaly.usual) if one.anomaly.score is not None else "new",
                    one.cause or "",
                )
                for one in found
            ],
            right=("USD", "usual"),
        )
    output.line(f"{told.outlook.period}: {len(found)} {'day stands' if len(found) == 1 else 'days stand'} out")
    return 1 if found else 0


def units(period: PERIOD, config: CONFIG = None, json: JSON = False, debug: DEBUG = False) -> int:
    """Show what a unit of use costs by cost centre: an active person, a thousand requests, a million tokens.

    Where fewer than five people stand behind a figure, it is withheld.
    """
    told, output = _told(period, config, json)
    if json:
        document = [
            {
                "cost_center": one.cost_center,
                "unit": one.unit,
                "cost": _plain(one.cost),
                "count": _plain(one.count),
                "users": one.users,
                "per_unit": _plain(one.per_unit),
                "suppressed": one.suppressed,
            }
            for one in told.units
        ]
        output.document({"period": str(told.outlook.period), "units": document})
    output.table(
        ("cost centre", "unit", "USD", "count", "people", "USD per unit"),
        [
            (one.cost_center, one.unit, "", "", "fewer than 5", "withheld")
            if one.suppressed
            else (
                one.cost_center,
                one.unit,
                _usd(one.cost or Decimal(0)),
                f"{one.count or 0:,.1f}".removesuffix(".0"),
                str(one.users),
                f"{one.per_unit:,.4f}" if one.per_unit is not None else "",
            )
            for one in told.units
        ],
        right=("USD", "count", "people", "USD per unit"),
    )
    return 0


def orphans(period: PERIOD, config: CONFIG = None, json: JSON = False, debug: DEBUG = False) -> int:
    """List cost of a month whose owner is gone: deleted people, keys without an owner, leavers.

    Deleted people and ownerless keys come from the directory and the vendor's own mark; leavers from the mapping,
    where their last row has ended. Only days after that count. Exit code 1 when there is any.
    """
    told, output = _told(period, config, json)
    if json:
        document = [
            {
                "kind": one.kind,
                "actor_kind": one.actor_kind,
                "actor_id": one.actor_id,
                "actor_email": one.actor_email,
                "since": str(one.since) if one.since else None,
                "last_day": str(one.last_day),
                "amount": _plain(one.amount),
                "cost_centers": list(one.cost_centers),
                "reason": one.reason,
                "remedy": one.remedy,
            }
            for one in told.orphans
        ]
        output.document({"period": str(told.outlook.period), "orphans": document})
    if told.orphans:
        output.table(
            ("what", "who", "USD", "last day", "paid by", "why"),
            [
                (
                    one.kind.replace("_", " "),
                    one.actor_email or one.actor_id or "",
                    _usd(one.amount),
                    str(one.last_day),
                    ", ".join(one.cost_centers),
                    one.reason,
                )
                for one in told.orphans
            ],
            right=("USD",),
        )
        for kind, remedy in sorted({(one.kind, one.remedy) for one in told.orphans}):
            output.line(f"  {kind.replace('_', ' ')}: {remedy}")
    else:
        output.line(f"{told.outlook.period}: somebody stands behind every dollar")
    return 1 if told.orphans else 0


def _told(period: str, config: Path | None, json: bool) -> "tuple[Told, Output]":
    settings, month, output = begin(period, config, json)

    from assets.outlooks import told  # noqa: PLC0415

    with open_desk(settings, for_writing=False) as desk:
        found = told(desk, month)
        for note in desk.notes:
            output.aside(f"note: {note}")
    return found, output


def _usd(amount: Decimal) -> str:
    return f"{amount:,.2f}"


def _plain(amount: Any) -> str | None:
    return None if amount is None else f"{amount:f}"
