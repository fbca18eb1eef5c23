"""A disk that is full at any moment of a pull with its seals, of a delivery, of the marts: it is said what to do,
and once there is room the same command completes.

Each command is given a little more room until it succeeds, so that every write of it meets a full disk once.
"""

import re
import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from tests.chaos.small_disk import Disk, small_disk
from tests.delivery.conftest import Shop
from tests.delivery.receiver import Receiver
from tests.promises.conftest import Command
from tests.promises.site import Ended, Site
from warehouse.archive.verify import verify
from warehouse.wire.times import midnight

pytestmark = pytest.mark.slow

_STEP = 12_288
_MOST = 200


def completed(disk: Disk, command: Callable[[], Ended], step: int = _STEP) -> list[Ended]:
    """Run a command with ever more room until it is done; returns how it ended before, each time with exit 2."""
    refused: list[Ended] = []
    for number in range(_MOST):
        disk.leave(number * step)
        ended = command()
        if ended.code == 0:
            return refused
        assert ended.code == 2, ended.err + ended.out
        told = " ".join((ended.err + ended.out).split())
        assert re.search("no room left|No space left on device", told, re.IGNORECASE), told
        assert "safe" in told or "unchanged" in told, told
        assert re.search("[Mm]ake room", told), told
        refused.append(ended)
    raise AssertionError(f"it is not done with {_MOST * step} bytes: {refused[-1].err}")


def stages(refused: list[Ended]) -> set[str]:
    """The folders of the archive whose object found no room."""
    return {found for one in refused for found in re.findall(r"\b(pages|log|tables/\w+|seals|receipts)/", one.err)}


@pytest.mark.fault(
    "The disk is full at any write of a pull that seals.",
    area="store",
    data="What was committed is safe. Readers see each row once.",
    user="Exit 2, the object that found no room, what is safe and what to do.",
    recovery="Make room and run it again.",
)
def test_a_pull_and_its_seals_on_a_disk_that_grows_little_by_little_end_in_the_truth(
    site: Site, ledgerline: Command
) -> None:
    with small_disk(site.root) as disk:
        yesterday = str(datetime.now(UTC).date() - timedelta(days=1))
        assert ledgerline(site, "pull", "activities", "--from", str(site.start), "--to", yesterday).code == 0
        assert ledgerline(site, "pull", "activities", "--from", str(site.start), "--to", yesterday).code == 0
        before = site.versions()
        refused = completed(disk, lambda: ledgerline(site, "pull", "activities"))
        assert {"pages", "log", "tables/sealed"} <= stages(refused)
        assert set(before) <= set(site.versions())
        disk.leave(50_000_000)
        assert ledgerline(site, "pull", "activities").code == 0
        with site.open(for_writing=False) as workshop:
            end = workshop.archive.refresh().covered_until("activities")
            assert workshop.archive.state.table("audit_events").sealed
        rows = site.sql("select raw from audit_events order by created_at, id")
        assert [raw.encode() for (raw,) in rows] == site.truth(None, end)
        assert verify(site.store(), deep=True).findings == []


@pytest.mark.fault(
    "The disk is full at any write of a delivery.",
    area="delivery",
    data="Every event arrives. Those whose receipt found no room arrive twice.",
    user="Exit 2, what is safe and what to do.",
    recovery="Make room and run it again.",
)
def test_receipts_that_find_no_room_are_written_by_the_next_delivery(
    shop: Shop, receiver: Receiver, ledgerline: Command, tmp_path: Path
) -> None:
    site = shop.site
    aside = tmp_path / "aside"
    site.root.rename(aside)
    with small_disk(site.root) as disk:
        for entry in aside.iterdir():
            _moved(entry, site.root)
        path = site.folder / "ledgerline.toml"
        path.write_text(
            f'{path.read_text()}\n[[destinations]]\nname = "soc"\ntype = "webhook"\nslice = "all"\n'
            f'body = "ndjson"\nurl = "{receiver.url}"\n'
        )
        refused = completed(disk, lambda: ledgerline(site, "deliver"), step=4096)
        assert refused
        disk.leave(50_000_000)
        assert ledgerline(site, "deliver").code == 0
        events = shop.events()
        assert set(receiver.ids()) == set(events)
        receipts = site.sql(
            "select distinct event_id from deliveries where status = 'delivered' "
            "and event_id not like 'ledgerline_checkpoint%' order by 1"
        )
        assert [one for (one,) in receipts] == sorted(set(events))
        assert verify(site.store(), deep=True).findings == []


def _moved(entry: Path, folder: Path) -> None:
    target = folder / entry.name
    if entry.is_dir():
        shutil.copytree(entry, target, copy_function=shutil.copy2)
    else:
        shutil.copy2(entry, target)


@pytest.mark.fault(
    "The disk of the marts is full at any moment of a build.",
    area="store",
    data="The archive is untouched. The marts that were there before stay.",
    user="Exit 2, what found no room and what to do.",
    recovery="Make room and run `ledgerline build` again.",
)
def test_marts_that_find_no_room_are_built_once_there_is_some(
    site: Site, past: tuple[str, str], ledgerline: Command
) -> None:
    assert ledgerline(site, "pull", "activities", "--from", past[0], "--to", past[1]).code == 0
    path = site.folder / "ledgerline.toml"
    path.write_text(path.read_text().replace("./warehouse.duckdb", "./marts/warehouse.duckdb"))
    with small_disk(site.folder / "marts") as disk:
        refused = completed(disk, lambda: site.run("build"), step=2_500_000)
        assert refused
        asked = ledgerline(site, "sql", "--json", "select count(*) as n from fct_actor_activity_daily")
        assert asked.code == 0, asked.err
        assert asked.json()[0]["n"] > 0
    truth = site.truth(None, midnight(date.fromisoformat(past[1])))
    rows = site.sql("select raw from audit_events order by created_at, id")
    assert [raw.encode() for (raw,) in rows] == truth
