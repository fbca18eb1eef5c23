"""The marts of spend against the tenant's own ledger: every version of a day, what was restated, who and what."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest

from assets.building import build
from assets.engagement_pulling import pull_engagement
from assets.pulling import pull_activities
from sandbox import Tenant, serve
from tests.joins.chargeback import FEBRUARY, Installation
from tests.joins.spend import Sums, truth
from tests.joins.test_engagement import opened
from tests.promises.site import Site
from warehouse.tables.catalog import connect
from warehouse.wire.times import midnight

MEASURED = date(2026, 2, 27)
FIRST, LATER = date(2026, 3, 4), date(2026, 3, 20)


@dataclass
class House:
    """A built archive, and what the ledger said at each of the two pulls."""

    company: Installation
    before: Sums
    now: Sums

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        with (
            self.company.site.open(for_writing=False) as workshop,
            connect(workshop.archive, database=workshop.marts) as db,
        ):
            return db.execute(query).fetchall()

    def ledger(self, *by: str) -> Sums:
        return truth(self.company.served, FEBRUARY.start, FEBRUARY.end, *by)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """February, pulled on 4 March and once more on the 20th, when some of its days had been restated."""
    tenant = Tenant(seed=5, users=6, days=2, clock=f"{FIRST}T10:00:00Z", analytics_rate_limit=0, rate_limit=0)
    with serve(tenant) as served:
        site = Site(
            tmp_path_factory.mktemp("spend") / "site", served.url, served.keys["compliance"], FEBRUARY.start
        )
        company = Installation(site, served)
        company.pull(FEBRUARY)
        before = truth(served, FEBRUARY.start, FEBRUARY.end, "day")
        company.wait_until(LATER)
        company.pull(FEBRUARY)
        with opened(site, served, page_limit=100) as workshop:
            pull_engagement(workshop, "engagement_users", start=midnight(MEASURED), end=midnight(FEBRUARY.end))
        with site.open(clock=served.clock.now) as workshop:
            pull_activities(workshop)
            workshop.archive.settle()
            build(workshop)
        yield House(company, before, truth(served, FEBRUARY.start, FEBRUARY.end, "day"))


def sums(rows: list[tuple[Any, ...]]) -> Sums:
    return {row[:-1]: row[-1] for row in rows if row[-1]}


def test_the_current_lines_are_the_ledger_day_by_day(house: House) -> None:
    found = house.ask("select cast(day as varchar), sum(amount) from fct_cost_line where is_current group by day")
    assert sums(found) == {(str(day),): amount for (day,), amount in house.now.items()}
    assert house.now != house.before


def test_the_lines_of_a_moment_are_what_the_ledger_said_then(house: House) -> None:
    moment = "(select max(known_from) from fct_cost_line where version = 1)"
    found = house.ask(
        f"select cast(day as varchar), sum(amount) from fct_cost_line where known_from <= {moment} "
        f"and (known_until is null or known_until > {moment}) group by day"
    )
    assert sums(found) == {(str(day),): amount for (day,), amount in house.before.items()}


def test_restatements_add_up_to_what_each_version_changed(house: House) -> None:
    by_line = house.ask("select day, version, sum(delta) from fct_cost_restatement group by all order by all")
    by_day = house.ask("select day, version, change from cost_restatements where change <> 0 order by all")
    assert [row for row in by_line if row[2]] == by_day != []
    folds = {fold for (fold,) in house.ask("select distinct fold from fct_cost_restatement")}
    assert "changed" in folds
    rows = house.ask(
        "select day, version, row_key, fold, change from cost_restated_rows where change <> 0 order by all"
    )
    same = house.ask(
        "select day, version, cost_line_key, fold, delta from fct_cost_restatement "
        "where delta <> 0 and cost_type <> 'difference_to_total' order by all"
    )
    assert rows == same


def test_what_everybody_cost_is_the_ledger_by_product_and_model_with_nothing_left_out(house: House) -> None:
    found = house.ask("select product, model, sum(amount) from fct_user_spend_daily group by all")
    assert sums(found) == house.ledger("product", "model")
    people = house.ask(
        "select a.actor_id, sum(s.amount) from fct_user_spend_daily as s "
        "left join dim_actor as a on a.actor_key = s.unified_key group by all"
    )
    assert sums(people) == house.ledger("actor")


def test_tokens_are_those_of_the_usage_report(house: House) -> None:
    assert house.ask("select sum(total_tokens), sum(requests) from fct_user_spend_daily") == house.ask(
        "select sum(total_tokens), sum(requests) from usage_rows"
    )
    counted = house.ask("select sum(quantity) from fct_cost_line where unit = 'Tokens'")
    assert counted == house.ask(
        "select sum(uncached_input_tokens + output_tokens + cache_read_input_tokens + "
        "cache_creation_5m_input_tokens + cache_creation_1h_input_tokens) from usage_rows"
    )


def test_cost_stands_beside_activity_and_all_of_both_is_there(house: House) -> None:
    assert house.ask(
        "select sum(amount) + (select sum(amount) from fct_user_spend_daily where unified_key is null), "
        "sum(events) from fct_actor_spend_activity"
    ) == house.ask(
        "select sum(amount), (select sum(events) from fct_actor_activity_daily) from fct_user_spend_daily"
    )
    assert house.ask("select count(*) > 0 from fct_actor_spend_activity where logins > 0") == [(True,)]


def test_engagement_is_added_up_where_it_was_counted_and_unknown_elsewhere(house: House) -> None:
    added = house.ask(
        "select sum(commits), sum(pull_requests), sum(claude_code_sessions), sum(lines_added), "
        "sum(edits_accepted) from fct_actor_spend_activity"
    )
    counted = house.ask(
        "select sum(claude_code_commit_count), sum(claude_code_pull_request_count), "
        "sum(claude_code_distinct_session_count), sum(claude_code_lines_added_count), "
        "sum(claude_code_edit_tool_accepted_count + claude_code_multi_edit_tool_accepted_count + "
        "claude_code_write_tool_accepted_count + claude_code_notebook_edit_tool_accepted_count) "
        "from engagement_users"
    )
    assert added == counted
    assert counted[0][2] > 0
    days = "select distinct cast(day as varchar) from fct_actor_spend_activity where is_measured order by 1"
    assert house.ask(days) == [("2026-02-27",), ("2026-02-28",)]
    unknown = "select count(*) from fct_actor_spend_activity where not is_measured and commits is not null"
    assert house.ask(unknown) == [(0,)]
    assert house.ask("select count(*) > 0 from dim_actor where list_contains(seen_in, 'engagement')") == [(True,)]
