"""The report of a month in the UI: made there, and opened by the link on what was made."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from assets.spend_pulling import pull_spend
from orchestration.demo_tenant import months_before
from orchestration.workshop import open_workshop
from tests.browser.conftest import Ui
from tests.browser.pages import opened_from_its_asset
from tests.browser.test_backfill import shoot
from warehouse.config import load

pytestmark = pytest.mark.browser


def test_the_report_of_a_month_opens_from_the_asset_that_made_it(
    ui: Ui, page: Page, screenshots: Path | None
) -> None:
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    month = months_before(yesterday, 0)
    (ui.folder / "cost_centers.csv").write_text("user_email,user_id,cost_center,valid_from,valid_to\n")
    with open_workshop(load(ui.folder / "ledgerline.toml")) as workshop:
        for stream in ("cost", "usage"):
            assert pull_spend(workshop, stream).days > 0  # type: ignore[arg-type]

    report = opened_from_its_asset(
        ui, page, "chargeback_report", month, file=r"report\.html", picture="report-link", screenshots=screenshots
    )
    expect(report.get_by_role("heading", level=1)).to_contain_text(f"{month:%B %Y}")
    assert report.get_by_role("table").count() > 3
    shoot(report, screenshots, "report-from-the-ui")
