"""The auditor's page in a real browser: axe-core finds nothing, no script or network is needed, proofs open."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from tests.browser.conftest import CHROMIUM, SWITCHES

pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is not installed: make test-browser")
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, sync_playwright

from assets.detecting import detect
from assets.evidence import make_report, period_of
from assets.pulling import pull_activities
from orchestration.workshop import open_workshop
from sandbox import Tenant, serve
from tests.evidence.conftest import NOW, install
from warehouse.detections.rulebook import load

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
    """The page of a small tenant with findings, changes, alerts and proofs."""
    folder = tmp_path_factory.mktemp("evidence-report")
    with serve(Tenant(seed=7, users=14, days=13, clock=NOW, rate_limit=0)) as served:
        settings = install(folder / "site", served, served.tenant.first_day)
        with open_workshop(settings, clock=served.clock.now) as workshop:
            pull_activities(workshop)
            served.clock.advance(3600)
            served.tenant.withdraw(day=date(2026, 11, 19), count=2)
            pull_activities(workshop)
            detect(workshop, load(workshop.rule_folders))
            make_report(
                workshop, period_of(workshop, None, None), folder / "report.html", proofs=True, signed=True
            )
    return folder / "report.html"


@pytest.mark.parametrize("width", [1280, 400])
def test_axe_finds_no_fault_and_nothing_is_wider_than_the_screen(browser: Browser, file: Path, width: int) -> None:
    context = browser.new_context(bypass_csp=True, viewport={"width": width, "height": 900})
    page = context.new_page()
    page.goto(file.as_uri())
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
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
    for title in ("Coverage, day by day", "Actors and administrators", "Data movement", "Controls"):
        assert title in texts[0]


def test_a_day_says_in_words_what_its_colour_says(browser: Browser, file: Path) -> None:
    page = browser.new_page()
    page.goto(file.as_uri())
    days = page.locator("td.day .said").all_inner_texts()
    assert len(days) == page.locator("td.day").count() > 10
    assert all(": complete, " in day and day.endswith(("event", "events")) for day in days)
    page.close()


def test_the_proof_of_an_event_opens_by_its_link_and_the_page_prints(browser: Browser, file: Path) -> None:
    page = browser.new_page()
    page.goto(file.as_uri())
    links = page.locator("a[href$='.proof']")
    assert links.count() > 5
    place = links.first.get_attribute("href") or ""
    assert (file.parent / place).read_text().startswith("ledgerline-proof/")
    printed = page.pdf(prefer_css_page_size=True)
    assert printed.startswith(b"%PDF")
    page.close()
