"""Snapshots of the directory: who is there, who came, who left, and what a failure leaves."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import anthropic
import httpx
import pytest

from assets.directory_pulling import pull_snapshot
from assets.pull_report import PullReport
from assets.status import status
from assets.workshop import Workshop
from sandbox import Served, Tenant, serve
from tests.promises.conftest import Command, ledgerline
from tests.promises.mortal import Counted, Died, Mortal, give
from tests.promises.site import Site
from warehouse.anthropic.directory import EVERY_SNAPSHOT, Directory, Snapshot
from warehouse.anthropic.errors import AuthenticationTrouble
from warehouse.anthropic.http import Client
from warehouse.anthropic.patience import Patience, Timeouts
from warehouse.anthropic.surfaces import DIRECTORY, ORGANIZATION, SPEND_LIMITS, Surface
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
    keys = {"DIRECTORY": "directory", "ORGANIZATION": "org_data", "SPEND_LIMITS": "spend_limits"}
    env = {f"LEDGERLINE_{name}_KEY": served.keys[key] for name, key in keys.items()}
    return Site(tmp_path / "site", served.url, served.keys["compliance"], date(2026, 11, 1), env=env)


@contextmanager
def opened(site: Site, served: Served, *, page_limit: int = 7, key: str = "directory") -> Iterator[Workshop]:
    def client(workshop: Workshop, surface: Surface, key: str) -> Client:
        return Client(
            surface,
            base_url=served.url,
            key=lambda: served.keys[key],
            writer=workshop.archive.writer,
            patience=Patience(tries=2, first=0.005),
            timeouts=Timeouts(read=2),
            clock=served.clock.now,
            sleep=lambda seconds: None,
        )

    with (
        site.open(clock=served.clock.now) as workshop,
        client(workshop, DIRECTORY, key) as own,
        client(workshop, ORGANIZATION, "org_data") as organization,
        client(workshop, SPEND_LIMITS, "spend_limits") as limits,
    ):
        workshop.directory = Directory(own, page_limit)
        workshop.apart = {
            "organizations": Directory(organization, page_limit),
            "spend_limits": Directory(limits, page_limit),
        }
        yield workshop


def snap(site: Site, served: Served, stream: Snapshot = "users", **how: Any) -> PullReport:
    with opened(site, served, **how) as workshop:
        return pull_snapshot(workshop, stream)


def independent(served: Served, key: str) -> Any:
    """The vendor's own package, which knows nothing of us."""
    made = anthropic.Anthropic(
        api_key=served.keys[key], base_url=served.url, max_retries=0, _strict_response_validation=True
    )
    return made.organization


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


def test_invitations_are_what_an_independent_client_reads(site: Site, served: Served) -> None:
    snap(site, served, "invites")
    truth = sorted(
        (one.id, one.email, one.role, one.status)
        for one in independent(served, "directory").invites.list(limit=1000)
    )
    assert site.sql("select id, email, role, status from directory_invites order by 1") == truth
    assert {row[3] for row in truth} >= {"pending", "expired"}


def test_each_organisation_is_there_with_its_settings_and_the_keys_of_the_tenant(
    site: Site, served: Served
) -> None:
    report = snap(site, served, "organizations")
    answer = httpx.get(
        f"{served.url}/v1/compliance/organizations", headers={"x-api-key": served.keys["org_data"]}
    ).json()
    uuids = sorted(row["uuid"] for row in answer["data"])
    assert site.sql("select uuid from directory_organizations order by 1") == [(uuid,) for uuid in uuids]
    assert report.requests == 1 + len(uuids)
    truth, keys, shown = [], {}, partial(json.dumps, sort_keys=True)
    for uuid in uuids:
        path = f"{served.url}/v1/compliance/organizations/{uuid}/settings"
        body = httpx.get(path, headers={"x-api-key": served.keys["org_data"]}).json()
        truth += [(uuid, row["name"], row["type"], shown(row["value"])) for row in body["settings"]]
        keys |= {key["id"]: (key["name"], key["scopes"], key["is_active"]) for key in body["api_keys"]}
    rows = site.sql("select organization_id, name, type, value from directory_settings")
    assert sorted((*row[:3], shown(json.loads(row[3]))) for row in rows) == sorted(truth)
    found = site.sql("select id, name, scopes, is_active from directory_enterprise_keys")
    assert {row[0]: (row[1], json.loads(row[2]), json.loads(row[3])) for row in found} == keys
    assert any("sk-ant" in str(row) for row in found) is False


def test_a_setting_that_changed_with_no_activity_behind_it_is_a_version(site: Site, served: Served) -> None:
    snap(site, served, "organizations")
    served.clock.advance(timedelta(days=1).total_seconds())
    site.tell("setting", name="web_search_enabled", value=False)
    report = snap(site, served, "organizations")
    organizations = site.sql("select count(*) from directory_organizations")[0][0]
    assert (report.first, report.revised, report.withdrawn) == (0, organizations, 0)
    changed = site.sql(
        "select distinct n.name, o.value, n.value from directory_setting_versions as n "
        "join directory_setting_versions as o on o.record_key = n.record_key and o.version = n.version - 1"
    )
    assert changed == [("web_search_enabled", "true", "false")]
    assert site.sql("select count(*) from audit_events") == [(0,)]


def test_limits_are_money_and_what_was_spent_meanwhile_makes_no_version(site: Site, served: Served) -> None:
    snap(site, served, "spend_limits")
    api = independent(served, "spend_limits").spend_limits
    truth = sorted(
        (row.actor.user_id, row.actor.email_address, row.period, Decimal(row.amount) / 100, row.source.type)
        for row in api.effective.list(limit=1000)
    )
    rows = site.sql("select user_id, user_email, period, amount, source_type from spend_limits order by 1")
    assert rows == truth
    asked = site.sql("select id, user_id, status from spend_limit_requests order by 1")
    assert asked == sorted((one.id, one.actor.user_id, one.status) for one in api.increase_requests.list())
    served.clock.advance(timedelta(hours=20).total_seconds())
    report = snap(site, served, "spend_limits")
    assert (report.revised, report.withdrawn, report.unchanged) == (0, 0, len(truth) + len(asked))


def test_our_requests_for_settings_are_waited_for_in_the_feed_as_they_leave_footprints_there(
    site: Site, served: Served
) -> None:
    report = snap(site, served, "organizations")
    with site.open(for_writing=False, clock=served.clock.now) as workshop:
        pending = workshop.archive.refresh().footprints.pending
    assert len(pending) == report.requests
    assert set(pending) <= {asked["request_id"] for asked in served.requests}


@pytest.mark.parametrize("kind", ["truncated_json", "error_500", "empty_page_claims_more"])
def test_a_snapshot_that_was_not_read_to_its_end_withdraws_nobody(site: Site, served: Served, kind: str) -> None:
    snap(site, served)
    served.faults.on(kind, skip=1)
    report = snap(site, served)
    assert len(report.failed) == 1
    assert site.sql("select count(*) from directory_users where fold = 'withdrawn'") == [(0,)]
    with site.open(for_writing=False, clock=served.clock.now) as workshop:
        [found] = status(workshop)["findings"]
    assert (found["code"], found["subject"]) == ("snapshot_failed", "users")
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
    for last in range(1, counted.puts + 1, 7):
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
    for stream in EVERY_SNAPSHOT:
        snap(site, served, stream)
    served.clock.advance(timedelta(days=60).total_seconds())
    for stream in EVERY_SNAPSHOT:
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
