"""Dagster's processes are killed (kill -9) in the middle of a backfill that was launched as the UI launches it:
the run worker, the daemon. What was committed stays, nobody is left waiting, and the backfill comes to its end.
"""

import json
import os
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from orchestration.workshop import open_workshop
from tests.orchestration.served_ui import Ui, configured, serving, ui_process, url_of
from warehouse.archive.verify import verify
from warehouse.config import load
from warehouse.tables.catalog import connect

pytestmark = pytest.mark.slow

LAUNCH = """mutation($params: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $params) {
  __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }"""
BACKFILL = """query($id: String!) { partitionBackfillOrError(backfillId: $id) { ... on PartitionBackfill {
  status runs(limit: 10) { id status tags { key value } } } } }"""
PROCESS = """query($id: ID!) { logsForRun(runId: $id) { ... on EventConnection { events {
  ... on MessageEvent { message } } } } }"""
DAYS = 12
TENANT = ("--users", "25", "--days", str(DAYS + 2), "--rate-limit", "60")


def launch(ui: Ui) -> str:
    """A backfill of all days but today, as the dialog of the UI asks for it; returns its id."""
    today = datetime.now(UTC).date()
    names = [str(today - timedelta(days=back)) for back in range(DAYS, 0, -1)]
    answer = ui.ask(LAUNCH, params={"assetSelection": [{"path": ["audit_events"]}], "partitionNames": names})
    told = answer["launchPartitionBackfill"]
    assert told["__typename"] == "LaunchBackfillSuccess", told
    return str(told["backfillId"])


def standing(ui: Ui, backfill: str) -> dict:  # type: ignore[type-arg]
    return dict(ui.ask(BACKFILL, id=backfill)["partitionBackfillOrError"])


def wait_for(happened: Callable[[], object], what: str, within: float = 180) -> None:
    deadline = time.monotonic() + within
    while not happened():
        assert time.monotonic() < deadline, f"not within {within} s: {what}"
        time.sleep(0.2)


def committed(ui: Ui) -> int:
    """Windows of the feed that the log has."""
    entries = [json.loads(path.read_bytes()) for path in (ui.folder / "archive/log/entry").glob("*.json")]
    return sum(one["kind"] == "pull" and one["complete"] for one in entries)


def worker(ui: Ui, backfill: str) -> tuple[str, int]:
    """The run of a backfill that is at work, and the process that does it, by the event that tells its start.

    Not by command lines: the watchers of a run's output (`tail`) name the run too, and outlive nobody.
    """
    found: list[tuple[str, int]] = []

    def is_there() -> bool:
        for run in standing(ui, backfill)["runs"]:
            if run["status"] == "STARTED":
                pids = [
                    int(word.strip("()."))
                    for event in ui.ask(PROCESS, id=run["id"])["logsForRun"]["events"]
                    for before, word in pairs(event.get("message", ""))
                    if before.strip("(") == "pid:"
                ]
                found.extend((run["id"], pid) for pid in pids)
        return bool(found)

    wait_for(is_there, "the run of the backfill is at work")
    return found[0]


def pairs(text: str) -> list[tuple[str, str]]:
    return list(pairwise(text.split()))


def processes() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").glob("[0-9]*")]


def command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def assert_whole(ui: Ui) -> None:
    """Each day's records are there once, as the tenant has them; nothing to find."""
    with open_workshop(load(ui.folder / "ledgerline.toml"), for_writing=False) as workshop:
        assert verify(workshop.archive.store, deep=True).findings == []
        with connect(workshop.archive) as db:
            rows = db.execute("select count(*), count(distinct id) from audit_events").fetchone()
            days = db.execute("select count(distinct dt) from audit_events").fetchone()
    assert rows is not None
    assert rows[0] == rows[1] > 0
    assert days is not None
    assert days[0] >= DAYS


@pytest.mark.fault(
    "Dagster's run worker is killed (kill -9) in the middle of a backfill that the UI launched.",
    area="processes",
    data="What was committed stays. Nothing is lost and nothing doubled.",
    user="The UI shows the run as failed, with the process that ended. Dagster starts it once more by itself.",
    recovery="Nothing, unless the second run fails too: then launch the backfill again.",
)
def test_a_run_worker_that_is_killed_is_followed_by_a_run_that_completes_the_backfill(tmp_path: Path) -> None:
    with serving(tmp_path, *TENANT) as ui:
        backfill = launch(ui)
        run, pid = worker(ui, backfill)
        wait_for(lambda: committed(ui) >= 1, "a window is committed")
        os.kill(pid, signal.SIGKILL)
        wait_for(
            lambda: any(one["id"] == run and one["status"] == "FAILURE" for one in standing(ui, backfill)["runs"]),
            "the run whose process is gone is failed",
        )
        wait_for(
            lambda: standing(ui, backfill)["status"] not in ("REQUESTED", "COMPLETED"), "the backfill ends", 300
        )
        if standing(ui, backfill)["status"] != "COMPLETED_SUCCESS":
            backfill = launch(ui)
            wait_for(lambda: standing(ui, backfill)["status"] == "COMPLETED_SUCCESS", "the second one ends", 300)
        assert_whole(ui)


def child_of(parent: int, words: str) -> int:
    """The process that `parent` started with these words in its command line."""
    for pid in processes():
        if words in command_line(pid):
            stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            if int(stat[1]) == parent:
                return pid
    raise AssertionError(f"{parent} started no {words}")


@pytest.mark.fault(
    "Dagster's daemon is killed (kill -9) in the middle of a backfill that the UI launched.",
    area="processes",
    data="What was committed stays. Nothing is lost and nothing doubled.",
    user="The UI ends with exit 2 and names the daemon and its log.",
    recovery="Start the UI again: the backfill goes on. If it failed, launch it again.",
)
def test_a_daemon_that_is_killed_ends_the_ui_with_words_and_the_backfill_goes_on_after_a_start(
    tmp_path: Path,
) -> None:
    with configured(tmp_path, *TENANT) as tenant:
        with ui_process(tmp_path) as served:
            ui = Ui(url_of(served), tenant, tmp_path)
            backfill = launch(ui)
            wait_for(lambda: committed(ui) >= 1, "a window is committed")
            os.kill(child_of(served.pid, "dagster._daemon"), signal.SIGKILL)
            assert served.wait(timeout=60) == 2
        said = (tmp_path / "ui.err").read_text()
        assert "the daemon ended with code -9" in said
        assert "Traceback" not in said.partition("the daemon ended")[0]
        before = committed(ui)
        with ui_process(tmp_path) as served:
            ui = Ui(url_of(served), tenant, tmp_path)
            wait_for(
                lambda: standing(ui, backfill)["status"] not in ("REQUESTED", "COMPLETED", "CANCELING"),
                "the backfill that was begun before comes to its end",
                400,
            )
            if standing(ui, backfill)["status"] != "COMPLETED_SUCCESS":
                again = launch(ui)
                wait_for(lambda: standing(ui, again)["status"] == "COMPLETED_SUCCESS", "the second one ends", 300)
            assert committed(ui) >= before
            assert_whole(ui)
