"""The report in a real browser: axe-core finds nothing, no script or network is needed, keys reach its tables."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.pages import without_fault, words_without_scripts_or_network
from tests.warehouse.finops.report_company import REPORTED, reported
from warehouse.finops.report_page import page as page_of

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A month under way that has everything: budgets, forecast, seats, dear days, restatements, telemetry."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(page_of(reported(known=20, telemetry=True)))
    return path


@pytest.mark.parametrize("width", [1280, 400])
def test_axe_finds_no_fault_on_a_wide_and_on_a_narrow_screen(browser: Browser, file: Path, width: int) -> None:
    assert without_fault(browser, file, width) <= width


def test_the_page_asks_for_nothing_and_says_the_same_without_javascript(browser: Browser, file: Path) -> None:
    said = words_without_scripts_or_network(browser, file)
    for title in ("Month end and budgets", "Seats", "Unit costs", "Days that stand out", "Restated days"):
        assert title in said
    for word in ("Claude Code, told by its telemetry", "not_in_cost_report", "git.example.com/app"):
        assert word in said


def test_the_tab_key_reaches_every_table_that_scrolls(browser: Browser, file: Path) -> None:
    page = browser.new_page(viewport={"width": 400, "height": 900})
    page.goto(file.as_uri())
    regions = page.locator("[role=region][tabindex='0']").count()
    reached = set()
    for _ in range(regions * 3 + 20):
        page.keyboard.press("Tab")
        name = page.evaluate("document.activeElement.getAttribute('aria-label')")
        if name:
            reached.add(name)
    assert len(reached) == regions
    page.close()


def test_the_example_is_what_it_says(file: Path) -> None:
    report = reported(known=20, telemetry=True)
    assert report.period == REPORTED
    assert report.told is not None
    assert report.told.outlook.known_to == REPORTED.start + timedelta(days=19)
    assert report.untied == Decimal(0)
