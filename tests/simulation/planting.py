"""How a fault is planted in the real code: for as long as a context lasts, one name stands for something else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

Planted = Callable[[], AbstractContextManager[None]]


@contextmanager
def instead(owner: Any, name: str, other: Any) -> Iterator[None]:
    real = getattr(owner, name)
    setattr(owner, name, other)
    try:
        yield
    finally:
        setattr(owner, name, real)
