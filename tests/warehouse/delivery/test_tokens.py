"""Tokens: kept, left in time, and fetched once however many threads want one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from sandbox.intakes import serve_intakes
from warehouse.delivery.over_http import HttpTransport
from warehouse.delivery.port import Request
from warehouse.delivery.tokens import EARLY_SECONDS, NoToken, Token, TokenTransport

REQUEST = Request(body=b"[]", raw=2, count=1)


def test_a_token_is_left_five_minutes_before_its_end() -> None:
    now, issued = [1000.0], []

    def fetch() -> Token:
        issued.append(now[0])
        return Token(f"token-{len(issued)}", 3600)

    with serve_intakes("webhook") as served:
        transport = TokenTransport(HttpTransport("soc", served.url), fetch, clock=lambda: now[0])
        transport.send(REQUEST)
        before = len(issued)
        now[0] += 3600 - EARLY_SECONDS - 1
        transport._current()
        assert len(issued) == before
        now[0] += 2
        transport._current()
        assert len(issued) == before + 1
        transport.close()


def test_threads_that_want_a_token_at_once_fetch_it_once() -> None:
    together, fetched = Barrier(8), []

    def fetch() -> Token:
        fetched.append(1)
        return Token("token", 3600)

    transport = TokenTransport(HttpTransport("soc", "http://127.0.0.1:9"), fetch)

    def current(_: int) -> object:
        together.wait()
        return transport._current()

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(current, range(8))) == {"token"}
    assert len(fetched) == 1


def test_without_a_token_nothing_is_sent_and_it_is_tried_again() -> None:
    with serve_intakes("webhook") as served:
        transport = TokenTransport(
            HttpTransport("soc", served.url), lambda: NoToken("from the authority: busy", 3)
        )
        response = transport.send(REQUEST)
        assert (response.status, response.headers["retry-after"]) == (0, "3")
        assert (response.error, response.sent) == ("no token from the authority: busy", False)
        assert not served["webhook"].requests
        transport.close()


def test_a_token_stands_in_no_text() -> None:
    assert "hush" not in repr(Token("hush", 1))
