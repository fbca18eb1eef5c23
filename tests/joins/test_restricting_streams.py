"""A restriction over everything that is pulled: a person who is in every stream is in no table that people
read."""

from pathlib import Path

import pytest

from assets.restricting import restrict
from sandbox import Tenant, serve
from tests.promises.conftest import Command, ledgerline
from tests.promises.site import Site
from warehouse.tables.catalog import connect
from warehouse.tables.masking import EVERY_TABLE

__all__ = ["ledgerline"]

KEYS = {
    "ANALYTICS": "analytics",
    "DIRECTORY": "directory",
    "ORGANIZATION": "org_data",
    "SPEND_LIMITS": "spend_limits",
}
# Of the tables below, those that name a member in some column of their own.
NAMING = (
    *("audit_events", "cost_rows", "usage_rows", "legacy_usage_rows", "engagement_users", "engagement_projects"),
    *("directory_users", "directory_group_members", "directory_enterprise_keys", "spend_limits"),
    "spend_limit_requests",
)


@pytest.fixture
def site(tmp_path: Path, ledgerline: Command) -> Site:
    """Everything pulled of a small tenant, by the command line."""
    with serve(Tenant(seed=5, users=3, days=4, rate_limit=0, analytics_rate_limit=0)) as served:
        env = {f"LEDGERLINE_{name}_KEY": served.keys[key] for name, key in KEYS.items()}
        made = Site(tmp_path / "site", served.url, served.keys["compliance"], served.tenant.first_day, env=env)
        for stream in ("all", "legacy_usage", "legacy_cost"):
            assert ledgerline(made, "pull", stream, "--json").code in (0, 1)
        return made


def shown(site: Site, *, unmasked: bool = False) -> dict[str, str]:
    """All that each table shows, as one text."""
    with (
        site.open(for_writing=False) as workshop,
        connect(workshop.archive, unmasked=(EVERY_TABLE,) if unmasked else ()) as db,
    ):
        views = db.execute("select view_name from duckdb_views() where not internal").fetchall()
        return {name: str(db.execute(f'select * from "{name}"').fetchall()) for (name,) in views}


def test_whoever_is_restricted_is_in_no_table_by_id_or_address(site: Site) -> None:
    everything = shown(site)
    people = site.sql("select id, email from directory_users order by id")
    # the one whom most tables name
    user, address = max(people, key=lambda one: sum(one[0] in everything[table] for table in NAMING))
    named = {table for table, text in everything.items() if user in text or address in text}
    assert len(named & set(NAMING)) >= len(NAMING) - 2
    with site.open() as workshop:
        restrict(workshop, "dsr-1", [user, address], "request for erasure")
    after = shown(site)
    assert {table for table, text in after.items() if user in text or address in text} == set()
    assert {table for table, text in shown(site, unmasked=True).items() if user in text} >= named & set(NAMING)
