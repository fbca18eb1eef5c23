"""Snapshots of the directory: who is there, who came, who left, and what a failure leaves."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from assets.directory_pulling import pull_snapshot
from assets.pull_report import PullReport
from assets.status import status
from assets.workshop import Workshop
from sandbox import Served, Tenant, serve
from tests.promises.conftest import Command, ledgerline
from tests.promises.mortal import Counted, Died, Mortal, give
from tests.promises.site import Site
from warehouse.anthropic.directory import SNAPSHOTS, Directory, Snapshot
from warehouse.anthropic.errors import AuthenticationTrouble
from warehouse.anthropic.http import Client
from warehouse.anthropic.patience import Patience, Timeouts
from warehouse.anthropic.surfaces import DIRECTORY
from warehouse.archive.adopt import adopt_orphans
from warehouse.archive.verify import verify
from warehouse.tables.rederive import rederive

__all__ = ["ledgerline"]


@pytest.fixture
def served() -> Iterator[Served]:
    with serve(Tenant(seed=5, users=30, days=1, clock="2026-11-02T10:00:00Z")) as running:
        yield running


@pytest.fixture
def site(served: Served, tmp_path: Path) -> Site:
    env = {"LEDGERLINE_DIRECTORY_KEY": served.keys["directory"]}
    return Site(tmp_path / "site", served.url, served.keys["compliance"], date(2026, 11, 1), env=env)


@contextmanager
def opened(site: Site, served: Served, *, page_limit: int = 7, key: str = "directory") -> Iterator[Workshop]:
    with site.open(clock=served.clock.now) as workshop:
        client = Client(
            DIRECTORY,
            base_url=served.url,
            key=lambda: served.keys[key],
            writer=workshop.archive.writer,
            patience=Patience(tries=2, first=0.005),
            timeouts=Timeouts(read=2),
            clock=served.clock.now,
            sleep=lambda seconds: None,
        )
        with client:
            workshop.directory = Directory(client, page_limit)
            yield workshop


def snap(site: Site, served: Served, stream: Snapshot = "users", **how: Any) -> PullReport:
    with opened(site, served, **how) as workshop:
        return pull_snapshot(workshop, stream)


def members(served: Served) -> list[tuple[str, str, str]]:
    directory = served.tenant.directory
    people = directory.members(served.clock.now().date(), console=False)
    shown = [directory.user(person, console=False) for person in people]
    return sorted((user["id"], user["email"], user["role"]) for user in shown)


def test_a_snapshot_has_every_member_in_as_few_requests_as_their_number_takes(site: Site, served: Served) -> None:
    report = snap(site, served)
    assert (report.first, report.requests) == (len(members(served)), 5)
    assert site.sql("select id, email, role from directory_users order by id") == members(served)


def test_the_same_again_adds_nothing(site: Site, served: Served) -> None:
    snap(site, served)
    report = snap(site, served)
    assert (report.first, report.revised, report.withdrawn, report.unchanged) == (0, 0, 0, len(members(served)))
    assert site.sql("select count(*) from directory_user_versions") == [(len(members(served)),)]


def test_who_left_stays_with_what_was_last_known_and_who_came_is_there_since_then(
    site: Site, served: Served
) -> None:
    snap(site, served)
    first, before = served.clock.now(), len(members(served))
    served.clock.advance(timedelta(days=60).total_seconds())
    report = snap(site, served)
    assert report.first > 0
    assert report.withdrawn > 0
    present = "select id, email, role from directory_users where fold <> 'withdrawn' order by id"
    assert site.sql(present) == members(served)
    left = site.sql("select version, email is not null from directory_users where fold = 'withdrawn'")
    assert set(left) == {(2, True)}
    then = f"select count(*) from directory_users_as_of('{first.isoformat()}') where fold <> 'withdrawn'"
    assert site.sql(then) == [(before,)]


def test_groups_are_there_with_their_members(site: Site, served: Served) -> None:
    snap(site, served, "rbac_groups")
    directory, today = served.tenant.directory, served.clock.now().date()
    groups = [group["id"] for group in directory.groups()]
    assert site.sql("select id from directory_groups order by id") == [(group,) for group in sorted(groups)]
    truth = sorted(
        (group, member["user_id"]) for group in groups for member in directory.group_members(group, today)
    )
    assert site.sql("select group_id, user_id from directory_group_members order by all") == truth


def test_keys_name_their_maker_and_never_a_secret(site: Site, served: Served) -> None:
    snap(site, served, "api_keys")
    rows = site.sql("select id, name, status, created_by, principal_id, workspace_id from directory_api_keys")
    assert len(rows) == len(served.tenant.directory.keys)
    assert all(all(row) for row in rows)


@pytest.mark.parametrize("kind", ["truncated_json", "error_500", "empty_page_claims_more"])
def test_a_snapshot_that_was_not_read_to_its_end_withdraws_nobody(site: Site, served: Served, kind: str) -> None:
    snap(site, served)
    served.faults.on(kind, skip=1)
    report = snap(site, served)
    assert len(report.failed) == 1
    assert site.sql("select count(*) from directory_users where fold = 'withdrawn'") == [(0,)]
    served.faults.clear()
    assert snap(site, served).unchanged == len(members(served))


def test_a_key_without_the_scope_is_trouble_that_names_the_setting(site: Site, served: Served) -> None:
    with pytest.raises(AuthenticationTrouble, match=r"anthropic\.keys\.directory"):
        snap(site, served, key="compliance")


def test_a_snapshot_killed_at_any_put_is_completed_by_the_next(site: Site, served: Served, tmp_path: Path) -> None:
    def new(name: str) -> Site:
        return Site(tmp_path / name, served.url, served.keys["compliance"], date(2026, 11, 1))

    def work(at: Site, store: Counted) -> None:
        with opened(at, served) as workshop:
            give(workshop, store)
            pull_snapshot(workshop, "rbac_groups")

    counted = Counted(site.store())
    work(site, counted)
    rows = site.sql("select record_key, version from directory_group_member_versions order by all")
    for last in range(1, counted.puts + 1, 3):
        at = new(str(last))
        with pytest.raises(Died):
            work(at, Mortal(at.store(), last, before=last % 2 == 0))
        snap(at, served, "rbac_groups")
        assert at.sql("select record_key, version from directory_group_member_versions order by all") == rows
        with at.open() as workshop:  # by the real clock, which dates the files
            adopt_orphans(workshop.archive, grace=timedelta(0))
            assert verify(workshop.archive.store, deep=True).findings == []


def test_the_archive_verifies_with_its_tables_made_again_and_status_finds_nothing(
    site: Site, served: Served
) -> None:
    for stream in SNAPSHOTS:
        snap(site, served, stream)
    served.clock.advance(timedelta(days=60).total_seconds())
    for stream in SNAPSHOTS:
        snap(site, served, stream)
    with site.open(for_writing=False, clock=served.clock.now) as workshop:
        result = verify(workshop.archive.store, deep=True)
        rederive(workshop.archive, workshop.parser, result)
        assert result.findings == []
        assert [note for note in result.notes if "made again" in note] == []
        assert status(workshop)["findings"] == []


def test_the_command_takes_a_snapshot_and_refuses_to_ask_for_the_past(
    site: Site, served: Served, ledgerline: Command
) -> None:
    report = ledgerline(site, "pull", "users", "--json").json()
    assert (report["stream"], report["first"]) == ("users", len(members(served)))
    ended = ledgerline(site, "pull", "users", "--from", "2026-11-01")
    assert ended.code == 2
    assert "no past" in ended.err
