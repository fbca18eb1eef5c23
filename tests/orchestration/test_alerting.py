"""A word to a human, over real HTTP and real SMTP."""

import json
import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from orchestration.alerting import MAIL_FROM, MAIL_TO, SLACK, SMTP, SMTP_PASSWORD, WEBHOOK, tell

LOG = logging.getLogger("alerts")
INCIDENT = {"severity": "ERROR", "subject": "siem_soc: dead_letters_are_empty", "text": "3 events; run x"}


@contextmanager
def posting(status: int = 200, to: str = "") -> Iterator[tuple[str, list[dict[str, Any]]]]:
    got: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(status)
            if to:
                self.send_header("location", to)
            self.end_headers()

        def do_GET(self) -> None:  # what a followed redirect makes of a POST
            got.append({"asked": self.path})
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/T000/secret-path", got
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def mailing(refuse: str = "") -> Iterator[tuple[str, list[str]]]:
    """A mail server that takes one message at a time; `refuse`: a command that it answers with 550."""
    letters: list[str] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection, connection.makefile("rwb") as wire:

                def say(text: str, wire: Any = wire) -> None:
                    wire.write(text.encode() + b"\r\n")
                    wire.flush()

                say("220 mail.example.com")
                while line := wire.readline().decode().strip():
                    word = line[:4].upper()
                    if refuse and word == refuse:
                        say("550 no")
                    elif word == "DATA":
                        say("354 go on")
                        body = []
                        while (part := wire.readline()) != b".\r\n":
                            body.append(part.decode())
                        letters.append("".join(body))
                        say("250 taken")
                    elif word == "QUIT":
                        say("221 bye")
                        break
                    else:
                        say("250 ok")

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"smtp://127.0.0.1:{listener.getsockname()[1]}", letters
    finally:
        listener.close()


def test_each_way_gets_what_it_takes() -> None:
    with posting() as (webhook, documents), posting() as (slack, messages), mailing() as (server, letters):
        env = {WEBHOOK: webhook, SLACK: slack, SMTP: server, MAIL_TO: "soc@example.com, ops@example.com"}
        assert tell(LOG, **INCIDENT, env=env)
    (document,) = documents
    assert document["subject"] == INCIDENT["subject"]
    assert document["detail"] == INCIDENT["text"]
    assert messages == [{"text": "Ledgerline ERROR: siem_soc: dead_letters_are_empty\n3 events; run x"}]
    (letter,) = letters
    assert "Subject: Ledgerline ERROR: siem_soc: dead_letters_are_empty" in letter
    assert "To: soc@example.com, ops@example.com" in letter
    assert "3 events; run x" in letter


def test_one_way_that_is_closed_does_not_close_the_others() -> None:
    with posting(500) as (webhook, _), mailing() as (server, letters):
        env = {WEBHOOK: webhook, SMTP: server, MAIL_TO: "soc@example.com", MAIL_FROM: "ledgerline@example.com"}
        assert tell(LOG, **INCIDENT, env=env)
    assert len(letters) == 1


@pytest.mark.parametrize(
    "server", ["smtp://127.0.0.1:1", "https://mail.example.com", "smtp://", "smtp://127.0.0.1:notaport"]
)
def test_where_nobody_heard_it_is_said_so_without_an_address(
    server: str, caplog: pytest.LogCaptureFixture
) -> None:
    env = {
        SMTP: server,
        MAIL_TO: "soc@example.com",
        SMTP_PASSWORD: "hunter2hunter2",
        SLACK: "http://127.0.0.1:1/s3cr3t",
    }
    assert not tell(LOG, **INCIDENT, env=env)
    assert "could not be sent" in caplog.text
    for secret in ("hunter2", "s3cr3t", "127.0.0.1", "soc@example.com"):
        assert secret not in caplog.text


def test_a_mail_server_that_refuses_is_named_by_its_answer(caplog: pytest.LogCaptureFixture) -> None:
    with mailing(refuse="MAIL") as (server, letters):
        assert not tell(LOG, **INCIDENT, env={SMTP: server, MAIL_TO: "soc@example.com"})
    assert letters == []
    assert "LEDGERLINE_ALERT_SMTP" in caplog.text


def test_a_line_break_in_what_happened_makes_no_header() -> None:
    with mailing() as (server, letters):
        odd = {"severity": "ERROR", "subject": "a\r\nBcc: all@example.com", "text": "x"}
        assert tell(LOG, **odd, env={SMTP: server, MAIL_TO: "soc@example.com"})
    assert "\nBcc:" not in letters[0]


def test_without_a_way_the_log_is_enough() -> None:
    assert tell(LOG, **INCIDENT, env={})


HOSTILE = "x\x1b[2J\x07\u202e <!channel> <https://198.51.100.9/|sign in> & 'm'"


def test_a_hostile_name_mentions_nobody_links_nowhere_and_moves_no_cursor(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with posting() as (slack, messages), mailing() as (server, letters):
        env = {SLACK: slack, SMTP: server, MAIL_TO: "soc@example.com"}
        assert tell(LOG, severity="WARN", subject=HOSTILE, text=f"file {HOSTILE}\nsecond line", env=env)
    (message,) = messages
    assert "<" not in message["text"]
    assert "&lt;!channel&gt; &lt;https://198.51.100.9/|sign in&gt; &amp;" in message["text"]
    for said in (message["text"], caplog.text, *letters):
        assert not set(said) & set("\x1b\x07\u202e")
    assert "second line" in message["text"].split("\n")


def test_an_alert_follows_no_redirect() -> None:
    with posting() as (elsewhere, got), posting(302, to=elsewhere) as (webhook, first):
        assert not tell(LOG, **INCIDENT, env={WEBHOOK: webhook})
    assert len(first) == 1
    assert got == []


@pytest.mark.parametrize(
    "url", ["http://hooks.example.com/T000/secret", "http://x.localhost/T0", "file:///etc/passwd"]
)
def test_the_address_of_a_webhook_is_never_called_in_the_clear(url: str, caplog: pytest.LogCaptureFixture) -> None:
    assert not tell(LOG, **INCIDENT, env={WEBHOOK: url})
    assert "ValueError" in caplog.text
    assert url not in caplog.text
