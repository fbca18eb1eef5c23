"""The monthly report over the sandbox's spend: a page to forward, whose figures are those of the statement."""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path

import pytest

from assets.report_files import report_of, write_report
from tests.joins.chargeback import FEBRUARY, HEADER, MARCH, MARCH_BEGUN, Installation, copied
from tests.promises.conftest import Command
from warehouse.finops.money import text, to_cents, total
from warehouse.finops.pdf import missing as printer_missing

RESTATED = date(2026, 3, 22)
HOSTILE = '<script>alert("x")</script>&<img src=//evil.example onerror=x>'


class Page(HTMLParser):
    """The tags of a page, and its tables by caption: a list of rows of texts, figures as machines read them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.tables: dict[str, list[list[str]]] = {}
        self.texts: list[str] = []
        self._caption: list[str] | None = None
        self._rows: list[list[str]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.tags.append((tag, values))
        if tag == "caption":
            self._caption = []
        elif tag == "table":
            self._rows = []
        elif tag == "tr":
            self._rows.append([])
        elif tag in ("td", "th"):
            self._rows[-1].append("")
        elif tag == "data":
            self._rows and self._rows[-1] and self._rows[-1].__setitem__(-1, f"={values['value']}")

    def handle_endtag(self, tag: str) -> None:
        if tag == "caption" and self._caption is not None:
            self.tables["".join(self._caption)] = self._rows
            self._caption = None
        elif tag == "table":
            self._rows = []  # what follows is no cell of it

    def handle_data(self, data: str) -> None:
        self.texts.append(data)
        if self._caption is not None:
            self._caption.append(data)
        elif self._rows and self._rows[-1] and not self._rows[-1][-1].startswith("="):
            self._rows[-1][-1] += data.strip()

    def table(self, caption: str) -> list[list[str]]:
        (found,) = (rows for name, rows in self.tables.items() if name.startswith(caption))
        return found

    def amounts(self, caption: str, column: int = 1) -> dict[str, str]:
        """The first column of a table with the figures of another."""
        return {row[0]: row[column].removeprefix("=") for row in self.table(caption)[1:]}


@pytest.fixture(scope="module")
def restated_books(february: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    with copied(february, tmp_path_factory.mktemp("restated") / "site", MARCH_BEGUN) as made:
        with made.desk() as desk:
            desk.close(FEBRUARY, by="ana", reason="the books close on the third", forced=True)
        made.wait_until(RESTATED)
        made.pull(FEBRUARY)
        made.pull(MARCH)
    return made.site.folder


@pytest.fixture
def restated(restated_books: Path, tmp_path: Path) -> Iterator[Installation]:
    """It is 22 March: February was closed on the 4th and restated since, March has its days so far."""
    with copied(restated_books, tmp_path / "restated", RESTATED) as made:
        yield made


def written(company: Installation, period: object = FEBRUARY, name: str = "out") -> str:
    with company.desk() as desk:
        write_report(desk, period, company.site.folder / name, pdf=False)  # type: ignore[arg-type]
    return (company.site.folder / name / "report.html").read_text()


def test_every_figure_by_cost_centre_is_that_of_the_statement_beside_it(company: Installation) -> None:
    page = Page(written(company))
    statement = json.loads((company.site.folder / "out" / "statement.json").read_bytes())
    shown = page.amounts("Cost by cost centre")
    assert shown.pop("Total") == statement["total"] == str(to_cents(company.truth(FEBRUARY)))
    assert shown == statement["cost_centers"]
    for caption, field in (("Cost by product", "service"), ("Cost by model", "model")):
        sums: dict[str, Decimal] = {}
        for line in statement["lines"]:
            name = line[field] or "(none)"
            sums[name] = sums.get(name, Decimal(0)) + Decimal(line["billed"])
        figures = page.amounts(caption)
        figures.pop("Total", None)
        assert figures == {name: text(amount, 2) for name, amount in sums.items()}


def test_the_page_ties_the_statement_to_its_exact_source(company: Installation) -> None:
    steps = Page(written(company)).amounts("From the source")
    statement = json.loads((company.site.folder / "out" / "statement.json").read_bytes())
    assert steps["Source, exact"] == statement["source_total"]
    assert steps["Difference, in cents"] == "0.00"


@pytest.mark.parametrize(("over", "said"), [("0.00", "is explained"), ("7.25", "is not explained")])
def test_the_invoice_stands_beside_the_statement_with_what_is_unexplained(
    company: Installation, over: str, said: str
) -> None:
    with company.desk() as desk:
        billed = to_cents(desk.statement(FEBRUARY).source_total) + Decimal(over)
        invoices = company.site.folder / "invoices"
        invoices.mkdir()
        (invoices / "2026-02.csv").write_text(
            f"invoice_id,issue_date,currency,kind,description,amount\nINV-1,2026-03-03,USD,usage,Claude,{billed}\n"
        )
        desk.workshop.payers = replace(desk.workshop.payers, invoices=invoices)
        write_report(desk, FEBRUARY, company.site.folder / "out", pdf=False)
    html = (company.site.folder / "out" / "report.html").read_text()
    steps = Page(html).amounts("From the cost of the month to the invoice", 2)
    assert steps["Unexplained"] == over
    assert steps["Invoice"] == str(billed)
    assert said in html
    assert hashlib.sha256((invoices / "2026-02.csv").read_bytes()).hexdigest() in html


def test_a_month_without_an_invoice_says_where_to_put_it(company: Installation) -> None:
    assert "finops.invoices" in written(company)


def test_the_same_books_give_the_same_page(restated: Installation) -> None:
    assert written(restated, MARCH, "one") == written(restated, MARCH, "other")


def test_the_page_of_a_closed_month_is_the_same_after_restatements(company: Installation) -> None:
    with company.desk() as desk:
        desk.close(FEBRUARY, by="ana", reason="early", forced=True)
    before = written(company)
    company.wait_until(date(2026, 3, 22))
    company.pull(FEBRUARY)
    company.mapping.write_text(f"{HEADER}\n,user_else,other,2026-01-01,\n")
    assert written(company) == before
    assert "by ana" in before


def test_nothing_is_fetched_and_nothing_is_run(restated: Installation) -> None:
    html = written(restated, MARCH)
    page = Page(html)
    assert not re.search(r"https?:|//[a-z]|url\(|@import|javascript:", html, re.IGNORECASE)
    assert not {"script", "link", "iframe", "img", "object", "embed", "form"} & {tag for tag, _ in page.tags}
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
    links = {str(attributes["href"]) for tag, attributes in page.tags if tag == "a"}
    for link in links - {"#centers"}:
        assert (restated.site.folder / "out" / link).is_file(), link


def test_the_files_beside_the_page_have_the_hashes_that_it_names(company: Installation) -> None:
    page = Page(written(company))
    named = {row[0]: row[2] for row in page.table("Files beside this page")[1:]}
    assert {"statement.csv", "statement.xlsx", "journal.csv"} <= named.keys()
    for name, sha256 in named.items():
        assert hashlib.sha256((company.site.folder / "out" / name).read_bytes()).hexdigest() == sha256


def test_a_hostile_name_of_a_cost_centre_is_text_in_tables_and_charts(company: Installation) -> None:
    rows = company.mapping.read_text().splitlines()
    company.mapping.write_text(
        "\n".join(
            '{},{},"{}",2026-01-01,'.format(*row.split(",")[:2], HOSTILE.replace('"', '""'))
            if ",data," in row
            else row
            for row in rows
        )
    )
    html = written(company)
    page = Page(html)
    assert HOSTILE in page.amounts("Cost by cost centre")
    assert "<script" not in html.lower()
    assert "<img" not in html.lower()
    drawn = re.findall(r"<svg.*?</svg>", html, re.DOTALL)
    assert any("&lt;script&gt;" in chart for chart in drawn)


def test_under_each_chart_stands_a_table_and_every_table_says_what_it_is(restated: Installation) -> None:
    tags = [tag for tag, _ in Page(written(restated, MARCH)).tags]
    assert tags.count("figure") == tags.count("svg") == 3
    for place in (place for place, tag in enumerate(tags) if tag == "figure"):
        following = [tag for tag in tags[place + 1 :] if tag in ("figure", "table")]
        assert following[0] == "table"
    assert tags.count("table") == tags.count("caption")


def test_last_month_stands_beside_and_what_moved_adds_up(restated: Installation) -> None:
    with restated.desk() as desk:
        report = report_of(desk, MARCH)
        february, march = desk.statement(FEBRUARY), desk.statement(MARCH)
    assert (report.headline.now, report.headline.before) == (march.total, february.total)
    assert [month.period for month in report.months] == [FEBRUARY, MARCH]
    for one in report.centers:
        assert one.before == february.by_center().get(str(one.name), Decimal(0))
    assert any(mover.volume for mover in report.movers)
    for mover in report.movers:
        parts = [mover.volume, mover.mix, mover.price, mover.other]
        assert total(part for part in parts if part is not None) == mover.change
    page = Page(written(restated, MARCH))
    shown = page.amounts("The largest changes")
    assert shown == {mover.center: text(mover.change, 2) for mover in report.movers}


def test_corrections_of_a_closed_month_are_told_by_centre(restated: Installation) -> None:
    rows = Page(written(restated, MARCH)).table("What this statement takes back")[1:]
    with restated.desk() as desk:
        lines = [line for line in desk.statement(MARCH).lines if line.original_period]
    assert rows[-1][-1] == f"={text(total(line.billed for line in lines), 2)}"
    assert {row[0] for row in rows[:-1]} == {"2026-02"}
    assert {row[1] for row in rows[:-1]} == {line.key.cost_center for line in lines}


def test_days_that_are_missing_are_told(restated: Installation) -> None:
    assert "21 of 31 days were read to the end" in " ".join(Page(written(restated, MARCH)).texts)


def test_the_same_books_give_the_same_files_with_those_to_print_and_no_more_without(company: Installation) -> None:
    if (reason := printer_missing()) is not None:
        pytest.skip(reason)

    def all_of(name: str, *, pdf: bool = True) -> dict[str, bytes]:
        folder = company.site.folder / name
        with company.desk() as desk:
            write_report(desk, FEBRUARY, folder, pdf=pdf)
        return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    one, other = all_of("one"), all_of("other")
    assert one == other
    assert {"report.pdf", "centers/001.pdf", "centers/004.pdf"} <= one.keys()
    # what an earlier report printed would not be this report's any more
    assert not [name for name in all_of("one", pdf=False) if name.endswith(".pdf")]


def test_no_person_is_named(company: Installation) -> None:
    html = written(company)
    actors = company.site.sql("select distinct actor_id, actor_email from cost_rows where actor_id is not null")
    assert actors
    for actor, address in actors:
        assert actor not in html
        assert not address or address not in html


def test_the_command_writes_the_page_and_says_where(company: Installation, ledgerline: Command) -> None:
    ended = ledgerline(company.site, "finops", "report", "--period", "2026-02", "--out", "forward", "--json")
    assert ended.code == 0, ended.err
    said = ended.json()
    assert (said["total"], said["difference"]) == (str(to_cents(company.truth(FEBRUARY))), "0.00")
    assert Path(said["files"][0]).name == "report.html"
    assert all((company.site.folder / path).is_file() for path in said["files"])
