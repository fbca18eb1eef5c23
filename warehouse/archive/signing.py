"""The Ed25519 signing key: made once, kept in a file that only its owner reads, never shown.

Promise: creating never overwrites, loading never logs; errors name the file and not its content.
"""

import os
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from warehouse.archive.errors import SigningKeyInvalid, SigningKeyMissing, SigningKeyUnreadable


def create_key(path: Path) -> None:
    """Write a new private key (PKCS #8 PEM, mode 0600). Raises FileExistsError rather than overwrite.

    A disk that is full leaves no half of a key behind, which the next attempt would not dare to replace.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        path.unlink()
        raise OSError(error.errno, error.strerror, os.fspath(path)) from error


def load_key(path: Path) -> Ed25519PrivateKey:
    """Read a private key file. Raises SigningKeyMissing, SigningKeyUnreadable or SigningKeyInvalid."""
    try:
        pem = path.read_bytes()
    except FileNotFoundError as error:
        raise SigningKeyMissing(
            f"there is no signing key at {path}; run `ledgerline init` to make one, "
            f"or set archive.signing_key to the key this archive was begun with"
        ) from error
    except OSError as error:
        raise SigningKeyUnreadable(
            f"the signing key at {path} cannot be read ({error.strerror}); let this user read it"
        ) from error
    return key_from_pem(pem, str(path))


def key_from_pem(pem: bytes, where: str) -> Ed25519PrivateKey:
    """A private key from PEM bytes; `where` names their source in an error. Raises SigningKeyInvalid."""
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise SigningKeyInvalid(
            f"{where} does not hold an unencrypted private key in PEM form; "
            f"restore the file from its backup (a new key cannot continue an old log)"
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise SigningKeyInvalid(f"{where} holds a key of another kind; the log is signed with Ed25519")
    return key
