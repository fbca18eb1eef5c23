"""Our Azure store on Azurite 3.37.0, which answers as Azure does and keeps no lock.

It does (each tested here): conditional puts with one winner, signatures, MD5 sums, listings over several pages,
missing containers and credentials told apart. It keeps no versions, takes an immutability header and ignores it,
and answers 501 to policies and legal holds. So with a lock configured it must be refused, each time.
"""

import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from azure.core.exceptions import HttpResponseError
from azure.storage.blob import ImmutabilityPolicy

from tests.real import azurite
from tests.real.azurite import Emulator
from warehouse.archive.azure import AzureStore
from warehouse.archive.errors import KeyMissing, LockMissing, StoreDenied, StoreUnreachable, StoreUnsafe
from warehouse.archive.locks import locks_of
from warehouse.archive.store import Exists, Stored, open_store

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with azurite.start(tmp_path_factory.mktemp("azurite")) as running:
        yield running


@pytest.fixture
def store(emulator: Emulator) -> AzureStore:
    return AzureStore(emulator.client(emulator.new_container()), "prefix", lock="none")


def tomorrow() -> datetime:
    return datetime.now(UTC) + timedelta(days=1)


@pytest.mark.parametrize("size", [0, 1, 3_000_000, 70_000_000], ids=str)
def test_what_was_put_is_read_back_byte_for_byte(store: AzureStore, size: int) -> None:
    data = secrets.token_bytes(size)  # the largest goes in blocks
    assert isinstance(store.put_if_absent("pages/a", data, None), Stored)
    assert store.get("pages/a") == data
    info = store.head("pages/a")
    assert info is not None
    assert (info.size, info.version_id, info.lock_mode) == (size, None, None)


def test_a_second_put_says_exists_and_changes_nothing(store: AzureStore) -> None:
    store.put_if_absent("a", b"first", None)
    assert store.put_if_absent("a", b"second", None) == Exists(None)
    assert store.get("a") == b"first"


def test_of_eight_writers_that_want_one_key_exactly_one_wins(store: AzureStore) -> None:
    wanted = [f"log/entry/{n:012d}.json" for n in range(20)]

    def write(writer: int) -> list[str]:
        mine = f"writer {writer}".encode()
        return [key for key in wanted if isinstance(store.put_if_absent(key, mine, None), Stored)]

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(write, range(8)))
    assert sorted(key for keys in won for key in keys) == wanted
    for writer, keys in enumerate(won):
        assert all(store.get(key) == f"writer {writer}".encode() for key in keys)


def test_keys_are_listed_in_byte_order_from_where_we_ask(store: AzureStore) -> None:
    for key in ("a/x", "a0", "a-b", "a.b", "a/z/1", "a/z-1", "B", "a b/c+d%20e"):
        store.put_if_absent(key, b"x", None)
    order = ["B", "a b/c+d%20e", "a-b", "a.b", "a/x", "a/z-1", "a/z/1", "a0"]
    assert [info.key for info in store.list("")] == order
    assert [info.key for info in store.list("a", "a/x")] == order[5:]
    assert [info.key for info in store.list_versions("")] == order


def test_wrong_credentials_and_missing_containers_are_told_apart_from_emptiness(
    emulator: Emulator, store: AzureStore
) -> None:
    assert store.head("a") is None
    with pytest.raises(KeyMissing):
        store.get("a")
    wrong = azurite.container_client(
        store.name, endpoint=emulator.endpoint, credential=lambda: "bm90LXRoZS1rZXk=", retry_total=0
    )
    with pytest.raises(StoreDenied, match=store.name):
        AzureStore(wrong).head("a")
    with pytest.raises(StoreUnreachable, match="does not exist"):
        AzureStore(emulator.client("nobody-made-this")).head("a")


def test_an_archive_opens_on_it_where_no_lock_is_asked_for(emulator: Emulator) -> None:
    url = f"az://{emulator.new_container()}/ledger"
    store = open_store(url, lock="none", endpoint=emulator.endpoint, credential=lambda: emulator.key, probe=True)
    assert isinstance(store.put_if_absent("a", b"x", None), Stored)


# -- what it does not do -------------------------------------------------------------------------------------


def test_it_takes_an_immutability_header_and_the_blob_is_deleted_all_the_same(store: AzureStore) -> None:
    """Should this fail one day, Azurite has learnt to lock, and more can be tested on it."""
    policy = ImmutabilityPolicy(expiry_time=tomorrow(), policy_mode="Locked")
    blob = store.blob("a")
    blob.upload_blob(b"x", overwrite=False, immutability_policy=policy)
    blob.delete_blob()
    assert store.head("a") is None


@pytest.mark.fault(
    "A real emulator of Azure takes a header of immutability and ignores it.",
    area="store",
    data="Nothing is written to it.",
    user="Exit 2 with what the store does not keep.",
    recovery="Use a store that locks.",
)
@pytest.mark.parametrize("lock", ["compliance", "governance"])
def test_with_a_lock_configured_it_is_refused_each_time(emulator: Emulator, lock: str) -> None:
    url = f"az://{emulator.new_container()}/ledger"
    for _ in range(2):
        with pytest.raises(StoreUnsafe, match="immutability"):
            open_store(url, lock=lock, endpoint=emulator.endpoint, credential=lambda: emulator.key, probe=True)


def test_a_put_that_asks_for_a_lock_is_refused_even_where_nobody_probed(emulator: Emulator) -> None:
    store = AzureStore(emulator.client(emulator.new_container()))
    with pytest.raises(LockMissing, match="without any retention"):
        store.put_if_absent("a", b"x", tomorrow())
    with pytest.raises(StoreUnsafe, match="does not implement"):
        store.put_if_absent("a", b"x", tomorrow())  # being there is not being kept; and it cannot be locked now


def test_it_refuses_a_hold(store: AzureStore) -> None:
    store.put_if_absent("a", b"x", None)
    with pytest.raises(StoreUnsafe):
        locks_of(store).hold("a", None, on=True)
    with pytest.raises(HttpResponseError):
        store.blob("a").set_legal_hold(True)
