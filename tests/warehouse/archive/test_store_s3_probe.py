"""Trying a bucket out: each kind of store that must not be trusted is met once, and refused at the door."""

import re
from collections.abc import Iterator

import pytest

from tests.warehouse.archive import s3_server
from tests.warehouse.archive.s3_server import Answer, Meddler, Request, drop_lock, refusal, through
from warehouse.archive.errors import StoreUnsafe
from warehouse.archive.s3 import S3Store
from warehouse.archive.store import open_store


@pytest.fixture
def bucket() -> str:
    return s3_server.new_bucket()


@pytest.fixture
def store(bucket: str) -> S3Store:
    return S3Store(s3_server.client(), bucket, "prefix")


@pytest.fixture(scope="module")
def standing_way() -> Iterator[Meddler]:
    with s3_server.meddler() as meddler:
        yield meddler


@pytest.fixture
def way(standing_way: Meddler) -> Meddler:
    """A meddler that changes nothing yet."""
    standing_way.reset()
    return standing_way


def test_a_store_that_overwrites_silently_is_refused_at_the_door(way: Meddler, bucket: str) -> None:
    way.before = lambda request: request.headers.pop("if-none-match", None) and None
    client = s3_server.client(way.endpoint)
    with pytest.raises(StoreUnsafe, match=r"silently overwrote.*If-None-Match"):
        open_store(f"s3://{bucket}", s3_client=client, probe=True)
    # The second time the day's probe exists already; the answer is the same.
    with pytest.raises(StoreUnsafe, match="silently overwrote"):
        open_store(f"s3://{bucket}", s3_client=client, probe=True)


def test_an_unversioned_store_that_overwrites_silently_is_refused_too(way: Meddler) -> None:
    bucket = s3_server.new_bucket(lock=False)
    way.before = lambda request: request.headers.pop("if-none-match", None) and None
    with pytest.raises(StoreUnsafe, match="silently overwrote"):
        open_store(f"s3://{bucket}", lock="none", s3_client=s3_server.client(way.endpoint), probe=True)


def test_a_store_that_says_it_refused_and_overwrote_all_the_same_is_refused(way: Meddler, bucket: str) -> None:
    puts: list[Request] = []

    def lie(request: Request, answer: Answer) -> Answer:
        if request.method == "PUT" and "retention" not in request.path:
            puts.append(request)
            return refusal(412, "PreconditionFailed") if len(puts) > 1 else answer
        return answer

    way.before = lambda request: request.headers.pop("if-none-match", None) and None
    way.after = lie
    with pytest.raises(StoreUnsafe, match="silently overwrote"):
        open_store(f"s3://{bucket}", s3_client=s3_server.client(way.endpoint), probe=True)


def test_a_store_that_ignores_the_lock_is_refused_at_the_door(way: Meddler, bucket: str) -> None:
    way.before = drop_lock
    with pytest.raises(StoreUnsafe, match="without any retention"):
        open_store(f"s3://{bucket}", s3_client=s3_server.client(way.endpoint), probe=True)


def test_a_store_that_deletes_what_it_locked_is_refused_at_the_door(way: Meddler, bucket: str) -> None:
    way.before = lambda request: Answer(204, {}, b"") if request.method == "DELETE" else None
    with pytest.raises(StoreUnsafe, match="deleted a version that it had said was locked"):
        open_store(f"s3://{bucket}", s3_client=s3_server.client(way.endpoint), probe=True)


def test_a_bucket_without_versions_and_lock_is_refused_with_both_commands() -> None:
    bucket = s3_server.new_bucket(lock=False)
    with pytest.raises(StoreUnsafe, match=r"put-bucket-versioning.*put-object-lock-configuration"):
        open_store(f"s3://{bucket}", s3_client=s3_server.client(), probe=True)


def test_a_bucket_without_lock_is_taken_when_none_is_asked_for() -> None:
    store = open_store(
        f"s3://{s3_server.new_bucket(lock=False)}", lock="none", s3_client=s3_server.client(), probe=True
    )
    assert not store.immutable


def test_a_store_that_lets_compliance_be_shortened_is_reported_though_not_refused(store: S3Store) -> None:
    # moto is such a store.
    report = {result.check: result for result in store.probe()}
    assert not report["shortening"].ok
    assert not report["shortening"].fatal
    assert "shortened" in report["shortening"].detail
    assert all(result.ok for check, result in report.items() if check != "shortening")


def test_a_lock_is_tried_once_a_day_at_start_up_and_each_time_by_hand(way: Meddler, bucket: str) -> None:
    store = through(way, bucket)
    for thorough, deletions in ((False, 1), (False, 1), (True, 2), (True, 3)):
        store.probe(thorough=thorough)
        assert len([request for request in way.seen if request.method == "DELETE"]) == deletions


def test_a_role_that_may_not_look_at_the_settings_may_still_run(way: Meddler, bucket: str) -> None:
    def deny_settings(request: Request) -> Answer | None:
        return refusal(403, "AccessDenied") if re.search(r"\?(versioning|object-lock)", request.path) else None

    way.before = deny_settings
    store = through(way, bucket)
    report = {result.check: result for result in store.probe()}
    assert "s3:GetBucketVersioning" in report["versioning"].remedy
    assert not any(result.fatal for result in report.values())
    open_store(f"s3://{bucket}", s3_client=store.client, probe=True)
