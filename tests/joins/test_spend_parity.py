"""The legacy reports as a second source: they agree with the current API, and what they leave out is explained."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from assets.parity import Parity, old_and_new_agree, parity
from assets.status import status
from sandbox import Served, Tenant, serve
from tests.joins.spend import in_sql, pull, truth
from tests.promises.site import Site
from warehouse.archive.verify import verify
from warehouse.tables.catalog import connect
from warehouse.tables.masking import ACCOUNTING
from warehouse.tables.rederive import rederive

FIRST, TODAY = date(2026, 11, 8), date(2026, 11, 22)
OLD = "/v1/organizations/analytics/user_cost_report"


@pytest.fixture(params=[(), ("actor_email",)], ids=["as documented", "email"])
def served(request: pytest.FixtureRequest) -> Iterator[Served]:
    tenant = Tenant(
        seed=5, users=6, days=1, clock="2026-11-22T10:00:00Z", analytics_rate_limit=0, quirks=request.param
    )
    with serve(tenant) as running:
        yield running


@pytest.fixture
def site(served: Served, tmp_path: Path) -> Site:
    return Site(tmp_path / "site", served.url, served.keys["compliance"], FIRST)


def test_old_and_new_agree_to_the_last_decimal_and_what_the_old_leaves_out_has_no_person(
    site: Site, served: Served
) -> None:
    pull(site, served, "cost")
    report = pull(site, served, "legacy_cost")
    assert (report.days, report.findings) == (14, [])
    rows = site.sql(
        "select comparable, difference, difference_of_people, without_person, legacy_missing, amount "
        "from cost_parity order by day"
    )
    assert len(rows) == 14
    assert {row[:3] for row in rows} == {(True, Decimal(0), Decimal(0))}
    assert all(row[3] == row[4] for row in rows)
    assert 0 < sum(row[4] for row in rows) < sum(row[5] for row in rows)
    kinds = site.sql("select distinct actor_type from cost_rows where actor_type is distinct from 'user_actor'")
    assert len(kinds) > 1


def compared(site: Site, first: date = FIRST, end: date = TODAY) -> Parity:
    with site.open(for_writing=False) as workshop, connect(workshop.archive, unmasked=ACCOUNTING) as db:
        return parity(db, first, end)


def test_what_the_old_report_leaves_out_is_explained_row_by_row_as_the_ledger_has_it(
    site: Site, served: Served
) -> None:
    pull(site, served, "cost")
    pull(site, served, "legacy_cost")
    found = compared(site)
    assert (found.days, found.agrees, found.unexplained, found.not_comparable) == (14, True, 0, ())
    assert found.amount == found.legacy_amount == sum(truth(served, FIRST, TODAY).values())
    people = truth(served, FIRST, TODAY, "actor_type")[("user_actor",)]
    assert found.of_people == found.legacy_of_people == people
    assert found.missing == found.amount - people > 0
    assert sum(one.amount for one in found.explained) == found.missing
    kinds = {one.actor_type for one in found.explained}
    assert {"service_account_actor", "api_actor", "no actor"} <= kinds
    assert "user_actor" not in kinds


def test_a_row_that_the_old_report_lost_is_unexplained_and_no_agreement(site: Site, served: Served) -> None:
    pull(site, served, "cost")
    served.faults.on("short_rows", next=1, path=OLD)
    pull(site, served, "legacy_cost")
    found = compared(site)
    assert found.difference == 0
    assert not found.agrees
    assert found.unexplained == -found.difference_of_people > 0
    with site.open(for_writing=False) as workshop:
        verdict = old_and_new_agree(workshop)
    assert (verdict.good, verdict.severe) == (False, True)
    assert f"{found.unexplained:f} USD are missing without an explanation" in verdict.text


def test_days_that_were_read_of_one_source_only_are_not_compared(site: Site, served: Served) -> None:
    pull(site, served, "cost")
    with site.open(for_writing=False) as workshop:
        assert not old_and_new_agree(workshop).good
    assert compared(site).days == 0
    pull(site, served, "legacy_cost", date(2026, 11, 20), TODAY)
    assert compared(site).days == 2
    assert compared(site, FIRST, date(2026, 11, 20)).days == 0


def test_old_and_new_usage_agree_to_the_token_and_what_the_old_leaves_out_has_no_person(
    site: Site, served: Served
) -> None:
    pull(site, served, "usage")
    report = pull(site, served, "legacy_usage")
    assert (report.days, report.findings) == (14, [])
    rows = site.sql(
        "select comparable, difference, difference_of_people, without_person, legacy_missing, tokens "
        "from usage_parity order by day"
    )
    assert len(rows) == 14
    assert {row[:3] for row in rows} == {(True, 0, 0)}
    assert all(row[3] == row[4] for row in rows)
    assert 0 < sum(row[4] for row in rows) < sum(row[5] for row in rows)
    assert site.sql("select distinct unknown_fields from legacy_usage_rows") == [(None,)]
    web = "select sum(web_search_requests) from {} where actor_type = 'user_actor'"
    assert site.sql(web.format("legacy_usage_rows")) == site.sql(web.format("usage_rows")) != [(0,)]


def test_the_total_of_the_old_report_is_the_ledger_s(site: Site, served: Served) -> None:
    pull(site, served, "legacy_cost")
    totals = {(str(day),): amount for day, amount in site.sql("select day, total_amount from legacy_cost_days")}
    assert totals == truth(served, FIRST, TODAY, "day")


def test_people_and_their_addresses_are_read_whichever_name_the_address_has(site: Site, served: Served) -> None:
    pull(site, served, "legacy_cost")
    pull(site, served, "cost")
    addresses = "select distinct actor_id, actor_email from {} where actor_type = 'user_actor' order by 1"
    assert site.sql(addresses.format("legacy_cost_rows")) == site.sql(addresses.format("cost_rows"))
    assert site.sql("select distinct unknown_fields from legacy_cost_rows") == [(None,)]


def test_figures_of_two_refreshes_are_not_called_comparable(site: Site, served: Served) -> None:
    pull(site, served, "cost")
    served.clock.advance(timedelta(hours=4).total_seconds())
    pull(site, served, "legacy_cost")
    assert site.sql("select distinct comparable from cost_parity") == [(False,)]


def test_restated_days_are_versions_here_too(site: Site, served: Served) -> None:
    pull(site, served, "legacy_cost")
    served.clock.advance(timedelta(days=3).total_seconds())
    report = pull(site, served, "legacy_cost")
    assert report.restated > 0
    end = date(2026, 11, 25)
    assert {
        (str(day),): amount for day, amount in site.sql("select day, total_amount from legacy_cost_days")
    } == truth(served, FIRST, end, "day")


def test_a_row_that_the_old_report_serves_twice_shows_in_the_comparison(site: Site, served: Served) -> None:
    served.faults.on("repeated_record", next=1, path=OLD)
    pull(site, served, "legacy_cost", page_limit=1000)
    missing = site.sql("select sum(difference) from legacy_cost_days")[0][0]
    pull(site, served, "cost")
    assert site.sql("select sum(without_person) - sum(legacy_missing) from cost_parity")[0][0] > 0
    assert missing < sum(in_sql(site, where="actor_type is distinct from 'user_actor'").values(), Decimal(0))


def test_days_that_nobody_wanted_to_compare_are_no_gap(site: Site, served: Served) -> None:
    pull(site, served, "legacy_cost", start=date(2026, 11, 15), end=TODAY)
    with site.open(for_writing=False, clock=served.clock.now) as workshop:
        assert [stream["gaps"] for stream in status(workshop)["streams"]] == [[]]


def test_the_archive_verifies_with_its_tables_made_again(site: Site, served: Served) -> None:
    pull(site, served, "legacy_cost")
    pull(site, served, "cost")
    pull(site, served, "usage")
    pull(site, served, "legacy_usage")
    with site.open(for_writing=False, clock=served.clock.now) as workshop:
        result = verify(workshop.archive.store, deep=True)
        rederive(workshop.archive, workshop.parser, result)
        assert result.findings == []
        assert [note for note in result.notes if "made again" in note] == []
        assert {stream["stream"] for stream in status(workshop)["streams"]} == {
            *("cost", "legacy_cost"),
            *("usage", "legacy_usage"),
        }
