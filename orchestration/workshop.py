"""From Settings to a Workshop: the one place that puts store, archive and API client together. Knows no Dagster.

Promise: opening for reading writes nothing and needs no key; opening for writing refuses a store that would
overwrite, asks for the signing key only when the log is written, and for the API key only when a request is sent.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from assets.workshop import PayerFiles, TelemetryFiles, Workshop
from orchestration.opening import CACHE_FILE, opened_archive, queue_of, signing_key
from orchestration.parallel import in_processes
from warehouse.anthropic.activities import ActivityFeed
from warehouse.anthropic.budget import Budget
from warehouse.anthropic.directory import Directory
from warehouse.anthropic.engagement import ENDPOINTS, EngagementReports
from warehouse.anthropic.http import Client
from warehouse.anthropic.patience import Patience, Timeouts, Wait
from warehouse.anthropic.spend import SpendReports
from warehouse.anthropic.spend_queries import QUERIES
from warehouse.anthropic.surfaces import ANALYTICS, COMPLIANCE, DIRECTORY, ORGANIZATION, SPEND_LIMITS, Surface
from warehouse.archive.anchor import Anchors
from warehouse.archive.cosignature import WitnessKey
from warehouse.config import SecretRef, Settings
from warehouse.wire.times import Clock, system_clock

if TYPE_CHECKING:
    from warehouse.detections.suppression import Suppression
    from warehouse.detections.tuning import Threshold

__all__ = ["CACHE_FILE", "Waiting", "open_workshop", "signing_key"]


class Waiting(Protocol):
    """Who is told that the work rests, for how many seconds and why, and what else should be known."""

    def waiting(self, seconds: float, why: str) -> None: ...

    def note(self, text: str) -> None: ...


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
    store cannot be used), LogGone (nothing is where the cache knows a log), AddressRefused or TlsUntrusted
    (`anthropic.base_url` or the certificates cannot be).
    """
    own = settings.archive
    archive = opened_archive(
        settings,
        for_writing=for_writing,
        clock=clock,
        s3_client=s3_client,
        on_begin=lambda url: _tell(progress, f"began a new archive at {url}"),
    )
    with archive:
        clients = _clients(settings, archive.writer, clock, progress, share) if for_writing else None
        try:
            yield Workshop(
                archive=archive,
                feed=ActivityFeed(clients.compliance) if clients else None,
                start=settings.anthropic.start,
                marts=settings.warehouse.duckdb,
                clock=clock,
                spend={name: SpendReports(clients.analytics, name) for name in QUERIES} if clients else {},
                engagement={name: EngagementReports(clients.analytics, name) for name in ENDPOINTS}
                if clients
                else {},
                directory=Directory(clients.directory) if clients else None,
                apart={
                    "organizations": Directory(clients.organization),
                    "spend_limits": Directory(clients.spend_limits),
                }
                if clients
                else {},
                witnesses=[WitnessKey.from_vkey(vkey) for vkey in own.witnesses],
                anchors=anchors_of(settings, s3_client),
                payers=PayerFiles(**settings.finops.model_dump()),
                destinations=settings.destinations,
                queue=queue_of(settings),
                reports=settings.folder / "data" / "reports",
                rule_folders=settings.detections.rules,
                suppressions=suppressions_of(settings),
                telemetry=telemetry_of(settings, s3_client),
                thresholds=thresholds_of(settings),
                geo=settings.detections.geo,
                elsewhere=in_processes(settings) if for_writing and share == 1.0 else None,
            )
        finally:
            if clients:
                clients.close()


def suppressions_of(settings: Settings) -> "list[Suppression]":
    if not settings.detections.suppress:
        return []
    from warehouse.detections.suppression import Suppression  # noqa: PLC0415 - most installations have none

    return [Suppression(**one.model_dump()) for one in settings.detections.suppress]


def thresholds_of(settings: Settings) -> "list[Threshold]":
    """What is tuned, as the rules' own room takes it."""
    if not settings.detections.thresholds:
        return []
    from warehouse.detections.tuning import Threshold  # noqa: PLC0415 - most installations have none

    return [Threshold(**one.model_dump()) for one in settings.detections.thresholds]


def anchors_of(settings: Settings, s3_client: Any = None) -> Anchors:
    """Where copies of checkpoints go, and what timestamps are asked and checked with."""
    own = settings.archive
    return Anchors(
        addresses=own.anchors,
        clones=own.cache / "copies",
        authority=own.timestamp_authority,
        certificates=own.timestamp_certificates,
        opening={**own.opening(), "s3_client": s3_client},
        archive_url=own.url,
    )


def telemetry_of(settings: Settings, s3_client: Any = None) -> TelemetryFiles:
    """Where telemetry files come from; a client for buckets is made when the first address needs one."""
    own = settings.telemetry

    def client() -> Any:
        if s3_client is not None:
            return s3_client
        from warehouse.archive.s3 import client_from_settings  # noqa: PLC0415 - boto3 is slow and an extra

        return client_from_settings(own.s3_endpoint or "", own.s3_region)

    return TelemetryFiles(
        sources=own.sources,
        keep=frozenset(own.keep),
        settled=timedelta(minutes=own.settle_minutes),
        client=client,
    )


def _tell(progress: Waiting | None, text: str) -> None:
    if progress is not None:
        progress.note(text)
    else:
        print(text, file=sys.stderr, flush=True)


class _Clients(NamedTuple):
    """One client for each API, with its own key and budget; opening one asks for neither."""

    compliance: Client
    analytics: Client
    directory: Client
    organization: Client
    spend_limits: Client

    def close(self) -> None:
        for client in self:
            client.close()


def _clients(settings: Settings, writer: str, clock: Clock, progress: Waiting | None, share: float) -> _Clients:
    api = settings.anthropic

    def tell(wait: Wait) -> None:
        if progress is not None:
            progress.waiting(wait.seconds, wait.reason)

    def client(surface: Surface, key: SecretRef, budget: Budget) -> Client:
        return Client(
            surface,
            base_url=api.base_url,
            key=key.reveal,
            writer=writer,
            version=api.version,
            budget=budget,
            patience=Patience(tries=api.tries),
            timeouts=Timeouts(read=api.timeout_seconds),
            organizations=api.organizations,
            on_wait=tell,
            clock=clock,
        )

    keys, rates = api.keys, api.requests_per_minute
    # what the vendor counts together has one budget, whatever the key
    compliance, admin = Budget(rates.compliance, share=share), Budget(rates.directory)
    return _Clients(
        compliance=client(COMPLIANCE, keys.compliance, compliance),
        analytics=client(ANALYTICS, keys.analytics, Budget(rates.analytics)),
        directory=client(DIRECTORY, keys.directory, admin),
        organization=client(ORGANIZATION, keys.organization, compliance),
        spend_limits=client(SPEND_LIMITS, keys.spend_limits, admin),
    )
