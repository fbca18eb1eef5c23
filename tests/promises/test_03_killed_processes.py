"""Promise 3 with real processes: killed by signal 9 at random moments and at chosen objects, also several at once.

The normal suite plays a few rounds; the slow one fifty kills of a single writer and more among three. Seeded.
"""

import os
import random
import signal
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from assets.status import status
from tests.promises.conftest import tenant_process
from tests.promises.site import Running, Site
from warehouse.archive.verify import verify
from warehouse.wire.times import parse_rfc3339

# Objects whose appearance is a step of a commit: pages, entry, tiles, checkpoint, tables, entry again.
STEPS = ("pages", "log/entry", "log/tile", "log/checkpoint", "tables/recent", "tables/unfinished")


FOREIGN = "foreign_footprint"
COUNTS = "select count(*), count(distinct row_key) from audit_export_rows where file_name = ?"


@pytest.fixture(scope="module")
def long_past() -> Iterator[dict[str, Any]]:
    """A tenant whose feed goes back eleven days, with about sixty events in each."""
    with tenant_process("--users", "3", "--days", "11", "--seed", "21", "--events-per-day", "60") as ready:
        yield ready


Sites = Callable[[], Site]


@pytest.fixture
def new_site(long_past: dict[str, Any], tmp_path: Path) -> Sites:
    """Makes an installation with an empty archive, each time another one."""
    first = date.fromisoformat(long_past["first_day"])
    key = long_past["keys"]["compliance"]
    return lambda: Site(tmp_path / str(len(list(tmp_path.iterdir()))), long_past["url"], key, first, timeout=20)


def assert_whole(site: Site) -> None:
    """Ground truth up to where coverage ends, each record once and in its first version; nothing to find."""
    with site.open(for_writing=False) as workshop:
        document = status(workshop)
        result = verify(workshop.archive.store, deep=True)
    assert result.findings == []
    (stream,) = document["streams"]
    assert (stream["gaps"], stream["dead_windows"], stream["pending_fold"]) == ([], [], 0)
    # a foreign key is among the tenant's stories; that killed runs are not foreign is tested with promise 5
    assert {found["code"] for found in document["findings"]} <= {"unknown_event", "unknown_field", FOREIGN}
    covered_to = parse_rfc3339(stream["covered_to"])
    assert covered_to > datetime.now(UTC) - timedelta(minutes=15)
    rows = site.sql("select raw, version from audit_event_versions order by created_at, id")
    assert [raw.encode() for raw, _ in rows] == site.truth(None, covered_to)
    assert {version for _, version in rows} == {1}
    assert site.sql("select count(*), count(distinct id) from audit_events") == [(len(rows), len(rows))]


def files(folder: Path) -> int:
    return sum(len(names) for _, _, names in os.walk(folder))


class Executioner:
    """Kills runs: at a share of a run's usual time, or when so many more objects of one kind have appeared."""

    def __init__(self, seed: int, usual: float) -> None:
        self.draw = random.Random(seed)
        self.usual = usual
        self.killed = 0

    def kill(self, site: Site, run: Running) -> bool:
        """Kill it; False where it was faster."""
        if self.draw.random() < 0.5:
            deadline = time.monotonic() + self.draw.uniform(0, 1.1) * self.usual
            done = run.kill_when(lambda: time.monotonic() >= deadline)
        else:
            folder = site.root / self.draw.choice(STEPS)
            enough = files(folder) + self.draw.randint(1, 6)
            done = run.kill_when(lambda: files(folder) >= enough)
        self.killed += done
        return done


def usual_time(site: Site) -> float:
    began = time.monotonic()
    site.pull(code=None)
    return time.monotonic() - began


def kill_until(count: int, new_site: Sites, seed: int, usual: float | None = None) -> Executioner:
    """Kill runs until so many died at work, each archive going on with what the one before left; then complete
    the last one. An archive that is complete is looked at, and another begun."""
    executioner = Executioner(seed, usual or usual_time(new_site()))
    while executioner.killed < count:
        site = new_site()
        while executioner.killed < count and executioner.kill(site, site.begin("pull", "activities")):
            pass
        assert site.run("pull", "activities").code == 0
        assert_whole(site)
    return executioner


@pytest.mark.fault(
    "`ledgerline pull` is killed (kill -9) at random moments.",
    area="processes",
    data="Nothing is lost and nothing doubled.",
    user="The process is gone.",
    recovery="Run the pull again.",
)
def test_six_kills_of_a_pull_lose_nothing_and_double_nothing(new_site: Sites) -> None:
    kill_until(6, new_site, seed=1, usual=2.0)


@pytest.mark.slow
def test_sixty_kills_of_a_pull_lose_nothing_and_double_nothing(new_site: Sites) -> None:
    kill_until(60, new_site, seed=2)


def at_once(site: Site, writers: int, draw: random.Random) -> list[Running]:
    """So many pulls over windows that overlap: one of what is due, the others of days drawn at random."""
    started = [site.begin("pull", "activities")]
    days = [str(site.start + timedelta(days=number)) for number in range(11)]
    for _ in range(writers - 1):
        first = draw.randrange(8)
        started.append(site.begin("pull", "activities", "--from", days[first], "--to", days[first + 3]))
    return started


def test_two_writers_at_once_on_an_empty_archive_double_nothing(new_site: Sites) -> None:
    site = new_site()
    for run in at_once(site, 2, random.Random(3)):
        assert run.ended().code == 0
    assert_whole(site)


@pytest.mark.fault(
    "Several processes pull at once, and some are killed (kill -9).",
    area="processes",
    data="Nothing is lost and nothing doubled.",
    user="The processes are gone.",
    recovery="Run the pull again.",
)
@pytest.mark.slow
@pytest.mark.parametrize("writers", [2, 3])
def test_writers_at_once_some_of_them_killed_lose_nothing_and_double_nothing(
    new_site: Sites, writers: int
) -> None:
    executioner = Executioner(writers, usual_time(new_site()))
    for _ in range(5):
        site = new_site()
        for _ in range(4):
            running = at_once(site, writers, executioner.draw)
            executioner.kill(site, running[executioner.draw.randrange(writers)])
            for run in running:
                if run.process.poll() is None or run.process.returncode != -9:
                    assert run.ended().code == 0
        assert site.run("pull", "activities").code == 0
        assert_whole(site)
    assert executioner.killed >= 10


@pytest.mark.fault(
    "A backfill by several worker processes is killed (kill -9).",
    area="processes",
    data="Nothing is lost and nothing doubled.",
    user="The process is gone, and its workers with it.",
    recovery="Run the backfill again.",
)
@pytest.mark.slow
def test_a_backfill_by_several_processes_that_is_killed_leaves_no_process_and_is_completed(
    new_site: Sites,
) -> None:
    site = new_site()
    site.configure(anthropic="workers = 2")
    for seed in range(6):
        run = site.begin("pull", "activities", start_new_session=True)
        Executioner(seed, 3).kill(site, run)
        wait_for_the_end_of(run.process.pid)
    assert site.run("pull", "activities").code == 0
    assert_whole(site)


@pytest.mark.parametrize("by", [pytest.param(signal.SIGINT, marks=pytest.mark.slow), signal.SIGTERM])
def test_a_backfill_by_several_processes_ends_soon_after_a_signal(new_site: Sites, by: int) -> None:
    site, entries = new_site(), "log/entry"
    site.configure(anthropic="workers = 2\nrequests_per_minute.compliance = 400")  # half a minute for all of it
    run = site.begin("pull", "activities", start_new_session=True)
    while len(processes_of(run.process.pid)) < 3 or files(site.root / entries) < 5:
        assert run.process.poll() is None, run.ended()
        time.sleep(0.05)
    os.killpg(run.process.pid, by) if by == signal.SIGINT else run.process.send_signal(by)  # as a terminal does
    before = files(site.root / entries)
    ended = run.ended(timeout=20)
    assert (ended.code, ended.err.count("stopped; what was committed is safe")) == (130, 1), ended
    assert files(site.root / entries) < before + 12  # what each was at: a window and the fold of one before
    wait_for_the_end_of(run.process.pid)


def wait_for_the_end_of(session: int, within: float = 20) -> None:
    """Fail where processes of a session live on after the one that began it was killed."""
    deadline = time.monotonic() + within
    while left := processes_of(session):
        if time.monotonic() > deadline:
            os.killpg(session, 9)
            pytest.fail(f"{len(left)} processes live on: {left}")
        time.sleep(0.1)


def processes_of(session: int) -> list[str]:
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            if int(fields[3]) == session and fields[0] != "Z":
                found.append((entry / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return found


SEALS = """
import sys
from orchestration.workshop import open_workshop
from warehouse.config import load
from warehouse.tables.seal import seal_settled_days, write_missing_markers
from pathlib import Path
while True:
    with open_workshop(load(Path("ledgerline.toml"))) as workshop:
        if workshop.archive.refresh().size:
            write_missing_markers(workshop.archive)
        seal_settled_days(workshop.archive)
        workshop.archive.settle()
"""


@pytest.mark.fault(
    "Processes are killed (kill -9) in the middle of seals.",
    area="processes",
    data="Each row is there once.",
    user="The processes are gone.",
    recovery="Nothing: the next run completes the seal.",
)
@pytest.mark.slow
def test_kills_in_the_midst_of_seals_lose_no_row_and_double_none(new_site: Sites) -> None:
    draw = random.Random(4)
    for _ in range(4):
        site = new_site()
        site.pull(code=None)
        site.pull("--from", str(site.start), "--to", "yesterday")  # days that were read again may be sealed
        before = site.versions()
        for _ in range(6):
            run = site.begin_program(sys.executable, "-c", SEALS)
            folder = site.root / draw.choice(("seals", "tables/sealed", "log/entry", "log/checkpoint"))
            enough = files(folder) + draw.randint(1, 2)
            deadline = time.monotonic() + 4
            assert run.kill_when(lambda f=folder, n=enough, d=deadline: files(f) >= n or time.monotonic() > d)
            assert site.versions() == before
        site.run("pull", "activities")
        with site.open() as workshop:
            from warehouse.tables.seal import seal_settled_days

            seal_settled_days(workshop.archive)
            assert {file.dt for file in workshop.archive.refresh().table("audit_events").sealed}
        assert_whole(site)


def export_of(rows: int, seed: int) -> str:
    """A console export of so many rows, no two alike."""
    lines = ["created_at,actor_info,event,event_info,entity_info,ip_address,device_id,user_agent,client_platform"]
    for row in range(rows):
        moment = datetime(2026, 11, 20, tzinfo=UTC) + timedelta(seconds=row)
        actor = f"{{'name': 'Jane O'Neil {row}', 'uuid': 'u-{seed}-{row}', 'metadata': {{}}}}"
        lines.append(
            f'{moment:%Y-%m-%dT%H:%M:%S.%fZ},"{actor}",conversation_created,{{}},,192.0.2.34,,Mozilla,web'
        )
    return "\r\n".join(lines) + "\r\n"


@pytest.mark.slow
def test_kills_in_the_midst_of_imports_lose_no_row_and_double_none(new_site: Sites) -> None:
    kills = 20
    draw, site = random.Random(kills), new_site()
    names = []
    for number in range(kills // 2):
        names.append(f"export-{number}.csv")
        (site.folder / names[-1]).write_text(export_of(800, number), encoding="utf-8")
    killed = 0
    while killed < kills:
        chosen = names[: draw.randint(1, len(names))]
        run = site.begin("import", "audit-export", *chosen)
        folder = site.root / draw.choice(("pages", "log/entry", "log/checkpoint", "tables"))
        enough = files(folder) + 1
        deadline = time.monotonic() + draw.uniform(1, 5)
        if not run.kill_when(lambda f=folder, n=enough, d=deadline: files(f) >= n or time.monotonic() > d):
            assert run.process.returncode == 0
        killed += 1
    ended = site.run("import", "audit-export", *names, "--json")
    assert ended.code == 0
    for name in names:
        found = site.sql(
            "select count(*), count(distinct row_key) from audit_export_rows where file_name = ?", [name]
        )
        assert found == [(800, 800)]
    assert site.run("verify").code == 0
