"""What usage and cost serve: rows in the reference's shape whose sums are the ledger's, whatever the grouping."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal

import pytest

START, END = "2026-11-01T00:00:00Z", "2026-11-15T00:00:00Z"
SPAN = {"starting_at": START, "ending_at": END}
DAYS = {**SPAN, "time_bucket_width": "1d"}


def _truth(served, by=(), start=date(2026, 11, 1), end=date(2026, 11, 15)):
    return served.tenant.spend.totals(start, end, by)


def _micro(text):
    return int(Decimal(text) * 1_000_000)


def _sum(rows):
    return sum(_micro(row["cost"]["amount"]) for row in rows)


def test_the_ungrouped_total_is_the_ledgers_to_the_micro_cent(spending, rows_of):
    (row,) = rows_of(spending, "cost", **SPAN)
    truth = _truth(spending)[()]
    assert _micro(row["cost"]["amount"]) == truth.amount
    assert _micro(row["cost"]["list_amount"]) == truth.list_amount
    assert row["cost"]["requests"] == truth.requests
    assert (row["starting_at"], row["ending_at"]) == (START, END)
    assert row["cost"]["currency"] == "USD"
    assert "." in row["cost"]["amount"]


def test_usage_counts_the_same_tokens_and_requests_as_the_ledger(spending, rows_of):
    (row,) = rows_of(spending, "usage", **SPAN)
    usage, truth = row["usage"], _truth(spending)[()]
    assert (usage["total_tokens"], usage["requests"]) == (truth.tokens, truth.requests)
    created = sum(usage["cache_creation"].values())
    assert usage["total_tokens"] == created + sum(
        usage[name] for name in ("uncached_input_tokens", "cache_read_input_tokens", "output_tokens")
    )


def test_rows_by_day_product_model_and_actor_are_the_ledgers(spending, rows_of):
    rows = rows_of(spending, "cost", **DAYS, **{"group_by[]": ["product", "model", "actor"], "limit": 300})
    served = {}
    for row in rows:
        actor = row["group"]["actor"]
        who = actor and next(
            actor[name] for name in ("user_id", "service_account_id", "api_key_id", "subject") if name in actor
        )
        key = (row["starting_at"][:10], row["group"]["product"], row["group"]["model"], who)
        assert key not in served
        served[key] = _micro(row["cost"]["amount"])
    truth = _truth(spending, ("day", "product", "model", "actor"))
    assert served == {key: money.amount for key, money in truth.items()}


@pytest.mark.parametrize(
    "name", ["product", "model", "actor_type", "organization_id", "speed", "slack_channel_id"]
)
def test_any_grouping_but_by_group_adds_up_to_the_total(spending, rows_of, name):
    rows = rows_of(spending, "cost", **DAYS, **{"group_by[]": name})
    assert _sum(rows) == _truth(spending)[()].amount


def test_group_rows_overlap_because_a_person_counts_in_each_group(spending, rows_of):
    rows = rows_of(spending, "cost", **SPAN, **{"group_by[]": "rbac_group_id"})
    assert _sum(rows) > _truth(spending)[()].amount
    assert {row["group"]["rbac_group_id"] for row in rows} <= {*(i for i, _ in spending.tenant.world.groups), None}
    assert None in {row["group"]["rbac_group_id"] for row in rows}


def test_costs_fan_out_by_type_and_add_up_and_do_not_count_against_the_limit(spending, ask):
    fans = {"group_by[]": ["product", "cost_type", "token_type"], "limit": 3}
    fanned = ask(spending, "cost", **SPAN, **fans).json()
    plain = ask(spending, "cost", **SPAN, **{"group_by[]": "product", "limit": 3}).json()
    assert len(fanned["data"]) > 3
    assert _sum(fanned["data"]) == _sum(plain["data"])
    assert {row["cost"]["requests"] for row in fanned["data"]} == {None}
    assert {row["group"]["cost_type"] for row in fanned["data"]} >= {"tokens"}
    for row in fanned["data"]:
        assert (row["group"]["token_type"] is None) == (row["group"]["cost_type"] != "tokens")


def test_a_group_names_every_dimension_and_fills_only_those_asked_for(spending, rows_of):
    row = rows_of(spending, "usage", **SPAN, **{"group_by[]": ["product", "model"]})[0]
    assert len(row["group"]) == 20
    assert {name for name, value in row["group"].items() if value is not None} <= {"product", "model"}
    assert set(rows_of(spending, "cost", **SPAN)[0]["group"]) == {*row["group"], "cost_type", "token_type"}


def test_code_execution_has_no_product_and_no_tokens_only_spans_as_requests(spending, rows_of):
    asked = {**SPAN, "group_by[]": ["product", "cost_type"]}
    kinds = {
        row["group"]["cost_type"] for row in rows_of(spending, "cost", **asked) if not row["group"]["product"]
    }
    assert kinds == {"code_execution"}
    usage = rows_of(spending, "usage", **SPAN, **{"group_by[]": "product"})
    (row,) = [row for row in usage if row["group"]["product"] is None]
    assert row["usage"]["total_tokens"] == 0
    assert row["usage"]["requests"] > 0


def test_by_token_type_alone_only_tokens_have_rows(spending, rows_of):
    fanned = rows_of(spending, "cost", **SPAN, **{"group_by[]": "token_type"})
    assert {row["group"]["cost_type"] for row in fanned} == {"tokens"}
    assert len({row["group"]["token_type"] for row in fanned}) == len(fanned) == 5
    kinds = rows_of(spending, "cost", **SPAN, **{"group_by[]": "cost_type"})
    (tokens,) = [row for row in kinds if row["group"]["cost_type"] == "tokens"]
    assert _sum(fanned) == _micro(tokens["cost"]["amount"])
    assert _sum(kinds) == _truth(spending)[()].amount


def test_by_time_means_by_bucket_and_within_it_by_size_and_without_buckets_by_size(spending, rows_of):
    group = {"group_by[]": "model", "order_by": "time"}
    rows = rows_of(spending, "cost", **DAYS, **group, order="asc")
    keys = [(row["starting_at"], -_micro(row["cost"]["amount"])) for row in rows]
    assert keys == sorted(keys)
    newest = rows_of(spending, "cost", **DAYS, **group)
    assert newest[0]["starting_at"] == max(row["starting_at"] for row in rows)
    assert rows_of(spending, "cost", **SPAN, **group) == rows_of(
        spending, "cost", **SPAN, **{"group_by[]": "model"}
    )


def test_an_empty_api_key_id_matches_what_no_key_authenticated(spending, rows_of):
    rows = rows_of(spending, "cost", **SPAN, **{"group_by[]": "api_key_id", "api_key_ids[]": ""})
    assert [row["group"]["api_key_id"] for row in rows] == [None]


def test_an_organisation_that_is_no_child_matches_nothing(spending, rows_of):
    assert rows_of(spending, "cost", **SPAN, **{"organization_ids[]": spending.tenant.world.parent.id}) == []
    assert rows_of(spending, "cost", **SPAN, **{"organization_ids[]": spending.tenant.world.labs.uuid})


@pytest.mark.parametrize(("width", "minutes"), [("1d", 1440), ("1h", 60), ("1m", 1)])
def test_buckets_of_any_width_add_up_to_the_day(spending, rows_of, width, minutes):
    span = {"starting_at": "2026-11-12T00:00:00Z", "ending_at": "2026-11-13T00:00:00Z"}
    rows = rows_of(spending, "cost", **span, time_bucket_width=width, order_by="time", order="asc")
    day = date(2026, 11, 12)
    assert _sum(rows) == _truth(spending, (), day, day + timedelta(days=1))[()].amount
    starts = [row["starting_at"] for row in rows]
    assert starts == sorted(set(starts))
    assert len(rows) <= 1440 // minutes


def test_deleted_people_are_marked_keep_their_address_mostly_and_can_be_left_out(spending, rows_of):
    span = {"starting_at": "2026-09-20T00:00:00Z", "ending_at": "2026-10-20T00:00:00Z", "group_by[]": "actor"}
    rows = rows_of(spending, "cost", **span)
    actors = [row["group"]["actor"] for row in rows if (row["group"]["actor"] or {}).get("type") == "user_actor"]
    gone = [actor for actor in actors if actor["deleted"]]
    assert gone
    assert len(gone) < len(actors) / 3
    today = {person.user_id for person in spending.tenant.world.people.on(date(2026, 11, 22))}
    assert all((actor["user_id"] in today) != actor["deleted"] for actor in actors)
    kept = rows_of(spending, "cost", **span, exclude_deleted_users="true")
    left_out = {actor["user_id"] for actor in gone}
    assert _sum(kept) == _sum(row for row in rows if (row["group"]["actor"] or {}).get("user_id") not in left_out)


def test_filters_keep_what_they_name_and_lists_add_up(spending, rows_of):
    by_model = {
        row["group"]["model"]: _micro(row["cost"]["amount"])
        for row in rows_of(spending, "cost", **SPAN, **{"group_by[]": "model"})
    }
    two = [model for model in by_model if model][:2]
    (row,) = rows_of(spending, "cost", **SPAN, **{"models[]": two})
    assert _micro(row["cost"]["amount"]) == by_model[two[0]] + by_model[two[1]]
    account = spending.tenant.world.service_accounts[0]
    (mine,) = rows_of(spending, "cost", **SPAN, **{"actor_ids[]": account})
    assert _micro(mine["cost"]["amount"]) == _truth(spending, ("actor",))[(account,)].amount


def test_a_filter_by_group_leaves_only_that_groups_rows(spending, rows_of):
    group = spending.tenant.world.groups[0][0]
    rows = rows_of(spending, "cost", **SPAN, **{"group_by[]": "rbac_group_id", "rbac_group_ids[]": group})
    assert [row["group"]["rbac_group_id"] for row in rows] == [group]


def test_not_available_matches_rows_without_a_geography(spending, rows_of):
    asked = {"group_by[]": "inference_geo", "inference_geos[]": "not_available"}
    assert [row["group"]["inference_geo"] for row in rows_of(spending, "usage", **SPAN, **asked)] == [None]


def test_an_admin_key_sees_the_console_organisation_alone(spending, rows_of):
    rows = rows_of(spending, "cost", key="admin", **SPAN, **{"group_by[]": "organization_id"})
    console = spending.tenant.world.console
    assert [row["group"]["organization_id"] for row in rows] == [console.uuid]
    assert _sum(rows) == _truth(spending, ("organization_id",))[(console.id,)].amount


def test_rows_come_dearest_first_unless_told_otherwise(spending, rows_of):
    for name, field, path in (("amount", "amount", "cost"), ("list_amount", "list_amount", "cost")):
        rows = rows_of(spending, path, **SPAN, **{"group_by[]": "model", "order_by": name})
        amounts = [_micro(row["cost"][field]) for row in rows]
        assert amounts == sorted(amounts, reverse=True)
    tokens = [
        row["usage"]["total_tokens"]
        for row in rows_of(spending, "usage", **SPAN, **{"group_by[]": "model"}, order="asc")
    ]
    assert tokens == sorted(tokens)


def test_more_than_a_hundred_groups_come_without_a_remainder(spending, rows_of):
    rows = rows_of(spending, "cost", **SPAN, **{"group_by[]": ["actor", "model", "product"], "limit": 50})
    assert len(rows) > 100
    names = defaultdict(int)
    for row in rows:
        names[str(row["group"])] += 1
    assert set(names.values()) == {1}
