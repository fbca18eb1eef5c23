"""The auditor's page of a month in the UI: made there, opened by its link, and a proof of it from beside it."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from assets.pulling import pull_activities
from orchestration.demo_tenant import months_before
from orchestration.workshop import open_workshop
from tests.browser.conftest import Ui
from tests.browser.pages import opened_from_its_asset
from warehouse.config import load

pytestmark = pytest.mark.browser


def test_the_auditors_page_of_a_month_opens_from_the_asset_that_made_it(
    ui: Ui, page: Page, screenshots: Path | None
) -> None:
    month = months_before(datetime.now(UTC).date(), 1)
    with open_workshop(load(ui.folder / "ledgerline.toml")) as workshop:
        pull_activities(workshop)
    report = opened_from_its_asset(
        ui,
        page,
        "evidence_report",
        month,
        file=r"evidence-\d+\.html",
        picture="evidence-link",
        screenshots=screenshots,
    )
    expect(report.get_by_role("heading", level=1)).to_contain_text("Evidence report")
    proof = report.locator("a[href$='.proof']").first.get_attribute("href") or ""
    answer = report.request.get(f"{report.url.rpartition('/')[0]}/{proof}")
    assert answer.ok
    assert answer.text().startswith("ledgerline-proof/")
