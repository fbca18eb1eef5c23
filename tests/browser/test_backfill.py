"""The everyday gesture, in a real browser: look at the graph, backfill 31 days, read what it did."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Ui

pytestmark = pytest.mark.browser

RUNS = """query($id: String!) { partitionBackfillOrError(backfillId: $id) { ... on PartitionBackfill {
  status  runs(limit: 10) { id status startTime endTime tags { key value } } } } }"""


def shoot(page: Page, folder: Path | None, name: str) -> None:
    if folder is not None:
        page.screenshot(path=folder / f"{name}.png")


def days_back(count: int) -> str:
    return (datetime.now(UTC).date() - timedelta(days=count)).isoformat()


def finished(ui: Ui, backfill: str) -> dict:  # type: ignore[type-arg]
    """The backfill when it is done; fails after three minutes."""
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline:
        found = ui.ask(RUNS, id=backfill)["partitionBackfillOrError"]
        if found["status"] not in ("REQUESTED", "COMPLETED"):
            return dict(found)
        time.sleep(1)
    raise AssertionError(f"the backfill did not finish: {found}")


def test_31_days_backfilled_from_the_ui_are_one_run_with_metadata_and_checks(
    ui: Ui, page: Page, screenshots: Path | None
) -> None:
    first, last, middle = days_back(32), days_back(2), days_back(13)

    page.goto(f"{ui.url}/assets/audit_events")
    page.get_by_role("button", name="Materialize…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox").first.fill(f"[{first}...{last}]")
    dialog.get_by_role("textbox").first.press("Enter")
    expect(dialog.get_by_text("31 partitions", exact=True)).to_be_visible()
    expect(dialog.get_by_text("maximum of 31 partitions per run")).to_be_visible()
    shoot(page, screenshots, "backfill-dialog")
    dialog.get_by_role("button", name="Launch backfill").click()
    told = page.get_by_text("Created backfill")
    told.wait_for()
    backfill = (told.text_content() or "").removeprefix("Created backfill").strip().removesuffix("View").strip()

    done = finished(ui, backfill)
    assert done["status"] == "COMPLETED_SUCCESS"
    assert len(done["runs"]) == 1
    run = done["runs"][0]
    assert run["status"] == "SUCCESS"
    tags = {tag["key"]: tag["value"] for tag in run["tags"]}
    assert tags["dagster/asset_partition_range_start"] == first
    assert tags["dagster/asset_partition_range_end"] == last
    print(f"run of 31 days: {run['endTime'] - run['startTime']:.1f} s from start to end")

    page.goto(f"{ui.url}/assets/audit_events?view=partitions&partition={middle}")
    expect(page.get_by_text("Materialized (31)").or_(page.get_by_text("Materialized (32)"))).to_be_visible()
    for name in ("requests", "pages", "records", "first", "revised", "withdrawn", "complete", "covered"):
        expect(page.get_by_role("cell", name=name, exact=True)).to_be_visible()
    expect(page.get_by_role("cell", name="the whole day", exact=True)).to_be_visible()
    shoot(page, screenshots, "partition-metadata")

    page.goto(f"{ui.url}/assets/audit_events?view=checks&checkDetail=foreign_footprints")
    expect(page.get_by_text("other callers used a compliance key")).to_be_visible()
    for name in ("coverage_without_gap", "footprints_found", "records_unchanged", "log_head_signed"):
        expect(page.get_by_text(name, exact=True).first).to_be_visible()
    shoot(page, screenshots, "checks")


def test_the_nightly_job_runs_to_the_marts_and_the_graph_of_the_audit_path_is_shown(
    ui: Ui, page: Page, screenshots: Path | None
) -> None:
    night = days_back(1)
    runs = [launch(ui, "audit_reread", range_tags(night, night)), launch(ui, "archive_upkeep", [])]
    assert [outcome(ui, run) for run in runs] == ["SUCCESS", "SUCCESS"]

    page.set_viewport_size({"width": 2000, "height": 1150})
    # one group: of the whole graph only what lies inside the window is drawn
    page.goto(f"{ui.url}/locations/__repository__@ledgerline/asset-groups/audit/lineage")
    page.get_by_text("Hide navigation").click()
    for name in ("audit_pages", "audit_events"):
        expect(page.locator("foreignObject").get_by_text(name, exact=True)).to_be_visible()
    expect(page.get_by_text("Loading...")).to_have_count(0)
    shoot(page, screenshots, "asset-graph")


LAUNCH = """mutation($job: String!, $tags: [ExecutionTag!]!) { launchRun(executionParams: {
  selector: {repositoryName: "__repository__", repositoryLocationName: "ledgerline", pipelineName: $job},
  executionMetadata: {tags: $tags} }) { __typename ... on LaunchRunSuccess { run { runId } }
  ... on PythonError { message } ... on InvalidSubsetError { message } } }"""
STATUS = """query($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"""


def range_tags(first: str, last: str) -> list[dict[str, str]]:
    names = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")
    return [{"key": name, "value": day} for name, day in zip(names, (first, last), strict=True)]


def launch(ui: Ui, job: str, tags: list[dict[str, str]]) -> str:
    """Launch a job as its schedule does; returns the run's id."""
    answer = ui.ask(LAUNCH, job=job, tags=tags)["launchRun"]
    assert answer["__typename"] == "LaunchRunSuccess", answer
    return str(answer["run"]["runId"])


def outcome(ui: Ui, run: str) -> str:
    """How a run ended; fails after two minutes."""
    deadline = time.monotonic() + 120
    status = "QUEUED"
    while time.monotonic() < deadline and status not in ("SUCCESS", "FAILURE", "CANCELED"):
        time.sleep(1)
        status = str(ui.ask(STATUS, id=run)["runOrError"]["status"])
    return status
