"""`doctor`'s question to each key, and what it makes of the answers."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.warehouse.anthropic.scripted import KEY, NOW, Given, Time, client_of, error, page, scripted, self_signed
from warehouse.anthropic.diagnose import Diagnosis, RateLimit, diagnose
from warehouse.anthropic.surfaces import ANALYTICS, COMPLIANCE, DIRECTORY, SURFACES, Surface

RATES = {
    "anthropic-ratelimit-requests-limit": "600",
    "anthropic-ratelimit-requests-remaining": "599",
    "anthropic-ratelimit-requests-reset": "2026-11-22T10:00:59Z",
    "request-id": "req_doctor",
}


def diagnosed(
    *script: Given, surface: Surface = COMPLIANCE, times: Time | None = None, **settings: Any
) -> Diagnosis:
    times = times or Time()
    with scripted(*script) as server, client_of(server.url, times, surface, **settings) as client:
        found = diagnose(client, times.clock)
    assert KEY not in repr(found)
    assert found.ok == (found.state == "ok") == (not found.remedy)
    assert found.detail
    return found


def test_a_sound_key_costs_one_record_and_shows_the_rate_headers() -> None:
    with scripted(page([1], headers=RATES)) as server, client_of(server.url) as client:
        found = diagnose(client, lambda: NOW)
    assert found.ok
    assert [asked.target for asked in server.asked] == ["/v1/compliance/activities?limit=1"]
    assert found.rate_limit == RateLimit("600", "599", "2026-11-22T10:00:59Z")
    assert found.request_ids == ("req_doctor",)
    assert found.skew_seconds == pytest.approx(0.5)
    assert found.clock_finding == ""
    assert found.seconds >= 0


@pytest.mark.parametrize(
    ("given", "state"),
    [
        (Given(401, error("authentication_error", "API key is invalid.")), "invalid"),
        (Given(401, error("authentication_error", "API key has expired.")), "expired"),
        (Given(401, error("authentication_error", "API key has been deactivated.")), "deactivated"),
        (Given(404, error("not_found_error", "Not found")), "wrong_kind"),
        (Given(403, error("permission_error", "Got: ['read:analytics'] Needed: ['read:x']")), "scope_missing"),
        (Given(403, b"<html>no</html>"), "refused"),
        (
            Given(400, error("invalid_request_error", "Compliance API is not enabled for this organization")),
            "not_enabled",
        ),
        (Given(302, b"", {"location": "https://login.example.com/"}), "address"),
        (Given(404, b"<html>nginx</html>"), "address"),
    ],
)
def test_each_trouble_is_a_state_with_a_remedy(given: Given, state: str) -> None:
    found = diagnosed(given)
    assert (found.state, found.key_setting) == (state, "anthropic.keys.compliance")
    assert found.scopes_needed


def test_scopes_found_and_needed_are_reported() -> None:
    found = diagnosed(Given(403, error("permission_error", "Got: ['read:analytics'] Needed one of: ['read:x']")))
    assert (found.scopes_found, found.scopes_needed) == (("read:analytics",), ("read:x",))
    assert found.key_kind == "Claude Enterprise key (sk-ant-api01-...)"


def test_a_key_that_is_not_set_is_a_state() -> None:
    found = diagnosed(key=lambda: "")
    assert (found.state, found.request_ids) == ("no_key", ())


def test_a_server_that_is_not_there_is_unreachable_after_two_tries() -> None:
    times = Time()
    with scripted() as server:
        url = server.url
    with client_of(url, times) as client:
        found = diagnose(client)
    assert (found.state, len(times.sleeps), found.skew_seconds) == ("unreachable", 1, None)


def test_a_spent_budget_is_told_without_waiting_for_it() -> None:
    times = Time()
    found = diagnosed(Given(429, error("rate_limit_error", "exceeded"), {"retry-after": "40"}), times=times)
    assert (found.state, times.sleeps) == ("rate_limited", [])


def test_a_server_that_is_something_else_is_told() -> None:
    html = Given(200, b"<html>hello</html>")
    assert diagnosed(html, html).state == "not_the_api"


def test_an_untrusted_certificate_is_told(tmp_path: Path) -> None:
    with scripted(page([1]), tls=self_signed(tmp_path)) as server, client_of(server.url) as client:
        found = diagnose(client)
    assert found.state == "tls"
    assert "SSL_CERT_FILE" in found.remedy


def test_clock_skew_is_told_beside_a_sound_key() -> None:
    found = diagnosed(page([1]), times=Time(NOW - timedelta(minutes=10)))
    assert found.ok
    assert found.skew_seconds == pytest.approx(600.5)
    assert "behind the API's" in found.clock_finding


def test_each_scope_of_a_key_is_tried() -> None:
    missing = Given(403, error("permission_error", "Got: ['read:members'] Needed: ['read:rbac_groups']"))
    with scripted(page([]), missing) as server, client_of(server.url, surface=DIRECTORY) as client:
        found = diagnose(client)
    assert [asked.path for asked in server.asked] == ["/v1/organizations/users", "/v1/organizations/rbac_groups"]
    assert (found.state, found.scopes_found) == ("scope_missing", ("read:members",))
    assert "all linked organisations" in found.remedy


def test_a_day_that_is_not_there_yet_still_proves_the_key() -> None:
    refused = Given(400, error("invalid_request_error", "date: latest available day is 2026-11-01"))
    with scripted(refused) as server, client_of(server.url, surface=ANALYTICS) as client:
        found = diagnose(client, lambda: NOW)
    assert server.asked[0].query == {"date": "2026-11-17", "limit": "1"}
    assert found.ok
    assert "the key is accepted" in found.detail


def test_no_probe_asks_for_content_or_writes() -> None:
    for surface in SURFACES:
        for path, _ in surface.probes:
            assert not any(word in path for word in ("/apps/", "chats", "files", "user_preferences"))
            assert "read:compliance_user_data" not in surface.scopes
