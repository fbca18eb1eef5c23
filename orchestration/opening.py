"""From Settings to a store and an archive, without what tables and APIs need, for commands that start quickly.

Promise: opening for reading writes nothing and needs no key; opening for writing refuses a store that would
overwrite, and asks for the signing key only when the log is written.
"""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from warehouse.archive.address import folder_of
from warehouse.archive.archive import Archive, Retention
from warehouse.archive.cache import StateCache
from warehouse.archive.entry import Entry
from warehouse.archive.keys import ENTRIES
from warehouse.archive.signing import key_from_pem, load_key
from warehouse.archive.store import Store, open_store
from warehouse.config import SecretRef, Settings
from warehouse.wire.times import Clock, system_clock

if TYPE_CHECKING:
    from warehouse.delivery.queues.port import Queue

CACHE_FILE = "state.cache"

# Stores that this process has tried out already: a probe writes, and its answer does not change between two runs.
_probed: set[tuple[str | None, ...]] = set()


def opened_archive(
    settings: Settings,
    *,
    for_writing: bool = False,
    clock: Clock = system_clock,
    s3_client: Any = None,
    on_begin: Callable[[str], None] = lambda _url: None,
) -> Archive:
    """The archive that the configuration describes; a context manager.

    `on_begin` is called with the store's address once the first entry of a new log is written. Raises StoreError's
    kinds, and LogGone where nothing is and the cache knows a log.
    """
    own = settings.archive
    store = _store(settings, for_writing, s3_client)
    queue = queue_of(settings) if for_writing else None
    announce: Callable[[Entry], None] = lambda _entry: None  # noqa: E731
    if queue is not None:
        from assets.claims import Announcer  # noqa: PLC0415 - only where a queue is configured

        announce = Announcer(queue, lambda: archive.state.origin)
    archive = Archive(
        store,
        key=lambda: signing_key(own.signing_key),
        retention=Retention(timedelta(days=own.retention_days), timedelta(days=own.recent_retention_days)),
        clock=clock,
        cache=own.cache / CACHE_FILE,
        on_begin=lambda: on_begin(store.url),
        on_append=announce,
    )
    return archive


def queue_of(settings: Settings) -> "Callable[[], Queue] | None":
    """How the queue of claim checks is opened; None where the log is the only queue."""
    if settings.delivery.queue == "log":
        return None

    def opened() -> "Queue":
        from warehouse.delivery.queues import open_queue  # noqa: PLC0415

        return open_queue(settings.delivery)

    return opened


def signing_key(reference: SecretRef) -> Ed25519PrivateKey:
    """The key that signs the log. Raises SigningKeyMissing, SigningKeyInvalid or SecretUnavailable."""
    if reference.path is not None:
        return load_key(reference.path)
    return key_from_pem(reference.reveal_bytes(), str(reference))


def reopening(settings: Settings) -> Callable[[], Store]:
    """How another process opens the same store for reading; it can be handed to one."""
    own = settings.archive
    return partial(open_store, own.url, **own.opening(), writable=False)


def _store(settings: Settings, for_writing: bool, s3_client: Any) -> Store:
    own = settings.archive
    # an address of Azure or of an S3-compatible store means little without its account or endpoint
    identity = (own.url, own.lock, own.s3_endpoint, own.azure_account, own.azure_endpoint, own.gcs_endpoint)
    if for_writing and own.url.startswith("file:") and not (folder_of(own.url) / ENTRIES).exists():
        StateCache(own.cache / CACHE_FILE).demand_unknown(own.url)  # before a folder is made, or a probe written
    store = open_store(
        own.url,
        **own.opening(),
        s3_client=s3_client,
        writable=for_writing,
        probe=for_writing and identity not in _probed,
    )
    if for_writing:
        _probed.add(identity)
    return store
