"""`ledgerline pull usage`, `cost` and `all`: what a person and a script are told, and the tables they then ask."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from orchestration.cli.names import DIRECTORY, ENGAGEMENT
from sandbox import Served, Tenant, serve
from tests.promises.conftest import Command, ledgerline
from tests.promises.site import Site

__all__ = ["ledgerline"]


@pytest.fixture
def served() -> Iterator[Served]:
    """By the real clock, which the command line has."""
    with serve(Tenant(seed=5, users=3, days=3, rate_limit=0, analytics_rate_limit=0)) as running:
        yield running


@pytest.fixture
def site(served: Served, tmp_path: Path) -> Site:
    env = {"LEDGERLINE_ANALYTICS_KEY": served.keys["analytics"]}
    start = max(served.tenant.first_day, date(2026, 1, 1))
    return Site(tmp_path / "site", served.url, served.keys["compliance"], start, env=env)


def test_cost_is_pulled_and_can_be_asked(site: Site, ledgerline: Command) -> None:
    report = ledgerline(site, "pull", "cost", "--json").json()
    assert (report["stream"], report["windows"], report["asked"]) == ("cost", 1, 1)
    assert report["days"] == len(report["by_day"]) >= 2
    total = sum(Decimal(day["amount"]) for day in report["by_day"].values())
    [row] = ledgerline(site, "sql", "--json", "select sum(amount) as usd from cost_rows").json()
    assert Decimal(row["usd"]) == total > 0


def test_a_person_reads_how_far_the_figures_reach(site: Site, ledgerline: Command) -> None:
    first = ledgerline(site, "pull", "usage")
    assert first.code == 0
    assert "days have a new version" in first.out
    again = ledgerline(site, "pull", "usage")
    assert "usage: nothing is due, the vendor's figures reach to 20" in again.out
    assert "usage" in ledgerline(site, "status").out


def test_all_streams_are_pulled_in_one_go(site: Site, ledgerline: Command) -> None:
    document = ledgerline(site, "pull", "all", "--json").json()
    assert [report["stream"] for report in document["pulls"]] == ["activities", "usage", "cost", *ENGAGEMENT]
    assert set(document["left_out"]) == set(DIRECTORY)
    assert "LEDGERLINE_DIRECTORY_KEY" in document["left_out"]["users"]
    assert "LEDGERLINE_ORGANIZATION_KEY" in document["left_out"]["organizations"]


def test_what_is_left_out_for_want_of_a_key_is_said(site: Site, served: Served, ledgerline: Command) -> None:
    assert "left out: users, rbac_groups, api_keys, invites: " in ledgerline(site, "pull", "all").out
    refused = ledgerline(site, "pull", "directory")
    assert (refused.code, "no key is given" in refused.err) == (2, True)
    names = {"DIRECTORY": "directory", "ORGANIZATION": "org_data", "SPEND_LIMITS": "spend_limits"}
    site.env = {**site.env, **{f"LEDGERLINE_{name}_KEY": served.keys[key] for name, key in names.items()}}
    document = ledgerline(site, "pull", "all", "--json").json()
    assert document["left_out"] == {}
    assert {report["stream"] for report in document["pulls"]} >= {*DIRECTORY, *ENGAGEMENT}


def test_a_missing_key_of_one_stream_does_not_keep_the_others_from_being_pulled(
    site: Site, ledgerline: Command
) -> None:
    site.env = {}
    ended = ledgerline(site, "pull", "all")
    assert ended.code == 2
    assert "LEDGERLINE_ANALYTICS_KEY" in ended.err
    assert site.sql("select count(*) > 0 from audit_events") == [(True,)]


def test_the_tables_mean_what_was_known_with_as_of(site: Site, ledgerline: Command) -> None:
    ledgerline(site, "pull", "cost")
    question = "select (select count(*) from cost_rows) + (select count(*) from cost_restatements) as n"
    then = ledgerline(site, "sql", "--as-of", "2026-01-02", "--json", question).json()
    now = ledgerline(site, "sql", "--as-of", "now", "--json", question).json()
    assert then == [{"n": 0}]
    assert now[0]["n"] > 0


def test_old_and_new_are_compared_by_one_command(site: Site, ledgerline: Command) -> None:
    ledgerline(site, "pull", "cost")
    alone = ledgerline(site, "finops", "parity")
    assert alone.code == 2
    assert "ledgerline pull legacy_cost" in alone.err
    ledgerline(site, "pull", "legacy_cost")
    document = ledgerline(site, "finops", "parity", "--json").json()
    assert (document["agrees"], float(document["difference"]), float(document["unexplained"])) == (True, 0, 0)
    assert float(document["legacy_missing"]) > 0
    assert document["usage"] is None
    ledgerline(site, "pull", "usage")
    ledgerline(site, "pull", "legacy_usage")
    told = ledgerline(site, "finops", "parity")
    assert told.code == 0
    assert "they agree to the last decimal" in told.out
    assert "API keys" in told.out
    assert "they agree to the last token" in told.out
