"""The auditor's page in a real browser: axe-core finds nothing, no script or network is needed, proofs open."""

from datetime import date
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from assets.detecting import detect
from assets.evidence import make_report, period_of
from assets.pulling import pull_activities
from orchestration.workshop import open_workshop
from sandbox import Tenant, serve
from tests.browser.pages import without_fault, words_without_scripts_or_network
from tests.evidence.conftest import NOW, install
from warehouse.detections.rulebook import load

pytestmark = pytest.mark.browser


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
    assert without_fault(browser, file, width) <= width


def test_the_page_asks_for_nothing_and_says_the_same_without_javascript(browser: Browser, file: Path) -> None:
    said = words_without_scripts_or_network(browser, file)
    for title in ("Coverage, day by day", "Actors and administrators", "Data movement", "Controls"):
        assert title in said


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
    page.emulate_media(media="print")
    assert page.locator("table.top").evaluate_all("all => all.map(one => [...one.tBodies[0].rows].filter(row => "
        "row.offsetHeight > 0).length).reduce((a, b) => Math.max(a, b), 0)") == 10  # fmt: skip
    assert page.get_by_text("On paper: the first 10 of").first.is_visible()
    assert not page.locator(".ask").first.is_visible()
    page.close()
