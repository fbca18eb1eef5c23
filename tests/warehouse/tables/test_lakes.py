"""The SQL for Snowflake, Databricks and BigQuery: current, of their grammar, and its views mean what ours mean."""

import re
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest
import sqlglot

from tests.warehouse.tables.conftest import DAY, Bench, event, verbatim
from warehouse.tables import catalog
from warehouse.tables.athena.lakes import ENGINES, FOLDER
from warehouse.tables.schema import AUDIT_EVENTS
from warehouse.tables.seal import seal_day
from warehouse.wire.windows import Window

WINDOW = Window(DAY, DAY + timedelta(days=1))
TABLES = {
    "stored_audit_events_recent": "tables/recent/audit_events",
    "stored_audit_events_sealed": "tables/sealed/audit_events",
    "stored_audit_events_seals": "seals/audit_events",
}


@pytest.mark.parametrize("engine", list(ENGINES))
def test_the_file_is_what_the_schemas_make_and_sql_of_its_engine(engine: str) -> None:
    """Made anew by `python -m warehouse.tables.athena.lakes`."""
    text = (FOLDER / f"{engine}.sql").read_text(encoding="utf-8")
    assert text == ENGINES[engine]()
    parsed = sqlglot.parse(text, read=engine, error_level=sqlglot.ErrorLevel.RAISE)
    named = re.findall(r"create or replace (?:external table|view) (?:ledgerline\.)?(\w+)", text)
    assert named == [*TABLES, "audit_event_versions", "audit_events"]
    if engine == "databricks":  # of the others the parser knows less than the engine
        assert not [one for one in parsed if isinstance(one, sqlglot.exp.Command)]
    assert all(name in text for name in AUDIT_EVENTS.names)


@pytest.mark.parametrize("engine", list(ENGINES))
def test_its_views_show_the_rows_that_ours_show(engine: str, bench: Bench, tmp_path: Path) -> None:
    """A sealed day, a row that came after its seal, a revision, a sealed file without its marker."""
    first, second = event(1, DAY + timedelta(hours=8)), event(2, DAY + timedelta(hours=9))
    bench.pull(WINDOW, [verbatim(first), verbatim(second)])
    bench.advance(days=2)
    seal_day(bench.archive, DAY.date())
    changed = {**first, "claude_chat_id": "chat_other"}
    bench.pull(WINDOW, [verbatim(changed), verbatim(second), verbatim(event(3, DAY + timedelta(hours=10)))])
    root = Path(bench.archive.store.url.removeprefix("file:"))
    sealed = next((root / "tables/sealed").rglob("*.parquet"))
    stranger = sealed.with_name(f"part-0001-{'0' * 16}.parquet")
    stranger.write_bytes(sealed.read_bytes())
    views = [
        one for one in sqlglot.parse((FOLDER / f"{engine}.sql").read_text(), read=engine)
        if isinstance(one, sqlglot.exp.Create) and one.kind == "VIEW"
        and one.find(sqlglot.exp.Table).name in ("audit_events", "audit_event_versions")
    ]  # fmt: skip
    with duckdb.connect() as db, catalog.connect(bench.archive) as ours:
        db.execute("create schema ledgerline")
        schema = "ledgerline." if engine == "bigquery" else ""
        for table, folder in TABLES.items():
            db.execute(
                f"create view {schema}{table} as select *, parse_filename(_path) as source_file, "
                f"_path as _FILE_NAME from read_parquet('{root}/{folder}/**/*.parquet', filename = '_path')"
            )
        for view in views:
            db.execute(view.sql(dialect="duckdb"))
        for name in ("audit_event_versions", "audit_events"):
            asked = "select id, version, fold, content_sha256 from {} order by all"
            assert (
                db.execute(asked.format(schema + name)).fetchall() == ours.execute(asked.format(name)).fetchall()
            )
        assert db.execute(f"select count(*) from {schema}audit_event_versions").fetchone() == (4,)
