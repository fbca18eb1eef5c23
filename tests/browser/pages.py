"""What is asked of every page that is a file: no fault for axe-core, no request, the same words without scripts;
and the way to it in the UI, from the asset that made it."""

import re
from datetime import date
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Ui
from tests.browser.test_backfill import finished, shoot

pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is not installed: make test-browser")
from axe_playwright_python.sync_playwright import Axe

_LAUNCH = """mutation($asset: String!, $months: [String!]!) { launchPartitionBackfill(backfillParams: {
  assetSelection: [{path: [$asset]}], partitionNames: $months}) {
  __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }"""


def without_fault(browser: Browser, file: Path, width: int) -> int:
    """Axe finds nothing on a screen of that width; returns how wide the page is there."""
    context = browser.new_context(bypass_csp=True, viewport={"width": width, "height": 900})
    page = context.new_page()
    page.goto(file.as_uri())
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    wide: int = page.evaluate("document.documentElement.scrollWidth")
    context.close()
    return wide


def words_without_scripts_or_network(browser: Browser, file: Path) -> str:
    """What the page says, which is the same with scripts and without; it asks for nothing but itself."""
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
    return texts[0]


def opened_from_its_asset(
    ui: Ui, page: Page, asset: str, month: date, *, file: str, picture: str, screenshots: Path | None
) -> Page:
    """The page of a month, made by its asset in the UI and opened by the link whose name `file` matches."""
    made = ui.ask(_LAUNCH, asset=asset, months=[str(month)])["launchPartitionBackfill"]
    assert made["__typename"] == "LaunchBackfillSuccess", made
    assert finished(ui, made["backfillId"])["status"] == "COMPLETED_SUCCESS"
    page.goto(f"{ui.url}/assets/{asset}?view=partitions&partition={month}")
    link = page.get_by_role("link", name=re.compile(file))
    expect(link.first).to_be_visible(timeout=120_000)
    shoot(page, screenshots, picture)
    with page.context.expect_page() as opened:
        link.first.click()
    report = opened.value
    report.wait_for_load_state()
    return report
