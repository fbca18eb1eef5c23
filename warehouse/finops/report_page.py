"""The report as one page that people read and forward: no script, no network, printable.

Promise: every value of the data is text on the page and nothing else; the same report gives the same bytes. No
clock is in here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from warehouse.finops.inputs import CURRENCY
from warehouse.finops.money import text, to_cents
from warehouse.finops.orphans import REMEDIES
from warehouse.finops.report import Report, is_unallocated, month_name, unallocated_of
from warehouse.finops.report_brief import brief
from warehouse.finops.report_charts import centers_chart, models_chart, months_chart
from warehouse.finops.report_moves import Compared, percent
from warehouse.finops.shown import shown
from warehouse.finops.telemetry_reconciliation import REASONS
from warehouse.finops.unit_economics import SMALLEST_GROUP, UnitCost
from warehouse.wire.times import rfc3339

_UNITS = (
    "active person", "person and day", "thousand requests", "million tokens", "session", "commit", "pull request",
    "thousand lines", "chat message",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Beside:
    """A file that lies beside the page: its name from there, what it is, its hash."""

    name: str
    what: str
    sha256: str


def page(report: Report, files: tuple[Beside, ...] = (), of_center: Mapping[str, str] | None = None) -> str:
    """The page as HTML. `of_center` names the file of each centre beside the page, for the links."""
    return (
        environment()
        .get_template("report.html.j2")
        .render(
            r=report,
            s=report.statement,
            currency=CURRENCY,
            month=month_name(report.period),
            unit_kinds=_unit_kinds,
            charts={
                "centers": Markup(centers_chart(report)),  # noqa: S704 - drawn by us; texts in it are escaped
                "months": Markup(months_chart(report)),  # noqa: S704
                "models": Markup(models_chart(report)),  # noqa: S704
            },
            by_month=[(one, one.by_center()) for one in report.months],
            center_names=_centers_of_all_months(report),
            brief=brief(report),
            by_center=report.statement.by_center(),
            budget_of=lambda states: {one.budget.cost_center: one for one in states},
            smallest=SMALLEST_GROUP,
            remedies=REMEDIES,
            reasons=REASONS,
            files=files,
            of_center=of_center or {},
        )
    )


@cache
def environment() -> Environment:
    """The templates of this room, with its ways to write amounts; every value is escaped."""
    folder = FileSystemLoader(Path(__file__).parent)
    made = Environment(
        loader=folder, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    made.filters.update(
        v=_value,
        usd=_usd,
        exact=_exact,
        change=_change,
        pct=_percent,
        moved=_moved,
        count=_count,
        cents=to_cents,
        seats=_seats,
        at=rfc3339,
    )
    made.globals.update(share=percent, unallocated_of=unallocated_of, is_unallocated=is_unallocated)
    return made


def _centers_of_all_months(report: Report) -> list[str]:
    """This month's order, then the centres that only earlier months have."""
    known = [one.name for one in report.centers if one.name is not None]
    older = {center for month in report.months for center in month.by_center()}
    return [*known, *sorted(older - set(known))]


def _value(value: object) -> str:
    return "(none)" if value is None else shown(str(value))


def _usd(amount: Decimal | None) -> Markup:
    """`1,234.56` with the plain figure beside it for machines."""
    if amount is None:
        return Markup("<span class=none>none</span>")
    return Markup('<data value="{}">{}</data>').format(text(amount, 2), f"{amount:,.2f}")


def _exact(amount: Decimal) -> Markup:
    return Markup('<data value="{}">{}</data>').format(text(amount), f"{amount:,.8f}")


def _change(amount: Decimal | None) -> Markup:
    """With its sign: `+12.00`, `-3.10`, `0.00`."""
    if amount is None:
        return Markup("")
    return Markup('<data value="{}">{}</data>').format(text(amount, 2), f"{amount:+,.2f}" if amount else "0.00")


def _percent(share: Decimal | None) -> str:
    return "" if share is None else f"{share:,.1f} %"


def _moved(one: Compared) -> str:
    """The change in percent, with its sign; nothing where there is nothing to compare with."""
    if one.percent is None:
        return "new" if one.before == 0 and one.now else ""
    return f"{one.percent:+,.1f} %" if one.percent else "0.0 %"


def _count(number: Decimal | int | None) -> str:
    return "" if number is None else f"{number:,.0f}"


def _unit_kinds(units: Iterable[UnitCost]) -> list[str]:
    """The units that some centre has, in the order of the page."""
    present = {one.unit for one in units}
    return [unit for unit in _UNITS if unit in present]


def _seats(number: Decimal) -> str:
    """Seats on an average day: a whole number without its decimal."""
    return f"{number:,.1f}".removesuffix(".0")
