"""What the tests of entries, log and verification share: a clock that moves when told, and a store in memory."""

import pytest

from tests.warehouse.archive.rig import open_archive
from tests.warehouse.archive.stores import Clock, MemoryStore
from warehouse.archive.archive import Archive


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def memory(clock: Clock) -> MemoryStore:
    return MemoryStore(clock)


@pytest.fixture
def archive(memory: MemoryStore) -> Archive:
    return open_archive(memory)
