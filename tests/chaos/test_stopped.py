"""A run that is frozen half-way (a laptop that sleeps, a paused machine) while others work, and wakes up in a
world that went on: nothing forks, nothing is lost, nothing is doubled.
"""

import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.stopping import files, let_go_on, stop_when
from tests.delivery.conftest import Shop
from tests.delivery.receiver import Answer, Receiver
from tests.promises.conftest import tenant_process
from tests.promises.site import Running, Site
from tests.promises.test_03_killed_processes import assert_whole
from warehouse.archive.verify import verify

pytestmark = pytest.mark.slow

# What another machine does half an hour later: it takes the frozen run's pages for those of a dead one.
HALF_AN_HOUR_LATER = """
from datetime import UTC, datetime, timedelta
from pathlib import Path
from orchestration.workshop import open_workshop
from warehouse.archive.adopt import adopt_orphans
from warehouse.config import load
later = lambda: datetime.now(UTC) + timedelta(minutes=30)
with open_workshop(load(Path("ledgerline.toml")), clock=later) as workshop:
    print(len(adopt_orphans(workshop.archive)))
"""


@pytest.fixture(scope="module")
def long_past() -> Iterator[dict[str, Any]]:
    """A tenant whose feed goes back eleven days, with about sixty events in each."""
    with tenant_process("--users", "3", "--days", "11", "--seed", "22", "--events-per-day", "60") as ready:
        yield ready


@pytest.fixture
def site(long_past: dict[str, Any], tmp_path: Path) -> Site:
    first = date.fromisoformat(long_past["first_day"])
    return Site(tmp_path, long_past["url"], long_past["keys"]["compliance"], first, timeout=20)


def frozen(site: Site, folder: str, more: int) -> Running:
    """A pull that was stopped once so many more objects lay in a folder of the archive."""
    place = site.root / folder
    enough = files(place) + more
    run = site.begin("pull", "activities")
    assert stop_when(run, lambda: files(place) >= enough), "the pull was faster than a look at its folder"
    return run


@pytest.mark.fault(
    "A pull is frozen half-way (SIGSTOP). Others pull and seal meanwhile, and then it goes on.",
    area="processes",
    data="Nothing is lost and nothing doubled. There is one log.",
    user="Nothing unusual: both end with exit 0.",
    recovery="Nothing.",
)
@pytest.mark.parametrize(
    ("folder", "more"),
    [("pages", 2), ("log/entry", 1), ("log/entry", 4), ("tables", 1), ("log/checkpoint", 2)],
)
def test_a_pull_that_wakes_up_after_others_did_its_work_doubles_nothing(
    site: Site, folder: str, more: int
) -> None:
    run = frozen(site, folder, more)
    try:
        assert site.run("pull", "activities").code == 0
        with site.open(for_writing=False) as workshop:
            assert workshop.archive.refresh().table("audit_events").sealed
        before = site.versions()
    finally:
        let_go_on(run)
    assert run.ended().code == 0
    assert set(before) <= set(site.versions())
    assert site.run("pull", "activities").code == 0
    assert_whole(site)


@pytest.mark.fault(
    "A pull is frozen for so long that its pages are taken for those of a dead one, and then it goes on.",
    area="processes",
    data="Each record is there once. The log names the pages twice: as adopted, and by their window.",
    user="Nothing unusual.",
    recovery="Nothing.",
)
def test_a_pull_whose_pages_were_adopted_meanwhile_still_commits_its_window(site: Site) -> None:
    first = str(site.start)
    assert site.run("pull", "activities", "--from", first, "--to", str(site.start + timedelta(days=1))).code == 0
    run = frozen(site, "pages", 1)
    try:
        adopted = site.begin_program(sys.executable, "-c", HALF_AN_HOUR_LATER).ended()
        assert adopted.code == 0, adopted.err
        assert int(adopted.out) >= 1
    finally:
        let_go_on(run)
    assert run.ended().code == 0
    assert site.run("pull", "activities").code == 0
    rows = site.sql("select count(*), count(distinct id), max(version) from audit_event_versions")
    assert rows[0][0] == rows[0][1] > 0
    assert rows[0][2] == 1
    assert verify(site.store(), deep=True).findings == []


@pytest.mark.fault(
    "A pull is frozen for longer than the vendor keeps a connection open, and then it goes on.",
    area="processes",
    data="Nothing is lost and nothing doubled.",
    user="Nothing unusual: the connection is opened again.",
    recovery="Nothing.",
)
def test_a_pull_that_sleeps_through_its_connections_goes_on(site: Site) -> None:
    run = frozen(site, "pages", 2)
    time.sleep(75)
    let_go_on(run)
    assert run.ended().code == 0
    assert_whole(site)


@pytest.mark.fault(
    "A delivery is frozen half-way (SIGSTOP). Another one delivers everything, and then it goes on.",
    area="delivery",
    data="Every event arrives. What the frozen one had in hand arrives twice.",
    user="The one that was frozen ends with exit 1: another process has delivered meanwhile.",
    recovery="Nothing. Let one process at a time deliver to a destination.",
)
def test_a_delivery_that_wakes_up_after_another_delivered_everything_loses_nothing(
    shop: Shop, receiver: Receiver
) -> None:
    def slowly(_number: int, _documents: object) -> Answer:
        time.sleep(0.02)
        return 200, {}, b""

    receiver.answer = slowly
    path = shop.site.folder / "ledgerline.toml"
    path.write_text(
        f'{path.read_text()}\n[[destinations]]\nname = "soc"\ntype = "webhook"\nbody = "ndjson"\nslice = "all"\n'
        f'url = "{receiver.url}"\nbatch_events = 5\n'
    )
    run = shop.site.begin("deliver")
    assert stop_when(run, lambda: len(receiver.requests) >= 4)
    time.sleep(0.5)  # what it had sent is answered
    arrived_before = len(receiver.ids())
    try:
        assert shop.site.run("deliver").code == 0
    finally:
        let_go_on(run)
    ended = run.ended()
    assert ended.code == 1, ended.err
    assert "another process has delivered to soc meanwhile" in ended.out
    assert "let one process at a time deliver" in ended.out
    events = shop.events()
    arrived = Counter(receiver.ids())
    assert sorted(arrived) == sorted(events)
    assert 0 < arrived_before < len(events)
    assert max(arrived.values()) <= 2
    receipts = shop.site.sql(
        "select event_id from deliveries where status = 'delivered' and event_id not like 'ledgerline_checkpoint%'"
    )
    assert {one for (one,) in receipts} == set(events)
    assert shop.site.run("deliver").code == 0
    assert len(receiver.ids()) == sum(arrived.values())  # nothing is due any more
    assert verify(shop.site.store()).findings == []
