"""The cost model: every line can be followed, the sum is the sum, and a file with a mistake is refused whole."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from orchestration.cli.app import run
from warehouse.capacity import Demand, PricesRefused, estimate, load_prices
from warehouse.capacity.prices import OURS


def test_each_line_is_quantity_times_price_to_the_cent_and_the_total_is_their_sum() -> None:
    model = estimate(Demand(users=2_000, events_per_day=50_000), load_prices())
    for line in model.lines:
        assert abs(line.amount - line.quantity * line.price) <= Decimal("0.005")
        assert line.amount == line.amount.quantize(Decimal("0.01"))
        assert line.how
    assert model.total == sum(line.amount for line in model.lines)
    assert model.total > 0


def test_one_line_by_hand() -> None:
    """90 days' pages and the rest: 125 bytes a page's event, 1 M events a day, no people, 12 months."""
    model = estimate(Demand(users=0, events_per_day=1_000_000), load_prices())
    seldom = next(line for line in model.lines if line.what == "S3, pages read seldom")
    gigabytes = Decimal(125) * 1_000_000 * 365 / 12 * 9 / 10**9
    assert round(seldom.quantity, 9) == round(gigabytes, 9)
    assert seldom.amount == (gigabytes * Decimal("0.004")).quantize(Decimal("0.01"))


def test_more_events_more_people_and_more_months_never_cost_less() -> None:
    prices = load_prices()
    small = estimate(Demand(users=100, events_per_day=6_000), prices)
    assert estimate(Demand(users=100, events_per_day=5_000_000), prices).total > small.total
    assert estimate(Demand(users=50_000, events_per_day=6_000), prices).total >= small.total
    assert estimate(Demand(users=100, events_per_day=6_000, months=84), prices).total >= small.total
    assert estimate(Demand(users=100, events_per_day=6_000, compute="lambda"), prices).total < small.total


def test_a_siem_by_the_gigabyte_is_beside_it_and_not_in_it() -> None:
    prices = load_prices()
    demand = Demand(users=100, events_per_day=1_000_000, siem_gb={"ours": Decimal("2.50")})
    model = estimate(demand, prices)
    whole, part = model.siem["ours"]
    assert whole == (Decimal(900) * 1_000_000 * 365 / 12 / 10**9 * Decimal("2.50")).quantize(Decimal("0.01"))
    assert part == (whole * Decimal("0.05")).quantize(Decimal("0.01"))
    assert model.total == estimate(Demand(users=100, events_per_day=1_000_000), prices).total


def test_every_mistake_of_a_file_of_prices_is_named_at_once(tmp_path: Path) -> None:
    text = OURS.read_text()
    text = text.replace('sqs_1000000 = "0.40"', 'sqs_million = "0.40"').replace(
        'athena_tb = "5.00"', "athena_tb = 5.0"
    )
    own = tmp_path / "ours.toml"
    own.write_text(text)
    with pytest.raises(PricesRefused) as error:
        load_prices(own)
    for part in (
        "prices.sqs_1000000 is missing",
        "prices.sqs_million is not known",
        "athena_tb is no amount in quotes",
    ):
        assert part in str(error.value)


def test_the_command_says_it_in_words_and_as_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    asked = ["cost-model", "--users", "2000", "--events-per-day", "50000", "--siem", "ours=2.50"]
    assert run(asked) == 0
    told = capsys.readouterr().out
    assert "beside it, at ours" in told
    assert run([*asked, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert f"{Decimal(document['total']):,.2f}" in told
    assert sum(Decimal(line["amount"]) for line in document["lines"]) == Decimal(document["total"])
    assert run([*asked[:5], "--siem", "ours=much"]) == 2
    assert "--siem takes NAME=PRICE" in capsys.readouterr().err
