"""Which keys and addresses are taken: nothing from outside can lead a write out of the archive."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from warehouse.archive.errors import KeyInvalid, StoreDenied, StoreError, StoreUnreachable
from warehouse.archive.local import LocalStore
from warehouse.archive.s3 import S3Store, client_from_settings
from warehouse.archive.store import check_key, check_prefix, open_store


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("", "empty"),
        ("/a", "absolute"),
        ("a/", "empty name"),
        ("a//b", "empty name"),
        ("..", "leave its folder"),
        ("a/../b", "leave its folder"),
        ("./a", "leave its folder"),
        ("a\\b", "backslash"),
        ("a\0b", r"U\+0000"),
        ("a\x7fb", r"U\+007F"),
        ("a\x1b[31mb", r"U\+001B"),
        ("a\u202eb", r"U\+202E"),
        ("a\u2028b", r"U\+2028"),
        ("\ud800", "Unicode"),
        ("x" * 241, "240 bytes"),
        ("/".join(["é" * 100] * 5), "900"),
        ("a/.tmp-1", "unfinished"),
    ],
)
def test_a_key_is_refused_with_its_reason_and_shown_harmlessly(key: str, reason: str) -> None:
    with pytest.raises(KeyInvalid, match=reason) as refused:
        check_key(key)
    assert str(refused.value).isprintable()


@given(st.text(st.sampled_from("a./\\\0é\n~ -\u202e"), max_size=12) | st.text(max_size=20))
@example("a/..")
@example("...")
def test_whatever_key_is_taken_stays_inside_the_folder(key: str) -> None:
    try:
        check_key(key)
    except KeyInvalid:
        return
    root = Path("/archive")
    path = Path(f"{root}/{key}")
    assert ".." not in path.parts
    assert path.is_relative_to(root)
    assert str(path) == f"/archive/{key}"


@given(st.text(max_size=12), st.integers(0, 12))
def test_the_beginning_of_a_key_is_a_prefix(key: str, cut: int) -> None:
    try:
        check_key(key)
    except KeyInvalid:
        return
    beginning = key[:cut]
    if beginning.rpartition("/")[2] not in (".", ".."):
        assert check_prefix(beginning) == beginning


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://example.com/x", "'ftp'"),
        ("ftp://example.com/prefix", "'ftp'"),
        ("data/archive", "file:PATH"),
        ("", "file:PATH"),
        ("file:", "no folder"),
        ("file://", "no folder"),
        ("file://host/share", "names a host"),
        ("s3://", "s3://bucket"),
        ("s3://bucket/a/../b", "leave its folder"),
        ("s3://bucket?versionId=1", "s3://bucket"),
    ],
)
def test_an_address_that_is_none_is_refused_with_what_would_be_right(url: str, reason: str) -> None:
    with pytest.raises(StoreError, match=reason):
        open_store(url)


@pytest.mark.parametrize(
    "url",
    ["s3://KEY:hunter2@bucket/prefix", "s3://hunter2@bucket", "https://user:hunter2@example.com/bucket"],
)
def test_a_credential_in_an_address_is_never_repeated(url: str) -> None:
    with pytest.raises(StoreError) as refused:
        open_store(url)
    assert "bucket/prefix" in str(refused.value)
    assert "hunter2" not in str(refused.value)


def test_a_credential_in_an_endpoint_is_never_repeated() -> None:
    with pytest.raises(StoreError, match="s3_endpoint") as refused:
        client_from_settings("http://user:hunter2@192.0.2.1:9000")
    assert "hunter2" not in str(refused.value)


def test_an_unknown_lock_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="compliance, governance, none"):
        open_store(f"file:{tmp_path}", lock="forever")


@pytest.mark.parametrize("form", ["file:{path}", "file://{path}", "file://localhost{path}", "file:./{name}"])
def test_a_folder_may_be_written_in_each_usual_form(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    store = open_store(form.format(path=tmp_path / "archive", name="archive"))
    assert isinstance(store, LocalStore)
    assert store.url == f"file:{tmp_path / 'archive'}"


def test_a_bucket_address_gives_bucket_and_prefix() -> None:
    store = S3Store.open("s3://bucket/some/prefix/", lock="governance", client=object())
    assert (store.url, store.bucket, store.lock_mode) == ("s3://bucket/some/prefix", "bucket", "GOVERNANCE")


def test_immutable_says_whether_a_lock_is_asked_for(tmp_path: Path) -> None:
    assert open_store(f"file:{tmp_path}", lock="compliance").immutable
    assert not open_store(f"file:{tmp_path}", lock="none").immutable
    assert not open_store("s3://bucket", lock="none", s3_client=object()).immutable


def test_without_boto3_the_message_says_what_to_install() -> None:
    program = (
        "import sys; sys.modules['botocore'] = None\n"
        "from warehouse.archive.store import open_store\n"
        "try: open_store('s3://bucket')\n"
        "except Exception as error: print(type(error).__name__, error)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("StoreError")
    assert "make install EXTRAS=aws" in done.stdout


def test_a_folder_store_does_not_load_boto3(tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from warehouse.archive.store import open_store\n"
        f"open_store({f'file:{tmp_path}'!r}, probe=True)\n"
        "print('botocore' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_without_credentials_the_message_says_where_they_come_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    store = open_store("s3://bucket", s3_endpoint="http://127.0.0.1:9")
    with pytest.raises(StoreDenied, match="AWS_PROFILE"):
        store.put_if_absent("a", b"x", None)


def test_reading_an_archive_that_is_not_there_creates_nothing(tmp_path: Path) -> None:
    with pytest.raises(StoreUnreachable, match="no archive"):
        open_store(f"file:{tmp_path / 'none'}", writable=False)
    assert not (tmp_path / "none").exists()
