"""A month of a small company that has everything a report can tell of: made rows, no tenant."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from tests.warehouse.finops.bookkeeping import Company
from tests.warehouse.finops.made_rows import OCTOBER, cost, mapping
from warehouse.finops.budgets import Budget
from warehouse.finops.claude_code import ClaudeCode, claude_code_month
from warehouse.finops.inputs import CostRow, SeatDay
from warehouse.finops.orphans import Gone, orphans
from warehouse.finops.outlook import make_outlook
from warehouse.finops.periods import Period
from warehouse.finops.preparing import Inputs, Prepared, prepare
from warehouse.finops.report import Report, make_report
from warehouse.finops.restated import RestatedDay
from warehouse.finops.seats import read_contracts
from warehouse.finops.session_cost import SessionDay
from warehouse.finops.session_work import Work
from warehouse.finops.told import Told
from warehouse.finops.unit_economics import Activity, unit_costs

REPORTED = OCTOBER
BEFORE = (Period(2026, 8), Period(2026, 9))
MAPPING = mapping(
    ",user_ada,platform,2026-01-01,", ",user_bob,research,2026-01-01,", ",user_dee,platform,2026-01-01,2026-10-03"
)
CONTRACTS = read_contracts(
    b"tier,quantity,unit_price,currency,valid_from,valid_to,proration,owner_cost_center\n"
    b"standard,5,25.00,USD,2026-01-01,,daily,it\n",
    "seats.csv",
)


def rows_of(day: date) -> list[CostRow]:
    """Two people, one who left, one nobody knows; the seventh of October is dear."""
    dear = 30 if day == date(2026, 10, 7) else 1
    usual = 2 if day.weekday() > 4 else 10
    rows = []
    for actor, model, times in (
        ("user_ada", "claude-opus-5-5", dear),
        ("user_bob", "claude-sonnet-5", 1),
        ("user_dee", "claude-sonnet-5", 1),
        ("user_unknown", None, 1),
    ):
        for token, tenths in (("output_tokens", 5), ("cache_read_input_tokens", 5)):
            amount = Decimal(usual * times * tenths) / 10
            rows.append(
                cost(
                    f"{amount:f}", str(day), actor, model=model, token_type=token, quantity=amount * 1000,
                    unit="Tokens",
                )
            )  # fmt: skip
    return rows


def seat_days(period: Period) -> list[SeatDay]:
    return [
        SeatDay(day, "standard", actor, None, day if actor == "user_ada" else date(2026, 6, 1))
        for day in period.days
        for actor in ("user_ada", "user_bob")
    ]


def prepared(period: Period, end: date) -> Prepared:
    inputs = Inputs(
        rows=lambda month: [row for day in month.days if day < end for row in rows_of(day)],
        mapping=MAPPING,
        contracts=CONTRACTS,
        seat_days=seat_days,
    )
    return prepare(Company(MAPPING).books, period, inputs)


def claude_code(end: date) -> ClaudeCode | None:
    """October's sessions: Ada's, who is billed; of five whom the cost report does not know; of nobody."""
    days = [day for day in REPORTED.days if day < end]
    whose = ["user_ada", None, *(f"user_new{number}" for number in range(5))]
    sessions = [
        SessionDay(
            day, f"s-{day}-{actor}", actor, None, "account_id" if actor else "none", "org_1", "claude-opus-5-5",
            Decimal(5), 3, cost_center="research", team="core", repository="git.example.com/app",
        )
        for day in days for actor in whose
    ]  # fmt: skip
    work = [Work(one.day, one.session_id, 1, 1, 40, 10, 3, 1, 1800) for one in sessions]
    return claude_code_month([row for day in days for row in rows_of(day)], sessions, work, MAPPING, Decimal(300))


def reported(known: int = 32, *, telemetry: bool = False) -> Report:
    """October, of which the days before the `known`th are read; 32 for all of it. With or without telemetry."""
    end = REPORTED.start + timedelta(days=known - 1)
    done, before = prepared(REPORTED, end), [prepared(month, end) for month in BEFORE]
    budgets = (
        Budget(2, "platform", REPORTED, Decimal(300), "ana"),
        Budget(3, "research", REPORTED, Decimal(600), ""),
    )
    known_to = end if end < REPORTED.end else REPORTED.end + timedelta(days=9)
    told = Told(
        make_outlook(done, before, known_to, budgets),
        orphans(
            done.allocation.lines,
            [Gone("deleted_user", "user_unknown", None, "said so")],
            done.allocation.leavers,
        ),
        unit_costs(
            REPORTED,
            [
                Activity(center, unit, Decimal(120), 6, users)
                for center, users in (("platform", 6), ("research", 2))
                for unit in ("active person", "million tokens")
            ],
        ),
        [
            RestatedDay(date(2026, 10, 2), 2, datetime(2026, 10, 4, tzinfo=UTC), Decimal(9), Decimal(10), 1, 2, 0),
            RestatedDay(date(2026, 10, 2), 3, datetime(2026, 10, 9, tzinfo=UTC), Decimal(10), Decimal(7), 0, 1, 1),
        ],
        claude_code(end) if telemetry else None,
    )
    whole = min(known - 1, REPORTED.length)
    earlier = [one.statement for one in before]
    return make_report(done, before[-1], earlier, [], whole, told, {"mapping.csv": "0" * 64})
