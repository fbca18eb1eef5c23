"""The report from made rows: what it says where there is little, much, or something odd."""

from datetime import date
from decimal import Decimal

from tests.warehouse.finops.bookkeeping import Company
from tests.warehouse.finops.made_rows import NOVEMBER, OCTOBER, cost, simple
from warehouse.finops.inputs import CostRow
from warehouse.finops.money import text
from warehouse.finops.periods import Period
from warehouse.finops.report import Report, make_report
from warehouse.finops.report_page import page


def tokens(amount: str, quantity: int, model: str = "opus", day: str = "2026-10-05") -> CostRow:
    return cost(amount, day, model=model, token_type="output_tokens", quantity=Decimal(quantity), unit="Tokens")


def told(company: Company, period: Period, before: Period | None = None) -> Report:
    last = company.prepare(before) if before else None
    return make_report(
        company.prepare(period), last, [last.statement] if last else [], company.books.events, period.length
    )


def test_a_month_without_cost_has_a_page_without_charts() -> None:
    html = page(told(Company(simple("ada:platform")), OCTOBER))
    assert "<svg" not in html
    assert "There is no month before to compare with" in html


def test_twice_the_tokens_at_the_same_price_are_volume() -> None:
    company = Company(simple("ada:platform"))
    company.rows = {OCTOBER: [tokens("10", 1000)], NOVEMBER: [tokens("20", 2000, day="2026-11-05")]}
    (mover,) = told(company, NOVEMBER, OCTOBER).movers
    assert (mover.change, mover.volume, mover.mix, mover.price, mover.other) == (10, 10, 0, 0, 0)


def test_the_same_tokens_at_another_price_are_price() -> None:
    company = Company(simple("ada:platform"))
    company.rows = {OCTOBER: [tokens("10", 1000)], NOVEMBER: [tokens("13", 1000, day="2026-11-05")]}
    (mover,) = told(company, NOVEMBER, OCTOBER).movers
    assert (mover.volume, mover.mix, mover.price) == (0, 0, 3)


def test_the_same_tokens_of_a_dearer_model_are_mix() -> None:
    company = Company(simple("ada:platform"))
    company.rows = {
        OCTOBER: [tokens("10", 1000), tokens("1", 1000, "haiku")],
        NOVEMBER: [tokens("20", 2000, day="2026-11-05")],
    }
    (mover,) = told(company, NOVEMBER, OCTOBER).movers
    assert (mover.change, mover.volume, mover.mix, mover.price) == (9, 0, 9, 0)


def test_what_is_not_counted_in_tokens_is_a_plain_difference() -> None:
    company = Company(simple("ada:platform"))
    company.rows = {OCTOBER: [cost("10")], NOVEMBER: [cost("4", "2026-11-05")]}
    (mover,) = told(company, NOVEMBER, OCTOBER).movers
    assert (mover.volume, mover.mix, mover.price, mover.other, mover.change) == (None, None, None, -6, -6)


def test_of_many_centres_each_is_in_the_table_and_the_chart_sums_up_the_rest() -> None:
    people = [f"p{number:02d}" for number in range(30)]
    company = Company(simple(*[f"{name}:centre-{name}" for name in people]))
    company.rows = {OCTOBER: [cost(str(number + 1), actor=f"user_{name}") for number, name in enumerate(people)]}
    html = page(told(company, OCTOBER))
    assert "20 others" in html
    for number, name in enumerate(people):
        assert f'<th scope="row">centre-{name}</th><td class="n"><data value="{number + 1}.00">' in html


def test_what_has_no_owner_is_told_by_its_age_at_the_end_of_the_month() -> None:
    company = Company(simple("ada:platform"))
    company.rows = {OCTOBER: [cost("3", "2026-10-01", "user_bob"), cost("5", "2026-10-30", "user_bob")]}
    ages = told(company, OCTOBER).ages
    assert {band: text(amount, 2) for band, amount in ages.items() if amount} == {"0-7": "5.00", "31-60": "3.00"}
    assert (OCTOBER.end - date(2026, 10, 1)).days == 31


def test_letters_that_turn_text_around_or_are_not_seen_are_shown_as_escapes() -> None:
    company = Company(simple("ada:platform"))
    company.rows = {OCTOBER: [cost("3", model="opus\u202egpj.exe\x00")]}
    html = page(told(company, OCTOBER))
    assert not {"\u202e", "\x00"} & set(html)
    assert "opus\\u202egpj.exe\\x00" in html


def test_a_name_that_would_be_an_expression_of_the_chart_is_a_label() -> None:
    name = "'+1]; toString() \\' \U0001f600"
    company = Company(simple("ada:platform"))
    company.rows = {OCTOBER: [cost("3", model=name)]}
    drawn = page(told(company, OCTOBER)).split("<svg")[2].split("</svg>")[0]
    assert "'+1]; toString() \\' \U0001f600" in drawn.replace("&#39;", "'")


def test_a_correction_is_told_with_the_month_and_the_centre_that_it_is_for() -> None:
    company = Company(simple("ada:platform"))
    company.rows = {OCTOBER: [cost("10")], NOVEMBER: [cost("4", "2026-11-05")]}
    company.close(OCTOBER)
    company.rows[OCTOBER] = [cost("12")]
    report = told(company, NOVEMBER)
    (owed,) = report.corrections
    assert (owed.period, owed.center, owed.reversed, owed.rebooked, owed.difference) == (
        OCTOBER, "platform", -10, 12, 2,
    )  # fmt: skip
    assert (report.corrected, report.untied) == (2, 0)
