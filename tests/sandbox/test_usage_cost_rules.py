"""The rules of usage and cost: keys, beta header, bounds, limits, cursors, exports, budget, footprints."""

from __future__ import annotations

import json

import httpx
import pytest

SPAN = {"starting_at": "2026-11-01T00:00:00Z", "ending_at": "2026-11-15T00:00:00Z"}
BETA = {"anthropic-beta": "analytics-usage-cost-2026-08-24"}
COST = "/v1/organizations/analytics/cost"


def _error(answer):
    body = answer.json()
    assert body["type"] == "error"
    assert body["request_id"] == answer.headers["request-id"]
    return answer.status_code, body["error"]["type"], body["error"]["message"]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, "starting_at: Field required"),
        ({"starting_at": "yesterday"}, "starting_at: Input should be a valid datetime"),
        ({"starting_at": "2026-11-01T00:00:00"}, "starting_at: Input should have timezone info"),
        ({"starting_at": "2025-12-31T23:00:00Z"}, "not available before 2026-01-01"),
        ({**SPAN, "ending_at": "2026-11-01T00:00:00Z"}, "ending_at: must be after starting_at"),
        ({"starting_at": "2026-10-01T00:00:00Z", "ending_at": "2026-11-01T00:01:00Z"}, "must not exceed 31 days"),
        ({"starting_at": "2026-11-01T00:00:00Z", "time_bucket_width": "1d"}, "ending_at: Field required"),
        ({**SPAN, "time_bucket_width": "1m"}, "1m buckets must not exceed 24 hours"),
        ({**SPAN, "time_bucket_width": "1w"}, "time_bucket_width: Input should be '1d', '1h' or '1m'"),
        ({**SPAN, "limit": "0"}, "limit: Input should be greater than or equal to 1"),
        ({**SPAN, "limit": "1001"}, "limit: Input should be less than or equal to 1000"),
        ({**SPAN, "order_by": "total_tokens"}, "order_by: Input should be 'amount'"),
        ({**SPAN, "order": "up"}, "order: Input should be 'asc' or 'desc'"),
        ({**SPAN, "group_by[]": "colour"}, "group_by[].0: Input should be"),
        ({**SPAN, "group_by": "model"}, "Unknown query parameter: 'group_by'. Did you mean 'group_by[]'?"),
        ({**SPAN, "products[]": "toaster"}, "products[].0: Input should be"),
        ({**SPAN, "models[]": ["m"] * 101}, "models[]: List should have at most 100 items"),
        ({**SPAN, "actor_ids[]": "priya"}, "actor_ids[].0: Invalid actor_id format"),
        ({**SPAN, "exclude_deleted_users": "true"}, "requires group_by[]=actor"),
        ({**SPAN, "group_by[]": ["claude_tag_user_id", "rbac_group_id"]}, "cannot be combined with rbac_group_id"),
        ({**SPAN, "page": "page_nonsense"}, "page: Invalid cursor"),
        (
            {**SPAN, "group_by[]": ["product", "model", "actor", "speed", "inference_geo", "context_window"]},
            "at most 5",
        ),
    ],
)
def test_a_wrong_parameter_is_a_400_that_names_it(spending, ask, params, message):
    status, kind, text = _error(ask(spending, "cost", **params))
    assert (status, kind) == (400, "invalid_request_error")
    assert message in text


def test_kinds_of_cost_do_not_count_among_the_five_dimensions(spending, ask):
    names = ["product", "model", "actor", "speed", "inference_geo", "cost_type", "token_type"]
    assert ask(spending, "cost", **SPAN, **{"group_by[]": names}).status_code == 200
    assert ask(spending, "usage", **SPAN, **{"group_by[]": ["cost_type"]}).status_code == 400


def test_the_lookback_is_365_days_to_the_minute(start, ask):
    served = start(users=2, clock="2027-03-01T10:00:00Z")
    early = ask(served, "cost", starting_at="2026-03-01T09:59:00Z")
    assert "within the last 365 days" in _error(early)[2]
    assert ask(served, "cost", starting_at="2026-03-01T10:00:00Z").status_code == 200


def test_without_the_beta_header_it_is_a_400_and_among_others_it_counts(spending, ask):
    key = {"x-api-key": spending.keys["analytics"]}
    assert "analytics-usage-cost-2026-08-24" in _error(ask(spending, "usage", headers=key, **SPAN))[2]
    several = {**key, "anthropic-beta": f"other-2026-01-01, {BETA['anthropic-beta']}"}
    assert ask(spending, "usage", headers=several, **SPAN).status_code == 200


def test_both_auth_headers_and_encoded_brackets_are_taken(spending):
    bearer = {**BETA, "authorization": f"Bearer {spending.keys['analytics']}"}
    query = "starting_at=2026-11-01T00:00:00%2B00:00&group_by%5B%5D=model&group_by[]=product"
    answer = httpx.get(f"{spending.url}{COST}?{query}", headers=bearer)
    assert answer.status_code == 200
    assert answer.headers["anthropic-organization-id"] == spending.tenant.world.parent.uuid
    assert answer.headers["request-id"].startswith("req_")


def test_keys_without_the_scope_are_a_403_that_names_it_and_strangers_a_401(spending, ask):
    for name in ("compliance", "directory", "org_audit"):
        status, kind, text = _error(ask(spending, "cost", key=name, **SPAN))
        assert (status, kind) == (403, "permission_error")
        assert "Needed one of: ['read:analytics']" in text
    for name in (None, "api03", "expired", "deactivated"):
        status, kind, _ = _error(ask(spending, "cost", key=name, **SPAN))
        assert (status, kind) == (401, "authentication_error")


def test_an_admin_key_may_enter_but_not_name_organisations(spending, ask):
    assert ask(spending, "usage", key="admin", **SPAN).status_code == 200
    org = spending.tenant.world.main.id
    status, kind, _ = _error(ask(spending, "usage", key="admin", **SPAN, **{"organization_ids[]": org}))
    assert (status, kind) == (403, "permission_error")


def test_quirks_turn_open_answers_round(start, ask):
    served = start(quirks=["analytics_404", "bare_errors", "analytics_rate_headers", "usage_organization_id"])
    for name in (None, "compliance", "expired"):
        answer = ask(served, "cost", key=name, **SPAN)
        assert (answer.status_code, set(answer.json())) == (404, {"error"})
    good = ask(served, "cost", **SPAN)
    assert good.json()["organization_id"] == served.tenant.world.parent.id
    assert good.headers["anthropic-ratelimit-requests-limit"] == "60"


def test_a_cursor_goes_on_where_its_page_ended_and_only_for_its_own_question(spending, ask):
    asked = {**SPAN, "group_by[]": "model", "limit": 2}
    first = ask(spending, "cost", **asked).json()
    second = ask(spending, "cost", **asked, page=first["next_page"]).json()
    assert first["has_more"] is True
    assert not {str(row) for row in first["data"]} & {str(row) for row in second["data"]}
    for other in ({"limit": 3}, {"order": "asc"}, {"group_by[]": ["model", "speed"]}):
        status, _, text = _error(ask(spending, "cost", **{**asked, **other}, page=first["next_page"]))
        assert status == 400
        assert "different query parameters" in text
    assert ask(spending, "usage", **asked, page=first["next_page"]).status_code == 400


def test_data_is_refreshed_every_four_hours_and_shows_nothing_after_that(start, ask):
    served = start(users=30, analytics_rate_limit=0, clock="2026-11-19T11:59:59Z")
    today = {"starting_at": "2026-11-19T00:00:00Z", "group_by[]": "product"}
    before = ask(served, "cost", **today).json()
    assert before["data_refreshed_at"] == "2026-11-19T08:00:00Z"
    served.clock.advance(1)
    after = ask(served, "cost", **today).json()
    assert after["data_refreshed_at"] == "2026-11-19T12:00:00Z"
    assert before["data"] != after["data"]
    nothing = ask(served, "cost", starting_at="2026-11-19T12:00:00Z", ending_at="2026-11-19T16:00:00Z").json()
    assert nothing["data"] == []


def test_a_cursor_dies_with_its_export_unless_a_quirk_lets_it_live(start, ask):
    asked = {**SPAN, "group_by[]": ["model", "product"], "limit": 2}
    for quirks, status in (([], 410), (["lasting_cursors"], 200)):
        served = start(users=10, analytics_rate_limit=0, quirks=quirks)
        first = ask(served, "cost", **asked).json()
        served.clock.advance(4 * 3600)
        answer = ask(served, "cost", **asked, page=first["next_page"])
        assert answer.status_code == status
        if status == 200:
            assert answer.json()["data_refreshed_at"] == first["data_refreshed_at"]


def test_an_open_end_is_now_or_31_days_and_stays_where_the_first_page_set_it(start, ask):
    served = start(users=10, analytics_rate_limit=0)
    asked = {"starting_at": "2026-11-20T09:30:00Z", "group_by[]": "actor", "limit": 2}
    first = ask(served, "cost", **asked).json()
    assert first["data"][0]["starting_at"] == "2026-11-20T09:00:00Z"
    assert first["data"][0]["ending_at"] == "2026-11-22T10:00:00Z"
    served.clock.advance(3600)
    second = ask(served, "cost", **asked, page=first["next_page"]).json()
    assert second["data"][0]["ending_at"] == "2026-11-22T10:00:00Z"
    month = ask(served, "cost", starting_at="2026-08-01T00:00:00Z").json()
    assert month["data"][0]["ending_at"] == "2026-09-01T00:00:00Z"


def test_the_61st_request_of_a_minute_is_a_429_with_retry_after_and_usage_shares_the_budget(start, ask):
    served = start(users=1, days=0, analytics_rate_limit=3)
    statuses = [ask(served, path, **SPAN).status_code for path in ("cost", "usage", "cost", "usage")]
    refused = ask(served, "cost", **SPAN)
    assert statuses == [200, 200, 200, 429]
    assert _error(refused)[:2] == (429, "rate_limit_error")
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert "anthropic-ratelimit-requests-limit" not in refused.headers
    feed = httpx.get(f"{served.url}/v1/compliance/activities", headers={"x-api-key": served.keys["compliance"]})
    assert feed.status_code == 200


def test_the_budget_is_sixty_a_minute_unless_set(start):
    assert start(users=1, days=0).tenant.analytics_rate_limit == 60


def test_requests_leave_no_footprint_in_the_feed_but_are_in_the_request_log(start, ask):
    served = start(users=1, days=0)
    request_id = ask(served, "cost", **SPAN).headers["request-id"]
    served.clock.advance(5)
    assert not any(request_id in json.dumps(json.loads(record)) for record in served.tenant.records())
    assert served.requests[-1]["request_id"] == request_id
    assert served.requests[-1]["records"] == 1


def test_the_truth_is_asked_over_http_too(spending):
    url = f"{spending.url}/_sandbox/spend"
    rows = httpx.get(url, params={"start": "2026-11-01", "end": "2026-11-08", "by": "product"}).json()
    assert sum(row["requests"] for row in rows) > 0
    day = httpx.get(f"{url}/2026-11-03").json()
    assert day["history"][-1]["amount"] == day["total"][0]["amount"]
    assert httpx.get(url, params={"start": "2026-11-01", "end": "2026-11-08", "by": "mood"}).status_code == 400
