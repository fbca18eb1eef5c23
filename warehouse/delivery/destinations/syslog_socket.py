"""One TCP connection to a syslog receiver, kept open, and what can be known of bytes that nobody acknowledges.

Promise: 200 is answered only when the receiver's TCP has taken every byte of the request and the connection was
open a moment after that. Anything else is status 0: what was sent may have arrived, or not.
"""

import select
import socket
import ssl
import struct
import sys
import time
from threading import Lock

from warehouse.config.destinations import Syslog
from warehouse.delivery.errors import Halted
from warehouse.delivery.knocking import NO_NAME, UNTRUSTED_REMEDY
from warehouse.delivery.port import Request, Response

CONNECT_SECONDS = 10.0
SEND_SECONDS = 60.0
CLOSE_SECONDS = 2.0
# How long it is watched whether the receiver closes after all: one that refuses or dies does it at once.
WATCH_SECONDS = 0.02
_SIOCOUTQ = 0x5411  # bytes that the other side's TCP has not acknowledged (Linux)


class SyslogTransport:
    """Sends framed messages over one connection, one at a time. Raises Halted where `ca_file` is of no use."""

    def __init__(self, settings: Syslog) -> None:
        self._settings = settings
        self._context = _context(settings) if settings.tls else None
        self._socket: socket.socket | None = None
        self._lock = Lock()

    def send(self, request: Request) -> Response:
        """200 once taken, else status 0 and why. Raises Halted where the receiver's certificate is not trusted."""
        with self._lock:
            try:
                connection = self._connected()
                connection.sendall(request.body)
                _wait_until_taken(connection)
                select.select([connection], [], [], WATCH_SECONDS)
                if not _is_open(connection):
                    raise ConnectionError("the receiver closed the connection")
            except ssl.SSLCertVerificationError as problem:
                self._drop()
                raise Halted(
                    f"the certificate of destination {self._settings.name} is not trusted "
                    f"({problem.verify_message})",
                    remedy=UNTRUSTED_REMEDY,
                ) from None
            except OSError as problem:
                self._drop()
                return Response(status=0, error=_why(problem))
        return Response(status=200)

    def close(self) -> None:
        """Say that nothing more comes, and wait shortly for the receiver to close too: a reset shows then."""
        with self._lock:
            if self._socket is None:
                return
            try:
                self._socket.settimeout(CLOSE_SECONDS)
                if isinstance(self._socket, ssl.SSLSocket):
                    self._socket = self._socket.unwrap()
                self._socket.shutdown(socket.SHUT_WR)
                while self._socket.recv(4096):
                    pass
            except OSError:
                pass
            self._drop()

    def _connected(self) -> socket.socket:
        if self._socket is not None and not _is_open(self._socket):
            self._drop()  # closed while idle: nothing of ours was under way
        if self._socket is None:
            plain = socket.create_connection((self._settings.host, self._settings.port), CONNECT_SECONDS)
            try:
                plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
                self._socket = (
                    self._context.wrap_socket(plain, server_hostname=self._settings.host)
                    if self._context
                    else plain
                )
            except OSError:
                plain.close()
                raise
            self._socket.settimeout(SEND_SECONDS)
        return self._socket

    def _drop(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def _context(settings: Syslog) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=str(settings.ca_file) if settings.ca_file else None)
    except (OSError, ssl.SSLError) as problem:
        raise Halted(
            f"the certificates that ca_file of destination {settings.name} names cannot be used "
            f"({type(problem).__name__})",
            remedy="ca_file must be a readable PEM file with the certificates of the receiver's authority",
        ) from None


def _wait_until_taken(connection: socket.socket) -> None:
    """Until the other side's TCP has acknowledged every byte, where the system tells. Raises TimeoutError."""
    if not sys.platform.startswith("linux"):
        return
    from fcntl import ioctl  # noqa: PLC0415 - not on every system

    end, pause = time.monotonic() + SEND_SECONDS, 0.0001
    while struct.unpack("i", ioctl(connection.fileno(), _SIOCOUTQ, b"\0\0\0\0"))[0]:
        if time.monotonic() > end:
            raise TimeoutError("the receiver stopped reading")
        time.sleep(pause)
        pause = min(pause * 2, 0.01)


def _is_open(connection: socket.socket) -> bool:
    """Whether the other side has neither closed nor reset. What it says is left unread: syslog has no answers."""
    patience = connection.gettimeout()
    connection.settimeout(0)
    try:
        while True:
            try:
                if not connection.recv(4096):
                    return False
            except (BlockingIOError, ssl.SSLWantReadError):
                return True
            except OSError:
                return False
    finally:
        connection.settimeout(patience)


def _why(problem: OSError) -> str:
    if isinstance(problem, socket.gaierror):
        return NO_NAME
    if isinstance(problem, ssl.SSLError):
        return f"TLS failed ({problem.reason or type(problem).__name__})"
    if isinstance(problem, TimeoutError):
        return "no connection in time, or the receiver stopped reading"
    return f"the connection broke ({problem.strerror or str(problem) or type(problem).__name__})"
