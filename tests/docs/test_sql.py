"""Every SQL statement on the pages runs, and those that look for what the small archive has find it."""

import os
import re
import subprocess
import sys
from typing import Any

import duckdb
import pytest

from tests.docs.conftest import Demo
from tests.docs.pages import ROOT, page

SQL, FORMATS = page("docs/sql.md"), page("docs/formats.md")

# Names of the pages, and where the small archive has one of the kind.
EXAMPLES = {
    "ana.silva@example.com": "select actor_email from audit_events where dt = date '2026-11-20' "
    "and actor_type = 'user_actor' limit 1",
    "user_01XyDMpzjS89pFZXqSFUBDr6": "select json_extract_string(raw, '$.member_ids[0]') from audit_events "
    "where type in ('group_member_added', 'group_member_removed') limit 1",
    "activity_01QeT4mJc7pRs9VwXy2ZaBdF": "select id from audit_events where fold = 'first' limit 1",
}
# Questions whose good answer is nothing, or that ask for what four days of 25 people need not have.
MAY_BE_EMPTY = {5, 7, 8, 9, 10, 11, 14, 15, 16, 17, 18, 20, 30, 31, 32}


def questions() -> list[tuple[int, str]]:
    found = []
    for number, text in re.findall(r"^### (\d+)\. (.*?)(?=^##)", SQL.text, re.MULTILINE | re.DOTALL):
        found += [(int(number), sql) for sql in re.findall(r"```sql\n(.*?)```", text, re.DOTALL)]
    return found


def with_examples(sql: str, db: duckdb.DuckDBPyConnection) -> str:
    for name, query in EXAMPLES.items():
        if name in sql:
            row = db.execute(query).fetchone()
            sql = sql.replace(name, str(row[0])) if row else sql
    return sql


@pytest.mark.parametrize(("number", "sql"), questions(), ids=lambda value: str(value)[:30] if value else "")
def test_every_question_is_answered(number: int, sql: str, database: duckdb.DuckDBPyConnection) -> None:
    answer = database.execute(with_examples(sql, database)).fetchall()
    assert answer or number in MAY_BE_EMPTY


def test_there_are_as_many_questions_as_numbers_and_at_least_fifteen() -> None:
    numbers = sorted({number for number, _ in questions()})
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) >= 15


def test_statements_outside_the_questions_run_too(database: duckdb.DuckDBPyConnection) -> None:
    for block in SQL.blocks("sql"):
        database.execute(with_examples(block.text, database)).fetchall()


def test_every_statement_only_reads(database: duckdb.DuckDBPyConnection) -> None:
    for block in SQL.blocks("sql"):
        kinds = {statement.type for statement in database.extract_statements(block.text)}
        assert kinds == {duckdb.StatementType.SELECT}


def test_a_statement_without_ledgerline_gives_the_rows_that_ledgerline_gives(
    demo: Demo, database: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(demo.archive)
    with duckdb.connect() as db:
        db.execute("set timezone = 'UTC'")
        for block in FORMATS.blocks("sql"):
            assert block.run == "sql in the archive's folder"
            assert db.execute(block.text).fetchall()
        for view in ("audit_event_versions", "audit_events"):
            assert rows_of(db, view) == rows_of(database, view)


def rows_of(db: duckdb.DuckDBPyConnection, view: str) -> list[tuple[Any, ...]]:
    columns = "id, version, fold, content_sha256, commit_seq, observed_at, created_at, raw, dt"
    return db.execute(f"select {columns} from {view} order by all").fetchall()


def test_the_small_archive_has_what_the_pages_speak_of(database: duckdb.DuckDBPyConnection) -> None:
    folds = database.execute("select distinct fold from audit_event_versions order by 1").fetchall()
    assert folds == [("first",), ("revised",), ("withdrawn",)]
    kinds = database.execute("select distinct kind from log_entries order by 1").fetchall()
    assert kinds == [("pull",), ("seal",), ("snapshot",), ("table",)]


def test_the_example_in_python_runs_beside_the_configuration_and_prints_the_answer(
    demo: Demo, database: duckdb.DuckDBPyConnection
) -> None:
    (example,) = SQL.blocks("python")
    done = subprocess.run(
        [sys.executable, "-c", example.text],
        cwd=demo.folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    counts = "select type, count(*) from audit_events group by type order by 2 desc limit 5"
    expected = sorted(count for _, count in database.execute(counts).fetchall())
    assert sorted(int(line.split()[0].replace(",", "")) for line in done.stdout.splitlines()) == expected
