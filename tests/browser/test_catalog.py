"""Finding an asset and reading where its columns come from, in a real browser; the command line had made it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from assets.building import build
from assets.pulling import pull_activities
from orchestration.workshop import open_workshop
from tests.browser.conftest import Ui, look_for_chromium
from tests.browser.test_backfill import shoot
from tests.orchestration import served_ui
from warehouse.config import load

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def ui(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ui]:
    """The UI over an archive that was pulled and built before the UI was there."""
    look_for_chromium()
    folder = tmp_path_factory.mktemp("catalog")
    with served_ui.configured(folder, "--users", "20", "--days", "6") as tenant:
        with open_workshop(load(folder / "ledgerline.toml")) as workshop:
            pull_activities(workshop)
            build(workshop)
        with served_ui.ui_process(folder) as served:
            url = served_ui.url_of(served)
            assert served.stdout is not None
            assert "told it of" in served.stdout.readline()
            yield Ui(url, tenant, folder)


def test_an_asset_is_found_by_search_and_is_there_although_no_run_made_it(ui: Ui, page: Page) -> None:
    page.goto(f"{ui.url}/assets")
    page.get_by_text("Search", exact=True).last.click()
    page.keyboard.type("fct_login", delay=40)
    page.get_by_text("fct_login", exact=True).last.click()
    page.wait_for_url("**/assets/fct_login*")
    expect(page.get_by_text("Every login attempt, success and failure.", exact=False).first).to_be_visible()
    expect(page.get_by_text("Never materialized")).to_have_count(0)
    page.goto(f"{ui.url}/assets/fct_login?view=events")
    expect(page.get_by_text("Reported", exact=True).first).to_be_visible()
    expect(page.get_by_text("there since", exact=True)).to_be_visible()


def test_a_column_of_a_mart_says_which_columns_it_is_made_from(
    ui: Ui, page: Page, screenshots: Path | None
) -> None:
    page.goto(f"{ui.url}/assets/fct_login")
    expect(page.get_by_text("From audit_events.id.", exact=False).first).to_be_visible()
    expect(page.get_by_text("From audit_events.ip_address.", exact=False).first).to_be_visible()
    shoot(page, screenshots, "columns-of-a-mart")


def test_the_days_of_the_feed_are_filled_in_the_graph(ui: Ui, page: Page) -> None:
    page.goto(f"{ui.url}/assets/audit_events?view=partitions")
    expect(page.get_by_text("Materialized (", exact=False).first).to_be_visible()
