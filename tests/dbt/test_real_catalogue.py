"""The marts over the archive's own catalogue: committed pages, folded versions, the views that auditors use."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.dbt.conftest import House
from tests.warehouse.tables.conftest import DAY, Bench, event, verbatim
from warehouse.archive.archive import Archive
from warehouse.archive.signing import create_key, load_key
from warehouse.archive.store import open_store
from warehouse.tables import catalog
from warehouse.tables.activities import Parser
from warehouse.taxonomy import load
from warehouse.wire.windows import Window

WINDOW = Window(DAY, DAY + timedelta(days=1))
LOGIN = event(1, DAY + timedelta(hours=8), type="sso_login_succeeded", auth_method="sso")
UPLOAD = event(2, DAY + timedelta(hours=9), type="claude_file_uploaded", claude_file_id="f1", filename="q3.xlsx")


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    create_key(tmp_path / "signing.key")
    now = [DAY + timedelta(days=1, hours=12)]
    store = open_store(f"file:{tmp_path}/archive")
    with Archive(store, key=lambda: load_key(tmp_path / "signing.key"), clock=lambda: now[0]) as archive:
        yield Bench(archive, Parser(load()), now)


def test_marts_of_a_real_archive_stand_beside_its_tables_and_follow_it(empty_house: House, bench: Bench) -> None:
    bench.pull(WINDOW, [verbatim(LOGIN), verbatim(UPLOAD)])
    empty_house.build(catalog_sql=catalog.statements(bench.archive, "archive"))
    with catalog.connect(bench.archive, database=empty_house.database) as db:
        assert db.execute(
            "select l.event_id, a.latest_email from fct_login as l "
            "join dim_actor as a on l.actor_key = a.actor_key join audit_events as e on e.id = l.event_id"
        ).fetchall() == [(LOGIN["id"], "priya@example.com")]

    bench.advance(hours=1)
    bench.pull(WINDOW, [verbatim(LOGIN)])  # the upload is not served any more
    report = empty_house.build(catalog_sql=catalog.statements(bench.archive, "archive"))

    assert report.reason == "1 day changed since the last build"
    with catalog.connect(bench.archive, database=empty_house.database) as db:
        assert db.execute("select event_id, fold, is_withdrawn from fct_data_movement").fetchall() == [
            (UPLOAD["id"], "withdrawn", True)
        ]
