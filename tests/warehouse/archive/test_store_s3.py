"""The bucket: conditional puts, locks that are read back, versions that tell, and every kind of refusal."""

import re
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError

from tests.warehouse.archive import s3_server
from tests.warehouse.archive.s3_server import LOCK, Answer, Meddler, Request, drop_lock, refusal, soon, through
from warehouse.archive.errors import (
    KeyMissing,
    LockMissing,
    StoreDenied,
    StoreError,
    StoreFull,
    StoreUnreachable,
    StoreUnsafe,
)
from warehouse.archive.s3 import S3Store
from warehouse.archive.store import Exists, Stored


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


# -- the lock ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lock", ["compliance", "governance"])
def test_an_object_is_retained_at_least_as_long_as_asked(bucket: str, lock: str) -> None:
    store = S3Store(s3_server.client(), bucket, lock=lock)
    until = soon().replace(microsecond=123)
    store.put_if_absent("a", b"x", until)
    info = store.head("a")
    assert info is not None
    assert info.lock_mode == lock.upper()
    assert info.retain_until is not None
    assert until <= info.retain_until <= until + timedelta(seconds=1)


def test_a_locked_version_cannot_be_deleted(store: S3Store, bucket: str) -> None:
    stored = store.put_if_absent("a", b"x", soon())
    with pytest.raises(ClientError, match="AccessDenied"):
        store.client.delete_object(Bucket=bucket, Key="prefix/a", VersionId=stored.version_id)


def test_without_a_lock_no_lock_is_asked_for() -> None:
    store = S3Store(s3_server.client(), s3_server.new_bucket(lock=False), lock="none")
    assert store.put_if_absent("a", b"x", soon()) == Stored(None)
    assert store.put_if_absent("a", b"y", soon()) == Exists(None)
    info = store.head("a")
    assert info is not None
    assert (info.lock_mode, info.retain_until) == (None, None)


def test_a_bucket_without_object_lock_is_refused_by_name_with_the_setting() -> None:
    bucket = s3_server.new_bucket(lock=False)
    store = S3Store(s3_server.client(), bucket)
    with pytest.raises(LockMissing, match=f"{bucket}.*put-object-lock-configuration"):
        store.put_if_absent("a", b"x", soon())
    assert list(store.list("")) == []


def test_a_store_that_ignores_the_lock_is_found_out_at_the_first_put(way: Meddler, bucket: str) -> None:
    way.before = drop_lock
    with pytest.raises(LockMissing, match=f"{bucket}.*without any retention"):
        through(way, bucket).put_if_absent("a", b"x", soon())


def test_what_was_kept_without_its_lock_is_locked_when_it_is_put_again(way: Meddler, bucket: str) -> None:
    way.before = drop_lock
    store = through(way, bucket)
    with pytest.raises(LockMissing):
        store.put_if_absent("a", b"x", soon())
    way.before = lambda request: None
    outcome = store.put_if_absent("a", b"x", soon())
    assert isinstance(outcome, Exists)
    info = store.head("a", outcome.version_id)
    assert info is not None
    assert info.lock_mode == "COMPLIANCE"


@pytest.mark.parametrize(
    ("header", "value"),
    [(f"{LOCK}-mode", "GOVERNANCE"), (f"{LOCK}-retain-until-date", "2027-01-01T00:00:00Z")],
)
def test_a_store_that_keeps_less_than_was_asked_is_found_out(
    way: Meddler, bucket: str, header: str, value: str
) -> None:
    def weaken(request: Request) -> None:
        if header in request.headers:
            request.headers[header] = value

    way.before = weaken
    with pytest.raises(LockMissing, match="was kept as"):
        through(way, bucket).put_if_absent("a", b"x", datetime(2033, 1, 1, tzinfo=UTC))


# -- versions ------------------------------------------------------------------------------------------------


def test_an_overwrite_behind_our_back_shows_as_a_second_version_and_the_first_stays_readable(
    store: S3Store, bucket: str
) -> None:
    stored = store.put_if_absent("a", b"ours", soon())
    store.client.put_object(Bucket=bucket, Key="prefix/a", Body=b"theirs")
    versions = list(store.list_versions(""))
    assert [(v.key, v.latest, v.size) for v in versions] == [("a", True, 6), ("a", False, 4)]
    assert versions[1].version_id == stored.version_id
    assert store.get("a", stored.version_id) == b"ours"


def test_a_delete_marker_shows_and_hides_nothing_from_who_names_the_version(store: S3Store, bucket: str) -> None:
    stored = store.put_if_absent("a", b"ours", soon())
    store.client.delete_object(Bucket=bucket, Key="prefix/a")
    assert [(v.delete_marker, v.latest) for v in store.list_versions("")] == [(True, True), (False, False)]
    assert list(store.list("")) == []
    assert store.head("a") is None
    assert store.get("a", stored.version_id) == b"ours"
    with pytest.raises(KeyMissing):
        store.get("a")


def test_a_delete_marker_is_not_an_object_also_when_named(store: S3Store, bucket: str) -> None:
    store.put_if_absent("a", b"ours", soon())
    marker = store.client.delete_object(Bucket=bucket, Key="prefix/a")["VersionId"]
    assert store.head("a", marker) is None
    with pytest.raises(KeyMissing, match=marker):
        store.get("a", marker)


def test_a_version_that_never_was_is_missing(store: S3Store) -> None:
    store.put_if_absent("a", b"ours", soon())
    assert store.head("a", "00000000-0000-4000-8000-000000000000") is None
    with pytest.raises(KeyMissing):
        store.get("a", "00000000-0000-4000-8000-000000000000")


def test_a_key_that_a_marker_hides_where_the_store_then_refuses_puts_says_so(way: Meddler, bucket: str) -> None:
    def refuse_all(request: Request) -> Answer | None:
        return refusal(412, "PreconditionFailed") if request.method == "PUT" else None

    way.before = refuse_all
    with pytest.raises(StoreError, match="delete marker"):
        through(way, bucket).put_if_absent("a", b"x", soon())


def test_listings_are_read_to_the_last_page(way: Meddler, bucket: str) -> None:
    def small_pages(request: Request) -> None:
        if request.method == "GET" and "prefix=" in request.path:
            request.path = re.sub(r"&max-keys=\d+", "", request.path) + "&max-keys=3"

    way.before = small_pages
    store = through(way, bucket)
    wanted = [f"pages/{n:02d}" for n in range(10)]
    for key in wanted:
        store.put_if_absent(key, b"x", soon())
    store.client.put_object(Bucket=bucket, Key="prefix/pages/04", Body=b"theirs")
    assert [info.key for info in store.list("pages/")] == wanted
    assert [info.key for info in store.list("pages/", "pages/04")] == wanted[5:]
    assert [info.key for info in store.list_versions("pages/")] == sorted([*wanted, "pages/04"])
    assert len([request for request in way.seen if "list-type=2" in request.path]) >= 6


def test_archives_under_different_prefixes_do_not_see_each_other(bucket: str) -> None:
    ours, theirs = (S3Store(s3_server.client(), bucket, prefix) for prefix in ("a", "a-b"))
    ours.put_if_absent("log/1", b"ours", soon())
    theirs.put_if_absent("log/1", b"theirs", soon())
    assert ours.get("log/1") == b"ours"
    assert [info.key for info in ours.list("")] == ["log/1"]
    assert [info.key for info in theirs.list_versions("")] == ["log/1"]


# -- answers that get lost -----------------------------------------------------------------------------------


def test_a_put_whose_answer_was_lost_is_tried_again_and_found_to_exist(way: Meddler, bucket: str) -> None:
    lost: list[Request] = []

    def lose_first(request: Request, answer: Answer) -> Answer | None:
        if request.method == "PUT" and not lost:
            lost.append(request)
            return None
        return answer

    way.after = lose_first
    store = through(way, bucket, attempts=3)
    assert isinstance(store.put_if_absent("a", b"ours", soon()), Exists)
    assert store.get("a") == b"ours"
    assert len(list(store.list_versions(""))) == 1


def test_a_put_that_collides_with_another_in_flight_is_tried_again(way: Meddler, bucket: str) -> None:
    refused: list[Request] = []

    def collide_twice(request: Request) -> Answer | None:
        if request.method == "PUT" and len(refused) < 2:
            refused.append(request)
            return refusal(409, "ConditionalRequestConflict")
        return None

    way.before = collide_twice
    assert isinstance(through(way, bucket).put_if_absent("a", b"x", soon()), Stored)
    assert len(refused) == 2


def test_a_body_that_was_cut_is_read_again(way: Meddler, bucket: str) -> None:
    cut: list[Request] = []

    def cut_first(request: Request, answer: Answer) -> Answer:
        if request.method == "GET" and not cut:
            cut.append(request)
            answer.cut = True
        return answer

    way.after = cut_first
    store = through(way, bucket)
    store.put_if_absent("a", b"0123456789" * 1000, soon())
    assert store.get("a") == b"0123456789" * 1000
    assert len(cut) == 1


def test_a_body_that_is_always_cut_is_unreachable_never_shorter(way: Meddler, bucket: str) -> None:
    def cut(request: Request, answer: Answer) -> Answer:
        answer.cut = request.method == "GET"
        return answer

    store = through(way, bucket)
    store.put_if_absent("a", b"0123456789" * 1000, soon())
    way.after = cut
    with pytest.raises(StoreUnreachable):
        store.get("a")


# -- refusals ------------------------------------------------------------------------------------------------

VERBS: dict[str, Callable[[S3Store], object]] = {
    "put": lambda store: store.put_if_absent("a", b"x", soon()),
    "get": lambda store: store.get("a"),
    "head": lambda store: store.head("a"),
    "list": lambda store: list(store.list("")),
    "list_versions": lambda store: list(store.list_versions("")),
    "probe": lambda store: store.probe(),
}
each_verb = pytest.mark.parametrize("verb", VERBS.values(), ids=VERBS)


@each_verb
def test_a_missing_bucket_is_never_taken_for_an_empty_archive(verb: Callable[[S3Store], object]) -> None:
    with pytest.raises(StoreUnreachable, match=r"bucket nobody-made-this.*create-bucket"):
        verb(S3Store(s3_server.client(), "nobody-made-this"))


@each_verb
def test_a_store_that_does_not_answer_is_unreachable(verb: Callable[[S3Store], object]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        endpoint = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(StoreUnreachable, match="did not answer"):
            verb(S3Store(s3_server.client(endpoint), "bucket"))


def without_body(answer: Answer, request: Request) -> Answer:
    """A HEAD is answered without a body, which is where the code stands."""
    return Answer(answer.status, answer.headers, b"") if request.method == "HEAD" else answer


@each_verb
@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (refusal(403, "AccessDenied"), StoreDenied, r"refused s3:\w+ on bucket archive-\w+ \(AccessDenied\)"),
        (refusal(403, "SignatureDoesNotMatch"), StoreDenied, "does not accept the credentials"),
        (refusal(400, "ExpiredToken"), StoreDenied, "Renew them"),
        (refusal(403, "RequestTimeTooSkewed"), StoreDenied, "clock"),
        (refusal(503, "SlowDown"), StoreUnreachable, "overloaded"),
    ],
    ids=["denied", "bad key", "expired", "clock", "slow down"],
)
def test_each_verb_tells_a_refusal_from_an_absence(
    way: Meddler,
    bucket: str,
    verb: Callable[[S3Store], object],
    answer: Answer,
    error: type[Exception],
    words: str,
) -> None:
    way.before = lambda request: without_body(answer, request)
    with pytest.raises(error, match=words) as refused:
        verb(through(way, bucket))
    assert s3_server.SECRET not in str(refused.value)


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (refusal(507, "InsufficientStorage"), StoreFull, "no room left"),
        (refusal(403, "XMinioAdminBucketQuotaExceeded"), StoreFull, "quota"),
        (refusal(501, "NotImplemented"), StoreUnsafe, "If-None-Match"),
        (refusal(400, "BadDigest"), StoreError, "damaged"),
        (refusal(400, "IllegalLocationConstraintException"), StoreUnreachable, "AWS_REGION"),
        (refusal(400, "InvalidArgument", "must be in the \x9b31m future"), StoreError, r"in the \?31m future"),
        (refusal(500, "InternalError"), StoreUnreachable, "run the same command again"),
    ],
    ids=["full", "quota", "not implemented", "damaged", "region", "hostile text", "internal"],
)
def test_a_refused_put_says_what_to_do(
    way: Meddler, bucket: str, answer: Answer, error: type[Exception], words: str
) -> None:
    way.before = lambda request: without_body(answer, request)
    with pytest.raises(error, match=words):
        through(way, bucket).put_if_absent("a", b"x", soon())
