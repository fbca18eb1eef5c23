"""Fault switches on usage and cost: the feed's, and two of their own (a dead cursor, rows that do not add up)."""

from __future__ import annotations

import json
from decimal import Decimal

import httpx
import pytest

SPAN = {"starting_at": "2026-11-01T00:00:00Z", "ending_at": "2026-11-08T00:00:00Z"}
GROUPED = {**SPAN, "group_by[]": "model"}
COST = "/v1/organizations/analytics/cost"


@pytest.fixture
def served(start):
    return start(users=10, days=0, analytics_rate_limit=0)


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("rate_limit_429", 429),
        ("error_500", 500),
        ("error_503", 503),
        ("error_504", 504),
        ("error_529", 529),
        ("invalid_key", 401),
        ("wrong_key", 401),
        ("missing_scope", 403),
    ],
)
def test_a_refusal_hits_the_next_request_and_no_other(served, ask, kind, status):
    served.faults.on(kind, next=1, path=COST)
    assert ask(served, "usage", **SPAN).status_code == 200
    assert [ask(served, "cost", **SPAN).status_code for _ in range(2)] == [status, 200]


def test_a_429_says_how_long_to_wait(served, ask):
    served.faults.on("rate_limit_429", next=1, seconds=17)
    answer = ask(served, "cost", **SPAN)
    assert answer.headers["retry-after"] == "17"
    assert "compliance" not in answer.text.lower()


def test_truncated_json_is_whole_http_and_no_json(served, ask):
    served.faults.on("truncated_json", next=1)
    answer = ask(served, "cost", **SPAN)
    assert answer.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        answer.json()


def test_a_cut_answer_ends_in_the_middle(served, ask):
    served.faults.on("cut", next=1)
    with pytest.raises(httpx.RemoteProtocolError):
        ask(served, "cost", **SPAN)


def test_a_hanging_request_runs_into_the_clients_timeout(served):
    served.faults.on("timeout", next=1, seconds=30)
    headers = {"x-api-key": served.keys["analytics"], "anthropic-beta": "analytics-usage-cost-2026-08-24"}
    with pytest.raises(httpx.ReadTimeout):
        httpx.get(served.url + COST, params=SPAN, headers=headers, timeout=0.2)


def test_pages_lose_their_data_their_rows_or_their_word_about_more(served, ask):
    served.faults.on("no_data", next=1)
    assert "data" not in ask(served, "cost", **GROUPED).json()
    served.faults.on("empty_page_claims_more", next=1)
    empty = ask(served, "cost", **GROUPED).json()
    assert (empty["data"], empty["has_more"]) == ([], True)
    served.faults.on("full_page_without_has_more", next=1)
    assert "has_more" not in ask(served, "cost", **GROUPED).json()
    served.faults.on("repeated_record", next=1)
    rows = ask(served, "cost", **GROUPED).json()["data"]
    assert rows[-1] == rows[-2]


def test_a_cursor_can_be_made_to_die_on_the_next_page_only(served, ask):
    served.faults.on("stale_cursor", next=1)
    asked = {**GROUPED, "limit": 1}
    first = ask(served, "cost", **asked)
    assert first.status_code == 200
    following = [ask(served, "cost", **asked, page=first.json()["next_page"]).status_code for _ in range(2)]
    assert following == [410, 200]


def test_grouped_rows_can_be_made_to_miss_the_total(served, ask):
    served.faults.on("short_rows", next=1)
    (total,) = ask(served, "cost", **SPAN).json()["data"]
    rows = [Decimal(row["cost"]["amount"]) for row in ask(served, "cost", **GROUPED).json()["data"]]
    whole = [Decimal(row["cost"]["amount"]) for row in ask(served, "cost", **GROUPED).json()["data"]]
    assert sum(whole) == Decimal(total["cost"]["amount"])
    assert rows == whole[:-1]


def test_faults_spoil_the_legacy_reports_too(served, ask):
    served.faults.on("no_data", next=1)
    assert "data" not in ask(served, "user_cost_report", **SPAN).json()
    served.faults.on("error_500", next=1, path="/v1/organizations/analytics/cost_report")
    assert ask(served, "cost_report", **SPAN).status_code == 500
