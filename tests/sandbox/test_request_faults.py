"""Each request fault does what its name says, as often as it was told, and nothing after that."""

from __future__ import annotations

import json
import time
from email.utils import parsedate_to_datetime

import httpx
import pytest

from sandbox import FaultError, Faults, Tenant
from sandbox.faults import REQUEST_FAULTS, parse_faults

TESTED_ELSEWHERE_IN_THIS_FILE = {
    "timeout",
    "cut",
    "truncated_json",
    "no_data",
    "empty_page_claims_more",
    "full_page_without_has_more",
    "repeated_record",
    "clock_skew",
    "bad_gateway",
    "error_502",
}


@pytest.mark.parametrize(
    ("kind", "status", "error_type", "text"),
    [
        ("rate_limit_429", 429, "rate_limit_error", "has been exceeded"),
        ("error_500", 500, "api_error", "Internal server error"),
        ("error_500_final", 500, "api_error", "Internal server error"),
        ("error_503", 503, "overloaded_error", "Overloaded"),
        ("error_504", 504, "timeout_error", "timed out"),
        ("error_529", 529, "overloaded_error", "Overloaded"),
        ("expired_key", 401, "authentication_error", "API key has expired."),
        ("deactivated_key", 401, "authentication_error", "API key has been deactivated."),
        ("invalid_key", 401, "authentication_error", "API key is invalid."),
        ("wrong_key", 404, "not_found_error", "Not found"),
        ("missing_scope", 403, "permission_error", "Missing required scopes."),
        ("compliance_disabled", 400, "invalid_request_error", "not enabled for this organization"),
    ],
)
def test_an_error_fault_answers_once_and_then_the_feed_is_back(start, get, kind, status, error_type, text):
    served = start(users=2, days=0)
    served.faults.on(kind, next=1)
    answer = get(served)
    assert (answer.status_code, answer.json()["error"]["type"]) == (status, error_type)
    assert text in answer.json()["error"]["message"]
    assert get(served).status_code == 200
    assert [entry["fault"] for entry in served.requests] == [kind, None]


TESTED_ON_ANALYTICS = {"stale_cursor", "short_rows"}  # test_analytics_faults.py: the feed has nothing like it


def test_every_request_fault_is_tested():
    error_faults = test_an_error_fault_answers_once_and_then_the_feed_is_back.pytestmark[0].args[1]
    tested = {row[0] for row in error_faults} | TESTED_ELSEWHERE_IN_THIS_FILE | TESTED_ON_ANALYTICS
    assert tested == set(REQUEST_FAULTS)


def test_a_500_says_whether_to_retry_and_a_429_when(start, get):
    served = start(users=2, days=0)
    served.faults.on("error_500", next=1)
    served.faults.on("error_500_final", next=1)
    served.faults.on("rate_limit_429", next=1, seconds=25)
    assert get(served).headers["x-should-retry"] == "true"
    assert get(served).headers["x-should-retry"] == "false"
    refused = get(served)
    assert refused.headers["retry-after"] == "25"
    assert refused.headers["anthropic-ratelimit-requests-remaining"] == "0"


def test_a_bad_gateway_comes_in_four_kinds_and_502_is_html(start, get):
    served = start(users=2, days=0)
    served.faults.on("bad_gateway")
    assert {get(served).status_code for _ in range(40)} == {502, 503, 504, 529}
    served.faults.clear()
    served.faults.on("error_502", next=1)
    answer = get(served)
    assert answer.status_code == 502
    assert answer.text.startswith("<html>")
    served.faults.on("bad_gateway", status=503, next=1)
    assert get(served).status_code == 503


def test_a_timeout_outlasts_the_client_and_then_answers_as_usual(start, get):
    served = start(users=2, days=0)
    served.faults.on("timeout", next=1)
    headers = {"x-api-key": served.keys["compliance"]}
    with pytest.raises(httpx.ReadTimeout):
        httpx.get(served.url + "/v1/compliance/activities", headers=headers, timeout=0.2)
    served.faults.on("timeout", next=1, seconds=0.2)
    began = time.monotonic()
    assert get(served).status_code == 200
    assert time.monotonic() - began >= 0.2


def test_a_cut_promises_the_whole_body_and_closes_in_the_middle(start, get):
    served = start()
    served.faults.on("cut", next=1)
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
        get(served, {"limit": 500})
    assert get(served).status_code == 200


def test_truncated_json_is_complete_http_with_half_a_document(start, get):
    served = start()
    served.faults.on("truncated_json", next=1)
    answer = get(served)
    assert answer.status_code == 200
    assert int(answer.headers["content-length"]) == len(answer.content)
    with pytest.raises(json.JSONDecodeError):
        answer.json()


def test_pages_that_are_not_pages_lack_what_they_are_named_for(start, get):
    served = start()
    whole = get(served, {"limit": 5}).json()
    for kind in ("no_data", "empty_page_claims_more", "full_page_without_has_more", "repeated_record"):
        served.faults.on(kind, next=1)
    no_data, empty, unflagged, repeated = (get(served, {"limit": 5}).json() for _ in range(4))
    assert set(no_data) == {"has_more", "first_id", "last_id"}
    assert empty == {"data": [], "has_more": True, "first_id": None, "last_id": None}
    assert unflagged == {key: whole[key] for key in ("data", "first_id", "last_id")}
    assert repeated["data"] == whole["data"] + whole["data"][-1:]


def test_clock_skew_moves_the_date_header_until_it_is_cleared(start, get):
    served = start(users=2, days=0)
    served.faults.on("clock_skew", seconds=-90)
    off = parsedate_to_datetime(get(served).headers["date"]) - served.clock.now()
    assert off.total_seconds() == -90
    served.faults.clear()
    assert parsedate_to_datetime(get(served).headers["date"]) == served.clock.now()


def test_skip_lets_the_first_requests_through(start, get):
    served = start(users=2, days=0)
    served.faults.on("error_500", skip=2, next=1)
    assert [get(served).status_code for _ in range(4)] == [200, 200, 500, 200]


def test_a_fault_with_a_probability_repeats_itself_for_a_seed(start, get):
    runs = []
    for _ in range(2):
        served = start(users=2, days=0, rate_limit=0)
        served.faults.on("error_503", probability=0.4)
        runs.append([get(served).status_code for _ in range(30)])
    assert runs[0] == runs[1]
    assert set(runs[0]) == {200, 503}


def test_faults_leave_the_sandbox_controls_alone(start):
    served = start(users=2, days=0)
    served.faults.on("error_500")
    assert httpx.get(served.url + "/_sandbox/truth").status_code == 200


def test_faults_are_switched_over_http(start, get):
    served = start(users=2, days=0)
    control = served.url + "/_sandbox/faults"
    httpx.post(control, json={"kind": "error_500", "next": 1})
    httpx.post(control, json=[{"kind": "error_503", "next": 1}])
    httpx.post(control, json={"faults": "error_504:next=1"})
    assert [fault["kind"] for fault in httpx.get(control).json()["on"]] == ["error_500", "error_503", "error_504"]
    assert [get(served).status_code for _ in range(2)] == [500, 503]
    assert httpx.delete(control).json()["on"] == []
    assert get(served).status_code == 200
    refused = httpx.post(control, json={"kind": "gremlins"})
    assert refused.status_code == 400
    assert "unknown fault 'gremlins'" in refused.text


def test_the_command_lines_grammar_reads_probabilities_counts_and_json():
    first, second, third = parse_faults("rate_limit_429:0.05,error_500:next=3:skip=1,clock_skew:seconds=600")
    assert (first.kind, first.probability, first.next) == ("rate_limit_429", 0.05, None)
    assert (second.next, second.skip) == (3, 1)
    assert third.seconds == 600
    assert parse_faults('[{"kind":"cut","next":2}]')[0].next == 2
    assert parse_faults(" ") == []


@pytest.mark.parametrize(
    "text", ["nope", "cut:often", "cut:2", "cut:colour=red", "[{", "late_indexing:start=noon"]
)
def test_a_fault_nobody_can_carry_out_is_refused_with_a_reason(text):
    with pytest.raises(FaultError):
        parse_faults(text)


def test_request_and_record_faults_are_not_taken_for_each_other():
    with pytest.raises(FaultError, match=r"tenant\.damage"):
        Faults(7).on("huge_record")
    with pytest.raises(FaultError, match=r"faults\.on"):
        Tenant(users=1, days=0).damage("cut")
