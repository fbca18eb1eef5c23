"""`ledgerline cost-model`: what an installation stores, asks and costs in a month, line by line."""

from dataclasses import asdict
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestration.cli.failures import CannotRun
from orchestration.cli.options import DEBUG, JSON, add_command
from orchestration.cli.output import Output

if TYPE_CHECKING:
    from warehouse.capacity import Model


def register(app: typer.Typer) -> None:
    add_command(
        app,
        "cost-model",
        cost_model,
        {
            "ledgerline cost-model --users 2000 --events-per-day 50000": "a month of the first year",
            "ledgerline cost-model --users 2000 --events-per-day 50000 --months 84": "after seven years",
            "ledgerline cost-model --users 2000 --events-per-day 50000 --siem 'ours=2.50'": "beside a SIEM",
            "ledgerline cost-model --users 2000 --events-per-day 50000 --prices ours.toml": "with your own prices",
        },
    )


def cost_model(
    users: Annotated[int, typer.Option("--users", metavar="N", help="People in the organisation.", min=1)],
    events_per_day: Annotated[
        int, typer.Option("--events-per-day", metavar="M", help="Events of the activity feed in a day.", min=1)
    ],
    months: Annotated[
        int, typer.Option("--months", metavar="N", help="How many months the archive has run.", min=1, max=1200)
    ] = 12,
    questions: Annotated[
        int, typer.Option("--questions", metavar="N", help="Questions that auditors ask Athena in a month.", min=0)
    ] = 200,
    on_lambda: Annotated[
        bool, typer.Option("--lambda", help="Run by a Lambda function instead of Dagster.")
    ] = False,
    siem: Annotated[
        list[str] | None,
        typer.Option(
            "--siem", metavar="NAME=PRICE", help="What a gigabyte costs in your SIEM; several times.",
            show_default=False,
        ),
    ] = None,
    prices: Annotated[
        Path | None,
        typer.Option("--prices", metavar="FILE", help="Prices and sizes of your own.", show_default=False),
    ] = None,
    json: JSON = False,
    debug: DEBUG = False,
) -> int:  # fmt: skip
    """Estimate what the pipeline costs on AWS in a month.

    Each line has its quantity, its price and how it was reckoned; prices are list prices of a day, in a file that
    you can copy and edit. Asks nobody and needs no configuration.
    """
    from warehouse.capacity import Demand, PricesRefused, estimate, load_prices  # noqa: PLC0415

    demand = Demand(
        users=users,
        events_per_day=events_per_day,
        months=months,
        questions=questions,
        compute="lambda" if on_lambda else "dagster",
        siem_gb=_per_gigabyte(siem or []),
    )
    try:
        model = estimate(demand, load_prices(prices))
    except PricesRefused as error:
        raise CannotRun(str(error), remedy=error.remedy, kind="configuration") from None
    output = Output(json=json)
    if json:
        output.document(_document(model))
    else:
        _show(model, output)
    return 0


def _per_gigabyte(given: list[str]) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for one in given:
        name, _, text = one.partition("=")
        try:
            price = Decimal(text)
        except InvalidOperation:
            price = Decimal("NaN")
        if not name or not price.is_finite() or price < 0:
            raise CannotRun(f"--siem takes NAME=PRICE, not {one!r}", remedy="for instance --siem 'splunk=2.50'")
        found[name] = price
    return found


def _document(model: "Model") -> dict[str, Any]:
    return {
        "demand": asdict(model.demand),
        "prices": {
            "as_of": model.prices.as_of, "currency": model.prices.currency, "source": model.prices.source,
        },
        "volume": {name: round(value, 3) for name, value in model.volume.items()},
        "lines": [asdict(line) | {"quantity": round(line.quantity, 3)} for line in model.lines],
        "total": model.total,
        "siem": {name: {"all_events": whole, "slice": part} for name, (whole, part) in model.siem.items()},
    }  # fmt: skip


def _show(model: "Model", output: Output) -> None:
    demand, currency = model.demand, model.prices.currency
    output.line(
        f"{demand.users:,} people, {demand.events_per_day:,} events a day, month {demand.months:,}; "
        f"prices of {model.prices.as_of} ({model.prices.source})"
    )
    for line in model.lines:
        quantity = f"{line.quantity:,.3f} {line.unit}"
        output.line(f"  {line.what:24} {quantity:>26} x {line.price:<13f} {line.amount:>10,.2f}  {line.how}")
    output.line(f"  {'total':24} {'':26}   {currency:13} {model.total:>10,.2f}")
    output.line(
        f"objects written a day {model.volume['puts_per_day']:,.0f}; after {demand.months:,} months "
        f"{model.volume['objects']:,.0f} objects, {_kept(model):,.1f} GB"
    )
    for name, (whole, part) in model.siem.items():
        output.line(
            f"beside it, at {name}: {whole:,.2f} {currency} for every event, {part:,.2f} for a slice of "
            f"{demand.siem_share:.0%}"
        )


def _kept(model: "Model") -> Decimal:
    kept = ("pages_standard_gb", "pages_glacier_gb", "tables_gb", "log_gb", "marts_gb")
    return sum((model.volume[name] for name in kept), Decimal(0))
