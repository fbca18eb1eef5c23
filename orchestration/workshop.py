"""From Settings to a Workshop: the one place that puts store, archive and API client together. Knows no Dagster.

Promise: opening for reading writes nothing and needs no key; opening for writing refuses a store that would
overwrite, asks for the signing key only when the log is written, and for the API key only when a request is sent.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from assets.workshop import Workshop
from orchestration.parallel import in_processes
from warehouse.anthropic.activities import ActivityFeed
from warehouse.anthropic.budget import Budget
from warehouse.anthropic.http import Client
from warehouse.anthropic.patience import Patience, Timeouts, Wait
from warehouse.anthropic.surfaces import COMPLIANCE
from warehouse.archive.archive import Archive, Retention
from warehouse.archive.signing import key_from_pem, load_key
from warehouse.archive.store import Store, open_store
from warehouse.config import SecretRef, Settings
from warehouse.wire.times import Clock, system_clock

CACHE_FILE = "state.cache"


class Waiting(Protocol):
    """Who is told that the work rests, for how many seconds and why."""

    def waiting(self, seconds: float, why: str) -> None: ...


# Stores that this process has tried out already: a probe writes, and its answer does not change between two runs.
_probed: set[tuple[str, str]] = set()


@contextmanager
def open_workshop(
    settings: Settings,
    *,
    for_writing: bool = True,
    clock: Clock = system_clock,
    progress: Waiting | None = None,
    s3_client: Any = None,
    share: float = 1.0,
) -> Iterator[Workshop]:
    """The workshop that the configuration describes, closed again at the end.

    Without `for_writing` it has no API client and creates nothing. `progress` hears of waits for the API; `share`
    is this process's part of the request budget, and with less than all of it no further processes are started;
    `s3_client` is a boto3 client to use instead of one made from the settings. Raises StoreError's kinds (the
    store cannot be used), AddressRefused or TlsUntrusted (`anthropic.base_url` or the certificates cannot be).
    """
    store = _store(settings, for_writing, s3_client)
    own = settings.archive
    archive = Archive(
        store,
        key=lambda: signing_key(own.signing_key),
        retention=Retention(timedelta(days=own.retention_days), timedelta(days=own.recent_retention_days)),
        clock=clock,
        cache=own.cache / CACHE_FILE,
    )
    with archive:
        client = _client(settings, archive.writer, clock, progress, share) if for_writing else None
        try:
            yield Workshop(
                archive=archive,
                feed=ActivityFeed(client) if client is not None else None,
                start=settings.anthropic.start,
                marts=settings.warehouse.duckdb,
                clock=clock,
                elsewhere=in_processes(settings) if for_writing and share == 1.0 else None,
            )
        finally:
            if client is not None:
                client.close()


def signing_key(reference: SecretRef) -> Ed25519PrivateKey:
    """The key that signs the log. Raises SigningKeyMissing, SigningKeyInvalid or SecretUnavailable."""
    if reference.path is not None:
        return load_key(reference.path)
    return key_from_pem(reference.reveal_bytes(), str(reference))


def _store(settings: Settings, for_writing: bool, s3_client: Any) -> Store:
    own = settings.archive
    identity = (own.url, own.lock)
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


def _client(settings: Settings, writer: str, clock: Clock, progress: Waiting | None, share: float) -> Client:
    api = settings.anthropic

    def tell(wait: Wait) -> None:
        if progress is not None:
            progress.waiting(wait.seconds, wait.reason)

    return Client(
        COMPLIANCE,
        base_url=api.base_url,
        key=api.keys.compliance.reveal,
        writer=writer,
        version=api.version,
        budget=Budget(api.requests_per_minute.compliance, share=share),
        patience=Patience(tries=api.tries),
        timeouts=Timeouts(read=api.timeout_seconds),
        on_wait=tell,
        clock=clock,
    )
