"""A syslog receiver over TCP, plain or with TLS, that takes both framings on a connection (RFC 5424, 6587, 5425).

It listens as soon as it is made. Syslog has no answers, so what a real receiver would cut, split or misread
without a word is written down in `violations` and not kept; the connection then goes on, as real ones do.
"""

from __future__ import annotations

import re
import socket
import ssl
import struct
import time
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Any

import msgspec

from sandbox.intakes.faults import IntakeFaults
from sandbox.intakes.intake import Asked, Intake, Reply, moment

HOST = "127.0.0.1"
LONGEST = 8192
_HEADER = re.compile(
    rb"<(?P<priority>0|[1-9]\d{0,2})>1 (?P<time>\S+) (?P<host>[!-~]{1,255}) (?P<app>[!-~]{1,48}) "
    rb"(?P<process>[!-~]{1,128}) (?P<name>[!-~]{1,32}) "
)
_ELEMENT = re.compile(
    rb'\[(?P<id>[!#-<>-\\^-~]{1,32})(?P<pairs>(?: [!#-<>-\\^-~]{1,32}="(?:[^"\\\]]|\\["\\\]])*")*)\]'
)
_PAIR = re.compile(rb' (?P<name>[!#-<>-\\^-~]{1,32})="(?P<value>(?:[^"\\\]]|\\["\\\]])*)"')
_TIME = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)")
_BOM = b"\xef\xbb\xbf"


class Syslog(Intake):
    """One receiver. With `certificate` and `key` (PEM files) it speaks TLS."""

    name = "syslog"

    def __init__(self, *, certificate: Path | None = None, key: Path | None = None, **settings: Any) -> None:
        super().__init__(**settings)
        known = {
            "cut": "resets the connection when bytes come, before anything of them is kept",
            "close": "closes the connection when bytes come, before anything of them is kept",
            "cut_before_reply": "keeps what came, then resets the connection",
            "stall": "reads nothing for `seconds` (default 120)",
        }
        self.faults = IntakeFaults(f"{settings.get('seed', 7)}/syslog", known)
        self.longest = LONGEST
        self._tls = None
        self._connections: set[socket.socket] = set()
        if certificate is not None:
            self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._tls.minimum_version = ssl.TLSVersion.TLSv1_2
            self._tls.load_cert_chain(certificate, key)
        self._listener = socket.create_server((HOST, 0))
        self.port: int = self._listener.getsockname()[1]
        Thread(target=self._accept, name="syslog", daemon=True).start()

    def settings(self, url: str) -> dict[str, Any]:
        return {"host": HOST, "port": self.port, "tls": self._tls is not None}

    def take(self, asked: Asked) -> Reply:
        return self.refusal(404, "syslog is not HTTP: see the port in the settings")

    def close(self) -> None:
        """Listen no more; connections end with their senders."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def hang_up(self) -> None:
        """Close every connection, as a receiver does with those that were idle for long."""
        for connection in list(self._connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            Thread(target=self._serve, args=(connection,), name="syslog connection", daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError):
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
            with connection:
                self._connections.add(connection)
                try:
                    self._read(connection)
                finally:
                    self._connections.discard(connection)

    def _read(self, connection: socket.socket) -> None:
        waiting = b""
        while True:
            stalled = self.faults.draw("stall")
            if stalled:
                time.sleep(120 if stalled.seconds is None else stalled.seconds)
            read = connection.recv(65536)
            fault = self.faults.draw("cut", "close") if read else None
            if fault is not None:
                if fault.kind == "cut":
                    _reset_at_close(connection)
                return
            waiting = self._messages(waiting + read)
            if read and self.faults.draw("cut_before_reply"):
                _reset_at_close(connection)
                return
            if not read:
                if waiting:
                    self.violations.append("the connection ended in the middle of a message")
                return

    def _messages(self, waiting: bytes) -> bytes:
        """Judge the whole messages at the beginning; what is left is the beginning of the next."""
        while waiting:
            if waiting[:1] == b"<":
                message, newline, rest = waiting.partition(b"\n")
                if not newline:
                    return waiting
            elif found := re.match(rb"([1-9]\d{0,8}) ", waiting):
                end = found.end() + int(found[1])
                if len(waiting) < end:
                    return waiting
                message, rest = waiting[found.end() : end], waiting[end:]
            elif len(waiting) < 10 and waiting[:1].isdigit():
                return waiting
            else:
                self.violations.append(f"neither framing begins with {waiting[:20]!r}")
                return b""
            waiting = rest
            with self._lock:
                self._judge(message)
        return waiting

    def _judge(self, message: bytes) -> None:
        header = _HEADER.match(message)
        if len(message) > self.longest:
            self.violations.append(f"{len(message)} bytes would be cut to {self.longest}")
        elif header is None or int(header["priority"]) > 191:
            self.violations.append(f"no header of RFC 5424: {message[:60]!r}")
        elif not _TIME.fullmatch(header["time"]) or moment(header["time"].decode()) is None:
            self.violations.append(f"no time of RFC 5424: {header['time']!r}")
        else:
            self._parsed(message, header)

    def _parsed(self, message: bytes, header: re.Match[bytes]) -> None:
        at, data = header.end(), {}
        if message[at : at + 1] == b"-":
            at += 1
        while element := _ELEMENT.match(message, at):
            data[element["id"].decode()] = {
                pair["name"].decode(): re.sub(rb'\\(["\\\]])', rb"\1", pair["value"]).decode("utf-8", "replace")
                for pair in _PAIR.finditer(element["pairs"])
            }
            at = element.end()
        text = message[at + 1 :]
        if message[at : at + 1] not in (b" ", b""):
            self.violations.append(f"structured data that is not RFC 5424's: {message[at : at + 60]!r}")
            return
        bom = text.startswith(_BOM)
        try:
            event = msgspec.json.decode(text[3:] if bom else text)
        except (msgspec.DecodeError, ValueError, RecursionError):
            self.violations.append(f"a message that is no JSON: {text[:60]!r}")
            return
        identity = next((pairs["eventId"] for pairs in data.values() if "eventId" in pairs), None)
        self.keep(
            identity,
            header["time"].decode(),
            header["app"].decode(),
            {
                "priority": int(header["priority"]),
                "hostname": header["host"].decode(),
                "msgid": header["name"].decode(),
                "structured_data": data,
                "bom": bom,
                "message": event,
            },
        )


def _reset_at_close(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
