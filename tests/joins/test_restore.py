"""The restore drill: everything is thrown away but the archive and the signing key, and the pipeline goes on.

What docs/operations.md says under "Restore, from the bucket alone", done step by step.
"""

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from assets.building import build
from assets.detecting import detect
from assets.pulling import pull_activities
from assets.status import status
from assets.workshop import Workshop
from sandbox import Served, Tenant, serve
from tests.joins.test_identity import START, fill
from tests.promises.site import Site
from warehouse.archive.verify import verify
from warehouse.detections.rulebook import load
from warehouse.tables.catalog import connect
from warehouse.tables.stored_tables import STORED
from warehouse.wire.times import midnight

pytestmark = pytest.mark.slow
MARTS = ("dim_actor", "fct_login", "fct_cost_line", "fct_actor_activity_daily")
TABLES = ("audit_events", "cost_rows", "usage_days", "directory_users", "alerts", "log_entries", "audit_pages")


def contents(workshop: Workshop) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, in a fixed order."""
    with connect(workshop.archive, database=workshop.marts) as db:
        names = [*(one.view for one in STORED), *TABLES, *MARTS]
        return {name: _rows(db, name) for name in names}


def _rows(db: duckdb.DuckDBPyConnection, name: str) -> list[tuple[Any, ...]]:
    return sorted(db.execute(f"select * from {name}").fetchall(), key=repr)


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    tenant = Tenant(seed=5, users=12, days=3, clock="2026-03-04T12:00:00Z", analytics_rate_limit=0, rate_limit=0)
    with serve(tenant) as running:
        yield running


def test_from_the_archive_and_the_key_alone_everything_is_as_before_and_goes_on(
    served: Served, tmp_path: Path
) -> None:
    lost = Site(tmp_path / "lost", served.url, served.keys["compliance"], START)
    with lost.open(clock=served.clock.now) as workshop:
        fill(workshop, lost, served, tmp_path)
        detect(workshop, load().rules)
        workshop.archive.settle()
        build(workshop)
        before, told = contents(workshop), status(workshop)
    assert all(before[name] for name in ("audit_events", "cost_rows", "alerts", "dim_actor"))

    # the machine burns: the archive and the key are all that is left
    new = Site(tmp_path / "new", served.url, served.keys["compliance"], START)
    shutil.move(lost.root, new.root)
    shutil.copyfile(lost.folder / "signing.key", new.folder / "signing.key")
    shutil.rmtree(lost.folder)

    with new.open(for_writing=False, clock=served.clock.now) as reading:
        after = status(reading)
        assert {name: value for name, value in after.items() if name != "archive"} == {
            name: value for name, value in told.items() if name != "archive"
        }
        assert verify(reading.archive.store).findings == []
    served.clock.advance(6 * 3600)
    with new.open(clock=served.clock.now) as workshop:
        build(workshop)
        assert contents(workshop) == before
        pulled = pull_activities(workshop)
        assert pulled.first > 0
        assert detect(workshop, load().rules) is not None
        settled = served.clock.now() - timedelta(minutes=2)
        held = {one[0] for one in new.sql("select raw from audit_events")}
        truth = served.tenant.records(midnight(START), settled)
        assert [record for record in truth if record.decode() not in held] == []
