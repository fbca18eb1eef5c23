"""What is said of a key that does not open the stream: which setting, which scope, where to make another."""

import pytest

from tests.warehouse.anthropic.scripted import KEY, WINDOW, Given, error, feed, page, scripted
from warehouse.anthropic.authentication import key_kind, read_scopes
from warehouse.anthropic.errors import AuthenticationTrouble, NotEnabled, StreamTrouble

NEW_WORDING = (
    "Missing required scopes. Got: ['read:analytics'] "
    "Needed one of: ['read:compliance_activities', 'read:org_audit']"
)
OLD_WORDING = "Missing required scopes. Got: ['read:analytics'] Needed: ['read:compliance_activities']"


def trouble(given: Given, key: str = KEY) -> StreamTrouble:
    with scripted(given) as server:
        source = feed(server.url, key=lambda: key)
        with source.client, pytest.raises(StreamTrouble) as raised:
            list(source.pages(WINDOW))
    assert len(raised.value.attempts) == len(server.asked) == 1
    assert key not in str(raised.value)
    assert key not in repr(vars(raised.value))
    return raised.value


def auth_trouble(given: Given, key: str = KEY) -> AuthenticationTrouble:
    found = trouble(given, key)
    assert isinstance(found, AuthenticationTrouble)
    assert found.key_setting == "anthropic.keys.compliance"
    for needed in (
        "`anthropic.keys.compliance`",
        "`read:compliance_activities`",
        "claude.ai > Organization settings > API",
        "primary owner or owner",
    ):
        assert needed in str(found)
    return found


def test_a_missing_scope_names_what_is_there_and_what_is_needed() -> None:
    found = auth_trouble(Given(403, error("permission_error", NEW_WORDING), {"request-id": "req_403"}))
    assert found.cause == "scope_missing"
    assert found.scopes_found == ("read:analytics",)
    assert found.scopes_needed == ("read:compliance_activities", "read:org_audit")
    assert "has `read:analytics` and needs `read:compliance_activities` or `read:org_audit`" in str(found)
    assert "req_403" in str(found)


def test_the_older_wording_of_a_missing_scope_is_read_too() -> None:
    found = auth_trouble(Given(403, error("permission_error", OLD_WORDING)))
    assert (found.scopes_found, found.scopes_needed) == (("read:analytics",), ("read:compliance_activities",))


@pytest.mark.parametrize(
    ("text", "scopes"),
    [
        ("Got: [] Needed: ['a']", ((), ("a",))),
        ('Got: ["a", "b"] Needed one of: ["c"]', (("a", "b"), ("c",))),
        ("no list at all", ((), ())),
        ("", ((), ())),
    ],
)
def test_scopes_are_read_from_any_list(text: str, scopes: tuple[tuple[str, ...], tuple[str, ...]]) -> None:
    assert read_scopes(text) == scopes


@pytest.mark.parametrize(
    ("message", "cause"),
    [
        ("API key is invalid.", "invalid"),
        ("API key has been deactivated.", "deactivated"),
        ("API key has expired.", "expired"),
        ("", "invalid"),
    ],
)
def test_a_401_says_what_became_of_the_key(message: str, cause: str) -> None:
    assert auth_trouble(Given(401, error("authentication_error", message))).cause == cause


@pytest.mark.parametrize(
    "given",
    [
        Given(404, error("not_found_error", "Not found")),
        Given(404, {"type": "error", "error": {"type": "not_found_error", "message": "Not found"}}),
        Given(404, b"Not found"),
    ],
)
@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("sk-ant-api03-" + "x" * 30, "Claude API key of the Claude Console (sk-ant-api03-...)"),
        ("sk-ant-admin01-" + "x" * 30, "Admin API key of the Claude Console (sk-ant-admin01-...)"),
        ("sk-ant-api01-" + "x" * 30, "Claude Enterprise key (sk-ant-api01-...)"),
        ("hunter2hunter2", "key of an unrecognised kind"),
    ],
)
def test_a_bare_404_of_the_feed_means_the_key_and_not_an_absence(given: Given, key: str, kind: str) -> None:
    found = auth_trouble(given, key)
    assert (found.cause, found.key_kind) == ("wrong_kind", kind)
    assert kind in str(found)


def test_a_console_key_that_gets_a_401_is_of_the_wrong_kind() -> None:
    found = auth_trouble(Given(401, error("authentication_error", "invalid x-api-key")), "sk-ant-api03-" + "y" * 9)
    assert found.cause == "wrong_kind"


def test_a_403_of_a_firewall_is_not_blamed_on_the_key() -> None:
    found = trouble(Given(403, b"<html>Blocked by policy</html>"))
    assert isinstance(found, AuthenticationTrouble)
    assert found.cause == "refused"
    assert "proxy or firewall" in found.remedy


def test_a_403_without_scopes_says_that_the_key_is_not_permitted() -> None:
    found = auth_trouble(Given(403, error("permission_error", "API key does not have access to organization")))
    assert found.cause == "refused"


def test_a_key_that_is_not_set_costs_no_request() -> None:
    with scripted(page([1])) as server:
        source = feed(server.url, key=lambda: "\n")
        with source.client, pytest.raises(AuthenticationTrouble, match="no key for the Compliance API") as raised:
            list(source.pages(WINDOW))
    assert raised.value.cause == "no_key"
    assert "`read:compliance_activities`" in raised.value.remedy
    assert server.asked == []


def test_an_api_that_is_switched_off_says_who_can_switch_it_on() -> None:
    found = trouble(
        Given(400, error("invalid_request_error", "Compliance API is not enabled for this organization"))
    )
    assert isinstance(found, NotEnabled)
    assert "primary owner" in found.remedy


def test_the_kind_of_a_key_shows_none_of_its_secret() -> None:
    assert key_kind("sk-ant-api01-abc") == "Claude Enterprise key (sk-ant-api01-...)"
    assert key_kind("abc") == "key of an unrecognised kind"
    assert key_kind("") == "no key"
