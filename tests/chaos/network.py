"""A network of its own (a Linux network namespace with nothing but loopback), whose only wire can be cut.

Needs the right to make one; whoever may not have it gets a skipped test with the reason.
"""

import ctypes
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest

T = TypeVar("T")
_CLONE_NEWNET = 0x40000000


@dataclass(frozen=True)
class Network:
    """`holder` is a process that keeps the namespace alive."""

    holder: int

    def enter(self) -> None:
        """Move the calling thread into it; what it starts from then on lives there."""
        with Path(f"/proc/{self.holder}/ns/net").open() as space:
            if ctypes.CDLL(None, use_errno=True).setns(space.fileno(), _CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "setns")

    def inside(self, work: Callable[[], T]) -> T:
        """Do something in this process whose connections are made in there."""
        done: list[T] = []
        failed: list[BaseException] = []

        def enter_and_work() -> None:
            try:
                self.enter()
                done.append(work())
            except BaseException as error:
                failed.append(error)

        thread = threading.Thread(target=enter_and_work)  # a namespace belongs to a thread
        thread.start()
        thread.join()
        if failed:
            raise failed[0]
        return done[0]

    def wire(self, state: str) -> None:
        """`down`: what is sent is lost, also on connections that stand; `up`: it arrives again."""
        subprocess.run(["nsenter", "-t", str(self.holder), "-n", "ip", "link", "set", "lo", state], check=True)


@contextmanager
def own_network() -> Iterator[Network]:
    holder = subprocess.Popen(["unshare", "-n", "sh", "-c", "ip link set lo up && echo ready && exec sleep 3600"],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # fmt: skip
    try:
        assert holder.stdout is not None
        if holder.stdout.readline().strip() != "ready":
            assert holder.stderr is not None
            pytest.skip(f"cannot make a network namespace here: {holder.stderr.read().strip()}")
        yield Network(holder.pid)
    finally:
        holder.kill()
        holder.wait()
