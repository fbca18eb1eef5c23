"""Our S3 store on a real server that enforces Object Lock: versitygw v1.8.0 with its posix backend.

It enforces (each tested here): If-None-Match, one winner among racing writers, SHA-256 sums, retention by date
in both modes, no shortening and no weakening of COMPLIANCE (also with the bypass header), no deletion of a
locked or held version (alone, in a batch, or with its bucket), no suspending of versioning under a lock.
It does not do as Amazon S3 does: a key under a delete marker stays refused (S3 would take a new version), a put
refused for a missing lock configuration leaves its object behind, a HEAD does not show a retention that came
from the bucket's default, a GET shows no lock at all, a hold is forgotten once the retention beside it has passed
(test_locks_on_versitygw.py), and whoever owns the folder below it can change every byte: it is no archive, it is
a stand-in for one.
"""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.real.servers import Gateway, a_bucket_server
from warehouse.archive.errors import KeyMissing, LockMissing, StoreDenied, StoreError, StoreUnreachable
from warehouse.archive.s3 import S3Store, client_from_settings
from warehouse.archive.store import Exists, Stored, open_store

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with a_bucket_server(tmp_path_factory.mktemp("versitygw")) as running:
        yield running


@pytest.fixture
def store(gateway: Gateway) -> S3Store:
    return S3Store(gateway.client, gateway.new_bucket(), "prefix")


def ahead(**how_long: float) -> datetime:
    return datetime.now(UTC).replace(microsecond=0) + timedelta(**how_long)


def put(store: S3Store, key: str, until: datetime | None = None) -> dict[str, Any]:
    """Put one object and say how boto3 names that version of it."""
    outcome = store.put_if_absent(key, b"evidence", until or ahead(days=1))
    assert isinstance(outcome, Stored)
    return store.address(key, outcome.version_id)


def refused(call: Callable[..., object], **arguments: object) -> str:
    with pytest.raises(ClientError) as error:
        call(**arguments)
    return str(error.value.response["Error"]["Code"])


# -- our promises on it --------------------------------------------------------------------------------------


def test_a_put_is_kept_locked_and_read_back(store: S3Store) -> None:
    until = ahead(days=2555)
    outcome = store.put_if_absent("pages/a", b"\x00\xff bytes", until)
    assert isinstance(outcome, Stored)
    assert store.get("pages/a") == store.get("pages/a", outcome.version_id) == b"\x00\xff bytes"
    info = store.head("pages/a")
    assert info is not None
    assert (info.lock_mode, info.retain_until, info.size) == ("COMPLIANCE", until, 8)


def test_a_second_put_is_refused_and_leaves_no_version(store: S3Store) -> None:
    first = store.put_if_absent("a", b"first", ahead(days=1))
    assert store.put_if_absent("a", b"second", ahead(days=1)) == Exists(first.version_id)
    assert [v.size for v in store.list_versions("")] == [5]


@pytest.mark.fault(
    "Eight writers put one key at once, on a real S3 server.",
    area="store",
    data="One wins, and the others are told so.",
    user="Nothing unusual.",
    recovery="Nothing.",
)
def test_of_eight_writers_that_want_one_key_exactly_one_wins(store: S3Store) -> None:
    wanted = [f"log/entry/{n:012d}.json" for n in range(20)]

    def write(writer: int) -> list[str]:
        mine = f"writer {writer}".encode()
        return [key for key in wanted if isinstance(store.put_if_absent(key, mine, ahead(days=1)), Stored)]

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(write, range(8)))
    assert sorted(key for keys in won for key in keys) == wanted
    for writer, keys in enumerate(won):
        assert all(store.get(key) == f"writer {writer}".encode() for key in keys)
    assert len(list(store.list_versions("log/"))) == len(wanted)


def test_keys_are_listed_in_byte_order_from_where_we_ask(store: S3Store) -> None:
    for key in ("a/x", "a0", "a-b", "a.b", "a/é", "a/z/1", "a/z-1", "B", "a b/c+d%20e"):
        put(store, key)
    order = ["B", "a b/c+d%20e", "a-b", "a.b", "a/x", "a/z-1", "a/z/1", "a/é", "a0"]
    assert [info.key for info in store.list("")] == order
    assert [info.key for info in store.list("a", "a/x")] == order[5:]


def test_the_probe_finds_nothing_wrong_and_the_archive_opens(store: S3Store) -> None:
    assert {result.check for result in store.probe() if result.ok} == {
        "versioning",
        "object lock",
        "overwrite",
        "retention",
        "shortening",
    }
    open_store(f"s3://{store.bucket}", s3_client=store.client, probe=True)


def test_a_client_made_from_settings_works(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    credentials = gateway.client._request_signer._credentials
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", credentials.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", credentials.secret_key)
    store = open_store(f"s3://{gateway.new_bucket()}/x", s3_endpoint=gateway.endpoint, probe=True)
    assert isinstance(store.put_if_absent("a", b"x", ahead(days=1)), Stored)


def test_wrong_credentials_and_missing_buckets_are_told_apart_from_emptiness(
    gateway: Gateway, store: S3Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "EXAMPLEKEY")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(StoreDenied, match="does not accept the credentials"):
        S3Store(client_from_settings(gateway.endpoint), store.bucket).head("a")
    with pytest.raises(StoreUnreachable, match="does not exist"):
        S3Store(gateway.client, "nobody-made-this").head("a")


# -- what a lock withstands ----------------------------------------------------------------------------------


def test_a_compliance_retention_can_be_lengthened_but_not_shortened(store: S3Store) -> None:
    change = store.client.put_object_retention
    at = put(store, "a", ahead(days=10))
    shorter = {"Mode": "COMPLIANCE", "RetainUntilDate": ahead(days=9)}
    longer = {"Mode": "COMPLIANCE", "RetainUntilDate": ahead(days=11)}
    assert refused(change, **at, Retention=shorter) == "AccessDenied"
    assert refused(change, **at, Retention=shorter, BypassGovernanceRetention=True) == "AccessDenied"
    change(**at, Retention=longer)
    info = store.head("a")
    assert info is not None
    assert info.retain_until == longer["RetainUntilDate"]


def test_compliance_cannot_become_governance(store: S3Store) -> None:
    at = put(store, "a", ahead(days=10))
    weaker = {"Mode": "GOVERNANCE", "RetainUntilDate": ahead(days=10)}
    change = store.client.put_object_retention
    assert refused(change, **at, Retention=weaker) == "AccessDenied"
    assert refused(change, **at, Retention=weaker, BypassGovernanceRetention=True) == "AccessDenied"


@pytest.mark.fault(
    "An owner tries to delete a locked version, on a real S3 server.",
    area="tampering",
    data="It stays.",
    user="The server refuses.",
    recovery="Nothing.",
)
def test_a_locked_version_is_not_deleted_in_any_way(store: S3Store) -> None:
    at = put(store, "a")
    assert refused(store.client.delete_object, **at) == "AccessDenied"
    assert refused(store.client.delete_object, **at, BypassGovernanceRetention=True) == "AccessDenied"
    batch = {"Objects": [{"Key": at["Key"], "VersionId": at["VersionId"]}]}
    answer = store.client.delete_objects(Bucket=store.bucket, Delete=batch, BypassGovernanceRetention=True)
    assert [error["Code"] for error in answer["Errors"]] == ["AccessDenied"]
    assert refused(store.client.delete_bucket, Bucket=store.bucket) == "BucketNotEmpty"
    assert store.get("a") == b"evidence"


def test_governance_yields_only_to_the_bypass_header(gateway: Gateway) -> None:
    store = S3Store(gateway.client, gateway.new_bucket(), lock="governance")
    at = put(store, "a")
    assert refused(store.client.delete_object, **at) == "AccessDenied"
    store.client.delete_object(**at, BypassGovernanceRetention=True)
    assert store.head("a") is None


def test_a_lock_ends_with_its_date(store: S3Store) -> None:
    at = put(store, "a", ahead(seconds=3))
    assert refused(store.client.delete_object, **at) == "AccessDenied"
    time.sleep(4)
    store.client.delete_object(**at)
    assert list(store.list_versions("")) == []


def test_a_legal_hold_keeps_what_has_no_retention(store: S3Store) -> None:
    outcome = store.put_if_absent("a", b"x", None)
    at = store.address("a", outcome.version_id)
    store.client.put_object_legal_hold(**at, LegalHold={"Status": "ON"})
    assert refused(store.client.delete_object, **at, BypassGovernanceRetention=True) == "AccessDenied"


def test_versioning_cannot_be_suspended_under_a_lock(store: S3Store) -> None:
    suspend = {"Status": "Suspended"}
    refusal = refused(store.client.put_bucket_versioning, Bucket=store.bucket, VersioningConfiguration=suspend)
    assert refusal == "InvalidBucketState"


@pytest.mark.parametrize(
    "lock",
    [
        {"ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": datetime(2020, 1, 1, tzinfo=UTC)},
        {"ObjectLockMode": "COMPLIANCE"},
    ],
    ids=["a date in the past", "no date"],
)
def test_a_lock_that_would_hold_nothing_is_refused(store: S3Store, lock: dict[str, Any]) -> None:
    assert refused(store.client.put_object, **store.address("a"), Body=b"x", **lock) == "InvalidArgument"


def test_bytes_that_do_not_match_their_sum_are_refused(store: S3Store) -> None:
    wrong = "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="  # of "abc"
    put_object = store.client.put_object
    assert refused(put_object, **store.address("a"), Body=b"x", ChecksumSHA256=wrong) == "BadDigest"
    assert store.head("a") is None


def test_an_overwrite_and_a_delete_marker_show_and_the_evidence_stays(store: S3Store) -> None:
    at = put(store, "a")
    store.client.put_object(**store.address("a"), Body=b"theirs")
    store.client.delete_object(**store.address("a"))
    shown = [(v.size, v.latest, v.delete_marker) for v in store.list_versions("")]
    assert shown == [(0, True, True), (6, False, False), (8, False, False)]
    assert store.get("a", at["VersionId"]) == b"evidence"
    with pytest.raises(KeyMissing):
        store.get("a")


# -- where it differs from Amazon S3 -------------------------------------------------------------------------


def test_a_key_under_a_delete_marker_is_refused_with_what_to_do(store: S3Store) -> None:
    put(store, "a")
    store.client.delete_object(**store.address("a"))
    with pytest.raises(StoreError, match="delete marker"):
        store.put_if_absent("a", b"again", ahead(days=1))


def test_a_bucket_without_object_lock_is_refused_though_the_object_stays_behind(gateway: Gateway) -> None:
    store = S3Store(gateway.client, gateway.new_bucket(lock=False))
    with pytest.raises(LockMissing, match="has no Object Lock"):
        store.put_if_absent("a", b"x", ahead(days=1))
    assert [info.key for info in store.list("")] == ["a"]
    with pytest.raises(LockMissing, match="has no Object Lock"):  # and being there is not being kept
        store.put_if_absent("a", b"x", ahead(days=1))


def test_a_default_retention_is_enforced_though_a_head_does_not_show_it(store: S3Store) -> None:
    rule = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 1}}}
    store.client.put_object_lock_configuration(Bucket=store.bucket, ObjectLockConfiguration=rule)
    theirs = store.client.put_object(**store.address("theirs"), Body=b"x")
    assert refused(store.client.delete_object, **store.address("theirs", theirs["VersionId"])) == "AccessDenied"
    info = store.head("theirs")
    assert info is not None
    assert info.lock_mode is None


def test_a_key_below_another_object_is_refused_in_the_servers_words(store: S3Store) -> None:
    put(store, "a")
    with pytest.raises(StoreError, match="refused s3:PutObject"):
        store.put_if_absent("a/b", b"x", ahead(days=1))


def test_the_owner_of_its_folder_can_change_the_bytes(gateway: Gateway) -> None:
    store = S3Store(gateway.client, gateway.new_bucket())
    put(store, "a")
    (gateway.objects / store.bucket / "a").write_bytes(b"forged!!")
    assert store.get("a") == b"forged!!"
