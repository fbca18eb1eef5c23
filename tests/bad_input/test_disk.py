"""A disk that cannot be written, is full or goes away: exit 2, what is safe and what to do; a rerun completes."""

import ctypes
import os
import resource
import subprocess
from collections.abc import Iterator
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from assets.pulling import pull_activities
from tests.promises.conftest import Command, Standing
from tests.promises.mortal import Counted, give
from tests.promises.quick import open_quickly, pull
from tests.promises.site import Ended, Site
from warehouse.archive.errors import StoreUnreachable
from warehouse.wire.times import midnight

_DROP_FROM_BOUNDING_SET, _DAC_OVERRIDE, _DAC_READ_SEARCH = 24, 1, 2


def assert_completes(site: Site, window: tuple[str, str], ledgerline: Command) -> None:
    """The same command again, and the archive is the truth."""
    assert ledgerline(site, "pull", "activities", "--from", window[0], "--to", window[1]).code == 0
    rows = site.sql("select raw from audit_events order by created_at, id")
    assert [raw.encode() for (raw,) in rows] == site.truth(None, midnight(date.fromisoformat(window[1])))
    assert ledgerline(site, "verify").code == 0


def assert_said_plainly(ended: Ended, *words: str) -> None:
    assert ended.code == 2
    assert ended.out == ""
    for word in words:
        assert word in ended.err


def test_a_file_where_the_archive_should_be_is_refused_and_kept(
    site: Site, past: tuple[str, str], ledgerline: Command
) -> None:
    site.root.write_text("somebody's notes")
    for command in (("pull", "activities"), ("status",), ("sql", "select 1"), ("verify",)):
        assert_said_plainly(ledgerline(site, *command), str(site.root))
    assert site.root.read_text() == "somebody's notes"
    site.root.unlink()
    assert_completes(site, past, ledgerline)


def without_roots_power() -> None:
    """In a child that is root: let permissions count for it as for anybody."""
    if os.geteuid() == 0:
        libc = ctypes.CDLL(None)
        for capability in (_DAC_OVERRIDE, _DAC_READ_SEARCH):
            libc.prctl(_DROP_FROM_BOUNDING_SET, capability, 0, 0, 0)


@pytest.mark.parametrize("nested", [False, True])
def test_a_folder_without_the_right_to_write_is_named(
    site: Site, past: tuple[str, str], ledgerline: Command, nested: bool
) -> None:
    site.root.mkdir()
    if nested:
        (site.root / "pages").mkdir()
    locked = site.root / "pages" if nested else site.root
    locked.chmod(0o555)
    probe = subprocess.run(["touch", locked / "probe"], preexec_fn=without_roots_power, check=False)
    if probe.returncode == 0:
        pytest.skip("permissions do not count for this user here, and it cannot give that up")
    try:
        ended = site.begin("pull", "activities", preexec_fn=without_roots_power).ended()
        assert_said_plainly(ended, "ermission denied", str(site.root), "run the same command again")
    finally:
        locked.chmod(0o755)
    if not nested:
        assert_completes(site, past, ledgerline)


@pytest.mark.parametrize("limit", [200, 9_000])
def test_a_limit_on_the_size_of_files_is_like_a_full_disk(
    site: Site, past: tuple[str, str], ledgerline: Command, limit: int
) -> None:
    """The first entry meets the one limit, a larger page the other."""

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    command = ("pull", "activities", "--from", past[0], "--to", past[1])
    ended = site.begin(*command, preexec_fn=limited).ended()
    assert_said_plainly(ended, "no room left", "everything committed is safe", "run the same command again")
    if limit == 9_000:
        assert_completes(site, past, ledgerline)


@pytest.fixture
def small_disk(site: Site) -> Iterator[Path]:
    """A file system of 300 kB where the archive goes."""
    site.root.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=300k", "ledgerline-test", site.root], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip(f"cannot mount a small disk here: {mounted.stderr.decode().strip()}")
    try:
        yield site.root
    finally:
        subprocess.run(["umount", site.root], check=True)


@pytest.mark.fault(
    "The disk fills up in the middle of work.",
    area="store",
    data="What was committed is safe.",
    user="Exit 2, what is safe and what to do.",
    recovery="Make room and run it again.",
)
def test_a_disk_that_fills_up_in_mid_work_loses_nothing_and_a_larger_one_completes(
    site: Site, past: tuple[str, str], small_disk: Path, ledgerline: Command
) -> None:
    for command in (site.run, partial(ledgerline, site)):
        ended = command("pull", "activities", "--from", past[0], "--to", past[1])
        assert_said_plainly(ended, "no room left", "everything committed is safe", "Make room")
    committed = {raw for (raw,) in site.sql("select raw from audit_events")}
    assert 0 < len(committed) < len(site.truth(None, midnight(date.fromisoformat(past[1]))))
    assert ledgerline(site, "status").code == 1
    subprocess.run(["mount", "-o", "remount,size=100m", small_disk], check=True)
    assert_completes(site, past, ledgerline)
    assert committed <= {raw for (raw,) in site.sql("select raw from audit_events")}


@pytest.mark.fault(
    "The disk goes away in the middle of work.",
    area="store",
    data="Its archive is not taken for an empty one, so no second history is begun.",
    user="Exit 2 with the place that is missing.",
    recovery="Mount it and run it again.",
)
def test_a_disk_that_goes_away_in_mid_work_is_not_taken_for_an_empty_archive(standing: Standing) -> None:
    served, site = standing()
    away = site.folder / "unmounted"

    def unmount(put: int) -> None:
        if put == 6:
            site.root.rename(away)

    with open_quickly(site, served) as workshop:
        give(workshop, Counted(site.store(), unmount))
        with pytest.raises(StoreUnreachable, match="is on its disk: mount it again and run the same command"):
            pull_activities(workshop)
    assert not site.root.exists()
    away.rename(site.root)
    report = pull(site, served)
    assert report.failed == []
    assert_truth(site, served)


def assert_truth(site: Site, served: Any) -> None:
    rows = site.sql("select raw from audit_events order by created_at, id")
    with site.open(for_writing=False) as workshop:
        end = workshop.archive.refresh().covered_until("activities")
    assert [raw.encode() for (raw,) in rows] == served.tenant.records(None, end)
