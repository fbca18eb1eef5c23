"""The four legacy reports: the ledger of usage and cost, with the cut at 100 groups and without nobody's spend."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

SPAN = {"starting_at": "2026-11-01T00:00:00Z", "ending_at": "2026-11-08T00:00:00Z"}
WEEK = (date(2026, 11, 1), date(2026, 11, 8))


def _micro(text):
    return int(Decimal(text) * 1_000_000)


def _results(body):
    return [row for bucket in body["data"] for row in bucket["results"]]


def test_the_cost_report_adds_up_to_the_ledger_day_by_day(spending, ask):
    body = ask(spending, "cost_report", **SPAN).json()
    served = {bucket["starting_at"][:10]: _micro(bucket["results"][0]["amount"]) for bucket in body["data"]}
    truth = spending.tenant.spend.totals(*WEEK, ("day",))
    assert served == {day: money.amount for (day,), money in truth.items()}
    assert body["organization_id"] == spending.tenant.world.parent.id
    assert (body["has_more"], body["next_page"]) == (False, None)


def test_old_and_new_agree_on_every_product_and_model(spending, ask, rows_of):
    group = {"group_by[]": ["product", "model"]}
    old, new = {}, {}
    for row in _results(ask(spending, "cost_report", **SPAN, **group).json()):
        key = (row["product"], row["model"])
        old[key] = old.get(key, 0) + _micro(row["amount"])
    for row in rows_of(spending, "cost", **SPAN, **group):
        product = row["group"]["product"]
        key = ("claude-tag" if product == "claude_tag" else product, row["group"]["model"])
        new[key] = _micro(row["cost"]["amount"])
    assert old == new
    assert ("claude-tag", "claude-sonnet-5") in old


def test_a_bucket_without_spend_is_there_with_no_results(spending, ask):
    later = {"starting_at": "2026-11-21T00:00:00Z", "ending_at": "2026-11-25T00:00:00Z"}
    body = ask(spending, "cost_report", **later).json()
    assert [len(bucket["results"]) for bucket in body["data"]] == [1, 1, 0, 0]


def test_the_limit_counts_buckets_and_pages_join_without_a_seam(spending, ask):
    whole = ask(spending, "usage_report", **SPAN, limit=31).json()["data"]
    pages, cursor = [], {}
    while True:
        body = ask(spending, "usage_report", **SPAN, limit=3, **cursor).json()
        pages += body["data"]
        if not body["has_more"]:
            break
        cursor = {"page": body["next_page"]}
    assert pages == whole
    assert len(whole) == 7


@pytest.mark.parametrize(("width", "usual", "most"), [("1d", 7, 31), ("1h", 24, 168), ("1m", 60, 256)])
def test_each_bucket_width_has_its_own_limits(spending, ask, width, usual, most):
    asked = {"starting_at": "2026-10-20T00:00:00Z", "ending_at": "2026-11-20T00:00:00Z", "bucket_width": width}
    assert len(ask(spending, "cost_report", **asked).json()["data"]) == usual
    assert len(ask(spending, "cost_report", **asked, limit=most).json()["data"]) == most
    assert ask(spending, "cost_report", **asked, limit=most + 1).status_code == 400


def test_a_bucket_holds_the_hundred_dearest_groups_and_no_remainder(start, ask):
    served = start(users=300, days=0, analytics_rate_limit=0)
    day = {"starting_at": "2026-11-17T00:00:00Z", "ending_at": "2026-11-18T00:00:00Z", "limit": 1}
    group = {"group_by[]": ["model", "product", "rbac_group_id", "speed", "inference_geo", "context_window"]}
    cut = _results(ask(served, "cost_report", **day, **group).json())
    amounts = [_micro(row["amount"]) for row in cut]
    assert len(cut) == 100
    assert amounts == sorted(amounts, reverse=True)
    new = ask(
        served, "cost", **{**day, "limit": 1000}, **{"group_by[]": [name for name in group["group_by[]"]][:5]}
    ).json()
    assert len(new["data"]) > 100


def test_costs_fan_out_by_type_and_add_up(spending, ask):
    plain = _results(ask(spending, "cost_report", **SPAN).json())
    fanned = _results(ask(spending, "cost_report", **SPAN, **{"group_by[]": ["cost_type", "token_type"]}).json())
    assert sum(_micro(row["amount"]) for row in fanned) == sum(_micro(row["amount"]) for row in plain)
    assert {row["cost_type"] for row in fanned} == {"tokens", "web_search", "code_execution", None}
    assert {row["requests"] for row in fanned} == {None}


def test_the_reports_per_user_leave_out_spend_without_a_person(spending, rows_of, ask):
    rows = rows_of(spending, "user_cost_report", **SPAN)
    truth = spending.tenant.spend.totals(*WEEK, ("actor", "actor_type"))
    people = {who: money.amount for (who, kind), money in truth.items() if kind == "user_actor"}
    assert {row["actor"]["user_id"]: _micro(row["amount"]) for row in rows} == people
    total = sum(money.amount for money in truth.values())
    assert sum(people.values()) < total
    assert {row["actor"]["type"] for row in rows} == {"user_actor"}
    tokens = rows_of(spending, "user_usage_report", **SPAN)
    assert {row["actor"]["user_id"] for row in tokens} == set(people)


def test_a_report_per_user_by_day_and_model_adds_up_to_the_one_without(spending, rows_of):
    plain = rows_of(spending, "user_cost_report", **SPAN)
    fine = rows_of(spending, "user_cost_report", **SPAN, bucket_width="1d", **{"group_by[]": "model"})
    assert sum(_micro(row["amount"]) for row in fine) == sum(_micro(row["amount"]) for row in plain)
    assert len(fine) > len(plain)
    assert {(row["starting_at"], row["ending_at"]) for row in plain} == {(None, None)}
    assert None not in {row["starting_at"] for row in fine}


def test_an_actor_has_an_email_address_or_by_a_quirk_an_email(start, spending, ask):
    served = start(users=20, quirks=["actor_email"])
    assert "email" in ask(served, "user_cost_report", **SPAN).json()["data"][0]["actor"]
    actor = ask(spending, "user_cost_report", **SPAN).json()["data"][0]["actor"]
    assert set(actor) == {"type", "user_id", "email_address", "name", "deleted"}


def test_people_can_be_filtered_and_deleted_ones_left_out(spending, rows_of):
    span = {"starting_at": "2026-09-20T00:00:00Z", "ending_at": "2026-10-20T00:00:00Z"}
    rows = rows_of(spending, "user_cost_report", **span)
    gone = {row["actor"]["user_id"] for row in rows if row["actor"]["deleted"]}
    assert gone
    kept = rows_of(spending, "user_cost_report", **span, exclude_deleted_users="true")
    assert len(kept) == len(rows) - len(gone)
    one = rows_of(spending, "user_cost_report", **span, **{"user_ids[]": rows[0]["actor"]["user_id"]})
    assert one == rows[:1]


def test_the_hyphen_is_the_legacy_spelling_of_claude_tag(spending, ask):
    rows = _results(
        ask(spending, "cost_report", **SPAN, **{"products[]": "claude-tag", "group_by[]": "product"}).json()
    )
    assert {row["product"] for row in rows} == {"claude-tag"}
    assert ask(spending, "cost_report", **SPAN, **{"products[]": "claude_tag"}).status_code == 400
    assert ask(spending, "cost", **SPAN, **{"products[]": "claude-tag"}).status_code == 400


@pytest.mark.parametrize(
    ("path", "params", "message"),
    [
        ("cost_report", {}, "starting_at: Field required"),
        ("cost_report", {**SPAN, "products[]": "messages_api"}, "products[].0: Input should be"),
        ("cost_report", {**SPAN, "order": "asc"}, "Unknown query parameter: 'order'"),
        ("cost_report", {**SPAN, "group_by[]": "actor"}, "group_by[].0: Input should be"),
        ("usage_report", {**SPAN, "group_by[]": "cost_type"}, "group_by[].0: Input should be"),
        (
            "user_cost_report",
            {"starting_at": SPAN["starting_at"], "bucket_width": "1d"},
            "ending_at: Field required",
        ),
        ("user_cost_report", {**SPAN, "bucket_width": "1m"}, "must not exceed 24 hours"),
        ("user_usage_report", {**SPAN, "order_by": "amount"}, "order_by: Input should be 'total_tokens'"),
        ("user_usage_report", {**SPAN, "user_ids[]": "svac_1"}, "Invalid user_id format"),
        ("cost_report", {"starting_at": "2025-12-31T00:00:00Z"}, "not available before 2026-01-01"),
        ("cost_report", {**SPAN, "ending_at": "2026-12-03T00:00:00Z"}, "must not exceed 31 days"),
    ],
)
def test_a_wrong_parameter_is_a_400_that_names_it(spending, ask, path, params, message):
    answer = ask(spending, path, **params)
    assert answer.status_code == 400
    assert message in answer.json()["error"]["message"]


def test_an_admin_key_opens_no_legacy_report_and_a_cursor_dies_with_its_export(start, ask):
    served = start(users=10, analytics_rate_limit=0)
    assert ask(served, "cost_report", key="admin", **SPAN).status_code == 403
    first = ask(served, "cost_report", **SPAN, limit=2).json()
    served.clock.advance(timedelta(hours=4).total_seconds())
    assert ask(served, "cost_report", **SPAN, limit=2, page=first["next_page"]).status_code == 410
