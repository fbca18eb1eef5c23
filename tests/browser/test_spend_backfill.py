"""A year of usage and cost backfilled from the UI, cancelled half-way and taken up again: nothing is asked twice
whose answer was committed, and the months are the tenant's ledger to the cent.
"""

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from playwright.sync_api import Page, expect

from assets.cost_lines import coverage
from assets.period_books import bookkeeping
from assets.status import status
from orchestration.workshop import open_workshop
from tests.browser.conftest import Ui, serving
from warehouse.archive.verify import verify
from warehouse.config import load
from warehouse.finops.periods import Period

pytestmark = [pytest.mark.browser, pytest.mark.slow]

STREAMS = ("cost", "usage")
BACKFILL = (
    "query($id: String!) { partitionBackfillOrError(backfillId: $id) { ... on PartitionBackfill { status } } }"
)
RUNS = "{ runsOrError(limit: 100) { ... on Runs { results { status } } } }"
Asked = tuple[str, str, str]


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ui]:
    """Twelve people, and partitions from the oldest day that the vendor still serves."""
    oldest = max(date(2026, 1, 1), datetime.now(UTC).date() - timedelta(days=364))
    folder = tmp_path_factory.mktemp("year")
    with serving(folder, "--users", "12", "--days", "1", "--lazy", start=str(oldest)) as running:
        (folder / "cost_centers.csv").write_text("user_email,user_id,cost_center,valid_from,valid_to\n")
        yield running


def committed(ui: Ui) -> set[Asked]:
    """Stream, start and end of the windows that are in the log."""
    entries = [json.loads(path.read_bytes()) for path in (ui.folder / "archive/log/entry").glob("*.json")]
    return {
        (one["stream"], *one["window"])
        for one in entries
        if one["kind"] == "pull" and one["stream"] in STREAMS and one["complete"]
    }


def asked(ui: Ui) -> list[Asked]:
    """The same of each request so far; the small question about freshness is none."""
    found = []
    for one in ui.told("requests"):
        stream, query = one["path"].rpartition("/")[2], parse_qs(one["query"])
        if stream in STREAMS and query["limit"] != ["1"]:
            found.append((stream, query["starting_at"][0], query["ending_at"][0]))
    return found


def wait_until(happened: Callable[[], bool], what: str, within: float = 900) -> None:
    deadline = time.monotonic() + within
    while not happened():
        assert time.monotonic() < deadline, f"not within {within} s: {what}"
        time.sleep(0.5)


def launched(ui: Ui, page: Page, choose: Callable[[], None]) -> str:
    """Open the dialog of the job of usage and cost, choose partitions, launch; returns the backfill's id."""
    page.goto(f"{ui.url}/locations/ledgerline/jobs/spend_pull")
    page.get_by_role("button", name="Materialize all").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("Show all partitions").click()
    choose()
    dialog.get_by_role("button", name="Launch backfill").click()
    told = page.get_by_text("Created backfill")
    told.wait_for()
    return (told.text_content() or "").removeprefix("Created backfill").strip().removesuffix("View").strip()


def shoot(page: Page, folder: Path | None, name: str) -> None:
    if folder is not None:
        page.screenshot(path=folder / f"{name}.png")


def test_a_year_cancelled_half_way_in_the_ui_is_taken_up_there_and_repeats_nothing(
    year: Ui, page: Page, screenshots: Path | None
) -> None:
    def all_of_it() -> None:
        page.get_by_role("dialog").get_by_role("button", name="All", exact=True).click()

    def failed_and_missing() -> None:
        page.get_by_role("dialog").get_by_role("button", name="Failed and missing").click()

    first = launched(year, page, all_of_it)
    wait_until(lambda: len(committed(year)) >= 8, "eight windows are committed")
    page.goto(f"{year.url}/runs/b/{first}")
    page.get_by_text("Partitions targeted").wait_for()
    page.locator("button:has([aria-label='expand_more'])").last.click()
    page.get_by_role("menuitem", name="Cancel backfill").click()
    page.get_by_role("button", name="Cancel backfill").click()

    def status_of(backfill: str) -> str:
        return str(year.ask(BACKFILL, id=backfill)["partitionBackfillOrError"]["status"])

    wait_until(lambda: status_of(first) == "CANCELED", "the backfill is cancelled")
    wait_until(lambda: not running(year), "its runs have ended")
    shoot(page, screenshots, "spend-backfill-cancelled")
    held, before = committed(year), len(asked(year))
    windows = -(-len(days(year)) // 31)
    assert 8 <= len(held) < 2 * windows

    second = launched(year, page, failed_and_missing)
    wait_until(lambda: status_of(second) not in ("REQUESTED", "COMPLETED"), "the rest is there")
    assert status_of(second) == "COMPLETED_SUCCESS"
    assert held.isdisjoint(asked(year)[before:])

    page.goto(f"{year.url}/assets/cost_rows?view=partitions")
    expect(page.get_by_text(f"Materialized ({len(days(year))})")).to_be_visible()
    shoot(page, screenshots, "spend-backfill")
    assert_whole_and_true(year)


def running(ui: Ui) -> bool:
    found = ui.ask(RUNS)["runsOrError"]["results"]
    return any(run["status"] in ("STARTED", "STARTING", "QUEUED", "CANCELING") for run in found)


def days(ui: Ui) -> list[date]:
    """From the first day of the partitions to yesterday."""
    start, end = load(ui.folder / "ledgerline.toml").anthropic.start, datetime.now(UTC).date()
    return [start + timedelta(days=number) for number in range((end - start).days)]


def assert_whole_and_true(ui: Ui) -> None:
    """No gap, nothing wrong, and each whole month's statement is the tenant's ledger to the cent."""
    with open_workshop(load(ui.folder / "ledgerline.toml"), for_writing=False) as workshop:
        document = status(workshop)
        assert verify(workshop.archive.store, deep=True).findings == []
        known = {stream["stream"]: stream for stream in document["streams"]}
        for name in STREAMS:
            assert (known[name]["gaps"], known[name]["pending_fold"]) == ([], 0)
            assert known[name]["covered_from"] == f"{days(ui)[0]}T00:00:00Z"
        at = known["cost"]["data_refreshed_at"]
        with bookkeeping(workshop) as desk:
            month, stated = Period.of(days(ui)[0]), 0
            while month.end <= days(ui)[-1]:
                assert coverage(workshop.archive.state, month).complete >= set(month.days)
                (ledger,) = ui.told("spend", start=str(month.start), end=str(month.end), at=at)
                truth = (Decimal(ledger["amount"]) / 100).quantize(Decimal("0.01"))
                assert desk.statement(month).total == truth > 0
                month, stated = month.next, stated + 1
            assert stated >= 10
