"""What every store promises: one set of tests, run on a folder and on a bucket of each cloud over HTTP."""

import hashlib
import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.warehouse.archive import azure_server, gcs_server, s3_server
from tests.warehouse.archive.azure_server import AzureServer
from tests.warehouse.archive.gcs_server import GcsServer
from warehouse.archive.errors import KeyInvalid, KeyMissing
from warehouse.archive.store import PROBES, Exists, Store, Stored, open_store

MakeStore = Callable[[], Store]


@pytest.fixture(scope="module")
def azure() -> Iterator[AzureServer]:
    with azure_server.running() as server:
        yield server


@pytest.fixture(scope="module")
def google() -> Iterator[GcsServer]:
    with gcs_server.running() as server:
        yield server


@pytest.fixture(params=["local", "s3", "azure", "gcs"])
def new_store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> MakeStore:
    """Makes empty archives of one kind."""
    if request.param == "local":
        return lambda: open_store(f"file:{tmp_path_factory.mktemp('archive')}")
    if request.param == "azure":
        server: AzureServer = request.getfixturevalue("azure")
        container = server.new_container()
        return lambda: server.store(container, secrets.token_hex(4))
    if request.param == "gcs":
        google: GcsServer = request.getfixturevalue("google")
        their_bucket = google.new_bucket()
        return lambda: google.store(their_bucket, secrets.token_hex(4))
    bucket = s3_server.new_bucket()
    client = s3_server.client()
    return lambda: open_store(f"s3://{bucket}/{secrets.token_hex(4)}", s3_client=client)


@pytest.fixture
def store(new_store: MakeStore) -> Store:
    return new_store()


def in_a_year() -> datetime:
    return datetime.now(UTC) + timedelta(days=365)


def keys(store: Store, prefix: str = "", start_after: str = "") -> list[str]:
    return [info.key for info in store.list(prefix, start_after)]


@pytest.mark.parametrize("data", [b"", b"\x00\xff\r\n" * 3, secrets.token_bytes(3_000_000)], ids=len)
def test_what_was_put_is_read_back_byte_for_byte(store: Store, data: bytes) -> None:
    assert isinstance(store.put_if_absent("pages/a/1.json", data, in_a_year()), Stored)
    assert store.get("pages/a/1.json") == data


def test_a_second_put_says_exists_and_changes_nothing(store: Store) -> None:
    first = store.put_if_absent("log/entry/1", b"first", in_a_year())
    second = store.put_if_absent("log/entry/1", b"second", in_a_year())
    assert second == Exists(first.version_id)
    assert store.get("log/entry/1") == b"first"


def test_a_version_named_by_a_put_can_be_read_by_that_name(store: Store) -> None:
    stored = store.put_if_absent("a", b"bytes", in_a_year())
    assert store.get("a", stored.version_id) == b"bytes"


def test_a_missing_key_is_an_error_to_get_and_none_to_head(store: Store) -> None:
    with pytest.raises(KeyMissing, match="pages/none"):
        store.get("pages/none")
    assert store.head("pages/none") is None


def test_a_part_of_a_key_is_not_a_key(store: Store) -> None:
    store.put_if_absent("pages/a/1", b"x", in_a_year())
    assert store.head("pages/a") is None
    with pytest.raises(KeyMissing):
        store.get("pages/a")


def test_head_tells_size_lock_and_time_in_utc(store: Store) -> None:
    before = datetime.now(UTC) - timedelta(seconds=5)
    stored = store.put_if_absent("a/b", b"12345", in_a_year())
    info = store.head("a/b")
    assert info is not None
    assert (info.key, info.size, info.version_id) == ("a/b", 5, stored.version_id)
    assert before < info.modified < datetime.now(UTC) + timedelta(seconds=5)
    assert info.modified.utcoffset() == timedelta(0)
    assert info.lock_mode is not None


def test_keys_come_in_the_byte_order_of_their_names(store: Store) -> None:
    for key in ("a/x", "a0", "a-b", "a.b", "a/é", "a/z/1", "a/z-1", "B", "a/Z"):
        store.put_if_absent(key, b"", in_a_year())
    assert keys(store) == ["B", "a-b", "a.b", "a/Z", "a/x", "a/z-1", "a/z/1", "a/é", "a0"]


def test_a_prefix_may_end_inside_a_name(store: Store) -> None:
    for key in ("log/entry/01", "log/entry/02", "log/entry/11", "log/entries", "pages/log/entry/01"):
        store.put_if_absent(key, b"", in_a_year())
    assert keys(store, "log/entry/0") == ["log/entry/01", "log/entry/02"]
    assert keys(store, "log/entr") == ["log/entries", "log/entry/01", "log/entry/02", "log/entry/11"]
    assert keys(store, "nothing/here") == []


def test_a_listing_that_goes_over_several_answers_keeps_to_its_prefix(store: Store) -> None:
    for n in range(12):
        store.put_if_absent(f"a/{n:02d}", b"", in_a_year())
        store.put_if_absent(f"b/{n:02d}", b"", in_a_year())
    assert keys(store, "a/") == [f"a/{n:02d}" for n in range(12)]
    assert [version.key for version in store.list_versions("a/")] == [f"a/{n:02d}" for n in range(12)]


def test_start_after_leaves_out_the_key_it_names_and_those_before(store: Store) -> None:
    for key in ("a/1", "a/2", "a/3/x", "a/4"):
        store.put_if_absent(key, b"", in_a_year())
    assert keys(store, "a/", "a/2") == ["a/3/x", "a/4"]
    assert keys(store, "a/", "a/25") == ["a/3/x", "a/4"]
    assert keys(store, "a/", "a/3/x") == ["a/4"]
    assert keys(store, "a/", "b") == []


NAMES = st.text("ab0-./_é", min_size=1, max_size=3).filter(
    lambda name: all(part not in ("", ".", "..") for part in name.split("/"))
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.sets(NAMES, max_size=6), prefix=st.just("") | NAMES, after=st.just("") | NAMES)
def test_a_listing_equals_sorting_and_filtering_all_keys(
    new_store: MakeStore, names: set[str], prefix: str, after: str
) -> None:
    # A folder cannot hold both a file and a folder of one name; S3 could, the archive never does.
    wanted = {n for n in names if not any(other.startswith(f"{n}/") for other in names)}
    store = new_store()
    for key in wanted:
        store.put_if_absent(key, b"", in_a_year())
    order = sorted(wanted, key=str.encode)
    assert keys(store, prefix, after) == [k for k in order if k.startswith(prefix) and k > after]


def test_a_listing_is_lazy(store: Store) -> None:
    for n in range(5):
        store.put_if_absent(f"a/{n}", b"", in_a_year())
    assert next(iter(store.list("a/"))).key == "a/0"


def test_every_object_is_its_only_and_latest_version(store: Store) -> None:
    for key in ("a/1", "a/2"):
        store.put_if_absent(key, b"x", in_a_year())
        store.put_if_absent(key, b"again", in_a_year())
    versions = list(store.list_versions("a/"))
    assert [(v.key, v.latest, v.delete_marker, v.size) for v in versions] == [
        ("a/1", True, False, 1),
        ("a/2", True, False, 1),
    ]


@pytest.mark.parametrize(
    "key", ["dt=2026-11-22/x_y.json.zst", "a b/c+d%20e", "ä/日本", "tile/0/x001/067", "a~!'()*"]
)
def test_unusual_but_honest_keys_go_round(store: Store, key: str) -> None:
    store.put_if_absent(key, b"x", in_a_year())
    assert store.get(key) == b"x"
    assert keys(store) == [key]


@pytest.mark.parametrize("key", ["../outside", "/etc/passwd", "a//b", "a\\b", "a\nb", ""])
def test_no_verb_takes_a_key_that_is_not_one(store: Store, key: str) -> None:
    verbs: list[Callable[[], object]] = [
        lambda: store.put_if_absent(key, b"x", None),
        lambda: store.get(key),
        lambda: store.head(key),
    ]
    if key:
        verbs += [lambda: list(store.list(key)), lambda: list(store.list_versions(key))]
    for verb in verbs:
        with pytest.raises(KeyInvalid, match="cannot be a key"):
            verb()


def test_of_eight_writers_that_want_one_key_exactly_one_wins(store: Store) -> None:
    wanted = [f"log/entry/{n:012d}.json" for n in range(20)]
    start = Barrier(8)

    def write(writer: int) -> list[str]:
        start.wait()
        mine = f"writer {writer}".encode()
        return [key for key in wanted if isinstance(store.put_if_absent(key, mine, in_a_year()), Stored)]

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(write, range(8)))
    assert sorted(key for keys_won in won for key in keys_won) == wanted
    for writer, keys_won in enumerate(won):
        assert all(store.get(key) == f"writer {writer}".encode() for key in keys_won)
    assert len(list(store.list_versions("log/"))) == len(wanted)


def test_puts_from_many_threads_all_arrive(store: Store) -> None:
    bodies = {f"pages/{n % 3}/{n}": hashlib.sha256(str(n).encode()).digest() for n in range(60)}
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda item: store.put_if_absent(item[0], item[1], in_a_year()), bodies.items()))
    assert {key: store.get(key) for key in keys(store)} == bodies


def test_a_good_store_has_no_fatal_finding_and_keeps_its_probe_apart(store: Store) -> None:
    report = store.probe()
    assert [result for result in report if result.fatal] == []
    assert any(result.check == "overwrite" and result.ok for result in report)
    assert all(key.startswith(PROBES) for key in keys(store))


def test_starting_up_again_and_again_leaves_one_probe_a_day(store: Store) -> None:
    for _ in range(3):
        assert all(result.ok or not result.fatal for result in store.probe(thorough=False))
    assert len({key.partition("-")[0] for key in keys(store)}) == len(keys(store)) <= 2  # 2 around midnight
