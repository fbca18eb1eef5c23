"""The auditor's page of a month in the UI: made there, opened by its link, and a proof of it from beside it."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from assets.pulling import pull_activities
from orchestration.demo_tenant import months_before
from orchestration.workshop import open_workshop
from tests.browser.conftest import Ui
from tests.browser.test_backfill import finished, shoot
from warehouse.config import load

pytestmark = pytest.mark.browser

LAUNCH = """mutation($months: [String!]!) { launchPartitionBackfill(backfillParams: {
  assetSelection: [{path: ["evidence_report"]}], partitionNames: $months}) {
  __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }"""


def test_the_auditors_page_of_a_month_opens_from_the_asset_that_made_it(
    ui: Ui, page: Page, screenshots: Path | None
) -> None:
    month = months_before(datetime.now(UTC).date(), 1)
    with open_workshop(load(ui.folder / "ledgerline.toml")) as workshop:
        pull_activities(workshop)
    made = ui.ask(LAUNCH, months=[str(month)])["launchPartitionBackfill"]
    assert made["__typename"] == "LaunchBackfillSuccess", made
    assert finished(ui, made["backfillId"])["status"] == "COMPLETED_SUCCESS"

    page.goto(f"{ui.url}/assets/evidence_report?view=partitions&partition={month}")
    link = page.get_by_role("link", name=re.compile(r"evidence-\d+\.html"))
    expect(link.first).to_be_visible(timeout=120_000)
    shoot(page, screenshots, "evidence-link")
    with page.context.expect_page() as opened:
        link.first.click()
    report = opened.value
    report.wait_for_load_state()
    expect(report.get_by_role("heading", level=1)).to_contain_text("Evidence report")
    proof = report.locator("a[href$='.proof']").first.get_attribute("href") or ""
    answer = report.request.get(f"{report.url.rpartition('/')[0]}/{proof}")
    assert answer.ok
    assert answer.text().startswith("ledgerline-proof/")
