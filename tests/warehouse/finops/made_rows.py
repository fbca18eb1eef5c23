"""Rows for the tests: short to write, everything else as it usually is."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from warehouse.finops.cost_centers import CostCenters, read_cost_centers
from warehouse.finops.inputs import CostRow
from warehouse.finops.periods import Period

OCTOBER = Period(2026, 10)
NOVEMBER = Period(2026, 11)
RECORDED = datetime(2026, 10, 1, tzinfo=UTC)
# A busy machine is no finding; fifty examples a run, other ones each time.
unhurried = settings(deadline=None, max_examples=50)
HEADER = "user_email,user_id,cost_center,valid_from,valid_to"


def cost(amount: str, day: str = "2026-10-05", actor: str | None = "user_ada", **more: Any) -> CostRow:
    """One row of cost in dollars."""
    usual: dict[str, Any] = {
        "organization": "org_1",
        "product": "claude_code",
        "model": "claude-opus-5-5",
        "cost_type": "tokens",
        "token_type": None,
        "actor_kind": "user_actor" if actor else None,
        "actor_email": None,
        "list_amount": Decimal(amount),
    }
    return CostRow(day=date.fromisoformat(day), actor_id=actor, amount=Decimal(amount), **(usual | more))


def mapping(*rows: str, header: str = HEADER) -> CostCenters:
    """A mapping from CSV rows; with a `percent` column where a row has six cells."""
    if any(row.count(",") == 5 for row in rows):
        header, rows = f"{HEADER},percent", tuple(row + "," * (5 - row.count(",")) for row in rows)
    return read_cost_centers("\n".join([header, *rows]).encode(), "cost_centers.csv", RECORDED)


def simple(*pairs: str) -> CostCenters:
    """People and their one centre, for ever: `ada:platform`."""
    return mapping(*[f",user_{name},{center},2026-01-01," for name, center in (pair.split(":") for pair in pairs)])


NAMES = ("ada", "bob", "cyd", "dee")
CENTERS = ("data", "platform", "research")

amounts = st.one_of(
    st.integers(min_value=-(10**13), max_value=10**13).map(lambda units: Decimal(units).scaleb(-8)),
    st.decimals(min_value=-1000, max_value=100000, places=20),
    st.sampled_from([Decimal("0"), Decimal("0.005"), Decimal("-0.005"), Decimal("0.00000001"), Decimal("0.01")]),
)


@st.composite
def cost_rows_of(draw: st.DrawFn, period: Period, most: int = 12) -> list[CostRow]:
    """Rows of a period: people, services, keys, nobody; usage, credits, tax."""
    rows = []
    for _ in range(draw(st.integers(0, most))):
        actor = draw(st.sampled_from([None, "svac_ci", *(f"user_{name}" for name in NAMES)]))
        amount = draw(amounts)
        rows.append(
            cost(
                str(amount) if "E" not in str(amount) else f"{amount:f}",
                str(draw(st.sampled_from(period.days))),
                actor,
                product=draw(st.sampled_from(["chat", "claude_code", None])),
                model=draw(st.sampled_from(["claude-opus-5-5", "claude-sonnet-5", None])),
                charge_category=draw(st.sampled_from(["Usage", "Usage", "Usage", "Credit", "Tax"])),
                quantity=draw(st.none() | st.integers(0, 10**9).map(Decimal)),
                unit="Tokens",
            )
        )
    return rows


@st.composite
def mappings(draw: st.DrawFn) -> CostCenters:
    """Valid mappings: movers, leavers, joiners, percentages that add up to 100."""
    rows = []
    for name in draw(st.lists(st.sampled_from([*NAMES, "ci"]), unique=True)):
        who = "svac_ci" if name == "ci" else f"user_{name}"
        cuts = sorted(draw(st.sets(st.dates(date(2026, 8, 1), date(2027, 1, 31)), min_size=1, max_size=3)))
        for number, begin in enumerate(cuts):
            end = str(cuts[number + 1]) if number + 1 < len(cuts) else draw(st.sampled_from(["", "2027-02-01"]))
            rows += [f",{who},{center},{begin},{end},{percent}" for center, percent in draw(_shares())]
    return mapping(*rows)


@st.composite
def _shares(draw: st.DrawFn) -> Sequence[tuple[str, str]]:
    first = draw(st.integers(1, 999999))
    if draw(st.booleans()):
        return [(draw(st.sampled_from(CENTERS)), "100")]
    return [("data", f"{Decimal(first) / 10000:f}"), ("research", f"{100 - Decimal(first) / 10000:f}")]
