"""The store port: the six verbs by which the archive touches the world, and nothing else (design 5.1).

A store promises that a key, once written, never changes its bytes: `put_if_absent` either keeps the first
bytes or says `Exists`, also among writers that know nothing of each other. Keys are relative, "/"-separated
and printable; every store lists them in the byte order of their UTF-8 form, as S3 does.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol, TypeAlias, get_args

from warehouse.archive.errors import KeyInvalid, StoreError, StoreUnsafe

Lock = Literal["compliance", "governance", "none"]

TEMPORARY = ".tmp-"  # names that begin like this are a store's own unfinished work and never keys
PROBES = "probes/"  # where `probe` writes; outside every prefix of the archive's layout (design 5.2)

# S3 allows 1024 bytes for prefix and key together; a name in a folder may have 255 on Linux file systems.
MAX_KEY_BYTES = 900
MAX_NAME_BYTES = 240


@dataclass(frozen=True)
class Stored:
    """The bytes were kept now; `version_id` is None where the store keeps no versions."""

    version_id: str | None


@dataclass(frozen=True)
class Exists:
    """The key was taken before and nothing was written; `version_id` is the version now current."""

    version_id: str | None


@dataclass(frozen=True)
class ObjectInfo:
    """One object, or one version of it, as the store describes it. `size` in bytes, times in UTC.

    `lock_mode` is COMPLIANCE (Azure and Google: Locked) or GOVERNANCE (Unlocked), READ_ONLY for a local file
    without write bits, else None. `head` fills the lock and the hold; the listings of clouds leave them out.
    `retain_until` is None where the store keeps no dates (local). `regular` is False for what is no file
    of its own in a folder: a symbolic link, a pipe.
    """

    key: str
    size: int
    version_id: str | None
    modified: datetime
    delete_marker: bool = False
    latest: bool = True
    lock_mode: str | None = None
    retain_until: datetime | None = None
    legal_hold: bool = False
    regular: bool = True


@dataclass(frozen=True)
class ProbeResult:
    """One thing `probe` tried. `remedy` is empty where `ok`; `fatal` means the archive must not run here."""

    check: str
    ok: bool
    detail: str
    remedy: str = ""
    fatal: bool = False


ProbeReport: TypeAlias = list[ProbeResult]


class Store(Protocol):
    """Where objects are kept. Safe to use from several threads at once."""

    @property
    def url(self) -> str:
        """What to call this store in a message; never holds a credential."""

    @property
    def immutable(self) -> bool:
        """False when the configuration asks for no lock (`lock = "none"`)."""

    def put_if_absent(self, key: str, data: bytes, retain_until: datetime | None) -> Stored | Exists:
        """Keep `data` under `key` unless the key is taken; durable when it returns.

        A put that timed out may have succeeded and is tried again by the client, so `Exists` may mean our own
        bytes: the caller reads them back and compares. `retain_until` (aware) is the date before which
        nobody may delete them; it must lie in the future of the store's clock. Raises StoreError's kinds.
        """

    def get(self, key: str, version_id: str | None = None) -> bytes:
        """The bytes under `key`, of one version if it is named. Raises KeyMissing."""

    def head(self, key: str, version_id: str | None = None) -> ObjectInfo | None:
        """What the store knows of one object, with its lock; None if nothing is there."""

    def list(self, prefix: str, start_after: str = "") -> Iterator[ObjectInfo]:
        """Current objects whose key begins with `prefix` and sorts after `start_after`, ascending, lazily."""

    def list_versions(self, prefix: str) -> Iterator[ObjectInfo]:
        """Every version and delete marker under `prefix`, ascending by key, newest first within a key."""

    def probe(self, *, thorough: bool = True) -> ProbeReport:
        """Try out whether the store keeps its promises; writes one small object under `probes/`.

        Not `thorough` (at start-up) it uses one object a day and tries the lock only when it writes that.
        """


def open_store(
    url: str,
    *,
    lock: str = "compliance",
    s3_client: Any = None,
    s3_endpoint: str = "",
    region: str | None = None,
    account: str = "",
    endpoint: str = "",
    credential: Callable[[], str] | None = None,
    writable: bool = True,
    probe: bool = False,
) -> Store:
    """The store behind `[archive] url`: `file:PATH`, `s3://bucket/prefix`, `az://container/prefix` or
    `gs://bucket/prefix` (design 13).

    `s3_client` is a boto3 client made by the caller (dagster-aws); without one it is made from `s3_endpoint`
    and `region`. `account` is Azure's storage account, `endpoint` the URL of an emulator or private endpoint of
    Azure or Google, `credential` gives a secret for them where their own chain is not to be used.
    `writable=False` never creates or tidies anything. With `probe=True` the store is tried out first and
    StoreUnsafe is raised if it would overwrite or does not lock. Raises StoreError's kinds.
    """
    if lock not in get_args(Lock):
        raise StoreError(
            f"The lock {lock!r} is not known. Set [archive] lock to one of {', '.join(get_args(Lock))}."
        )
    from warehouse.archive import opening  # noqa: PLC0415 - it knows this module

    scheme = url.partition(":")[0]
    store: Store
    if scheme == "file":
        store = opening.local(url, lock, writable=writable)
    elif scheme == "s3":
        store = opening.s3(url, lock, client=s3_client, endpoint=s3_endpoint, region=region)
    elif scheme == "az":
        store = opening.azure(url, lock, account=account, endpoint=endpoint, credential=credential)
    elif scheme == "gs":
        store = opening.gcs(url, lock, endpoint=endpoint, credential=credential)
    else:
        # The address itself stays out of the message: a mistyped one may hold a credential.
        raise StoreError(
            f"No store for addresses of the kind {scheme[:20]!r}. Set [archive] url to file:PATH, "
            "s3://bucket/prefix, az://container/prefix or gs://bucket/prefix."
        )
    if probe:
        refuse_if_unsafe(store.url, store.probe(thorough=False))
    return store


def refuse_if_unsafe(url: str, report: ProbeReport) -> None:
    """Raise StoreUnsafe, naming every fatal finding of a probe with its remedy; else do nothing."""
    fatal = [result for result in report if result.fatal and not result.ok]
    if fatal:
        reasons = " ".join(f"{result.detail} {result.remedy}".strip() for result in fatal)
        raise StoreUnsafe(f"The archive will not run on {url}. {reasons}")


def check_key(key: str) -> str:
    """`key`, if it may be written. Raises KeyInvalid, saying what is wrong with it.

    A key is one or more names joined by "/": no empty name, no "." or "..", no backslash, no control or
    invisible character, no name that a store uses for its unfinished work.
    """
    _check(key, key.split("/"))
    return key


def check_prefix(prefix: str) -> str:
    """`prefix`, if it is how a key could begin ("" and a trailing "/" are). Raises KeyInvalid."""
    if prefix:
        names = prefix.split("/")
        _check(prefix, names if names[-1] else names[:-1])
    return prefix


def _check(key: str, names: list[str]) -> None:
    try:
        size = len(key.encode())
    except UnicodeEncodeError:
        raise _invalid(key, "it is not valid Unicode") from None
    if size > MAX_KEY_BYTES:
        raise _invalid(key, f"it has {size} bytes, the most is {MAX_KEY_BYTES}")
    for name in names:
        if not name:
            raise _invalid(key, "it is empty, absolute, or has an empty name between two slashes")
        if name in (".", ".."):
            raise _invalid(key, f"the name {name!r} would leave its folder")
        if len(name.encode()) > MAX_NAME_BYTES:
            raise _invalid(key, f"one of its names has more than {MAX_NAME_BYTES} bytes")
        if name.startswith(TEMPORARY):
            raise _invalid(key, f"names beginning with {TEMPORARY!r} are for unfinished files")
    if "\\" in key:
        raise _invalid(key, "it has a backslash")
    if not key.isascii() or not key.isprintable():
        for character in key:
            # Cc control, Cf invisible (also bidirectional), Zl/Zp line ends: they hide what a key says.
            if unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp"):
                raise _invalid(key, f"it has the control character U+{ord(character):04X}")


def _invalid(key: str, reason: str) -> KeyInvalid:
    shown = ascii(key if len(key) <= 120 else key[:117] + "...")
    return KeyInvalid(
        f"{shown} cannot be a key of the archive: {reason}. Nothing was written; the caller builds keys."
    )
