"""Holds, longer retention, expiry and the verifier on a real server that enforces Object Lock (versitygw).

Locks here last seconds, so that what happens after them is seen and not assumed.
"""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError

from tests.real.servers import Gateway, a_bucket_server
from tests.warehouse.archive.rig import KEY, TABLE, codes, fold, hour, pull, seal
from warehouse.archive import keys
from warehouse.archive.archive import Archive, Retention
from warehouse.archive.errors import StoreDenied
from warehouse.archive.expire import expire
from warehouse.archive.holds import extend, release_hold, set_hold
from warehouse.archive.s3 import S3Store
from warehouse.archive.verify import Verification, verify

pytestmark = pytest.mark.real

DAY = "2026-11-17"
BRIEF = Retention(timedelta(days=30), timedelta(seconds=4))  # evidence for long, the recent tier for seconds
SHORT = Retention(timedelta(seconds=5), timedelta(seconds=5))


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with a_bucket_server(tmp_path_factory.mktemp("versitygw")) as running:
        yield running


@pytest.fixture
def store(gateway: Gateway) -> S3Store:
    return S3Store(gateway.client, gateway.new_bucket(), "prefix")


def filled(store: S3Store, retention: Retention) -> Archive:
    """Three hours pulled and folded, the first two sealed."""
    archive = Archive(store, key=lambda: KEY, retention=retention)
    pulled = []
    for number in range(3):
        pulled.append(pull(archive, number))
        fold(archive, pulled[-1], DAY)
    seal(archive, DAY, pulled[1].seq, [entry.seq for entry in pulled[:2]])
    archive.settle()
    return archive


def page_of(archive: Archive, number: int) -> tuple[str, str | None]:
    entry = next(e for e in archive.entries() if e.kind == "pull" and e.window == hour(number).as_text())
    return entry.objects[0].key, entry.objects[0].version_id


def delete_version(store: S3Store, key: str, version: str | None, **more: bool) -> str:
    """The code of the refusal, or "" where the version is gone."""
    try:
        store.client.delete_object(**store.address(key, version), **more)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


def wait_for(moment: datetime) -> None:
    time.sleep(max(0, (moment - datetime.now(UTC)).total_seconds()) + 1)


def verified(store: S3Store, retention: Retention = BRIEF) -> Verification:
    return verify(store, retention=retention)


# -- what the verifier finds ---------------------------------------------------------------------------------


def test_an_archive_on_it_is_clean_with_every_lock_read_back(store: S3Store) -> None:
    filled(store, BRIEF)
    assert verified(store).findings == []


@pytest.mark.parametrize(
    "prefix", ["log/entry/", "log/checkpoint/", "log/tile/", "pages/", "tables/sealed/", "seals/"]
)
def test_a_delete_marker_is_found_wherever_it_lies(store: S3Store, prefix: str) -> None:
    filled(store, BRIEF)
    key = list(store.list(prefix))[-1].key
    store.client.delete_object(**store.address(key))
    assert ("delete_marker", key) in codes(verified(store))
    assert len([v for v in store.list_versions(key) if not v.delete_marker]) == 1  # and nothing is lost


@pytest.mark.parametrize("prefix", ["log/entry/", "pages/", "tables/sealed/", "seals/"])
def test_an_overwrite_is_found_and_the_locked_version_stays(store: S3Store, prefix: str) -> None:
    filled(store, BRIEF)
    info = next(iter(store.list_versions(prefix)))
    store.client.put_object(**store.address(info.key), Body=b"theirs")
    assert ("altered", info.key) in codes(verified(store))
    assert delete_version(store, info.key, info.version_id, BypassGovernanceRetention=True) == "AccessDenied"


def test_an_object_put_without_a_lock_is_found(gateway: Gateway) -> None:
    name = gateway.new_bucket()
    careless = S3Store(gateway.client, name, "prefix", lock="none")
    filled(careless, BRIEF)
    found = codes(verified(S3Store(gateway.client, name, "prefix")))
    assert {code for code, _ in found} == {"unlocked"}


def test_a_weaker_mode_is_found(gateway: Gateway) -> None:
    name = gateway.new_bucket()
    filled(S3Store(gateway.client, name, "prefix", lock="governance"), BRIEF)
    assert verified(S3Store(gateway.client, name, "prefix", lock="governance")).findings == []
    found = codes(verified(S3Store(gateway.client, name, "prefix")))
    assert {code for code, _ in found} == {"unlocked"}


# -- holds ---------------------------------------------------------------------------------------------------


def test_a_held_version_is_not_deleted_in_any_way(store: S3Store) -> None:
    archive = filled(store, BRIEF)
    set_hold(archive, "case-7", hour(1), reason="litigation")
    held = page_of(archive, 1)
    assert delete_version(store, *held, BypassGovernanceRetention=True) == "AccessDenied"
    release_hold(archive, "case-7", reason="settled")
    info = store.head(*held)
    assert info is not None
    assert (info.legal_hold, info.lock_mode) == (False, "COMPLIANCE")


def test_a_hold_keeps_what_has_no_retention_until_it_is_released(gateway: Gateway) -> None:
    careless = S3Store(gateway.client, gateway.new_bucket(), "prefix", lock="none")
    archive = filled(careless, BRIEF)
    held, free = page_of(archive, 1), page_of(archive, 0)
    set_hold(archive, "case-7", hour(1), reason="litigation")
    assert delete_version(careless, *held, BypassGovernanceRetention=True) == "AccessDenied"
    assert delete_version(careless, *free) == ""
    release_hold(archive, "case-7", reason="settled")
    assert delete_version(careless, *held) == ""


def test_it_forgets_a_hold_when_the_retention_beside_it_has_passed_and_our_expiry_does_not(store: S3Store) -> None:
    """Amazon S3 keeps the version (a hold is independent of a retention). Should this fail one day, the server
    does so too, and `test_locks.test_a_hold_outlasts_the_retention` can be had on it."""
    archive = filled(store, BRIEF)
    set_hold(archive, "case-7", hour(1), reason="litigation")
    key = next(iter(store.list(f"tables/recent/{TABLE}/"))).key
    info = store.head(key)
    assert info is not None
    assert info.legal_hold
    assert info.retain_until is not None
    wait_for(info.retain_until)
    with pytest.raises(StoreDenied, match="under a legal hold"):
        store.locks().remove(key, info.version_id)
    assert delete_version(store, key, info.version_id) == ""


def test_what_is_committed_later_is_held_and_the_verifier_sees_to_it(store: S3Store) -> None:
    archive = filled(store, BRIEF)
    set_hold(archive, "case-7", hour(1), reason="litigation")
    late = pull(archive, 1, complete=False)
    archive.settle()
    ref = late.objects[0]
    info = store.head(ref.key, ref.version_id)
    assert info is not None
    assert info.legal_hold
    assert verified(store).findings == []
    off = {"LegalHold": {"Status": "OFF"}}
    store.client.put_object_legal_hold(**store.address(ref.key, ref.version_id), **off)
    store.client.put_object_legal_hold(**store.address(keys.entry(late.seq)), **off)
    assert codes(verified(store)) == {("not_held", ref.key), ("not_held", keys.entry(late.seq))}


# -- longer retention ----------------------------------------------------------------------------------------


def test_a_longer_retention_holds_and_cannot_be_taken_back(store: S3Store) -> None:
    archive = filled(store, SHORT)
    longer, short = page_of(archive, 1), page_of(archive, 0)
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(days=2)
    extend(archive, until, window=hour(1))
    info = store.head(*longer)
    assert info is not None
    assert info.retain_until == until
    first = store.head(*short)
    assert first is not None
    assert first.retain_until is not None
    wait_for(first.retain_until)
    assert delete_version(store, *longer, BypassGovernanceRetention=True) == "AccessDenied"
    shorter = {"Mode": "COMPLIANCE", "RetainUntilDate": until - timedelta(days=1)}
    with pytest.raises(ClientError, match="AccessDenied"):
        store.client.put_object_retention(**store.address(*longer), Retention=shorter)


# -- expiry --------------------------------------------------------------------------------------------------


def test_the_recent_tier_expires_after_its_lock_and_the_verifier_accepts_it(store: S3Store) -> None:
    archive = filled(store, BRIEF)
    recent = [info.key for info in store.list(f"tables/recent/{TABLE}/")]
    assert expire(archive).deleted == []  # locked still
    infos = [store.head(key) for key in recent]
    wait_for(max(info.retain_until for info in infos if info is not None and info.retain_until is not None))
    assert expire(archive).deleted == recent[:2]
    assert [v.key for v in store.list_versions("tables/recent/")] == recent[2:]  # no marker, no version: gone
    archive.settle()
    assert verified(store).findings == []


def test_under_a_hold_nothing_expires_though_its_lock_has_passed(store: S3Store) -> None:
    archive = filled(store, BRIEF)
    set_hold(archive, "case-7", hour(1), reason="litigation")
    infos = [store.head(info.key) for info in store.list("tables/recent/")]
    wait_for(max(info.retain_until for info in infos if info is not None and info.retain_until is not None))
    assert expire(archive).deleted == []
    assert expire(archive).kept["under a legal hold"] == 2
    release_hold(archive, "case-7", reason="settled")
    assert len(expire(archive).deleted) == 2
