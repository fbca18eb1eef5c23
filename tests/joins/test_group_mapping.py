"""Cost centres out of the groups of the directory, with the customer's files above them; what a close keeps."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from assets.report_files import report_of
from sandbox import Tenant, serve
from tests.joins.chargeback import HEADER, MARCH, Installation
from tests.joins.test_directory import snap
from tests.promises.conftest import Command
from tests.promises.site import Site


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Installation]:
    """It is 3 April; March and the groups are pulled. Nobody is in the mapping file."""
    tenant = Tenant(seed=5, users=12, days=1, clock="2026-04-03T10:00:00Z", analytics_rate_limit=0)
    with serve(tenant) as served:
        made = Installation(Site(tmp_path / "site", served.url, served.keys["compliance"], MARCH.start), served)
        made.pull(MARCH)
        snap(made.site, served, "rbac_groups", page_limit=100)
        made.mapping.write_text(f"{HEADER}\n")
        with (made.site.folder / "ledgerline.toml").open("a") as settings:
            settings.write('[finops]\ngroup_pattern = "*"\noverrides = "./overrides.csv"\n')
        (made.site.folder / "overrides.csv").write_text(f"{HEADER}\n")
        yield made


def by_center(company: Installation, ledgerline: Command) -> dict[str, str]:
    ended = ledgerline(company.site, "finops", "statement", "--period", "2026-03", "--no-pdf", "--json")
    assert ended.code == 0, ended.err
    found: dict[str, str] = ended.json()["cost_centers"]
    return found


def test_who_is_in_a_group_pays_as_the_group_and_each_higher_source_is_asked_before_it(
    company: Installation, ledgerline: Command
) -> None:
    directory = company.served.tenant.directory
    groups = {group["name"] for group in directory.groups()}
    centers = set(by_center(company, ledgerline))
    assert centers - {"UNALLOCATED"} <= groups
    assert len(centers) > 3
    ((person,),) = company.site.sql(
        "select actor_id from cost_rows where actor_type = 'user_actor' "
        "group by 1 order by sum(amount) desc limit 1"
    )
    company.mapping.write_text(f"{HEADER}\n,{person},from-hr,2026-01-01,\n")
    assert "from-hr" in by_center(company, ledgerline)
    (company.site.folder / "overrides.csv").write_text(f"{HEADER}\n,{person},by-hand,2026-03-01,2026-04-01\n")
    now = by_center(company, ledgerline)
    assert "by-hand" in now
    assert "from-hr" not in now


def test_a_closed_month_keeps_the_groups_of_its_close(company: Installation) -> None:
    with company.site.open(clock=company.served.clock.now) as workshop:
        payers = workshop.payers
    with company.desk() as desk:
        desk.workshop.payers = payers
        entry, closed = desk.close(MARCH, by="ana", reason="early", forced=True)
        assert any("input-groups" in ref.key for ref in entry.objects)
    company.wait_until(date(2026, 6, 20))
    snap(company.site, company.served, "rbac_groups", page_limit=100)
    with company.desk() as desk:
        desk.workshop.payers = payers
        assert report_of(desk, MARCH).statement.to_json() == closed.to_json()


def test_a_pattern_without_a_star_is_a_mistake_of_the_configuration(
    company: Installation, ledgerline: Command
) -> None:
    settings = company.site.folder / "ledgerline.toml"
    settings.write_text(settings.read_text().replace('group_pattern = "*"', 'group_pattern = "cc-"'))
    ended = ledgerline(company.site, "finops", "statement", "--period", "2026-03")
    assert ended.code == 2
    assert "finops.group_pattern" in ended.err
    assert "one *" in ended.err
