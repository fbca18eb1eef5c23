"""One archive in a locked bucket, asked by two engines: DuckDB, which reads the log, and Trino, which does not.

Every stream is in it, days that are sealed and days that are not, rows that came after a day was sealed, records
that the vendor changed and withdrew, figures that were restated, an export, alerts, telemetry.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from assets.detecting import detect
from assets.directory_pulling import pull_snapshot
from assets.importing import import_audit_export
from assets.pulling import pull_activities
from assets.telemetry_landing import land_telemetry
from assets.workshop import Workshop
from orchestration.telemetry_receiver import running
from sandbox import Served, Tenant, serve
from sandbox.servers import trino as trino_server
from sandbox.telemetry import play
from sandbox.tenant.world import World
from tests.joins import test_directory, test_engagement
from tests.joins.spend import pull as pull_spend
from tests.joins.test_importing import export, row
from tests.promises.site import Site
from tests.real.servers import Bucket, Gateway, Trino, a_bucket_server, a_trino, or_skipped
from warehouse.anthropic.directory import SNAPSHOTS
from warehouse.anthropic.engagement import ENDPOINTS
from warehouse.archive.archive import Archive
from warehouse.detections.rulebook import load
from warehouse.tables.athena import ENGINES, Engine, Place, catalogue
from warehouse.tables.catalog import as_of_statements, connect
from warehouse.tables.seal import seal_day
from warehouse.telemetry.inbox import Inbox
from warehouse.telemetry.receiver import Receiver
from warehouse.wire.times import midnight, parse_rfc3339, rfc3339

FIRST, DAYS, LAST = date(2026, 11, 1), 9, date(2026, 11, 10)
# Trino asks the store for each day from here on
BEFORE = "2026-10-30"
SEALED = (date(2026, 11, 3), date(2026, 11, 4))
SEED, PEOPLE = 5, 12
Row = tuple[Any, ...]
# the statements that make what questions of the cookbook read
_COOKBOOKS = re.compile(
    r"create schema|stored_(audit_events|log_)|\.(audit_event|audit_pages|event_types|log_entries)"
)


def tenant() -> Tenant:
    return Tenant(
        seed=SEED, users=PEOPLE, days=DAYS, clock=f"{LAST}T12:00:00Z", analytics_rate_limit=0, rate_limit=0
    )


def fill(site: Site, served: Served) -> datetime:
    """Pull everything, then again after the vendor has changed things. Gives a moment between the two."""
    for stream in ("cost", "usage"):
        pull_spend(site, served, stream, FIRST, LAST - timedelta(days=2), page_limit=1000)
    with test_directory.opened(site, served, page_limit=100) as workshop:
        for snapshot in SNAPSHOTS:
            pull_snapshot(workshop, snapshot)
    for measure in ENDPOINTS:
        test_engagement.pull(site, served, measure, FIRST, LAST - timedelta(days=4), page_limit=100)
    with site.open(clock=served.clock.now) as workshop:
        pull_activities(workshop)
        for day in SEALED:
            seal_day(workshop.archive, day)
        moment = max(parse_rfc3339(workshop.archive.state.committed_at or ""), served.clock.now())
        served.clock.advance(2 * 86_400)
        served.tenant.redact(user_id=_somebody(served))
        served.tenant.withdraw(day=SEALED[0], count=2)
        pull_activities(workshop, start=midnight(FIRST), end=midnight(LAST))
        import_audit_export(workshop, [export(site.folder / "export.csv", _export_rows(served))])
        detect(workshop, load().rules)
        _receive_telemetry(workshop, site.folder / "telemetry")
        workshop.archive.settle()
    for stream in ("cost", "usage"):
        pull_spend(site, served, stream, FIRST, LAST, page_limit=1000)
    return moment


def _receive_telemetry(workshop: Workshop, folder: Path) -> None:
    """What the machines of the tenant's people send on three days, one of them sealed."""
    with running(Receiver(Inbox(folder), gather_seconds=0.05)) as url:
        play(World(SEED, PEOPLE), [SEALED[1], SEALED[1] + timedelta(days=1), LAST], url)
    landed = land_telemetry(workshop, [str(folder)], settled=timedelta(0))
    assert landed.total("events") > 0
    assert not landed.findings


def _somebody(served: Served) -> str:
    """The id of a person who did something on the first day that is sealed."""
    records = map(json.loads, served.tenant.records(midnight(SEALED[0]), midnight(SEALED[1])))
    return str(next(one["actor"]["user_id"] for one in records if one["actor"]["type"] == "user_actor"))


def _export_rows(served: Served) -> list[str]:
    return [row(f"{LAST}T09:00:0{n}Z", f"person{n}@example.com") for n in range(3)]


@dataclass
class House:
    """The archive, DuckDB's connection to it and Trino's address. `moment` lies between the two pulls."""

    site: Site
    archive: Archive
    db: duckdb.DuckDBPyConnection
    trino: Trino
    moment: datetime

    def here(self, query: str) -> list[Row]:
        return plain(self.db.execute(query).fetchall())

    def there(self, query: str, catalog: str = "exact", schema: str = "archive") -> list[Row]:
        return plain(run(self.trino, [query], catalog, schema))

    def columns(self, table: str) -> tuple[list[str], list[str]]:
        here = [str(column[0]) for column in self.db.execute(f"select * from {table} limit 0").description or []]
        cursor = self.trino.connect().cursor()
        cursor.execute(f"select * from {table} limit 0")
        cursor.fetchall()
        return here, [column[0] for column in cursor.description]


@contextmanager
def standing(folder: Path) -> Iterator[House]:
    """Both servers over a filled archive, from nothing. Skips the test where one of them cannot be had."""
    for name in ("s3", "trino"):
        (folder / name).mkdir()
    or_skipped(trino_server.server)
    with pytest.MonkeyPatch.context() as patch, a_bucket_server(folder / "s3") as gateway:
        for name, value in gateway.credentials.items():
            patch.setenv(name, value)
        bucket = Bucket(gateway.endpoint, gateway.access_key, gateway.secret_key)
        with a_trino(folder / "trino", bucket) as trino, serve(tenant()) as served:
            site = gateway_site(folder / "site", served, gateway)
            moment = fill(site, served)
            with opened(site, served, trino, moment) as house:
                yield house


@contextmanager
def opened(site: Site, served: Served, trino: Trino, moment: datetime) -> Iterator[House]:
    """The house with its tables made in both of Trino's catalogues, and as of the moment in `archive_as_of`."""
    with site.open(for_writing=False, clock=served.clock.now) as workshop, connect(workshop.archive) as db:
        location = site.archive_url + "/"
        place = Place(location, "archive", BEFORE)
        run(trino, catalogue(workshop.archive.state, place, ENGINES["trino"]), "exact", None)
        coarse = catalogue(workshop.archive.state, place, Engine("trino", time="timestamp(3)"))
        run(trino, [one for one in coarse if _COOKBOOKS.search(one.partition("\n")[0])], "athena", None)
        as_of = Place(location, "archive_as_of", BEFORE)
        run(trino, catalogue(workshop.archive.state, as_of, ENGINES["trino"], as_of=moment), "exact", None)
        yield House(site, workshop.archive, db, trino, moment)


def as_known_at(house: House) -> duckdb.DuckDBPyConnection:
    """DuckDB as of the moment; the caller closes it."""
    db = connect(house.archive)
    for statement in as_of_statements(rfc3339(house.moment), house.archive.state):
        db.execute(statement)
    return db


def run(trino: Trino, statements: Sequence[str], catalog: str, schema: str | None) -> list[Row]:
    """Run statements one after another; the rows of the last."""
    cursor = trino.connect(catalog, schema or "default").cursor()
    rows: list[Row] = []
    for statement in statements:
        cursor.execute(statement)
        rows = [tuple(found) for found in cursor.fetchall()]
    return rows


def plain(rows: Sequence[Sequence[Any]]) -> list[Row]:
    """Rows whose values compare, whichever client gave them."""
    return [tuple(_plain(value) for value in one) for one in rows]


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
    if isinstance(value, list | tuple):
        return tuple(_plain(one) for one in value)
    if isinstance(value, bytearray | memoryview):
        return bytes(value)
    return value


def digest(rows: Sequence[Row]) -> str:
    return hashlib.sha256("\n".join(map(repr, rows)).encode()).hexdigest()[:16]


def gateway_site(folder: Path, served: Served, gateway: Gateway) -> Site:
    """An installation whose archive is a bucket that enforces Object Lock."""
    site = Site(folder, served.url, served.keys["compliance"], FIRST)
    site.configure(
        archive_url=f"s3://{gateway.new_bucket()}/ledger",
        archive=f's3_endpoint = "{gateway.endpoint}"\nretention_days = 60',
    )
    return site
