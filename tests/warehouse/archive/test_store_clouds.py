"""What our stores on Azure and Google do with a lock, with versions, with stores that lie and with trouble.

Over real HTTP against strict pretend clouds; what is written from documentation and what from recorded answers
stands in their first lines.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.warehouse.archive import azure_server, gcs_server
from tests.warehouse.archive.azure_server import ACCOUNT, KEY, AzureServer
from tests.warehouse.archive.gcs_server import GcsServer
from warehouse.archive.azure import AzureStore
from warehouse.archive.azure_client import container_client
from warehouse.archive.errors import (
    KeyMissing,
    LockMissing,
    StoreDenied,
    StoreError,
    StoreUnreachable,
    StoreUnsafe,
)
from warehouse.archive.gcs import GcsStore
from warehouse.archive.store import Exists, Stored, open_store, refuse_if_unsafe

Server = AzureServer | GcsServer
CloudStore = AzureStore | GcsStore


@pytest.fixture(params=["azure", "gcs"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    running = azure_server.running if request.param == "azure" else gcs_server.running
    with running() as started:
        yield started


def open_on(server: Server, *, lock: str = "compliance", locked: bool = True, prefix: str = "p") -> CloudStore:
    if isinstance(server, AzureServer):
        return server.store(server.new_container(lock=locked), prefix, lock=lock)
    return server.store(server.new_bucket(lock=locked), prefix, lock=lock)


def ahead(**how_long: float) -> datetime:
    return datetime.now(UTC).replace(microsecond=0) + timedelta(**how_long)


def delete_name(store: CloudStore, key: str) -> None:
    """What somebody does who deletes an object without naming a version."""
    if isinstance(store, AzureStore):
        store.blob(key).delete_blob()
    else:
        store.bucket.blob(f"p/{key}").delete()


def overwrite(store: CloudStore, key: str, data: bytes) -> None:
    if isinstance(store, AzureStore):
        store.blob(key).upload_blob(data, overwrite=True)
    else:
        store.bucket.blob(f"p/{key}").upload_from_string(data)


# -- locks ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lock", ["compliance", "governance"])
def test_a_put_is_locked_at_least_as_long_as_asked_and_read_back(server: Server, lock: str) -> None:
    store = open_on(server, lock=lock)
    until = datetime.now(UTC) + timedelta(days=2555, microseconds=1)
    stored = store.put_if_absent("pages/a", b"bytes", until)
    info = store.head("pages/a", stored.version_id)
    assert info is not None
    assert info.lock_mode == lock.upper()
    assert info.retain_until is not None
    assert until <= info.retain_until < until + timedelta(seconds=1)


def test_a_store_without_a_lock_asks_for_none(server: Server) -> None:
    store = open_on(server, lock="none", locked=False)
    store.put_if_absent("a", b"x", ahead(days=1))
    info = store.head("a")
    assert info is not None
    assert (info.lock_mode, info.retain_until, store.immutable) == (None, None, False)


def test_an_object_that_was_left_unlocked_is_locked_when_it_is_put_again(server: Server) -> None:
    store = open_on(server)
    server.pretends.add("no lock")
    with pytest.raises(LockMissing, match="without any retention"):
        store.put_if_absent("a", b"x", ahead(days=1))
    server.pretends.clear()
    assert isinstance(store.put_if_absent("a", b"x", ahead(days=1)), Exists)
    info = store.head("a")
    assert info is not None
    assert info.lock_mode == "COMPLIANCE"


def test_a_bucket_that_cannot_lock_is_refused_and_named(server: Server) -> None:
    store = open_on(server, locked=False)
    with pytest.raises(StoreError):
        store.put_if_absent("a", b"x", ahead(days=1))
    with pytest.raises(StoreUnsafe, match=store.name):
        refuse_if_unsafe(store.url, store.probe())


# -- versions ------------------------------------------------------------------------------------------------


def test_an_overwrite_shows_as_two_versions_and_the_evidence_stays_readable(server: Server) -> None:
    store = open_on(server)
    ours = store.put_if_absent("a", b"evidence", ahead(days=1))
    overwrite(store, "a", b"theirs")
    assert [(v.size, v.latest, v.delete_marker) for v in store.list_versions("")] == [
        (6, True, False),
        (8, False, False),
    ]
    assert store.get("a") == b"theirs"
    assert store.get("a", ours.version_id) == b"evidence"


def test_a_deleted_name_shows_a_delete_marker_and_the_evidence_stays_readable(server: Server) -> None:
    store = open_on(server)
    ours = store.put_if_absent("a", b"evidence", ahead(days=1))
    delete_name(store, "a")
    assert [(v.size, v.latest, v.delete_marker) for v in store.list_versions("")] == [
        (0, True, True),
        (8, False, False),
    ]
    assert (store.head("a"), list(store.list(""))) == (None, [])
    assert store.get("a", ours.version_id) == b"evidence"
    with pytest.raises(KeyMissing):
        store.get("a")


def test_a_softly_deleted_blob_shows_as_hidden() -> None:
    with azure_server.running(soft_delete=True) as server:
        store = open_on(server, lock="none", locked=False)
        assert isinstance(store, AzureStore)
        ours = store.put_if_absent("a", b"evidence", None)
        delete_name(store, "a")
        store.blob("a").delete_blob(version_id=ours.version_id)
        shown = [(v.version_id, v.latest, v.delete_marker) for v in store.list_versions("")]
        assert shown == [(None, True, True), (ours.version_id, False, False)]
        assert store.head("a", ours.version_id) is None


def test_bytes_and_lock_come_with_one_question_where_the_store_tells_both() -> None:
    with azure_server.running() as server:
        store = open_on(server)
        assert isinstance(store, AzureStore)
        stored = store.put_if_absent("a", b"evidence", ahead(days=1))
        server.asked.clear()
        data, info = store.inspect("a", stored.version_id)
        assert [request.method for request in server.asked] == ["GET"]
        assert (data, info) == (b"evidence", store.head("a", stored.version_id))


def test_versions_of_many_names_come_in_order_over_several_pages(server: Server) -> None:
    store = open_on(server)
    for n in range(20):
        store.put_if_absent(f"a/{n:02d}", b"x", ahead(days=1))
    overwrite(store, "a/05", b"yy")
    listed = [(v.key, v.size) for v in store.list_versions("a/")]
    assert listed[5:8] == [("a/05", 2), ("a/05", 1), ("a/06", 1)]
    assert [key for key, _ in listed] == sorted(key for key, _ in listed)
    assert [info.key for info in store.list("a/", "a/17")] == ["a/18", "a/19"]


@pytest.mark.parametrize(
    "version", ["v1", "3sL4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY", "2026-01-01T00:00:00.0000000Z", "7"]
)
def test_a_version_of_another_cloud_is_missing_and_no_failure(server: Server, version: str) -> None:
    store = open_on(server)
    store.put_if_absent("a", b"x", ahead(days=1))
    assert store.head("a", version) is None
    with pytest.raises(KeyMissing, match="no version"):
        store.get("a", version)


# -- stores that lie -----------------------------------------------------------------------------------------


def test_the_probe_of_an_honest_store_finds_nothing(server: Server) -> None:
    store = open_on(server)
    report = store.probe()
    assert [result for result in report if not result.ok] == []
    assert {"overwrite", "shortening", "retention"} <= {result.check for result in report}


@pytest.mark.parametrize("lie", ["overwrite", "no lock", "forgets", "shortens"])
@pytest.mark.parametrize("times", [1, 2])
def test_a_store_that_lies_is_refused_each_time(server: Server, lie: str, times: int) -> None:
    store = open_on(server)
    server.pretends.add(lie)
    for _ in range(times):
        with pytest.raises(StoreUnsafe, match="will not run"):
            refuse_if_unsafe(store.url, store.probe())


def test_a_store_that_forgets_the_lock_is_refused_at_every_start_and_taken_once_it_is_mended(
    server: Server,
) -> None:
    store = open_on(server)
    server.pretends.add("no lock")
    for _ in range(2):
        with pytest.raises(StoreUnsafe, match="lock"):
            refuse_if_unsafe(store.url, store.probe(thorough=False))
    server.pretends.clear()
    for _ in range(3):
        refuse_if_unsafe(store.url, store.probe(thorough=False))
    before = len(list(store.list("probes/")))
    refuse_if_unsafe(store.url, store.probe(thorough=False))
    assert len(list(store.list("probes/"))) == before


def test_a_role_that_may_not_delete_counts_as_a_refusal(server: Server) -> None:
    store = open_on(server)
    server.denied.add("DELETE")
    refuse_if_unsafe(store.url, store.probe())


# -- trouble -------------------------------------------------------------------------------------------------


def verbs(store: CloudStore) -> list[Callable[[], object]]:
    return [
        lambda: store.put_if_absent("a", b"x", ahead(days=1)),
        lambda: store.get("a"),
        lambda: store.head("a"),
        lambda: list(store.list("")),
        lambda: list(store.list_versions("")),
    ]


def test_a_store_that_fails_is_unreachable_to_every_verb(server: Server) -> None:
    store = open_on(server)
    for verb in verbs(store):
        server.down = 50
        with pytest.raises(StoreUnreachable, match="Everything committed is safe"):
            verb()
        server.down = 0


def test_a_bucket_that_is_not_there_is_unreachable_to_every_verb_and_named(server: Server) -> None:
    store = server.store("nobody-made-this")
    for verb in verbs(store):
        with pytest.raises(StoreUnreachable, match="nobody-made-this does not exist"):
            verb()


def test_a_missing_right_is_told_with_what_to_grant(server: Server) -> None:
    store = open_on(server)
    store.put_if_absent("a", b"x", ahead(days=1))
    server.denied |= {"GET", "HEAD"}
    for verb in (lambda: store.get("a"), lambda: store.head("a")):
        with pytest.raises(StoreDenied, match="rights"):
            verb()


def test_one_hiccup_is_tried_again(server: Server) -> None:
    if isinstance(server, AzureServer):
        name = server.new_container()
        client = container_client(
            name,
            endpoint=f"{server.endpoint}/{ACCOUNT}",
            credential=lambda: KEY,
            retry_total=2,
            initial_backoff=0,
            increment_base=0,
        )
        store: CloudStore = AzureStore(client, "p")
    else:
        store = server.store(server.new_bucket())
        store.retry = store.retry.with_timeout(20)
    server.down = 1
    assert isinstance(store.put_if_absent("a", b"x", ahead(days=1)), Stored)


def test_a_large_object_goes_and_comes_whole(server: Server) -> None:
    store = open_on(server)
    data = bytes(range(256)) * 40_000  # 10 MB: above Google's single request
    store.put_if_absent("a", data, ahead(days=1))
    assert store.get("a") == data


# -- from settings -------------------------------------------------------------------------------------------


def test_an_archive_opens_from_an_address_an_endpoint_and_a_credential(server: Server) -> None:
    if isinstance(server, AzureServer):
        store = open_store(
            f"az://{server.new_container()}/x",
            endpoint=f"{server.endpoint}/{ACCOUNT}",
            credential=lambda: KEY,
            probe=True,
        )
    else:
        store = open_store(f"gs://{server.new_bucket()}/x", endpoint=server.endpoint, probe=True)
    assert isinstance(store.put_if_absent("a", b"x", ahead(days=1)), Stored)


def test_a_wrong_key_is_told_without_being_shown() -> None:
    with azure_server.running() as server:
        wrong = "bm90LXRoZS1rZXk="
        client = container_client(
            server.new_container(),
            endpoint=f"{server.endpoint}/{ACCOUNT}",
            credential=lambda: wrong,
            retry_total=0,
        )
        with pytest.raises(StoreDenied, match="does not accept the credentials") as refused:
            AzureStore(client).head("a")
        assert wrong not in str(refused.value)


def test_google_without_a_sign_in_is_told_so() -> None:
    with gcs_server.running() as server:
        store = server.store(server.new_bucket())
        server.signed_in = False
        with pytest.raises(StoreDenied, match="does not accept the credentials"):
            store.head("a")


def test_a_download_that_arrives_damaged_is_no_evidence() -> None:
    with gcs_server.running() as server:
        store = server.store(server.new_bucket())
        store.put_if_absent("a", b"bytes", ahead(days=1))
        server.pretends.add("damages")
        with pytest.raises(StoreError, match="damaged"):
            store.get("a")


@pytest.mark.parametrize(
    ("url", "options", "said"),
    [
        ("az://container", {}, "azure_account"),
        ("az://container", {"endpoint": "https://user:secret-word@example.com"}, "azure_endpoint"),
        ("az://user:secret-word@container", {"account": "a"}, "az://container"),
        ("gs://bucket", {"endpoint": "ftp://example.com"}, "gcs_endpoint"),
        ("gs://bucket", {"credential": lambda: '{"private_key": "secret-word"}'}, "gcs_credentials"),
        ("gs://bucket?x=secret-word", {}, "gs://bucket"),
    ],
)
def test_an_address_or_credential_that_is_none_is_refused_and_not_repeated(
    url: str, options: dict[str, object], said: str
) -> None:
    with pytest.raises(StoreError, match=said) as refused:
        open_store(url, **options)  # type: ignore[arg-type]
    assert "secret-word" not in str(refused.value)
