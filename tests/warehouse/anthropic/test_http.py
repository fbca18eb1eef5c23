"""What a request carries, what an answer keeps, and where a key never goes."""

import logging
import traceback
from pathlib import Path

import pytest

from tests.warehouse.anthropic.scripted import KEY, NOW, Given, client_of, error, page, scripted, self_signed
from warehouse.anthropic.answers import Response, parse_error
from warehouse.anthropic.errors import (
    AddressRefused,
    AnthropicError,
    AuthenticationTrouble,
    RequestRefused,
    TlsUntrusted,
)
from warehouse.anthropic.refusals import named_parameter
from warehouse.wire.records import PageBody, split_page


def read(response: Response) -> PageBody:
    return split_page(response.body)


def test_a_request_names_its_key_version_agent_and_encoding() -> None:
    with scripted(page([1])) as server, client_of(server.url, version="2026-10-21", writer="host-7") as client:
        client.get("/p", "a=1", read=read, betas=("one", "two"))
    headers = server.asked[0].headers
    assert headers["x-api-key"] == KEY
    assert "authorization" not in headers
    assert headers["anthropic-version"] == "2026-10-21"
    assert headers["anthropic-beta"] == "one,two"
    assert headers["accept-encoding"] == "identity"
    assert headers["user-agent"].startswith("ledgerline/")
    assert headers["user-agent"].endswith(" (host-7)")
    assert server.asked[0].target == "/p?a=1"


def test_a_hostile_writer_id_stays_one_header() -> None:
    with scripted(page([1])) as server, client_of(server.url, writer="a\r\nx-evil: 1 (ü)") as client:
        client.get("/p", read=read)
    assert server.asked[0].headers["user-agent"].endswith(" (a--x-evil: 1 ---)")
    assert "x-evil" not in server.asked[0].headers


def test_a_query_travels_exactly_as_it_was_written() -> None:
    query = "created_at.gte=2026-11-22T08:00:00Z&after_id=a%2Bb%2F%3D%26c&activity_types%5B%5D=x"
    with scripted(page([1])) as server, client_of(server.url) as client:
        answer = client.get("/p", query, read=read)
    assert server.asked[0].target == f"/p?{query}"
    assert answer.attempts[0].url == f"/p?{query}"


def test_the_body_is_kept_byte_for_byte_even_where_it_is_odd() -> None:
    odd = b'{"id":1,"id":2, "n":123456789012345678901234567890, "t":"\xff\\ud800"}'
    body = b'\r\n{ "data" : [ ' + odd + b' ],"has_more":false}\n'
    with scripted(Given(body=body)) as server, client_of(server.url) as client:
        answer = client.get("/p", read=read)
    assert answer.response.body == body
    assert answer.value.records == [odd]


def test_a_forty_megabyte_body_arrives_whole() -> None:
    body = b'{"data":[{"id":"a","blob":"' + b"x" * 40_000_000 + b'"}],"has_more":false}'
    with scripted(Given(body=body)) as server, client_of(server.url) as client:
        assert client.get("/p", read=read).response.body == body


def test_every_header_is_kept_in_lower_case_and_no_cookie() -> None:
    given = page([1], headers={"Request-Id": "req_7", "X-Odd": "one\ntwo", "Set-Cookie": "__edge=token"})
    with scripted(given) as server, client_of(server.url) as client:
        response = client.get("/p", read=read).response
    assert response.request_id == "req_7"
    assert response.headers["x-odd"] == "one, two"
    assert response.headers["set-cookie"] == "[removed]"
    assert response.headers["date"] == "Sun, 22 Nov 2026 10:00:00 GMT"
    assert response.requested_at == response.received_at == NOW


def test_both_shapes_of_an_error_body_are_read() -> None:
    bare = parse_error(b'{"error":{"type":"api_error","message":"m"}}')
    platform = parse_error(b'{"type":"error","error":{"type":"api_error","message":"m"},"request_id":"req_1"}')
    assert (bare.type, bare.message, bare.request_id) == ("api_error", "m", None)
    assert (platform.type, platform.message, platform.request_id) == ("api_error", "m", "req_1")


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b'{"error":7}', b"\xff\xfe", b'{"error":{"type":1,"message":[]}}', b"[" * 9999]
)
def test_any_other_error_body_is_no_surprise(body: bytes) -> None:
    assert parse_error(body).type is None


def test_foreign_text_is_made_one_bounded_line() -> None:
    found = parse_error(b'{"error":{"type":"t","message":"a\\u001b[31m\\nb' + b"x" * 5000 + b'"}}')
    assert found.message.startswith("a\\x1b[31m\\nb")
    assert len(found.message) <= 300


@pytest.mark.parametrize(
    ("message", "parameter"),
    [
        ("Unknown query parameter: 'created_at[gte]'. Did you mean 'created_at.gte'?", "created_at[gte]"),
        ("limit: Input should be less than or equal to 5000", "limit"),
        ("created_at.gte: Input should be a valid datetime or date, invalid character in year", "created_at.gte"),
        ("activity_types[].0: Input is not one of the permitted values.", "activity_types[].0"),
        ("Invalid activity_id format: 'activity_invalid123'", "activity_id"),
        ("something else", None),
    ],
)
def test_a_400_names_its_parameter(message: str, parameter: str | None) -> None:
    assert named_parameter(message) == parameter
    given = Given(400, error("invalid_request_error", message), {"request-id": "req_400"})
    with (
        scripted(given) as server,
        client_of(server.url) as client,
        pytest.raises(RequestRefused, match="req_400") as raised,
    ):
        client.get("/p", "limit=9", read=read)
    assert (raised.value.status, raised.value.parameter) == (400, parameter)
    assert "/p?limit=9" in str(raised.value)


def test_a_redirect_is_not_followed_with_the_key() -> None:
    with scripted(page([1])) as elsewhere:
        moved = Given(302, b"", {"location": f"{elsewhere.url}/p"})
        with (
            scripted(moved) as server,
            client_of(server.url) as client,
            pytest.raises(AddressRefused, match=r"never follows a redirect.*base_url"),
        ):
            client.get("/p", read=read)
        assert elsewhere.asked == []


def test_a_404_page_of_something_else_is_about_the_address() -> None:
    with (
        scripted(Given(404, b"<html>nginx</html>")) as server,
        client_of(server.url) as client,
        pytest.raises(AddressRefused, match="not the API"),
    ):
        client.get("/p", read=read)


@pytest.mark.parametrize(
    "base_url",
    [
        "http://api.example.com",
        "http://192.0.2.7:8080",
        "https://user:pass@api.example.com",
        "ftp://127.0.0.1",
        "api.anthropic.com",
        "",
        "https://",
        "http://[::1",
        "https://api.example.com:port",
        "https://api.example.com/?key=1",
    ],
)
def test_an_address_no_key_should_go_to_is_refused(base_url: str) -> None:
    with pytest.raises(AddressRefused, match=r"anthropic\.base_url") as raised:
        client_of(base_url)
    assert "pass" not in str(raised.value).replace("password", "")


@pytest.mark.parametrize(
    "base_url", ["http://127.0.0.1:1", "http://localhost:1/", "http://[::1]:1", "https://x.example.com"]
)
def test_loopback_and_https_are_taken(base_url: str) -> None:
    client_of(base_url).close()


def test_a_base_path_is_kept() -> None:
    with scripted(page([1])) as server, client_of(server.url + "/gateway/") as client:
        client.get("/v1/p", read=read)
    assert server.asked[0].target == "/gateway/v1/p"


def test_loopback_never_goes_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    with scripted(page([1])) as server, client_of(server.url) as client:
        client.get("/p", read=read)
    assert len(server.asked) == 1


def test_a_certificate_nobody_signed_stops_everything_at_once(tmp_path: Path) -> None:
    with (
        scripted(page([1]), tls=self_signed(tmp_path)) as server,
        client_of(server.url) as client,
        pytest.raises(TlsUntrusted, match=r"certificate.*key was not sent.*SSL_CERT_FILE") as raised,
    ):
        client.get("/p", read=read)
    assert len(raised.value.attempts) == 1
    assert server.asked == []


def test_a_certificate_bundle_from_the_environment_is_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tls = self_signed(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
    with scripted(page([1]), tls=tls) as server, client_of(server.url) as client:
        assert len(client.get("/p", read=read).value.records) == 1


def test_a_certificate_bundle_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/bundle.pem")
    with pytest.raises(TlsUntrusted, match="SSL_CERT_FILE"):
        client_of("https://api.example.com")


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 500, 302, 200])
def test_the_key_is_in_no_error_repr_log_or_attempt(status: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    echo = Given(status, error("api_error", f"you sent {KEY}, said the proxy"), {"x-should-retry": "false"})
    with scripted(after=echo) as server, client_of(server.url) as client:
        with pytest.raises(AnthropicError) as raised:
            client.get("/p", read=read)
        seen = [repr(client), repr(client.budget), str(raised.value), repr(raised.value.attempts), caplog.text]
        seen += ["".join(traceback.format_exception(raised.value)), repr(vars(raised.value))]
    assert not [text for text in seen if KEY in text]
    assert server.asked[0].headers["x-api-key"] == KEY


def test_a_lost_connection_leaves_no_exception_that_holds_the_request() -> None:
    with scripted() as server:
        url = server.url
    with client_of(url) as client, pytest.raises(AnthropicError) as raised:
        client.get("/p", read=read)
    assert raised.value.__cause__ is None
    assert raised.value.__context__ is None


@pytest.mark.parametrize("key", ["sk-ant-api01-a\nb", "sk-ant-api01-é", "sk-ant api01", "\x00sk-ant-api01-x"])
def test_a_key_no_header_can_carry_is_refused_without_being_shown(key: str) -> None:
    with (
        scripted(page([1])) as server,
        client_of(server.url, key=lambda: key) as client,
        pytest.raises(AuthenticationTrouble, match="not usable") as raised,
    ):
        client.get("/p", read=read)
    assert raised.value.cause == "malformed"
    assert key not in str(raised.value)
    assert server.asked == []


def test_the_newline_at_the_end_of_a_key_file_does_no_harm() -> None:
    with scripted(page([1])) as server, client_of(server.url, key=lambda: f" {KEY}\r\n") as client:
        client.get("/p", read=read)
    assert server.asked[0].headers["x-api-key"] == KEY


def test_a_rotated_key_is_used_from_the_next_request_on() -> None:
    keys = iter(["sk-ant-api01-old", "sk-ant-api01-new"])
    with scripted(page([1]), page([1])) as server, client_of(server.url, key=lambda: next(keys)) as client:
        client.get("/p", read=read)
        client.get("/p", read=read)
    assert [asked.headers["x-api-key"] for asked in server.asked] == ["sk-ant-api01-old", "sk-ant-api01-new"]
