"""Who is who over every source: feed, cost, usage, directory and export of one tenant, built into dim_actor."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from assets.building import build
from assets.directory_pulling import pull_snapshot
from assets.importing import import_audit_export
from assets.pulling import pull_activities
from assets.workshop import Workshop
from sandbox import Served, Tenant, serve
from tests.joins.spend import pull
from tests.joins.test_directory import opened
from tests.promises.site import Site
from warehouse.anthropic.directory import SNAPSHOTS
from warehouse.tables.catalog import connect

START = date(2026, 3, 1)
HEADER = "created_at,actor_info,event,event_info,entity_info,ip_address,device_id,user_agent,client_platform\n"


class House:
    """A built archive, and how to ask it."""

    def __init__(self, site: Site, served: Served) -> None:
        self.site, self.served = site, served

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        with (
            self.site.open(for_writing=False) as workshop,
            connect(workshop.archive, database=workshop.marts) as db,
        ):
            return db.execute(query).fetchall()


def export_row(number: int, uuid: str, email: str) -> str:
    actor = f"{{'name': 'Somebody', 'uuid': '{uuid}', 'metadata': {{'email_address': '{email}'}}}}"
    return f'2026-03-02T10:00:0{number}Z,"{actor}",user_signed_in_sso,{{}},,192.0.2.34,,Mozilla/5.0,web\n'


def fill(workshop: Workshop, site: Site, served: Served, folder: Path) -> None:
    for stream in ("cost", "usage"):
        pull(site, served, stream, START, date(2026, 3, 4), page_limit=1000)
    with opened(site, served, page_limit=100) as reading:
        for snapshot in SNAPSHOTS:
            pull_snapshot(reading, snapshot)
    pull_activities(workshop)
    with connect(workshop.archive) as db:
        people = db.execute("select email from directory_users order by id limit 2").fetchall()
    export = folder / "export.csv"
    rows = [
        export_row(1, "6F0C1D5E-0000-4000-8000-000000000001", people[0][0].upper()),
        export_row(2, "6f0c1d5e-0000-4000-8000-000000000002", "nobody@example.com"),
        export_row(3, "6f0c1d5e-0000-4000-8000-000000000003", people[1][0]),
        export_row(4, "6f0c1d5e-0000-4000-8000-000000000004", people[1][0]),
    ]
    export.write_text(HEADER + "".join(rows), encoding="utf-8")
    import_audit_export(workshop, [export])
    workshop.archive.settle()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """It is 4 March; three days are pulled from every source. Of the export's four people one is a member, one is
    nobody, and two accounts claim one member's address."""
    folder = tmp_path_factory.mktemp("identity")
    tenant = Tenant(seed=5, users=12, days=3, clock="2026-03-04T12:00:00Z", analytics_rate_limit=0, rate_limit=0)
    with serve(tenant) as served:
        site = Site(folder / "site", served.url, served.keys["compliance"], START)
        with site.open(clock=served.clock.now) as workshop:
            fill(workshop, site, served, folder)
            build(workshop)
        yield House(site, served)


def test_everybody_whom_any_source_names_has_one_row(house: House) -> None:
    unknown = """
        select id from (
          select actor_id as id from audit_events where actor_id is not null union
          select actor_id from cost_rows where actor_id is not null union
          select actor_id from usage_rows where actor_id is not null union
          select id from directory_users union select id from directory_api_keys)
        where id not in (select identifier from dim_actor_identifier where identifier_kind <> 'email')"""
    assert house.ask(unknown) == []
    assert house.ask("select count(*) = count(distinct actor_key) from dim_actor") == [(True,)]
    assert house.ask("select actor_id from dim_actor where actor_kind = 'user' and actor_id is not null "
                     "group by all having count(*) > 1") == []  # fmt: skip


def test_a_person_of_feed_cost_and_directory_is_one(house: House) -> None:
    people = house.ask(
        "select seen_in, status, identity_type, match_level, unified_key = actor_key from dim_actor "
        "where list_has_all(seen_in, ['activity_feed', 'cost', 'directory_users'])"
    )
    assert len(people) >= 3
    assert {row[1:] for row in people} == {("active", "human", "id", True)}


def test_machines_keys_and_workspaces_are_told_apart_and_a_key_says_whose_it_is(house: House) -> None:
    kinds = dict(house.ask("select identity_type, count(*) from dim_actor group by all"))
    assert kinds.keys() == {"human", "service_account", "api_key", "workspace", "unknown"}
    owned = house.ask("select owner_key from dim_actor where api_key_id is not null and owner_key is not null")
    assert owned
    assert house.ask("select count(*) from dim_actor as k join dim_actor as o on o.actor_key = k.owner_key") == [
        (len(owned),)
    ]


def test_an_account_of_the_export_is_its_member_where_the_address_is_one_persons_only(house: House) -> None:
    found = house.ask(
        "select e.account_uuid, u.actor_key is not null, e.match_level, e.match_reason, u.account_uuid "
        "from dim_actor as e "
        "left join dim_actor as u on u.actor_key = e.unified_key and u.actor_key <> e.actor_key "
        "where e.seen_in = ['audit_export'] order by e.actor_key"
    )
    account = "6f0c1d5e-0000-4000-8000-00000000000"
    assert [row[1:4] for row in found] == [
        (True, "email", "one user only has ever had its address"),
        (False, "none", "no source gives a user's id with this address"),
        (False, "none", "ambiguous: several accounts have its address"),
        (False, "none", "ambiguous: several accounts have its address"),
    ]
    assert found[0][4] == f"{account}1"


def test_the_history_of_an_address_says_who_had_it_and_where_it_was_seen(house: House) -> None:
    rows = house.ask(
        "select source, unified_key, match_level, identities from dim_actor_identifier "
        "where identifier_kind = 'email' "
        "and identifier = (select email from directory_users order by id limit 1) order by source"
    )
    assert {row[0] for row in rows} >= {"audit_export", "directory_users"}
    assert len({row[1] for row in rows}) == 1
    assert {row[3] for row in rows} == {1}
