"""The servers of `sandbox.servers` for tests: what cannot be had skips the test and says how to have it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import ParamSpec, TypeVar

import pytest

from sandbox.servers import Missing, postgresql, trino, versitygw
from sandbox.servers.postgresql import Database
from sandbox.servers.trino import Bucket, Trino
from sandbox.servers.versitygw import Gateway

__all__ = ["Bucket", "Database", "Gateway", "Trino", "a_bucket_server", "a_database", "a_trino", "or_skipped"]
P = ParamSpec("P")
T = TypeVar("T")


def or_skipped(get: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What `get` gives; the test is skipped where something is missing for it."""
    try:
        return get(*args, **kwargs)
    except Missing as missing:
        pytest.skip(str(missing))


@contextmanager
def a_database() -> Iterator[Database]:
    with ExitStack() as stack:
        yield or_skipped(stack.enter_context, postgresql.start())


@contextmanager
def a_bucket_server(folder: Path) -> Iterator[Gateway]:
    with ExitStack() as stack:
        yield or_skipped(stack.enter_context, versitygw.start(folder))


@contextmanager
def a_trino(folder: Path, bucket: Bucket) -> Iterator[Trino]:
    pytest.importorskip("trino")
    with ExitStack() as stack:
        yield or_skipped(stack.enter_context, trino.start(folder, bucket))
