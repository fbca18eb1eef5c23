"""Error bodies word for word, keys and scopes, headers, the request budget."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime

import httpx
import pytest


def _error(answer):
    return answer.status_code, answer.json()["error"]["type"], answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("limit=5001", "limit: Input should be less than or equal to 5000"),
        ("limit=0", "limit: Input should be greater than or equal to 1"),
        ("limit=ten", "limit: Input should be a valid integer, unable to parse string as an integer"),
        ("order=up", "order: Input should be 'asc' or 'desc'"),
        (
            "created_at[gte]=2026-11-01T00:00:00Z",
            "Unknown query parameter: 'created_at[gte]'. Did you mean 'created_at.gte'?",
        ),
        ("activity_types=x", "Unknown query parameter: 'activity_types'. Did you mean 'activity_types[]'?"),
        ("zzzz=1", "Unknown query parameter: 'zzzz'."),
        (
            "created_at.gte=yesterday or so",
            "created_at.gte: Input should be a valid datetime or date, invalid character in year",
        ),
        ("created_at.lt=2026-11-01T00:00:00", "created_at.lt: Input should have timezone info"),
        ("activity_types[]=nonsense", "activity_types[].0: Input is not one of the permitted values."),
        (
            "exclude_activity_types[]=claude_chat_viewed&exclude_activity_types[]=nonsense",
            "exclude_activity_types[].1: Input is not one of the permitted values.",
        ),
        ("after_id=activity_invalid123", "Invalid activity_id format: 'activity_invalid123'"),
        ("actor_ids[]=apikey_1", "actor_ids[].0: Invalid user_id format: 'apikey_1'"),
        ("organization_ids[]=acme", "organization_ids[].0: Invalid organization_id format: 'acme'"),
        (
            "after_id=activity_01QeT5vYb2nWc8KdLr3MfXhP&before_id=activity_01QeT5vYb2nWc8KdLr3MfXhP",
            "after_id and before_id are mutually exclusive",
        ),
        (
            "activity_types[]=claude_chat_viewed&exclude_activity_types[]=claude_chat_created",
            "activity_types[] and exclude_activity_types[] are mutually exclusive",
        ),
    ],
)
def test_a_bad_parameter_is_a_400_that_names_it(quiet, get, query, message):
    answer = get(quiet, path=f"/v1/compliance/activities?{query}")
    assert _error(answer) == (400, "invalid_request_error", message)


def test_a_well_formed_id_that_was_never_issued_is_taken_as_a_cursor(quiet, get):
    assert get(quiet, {"after_id": "activity_01QeT5vYb2nWc8KdLr3MfXhP"}).status_code == 200


def test_an_organisation_out_of_reach_is_a_403(quiet, get):
    answer = get(quiet, {"organization_ids[]": "org_01AAAAAAAAAAAAAAAAAAAAAA"})
    assert (answer.status_code, answer.json()["error"]["type"]) == (403, "permission_error")


@pytest.mark.parametrize("form", ["x-api-key", "bearer"])
@pytest.mark.parametrize("name", ["compliance", "org_audit", "admin"])
def test_keys_that_open_the_feed_work_in_both_headers(quiet, get, name, form):
    secret = quiet.keys[name]
    headers = {"x-api-key": secret} if form == "x-api-key" else {"authorization": f"Bearer {secret}"}
    assert get(quiet, {"limit": 1}, headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("secret", "expected"),
    [
        (None, (404, "not_found_error", "Not found")),
        ("api03", (404, "not_found_error", "Not found")),
        ("expired", (401, "authentication_error", "API key has expired.")),
        ("deactivated", (401, "authentication_error", "API key has been deactivated.")),
        ("sk-ant-api01-unknown", (401, "authentication_error", "API key is invalid.")),
        (
            "analytics",
            (
                403,
                "permission_error",
                "Missing required scopes. Got: ['read:analytics'] "
                "Needed one of: ['read:compliance_activities', 'read:org_audit']",
            ),
        ),
    ],
)
def test_keys_that_do_not_open_the_feed_are_told_so_as_documented(quiet, get, secret, expected):
    headers = {} if secret is None else {"x-api-key": quiet.keys.get(secret, secret)}
    assert _error(get(quiet, headers=headers)) == expected


def test_keys_say_sandbox_and_follow_from_the_seed(quiet, start):
    assert all("-sandbox-" in secret for secret in quiet.keys.values())
    assert start(seed=7, users=3).keys == quiet.keys
    assert start(seed=8, users=3).keys != quiet.keys


def test_the_documented_quirks_change_wording_and_shape(start, get):
    wrapped = get(start(quirks=["platform_errors"]), {"limit": 0}).json()
    assert wrapped["type"] == "error"
    assert wrapped["request_id"].startswith("req_")
    assert get(start(quirks=["bare_404"]), headers={}).text == "Not found"
    served = start(quirks=["august_wording"])
    assert "Needed: [" in get(served, headers={"x-api-key": served.keys["analytics"]}).text


def test_a_tenant_without_the_compliance_api_says_so(start, get):
    served = start()
    served.tenant.compliance_enabled = False
    message = "Compliance API is not enabled for this organization"
    assert _error(get(served)) == (400, "invalid_request_error", message)


def test_a_tenant_without_a_limit_tells_of_none(start, get):
    answer = get(start(rate_limit=0))
    assert not [name for name in answer.headers if name.startswith("anthropic-ratelimit-")]


def test_every_answer_names_its_request_and_authenticated_ones_their_budget(start, get):
    quiet = start(rate_limit=600)
    answer, stranger = get(quiet), get(quiet, headers={})
    assert answer.headers["request-id"].startswith("req_011C")
    assert answer.headers["anthropic-organization-id"] == quiet.tenant.world.parent.uuid
    budget = [name for name in answer.headers if name.startswith("anthropic-ratelimit-requests-")]
    assert len(budget) == 3
    assert stranger.headers["request-id"].startswith("req_011C")
    assert not [name for name in stranger.headers if name.startswith("anthropic-ratelimit-")]


def test_the_date_header_follows_the_tenants_clock(quiet, get):
    answer = get(quiet)
    assert answer.headers.get_list("date") == ["Sun, 22 Nov 2026 10:00:00 GMT"]
    assert "server" not in answer.headers


def test_the_budget_runs_out_with_429_and_comes_back_after_retry_after(start, get):
    served = start(rate_limit=3, rate_window=1.0)
    remaining = [get(served).headers["anthropic-ratelimit-requests-remaining"] for _ in range(3)]
    assert remaining == ["2", "1", "0"]
    refused = get(served)
    assert refused.status_code == 429
    assert refused.json()["error"]["type"] == "rate_limit_error"
    assert "rate limit of 3 requests per minute per parent organization" in refused.json()["error"]["message"]
    assert refused.headers["anthropic-ratelimit-requests-reset"] >= "2026-11-22T10:00:00Z"
    time.sleep(int(refused.headers["retry-after"]))
    assert get(served).status_code == 200


def test_the_budget_is_shared_by_all_keys_and_a_403_costs_one_but_strangers_cost_nothing(start, get):
    served = start(rate_limit=2, rate_window=60)
    get(served, headers={})
    get(served, headers={"x-api-key": served.keys["expired"]})
    assert get(served, headers={"x-api-key": served.keys["analytics"]}).status_code == 403
    assert get(served, headers={"x-api-key": served.keys["org_audit"]}).status_code == 200
    assert get(served).status_code == 429


def test_other_paths_and_methods_are_refused(quiet, get):
    assert _error(get(quiet, path="/v1/compliance/apps/chats")) == (404, "not_found_error", "Not found")
    assert httpx.post(quiet.url + "/v1/compliance/activities").status_code == 405


def test_the_server_is_on_loopback_only(quiet):
    assert quiet.url.startswith("http://127.0.0.1:")


def test_the_date_header_runs_with_a_running_clock(start, get):
    served = start(clock="real+86400")
    ahead = parsedate_to_datetime(get(served).headers["date"]).timestamp() - time.time()
    assert 86_395 < ahead < 86_405
