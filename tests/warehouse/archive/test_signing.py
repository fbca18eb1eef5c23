"""The signing key's file: made once, read by its owner, never shown."""

import os
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from warehouse.archive.errors import SigningKeyInvalid, SigningKeyMissing
from warehouse.archive.signing import create_key, key_from_pem, load_key


def pem(key: Ed25519PrivateKey, encryption: KeySerializationEncryption | None = None) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption())


def raw(key: Ed25519PrivateKey) -> bytes:
    return key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())


def test_a_key_that_was_made_is_loaded_again(tmp_path: Path) -> None:
    create_key(tmp_path / "new" / "signing.key")
    assert raw(load_key(tmp_path / "new" / "signing.key")) == raw(load_key(tmp_path / "new" / "signing.key"))


def test_its_file_is_its_owners_alone(tmp_path: Path) -> None:
    create_key(tmp_path / "signing.key")
    assert stat.S_IMODE((tmp_path / "signing.key").stat().st_mode) == 0o600


def test_an_existing_file_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "signing.key").write_text("something dear")
    with pytest.raises(FileExistsError):
        create_key(tmp_path / "signing.key")
    assert (tmp_path / "signing.key").read_text() == "something dear"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_leaves_no_half_of_a_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "signing.key"
    really_open = os.open

    def full(name: Path, flags: int, mode: int) -> int:
        os.close(really_open(name, flags, mode))
        return really_open("/dev/full", os.O_WRONLY)

    monkeypatch.setattr(os, "open", full)
    with pytest.raises(OSError, match="space"):
        create_key(path)
    monkeypatch.undo()
    assert not path.exists()


def test_a_missing_file_says_how_to_have_one(tmp_path: Path) -> None:
    with pytest.raises(SigningKeyMissing, match="ledgerline init"):
        load_key(tmp_path / "signing.key")


def test_a_file_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    with pytest.raises(SigningKeyInvalid, match="cannot be read"):
        load_key(tmp_path)


SECRET = Ed25519PrivateKey.generate()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00\xff" * 40,
        pem(SECRET)[:60],
        pem(SECRET, BestAvailableEncryption(b"password")),
        generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        SECRET.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    ],
    ids=["empty", "junk", "half", "encrypted", "other kind", "public"],
)
def test_what_is_no_private_key_of_ours_is_refused_by_its_place_only(content: bytes) -> None:
    with pytest.raises(SigningKeyInvalid, match=r"data/signing\.key") as refused:
        key_from_pem(content, "data/signing.key")
    assert "PRIVATE" not in str(refused.value)
    if content:
        assert content[30:50].decode("latin-1") not in str(refused.value)
