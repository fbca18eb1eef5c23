"""Runs the embedded receiver of telemetry: in the foreground until a signal, or for the time of a block.

Promise: listens on loopback unless another address is asked for; on SIGTERM or SIGINT what was sent is written and
acknowledged first.
"""

import asyncio
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

import uvicorn

from warehouse.telemetry.receiver import Receiver

LOOPBACK = "127.0.0.1"
_STOP_SECONDS = 5


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises OSError."""
    family, kind, number, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind, number)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    return listener


def url_of(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def run(receiver: Receiver, listener: socket.socket, ready: Callable[[str], None]) -> None:
    """Receive until SIGTERM or SIGINT; `ready` gets the address once requests are answered."""

    class Announcing(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            ready(url_of(listener))

    # the server raises a signal again after its clean stop; for us that stop is the whole answer
    before = [(number, signal.signal(number, lambda *_: None)) for number in (signal.SIGTERM, signal.SIGINT)]
    try:
        Announcing(_config(receiver)).run([listener])
    finally:
        for number, handler in before:
            signal.signal(number, handler)
        listener.close()


@contextmanager
def running(receiver: Receiver) -> Iterator[str]:
    """Receive on a free port of this machine while the block runs; gives the address."""
    listener, started = listen(LOOPBACK, 0), Event()

    class InThread(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            started.set()

    server = InThread(_config(receiver))
    thread = Thread(target=lambda: asyncio.run(server.serve([listener])), name="telemetry", daemon=True)
    thread.start()
    try:
        if not started.wait(10):
            raise RuntimeError("the receiver did not start within 10 s")
        yield url_of(listener)
    finally:
        server.should_exit = True
        thread.join(_STOP_SECONDS * 2)
        listener.close()


def _config(receiver: Receiver) -> uvicorn.Config:
    return uvicorn.Config(
        receiver.app(),
        log_level="error",
        access_log=False,
        server_header=False,
        lifespan="on",
        timeout_graceful_shutdown=_STOP_SECONDS,
    )
