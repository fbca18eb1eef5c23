"""Serving a tenant, or the intakes, on 127.0.0.1: in a thread for tests, in the foreground by command."""

from __future__ import annotations

import asyncio
import signal
import socket
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Thread
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from sandbox.api.app import application
from sandbox.clock import Clock
from sandbox.faults import Faults
from sandbox.tenant.tenant import Tenant

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Served:
    """A running sandbox: base URL, and the tenant behind it to look at and to change."""

    url: str
    tenant: Tenant

    @property
    def keys(self) -> dict[str, str]:
        return self.tenant.keys

    @property
    def faults(self) -> Faults:
        return self.tenant.faults

    @property
    def clock(self) -> Clock:
        return self.tenant.clock

    @property
    def requests(self) -> deque[dict[str, Any]]:
        return self.tenant.requests


class _InThread(uvicorn.Server):
    """Stops within milliseconds; uvicorn's own tenths of a second add up over hundreds of tests."""

    async def main_loop(self) -> None:
        while not self.should_exit:
            await asyncio.sleep(0.005)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        for task in list(self.server_state.tasks):  # one that hangs on purpose (fault `timeout`)
            task.cancel()


@contextmanager
def serve(tenant: Tenant | None = None, port: int = 0, **settings: Any) -> Iterator[Served]:
    """Serve a tenant (or `Tenant(**settings)`) from a thread on a loopback port, free unless given.

    Raises OSError where the port is taken, RuntimeError where the server does not start within 10 s.
    """
    tenant = tenant or Tenant(**settings)
    with in_thread(application(tenant), port) as url:
        yield Served(url, tenant)


@contextmanager
def in_thread(app: ASGIApp, port: int = 0) -> Iterator[str]:
    """Serve an application from a thread on a loopback port; gives its URL. Raises as `serve` does."""
    listener = _listen(port)
    server = _InThread(_config(app))
    thread = Thread(target=server.run, args=([listener],), name="sandbox", daemon=True)
    thread.start()
    try:
        deadline = time.monotonic() + 10
        while not server.started:
            if not thread.is_alive() or time.monotonic() > deadline:
                raise RuntimeError("the sandbox server did not start; run it in the foreground to see why")
            time.sleep(0.002)
        yield f"http://{HOST}:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(timeout=10)
        listener.close()


def run(tenant: Tenant, port: int, ready: Callable[[str], None]) -> None:
    """Serve in the foreground until SIGTERM or SIGINT; `ready` gets the URL once requests are answered."""
    run_app(application(tenant), port, ready)


def run_app(app: ASGIApp, port: int, ready: Callable[[str], None]) -> None:
    """Serve an application in the foreground, as `run` does."""
    listener = _listen(port)

    class Announcing(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            ready(f"http://{HOST}:{listener.getsockname()[1]}")

    # uvicorn raises a signal again after its clean stop; for us that stop is the whole answer.
    before = [(number, signal.signal(number, lambda *_: None)) for number in (signal.SIGTERM, signal.SIGINT)]
    try:
        Announcing(_config(app, log_level="warning")).run([listener])
    finally:
        for number, handler in before:
            signal.signal(number, handler)
        listener.close()


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError:
        listener.close()
        raise
    return listener


def _config(app: ASGIApp, log_level: str = "critical") -> uvicorn.Config:
    """No access log, no Server or Date header of uvicorn's own, a short grace for open connections."""
    return uvicorn.Config(
        app,
        log_level=log_level,
        access_log=False,
        server_header=False,
        date_header=False,
        lifespan="off",
        timeout_keep_alive=30,
        timeout_graceful_shutdown=1,
    )
