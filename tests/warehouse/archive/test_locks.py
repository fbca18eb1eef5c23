"""The second port on every kind of store: a hold keeps, a retention only grows, what expired can go."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.warehouse.archive import azure_server, gcs_server, s3_server
from warehouse.archive.errors import KeyMissing, StoreDenied, StoreError
from warehouse.archive.locks import locks_of
from warehouse.archive.s3 import S3Store
from warehouse.archive.store import Store, open_store


@pytest.fixture(scope="module", params=["s3", "azure", "gcs"])
def make(request: pytest.FixtureRequest) -> Iterator[Callable[..., Any]]:
    """Makes a store of one kind, by its lock."""
    if request.param == "s3":
        yield lambda lock: S3Store(s3_server.client(), s3_server.new_bucket(lock=lock != "none"), "p", lock=lock)
    elif request.param == "azure":
        with azure_server.running() as server:
            yield lambda lock: server.store(server.new_container(lock=lock != "none"), "p", lock=lock)
    else:
        with gcs_server.running() as google:
            yield lambda lock: google.store(google.new_bucket(lock=lock != "none"), "p", lock=lock)


def ahead(**how_long: float) -> datetime:
    return datetime.now(UTC).replace(microsecond=0) + timedelta(**how_long)


def info_of(store: Store, key: str, version_id: str | None) -> Any:
    found = store.head(key, version_id)
    assert found is not None
    return found


@pytest.mark.parametrize("lock", ["compliance", "governance"])
def test_a_retention_is_lengthened_and_keeps_its_mode(make: Callable[..., Any], lock: str) -> None:
    store = make(lock)
    stored = store.put_if_absent("a", b"x", ahead(days=1))
    later = ahead(days=30)
    assert locks_of(store).extend("a", stored.version_id, later) == later
    found = info_of(store, "a", stored.version_id)
    assert (found.retain_until, found.lock_mode) == (later, lock.upper())


def test_a_retention_that_is_longer_already_is_left_alone(make: Callable[..., Any]) -> None:
    store = make("compliance")
    until = ahead(days=30)
    stored = store.put_if_absent("a", b"x", until)
    assert locks_of(store).extend("a", stored.version_id, ahead(days=3)) == until
    assert info_of(store, "a", None).retain_until == until


def test_a_hold_shows_keeps_and_is_taken_off(make: Callable[..., Any]) -> None:
    store = make("compliance")
    locks = locks_of(store)
    stored = store.put_if_absent("a", b"x", None)
    assert not info_of(store, "a", stored.version_id).legal_hold
    for _ in range(2):
        locks.hold("a", stored.version_id, on=True)
    assert info_of(store, "a", stored.version_id).legal_hold
    with pytest.raises(StoreDenied, match="hold"):
        locks.remove("a", stored.version_id)
    locks.hold("a", stored.version_id, on=False)
    assert not info_of(store, "a", None).legal_hold
    assert locks.remove("a", stored.version_id)
    assert list(store.list_versions("")) == []


def test_a_hold_stands_beside_a_retention(make: Callable[..., Any]) -> None:
    store = make("compliance")
    stored = store.put_if_absent("a", b"x", ahead(days=1))
    locks_of(store).hold("a", stored.version_id, on=True)
    found = info_of(store, "a", stored.version_id)
    assert (found.legal_hold, found.lock_mode) == (True, "COMPLIANCE")


def test_a_hold_outlasts_the_retention(make: Callable[..., Any]) -> None:
    store = make("compliance")
    locks = locks_of(store)
    until = ahead(seconds=2)
    stored = store.put_if_absent("a", b"x", until)
    locks.hold("a", stored.version_id, on=True)
    time.sleep(max(0, (until - datetime.now(UTC)).total_seconds()) + 1)
    with pytest.raises(StoreError):
        locks.remove("a", stored.version_id)
    locks.hold("a", stored.version_id, on=False)
    assert locks.remove("a", stored.version_id)


def test_what_is_locked_is_not_removed(make: Callable[..., Any]) -> None:
    store = make("compliance")
    stored = store.put_if_absent("a", b"x", ahead(days=1))
    with pytest.raises(StoreError):
        locks_of(store).remove("a", stored.version_id)
    assert store.get("a", stored.version_id) == b"x"


def test_what_is_gone_is_no_failure_to_remove_and_one_to_hold(make: Callable[..., Any]) -> None:
    store = make("compliance")
    locks = locks_of(store)
    store.put_if_absent("other", b"x", None)
    assert not locks.remove("a", None)
    for attempt in (lambda: locks.hold("a", None, on=True), lambda: locks.extend("a", None, ahead(days=1))):
        with pytest.raises(KeyMissing, match="a"):
            attempt()


def test_a_bucket_without_locks_refuses_a_hold_save_googles_which_holds_in_any(make: Callable[..., Any]) -> None:
    store = make("none")
    stored = store.put_if_absent("a", b"x", None)
    if store.url.startswith("gs://"):
        locks_of(store).hold("a", stored.version_id, on=True)
        assert info_of(store, "a", None).legal_hold
        return
    with pytest.raises(StoreError):
        locks_of(store).hold("a", stored.version_id, on=True)


def test_a_folder_says_that_it_keeps_none(tmp_path: Any) -> None:
    store = open_store(f"file:{tmp_path}/archive")
    store.put_if_absent("a", b"x", None)
    locks = locks_of(store)
    assert not locks.enforced
    locks.hold("a", None, on=True)
    assert not info_of(store, "a", None).legal_hold
    assert (locks.remove("a", None), locks.remove("a", None)) == (True, False)
