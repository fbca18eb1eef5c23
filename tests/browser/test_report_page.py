"""The report in a real browser: axe-core finds nothing, no script or network is needed, keys reach its tables."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from tests.browser.conftest import CHROMIUM, SWITCHES
from tests.warehouse.finops.report_company import REPORTED, reported

pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is not installed: make test-browser")
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, sync_playwright

from warehouse.finops.report_page import page as page_of

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no Chromium here; on Debian: apt-get install chromium")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
        yield running
        running.close()


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A month under way that has everything: budgets, a forecast, seats, dear days, restatements, orphans."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(page_of(reported(known=20)))
    return path


@pytest.mark.parametrize("width", [1280, 400])
def test_axe_finds_no_fault_on_a_wide_and_on_a_narrow_screen(browser: Browser, file: Path, width: int) -> None:
    context = browser.new_context(bypass_csp=True, viewport={"width": width, "height": 900})
    page = context.new_page()
    page.goto(file.as_uri())
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    context.close()


def test_the_page_asks_for_nothing_and_says_the_same_without_javascript(browser: Browser, file: Path) -> None:
    texts = []
    for runs in (True, False):
        context = browser.new_context(java_script_enabled=runs)
        page = context.new_page()
        asked: list[str] = []
        page.on("request", lambda request, asked=asked: asked.append(request.url))
        page.goto(file.as_uri())
        texts.append(page.locator("main").inner_text())
        assert asked == [file.as_uri()]
        context.close()
    assert texts[0] == texts[1]
    for title in ("Month end and budgets", "Seats", "Unit costs", "Days that stand out", "Restated days"):
        assert title in texts[0]


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
    report = reported(known=20)
    assert report.period == REPORTED
    assert report.told is not None
    assert report.told.outlook.known_to == REPORTED.start + timedelta(days=19)
    assert report.untied == Decimal(0)
