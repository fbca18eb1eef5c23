"""Every authenticated request becomes a record of the feed a second later."""

from __future__ import annotations

import json

import httpx

from sandbox import Tenant, serve


def _footprints(served):
    return {
        found["request_id"]: found
        for found in map(json.loads, served.tenant.records())
        if found["type"] == "compliance_api_accessed" and found["actor"]["user_agent"] == "test-agent/1"
    }


def _ask(served, query="", key="compliance", **headers):
    sent = {"x-api-key": served.keys[key], "user-agent": "test-agent/1", **headers}
    return httpx.get(f"{served.url}/v1/compliance/activities{query}", headers=sent)


def test_a_request_leaves_its_footprint_with_the_request_id_a_second_later(start):
    served = start(users=1, days=0)
    request_id = _ask(served, "?limit=5").headers["request-id"]
    assert _footprints(served) == {}
    served.clock.advance(2)
    record = _footprints(served)[request_id]
    assert record["url"] == "https://api.anthropic.com/v1/compliance/activities?limit=5"
    assert (record["request_method"], record["status_code"], record["request_body"]) == ("GET", 200, None)
    assert (record["organization_id"], record["organization_uuid"]) == (None, None)
    assert record["actor"]["type"] == "api_actor"
    assert record["actor"]["api_key_id"] == served.tenant.world.key_named("compliance").id


def test_refused_requests_are_audited_with_their_status_and_strangers_are_not(start):
    served = start(users=1, days=0)
    bad = _ask(served, "?limit=0").headers["request-id"]
    forbidden = _ask(served, key="analytics").headers["request-id"]
    _ask(served, key="expired")
    served.clock.advance(2)
    assert {k: v["status_code"] for k, v in _footprints(served).items()} == {bad: 400, forbidden: 403}


def test_a_429_leaves_no_footprint(start):
    served = start(users=1, days=0, rate_limit=1)
    first = _ask(served).headers["request-id"]
    assert _ask(served).status_code == 429
    served.clock.advance(2)
    assert set(_footprints(served)) == {first}


def test_a_client_may_play_somebody_at_another_address(start):
    served = start(users=1, days=0)
    request_id = _ask(served, **{"x-forwarded-for": "203.0.113.9"}).headers["request-id"]
    served.clock.advance(2)
    assert _footprints(served)[request_id]["actor"]["ip_address"] == "203.0.113.9"


def test_the_request_log_lists_what_was_served(start):
    served = start(users=2, days=0)
    request_id = _ask(served, "?limit=3").headers["request-id"]
    entry = httpx.get(served.url + "/_sandbox/requests").json()[-1]
    assert entry["request_id"] == request_id == served.requests[-1]["request_id"]
    assert (entry["status"], entry["key"], entry["query"], entry["records"]) == (200, "compliance", "limit=3", 3)


def test_a_journal_brings_access_records_redactions_and_withdrawals_over_a_restart(tmp_path):
    def tenant():
        return Tenant(users=3, days=2, clock="2026-11-20T10:00:00Z", journal=tmp_path / "journal.ndjson")

    with serve(tenant()) as served:
        request_id = _ask(served).headers["request-id"]
        person = served.tenant.world.people.owner
        gone = served.tenant.withdraw(day=served.tenant.first_day, count=2)
        assert served.tenant.redact(email=person.email)
        served.clock.advance(5)
        before = served.tenant.records()
    with serve(tenant()) as served:
        served.clock.advance(5)
        assert served.tenant.records() == before
        assert request_id in _footprints(served)
        assert len(gone) == 2
