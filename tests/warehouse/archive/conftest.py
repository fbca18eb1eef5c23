"""What the tests of entries, log and verification share: a clock that moves when told, and a store in memory."""

import pytest

from tests.warehouse.archive.rig import SIZE, filled, open_archive, open_with_state, trusted
from tests.warehouse.archive.stores import Clock, MemoryStore
from warehouse.archive.archive import Archive
from warehouse.archive.note import Verifier


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def memory(clock: Clock) -> MemoryStore:
    return MemoryStore(clock)


@pytest.fixture
def archive(memory: MemoryStore) -> Archive:
    return open_archive(memory)


@pytest.fixture(scope="session")
def original() -> MemoryStore:
    store = MemoryStore(Clock())
    assert filled(store).state.size == SIZE
    return store


@pytest.fixture
def whole(original: MemoryStore) -> MemoryStore:
    """An archive with everything in it, to be tampered with."""
    store = original.copy()
    store.clock = Clock(original.clock.now)
    return store


@pytest.fixture(scope="session")
def signers(original: MemoryStore) -> list[Verifier]:
    """Who may sign the checkpoints of `whole`."""
    return trusted(open_with_state(original))
