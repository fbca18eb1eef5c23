"""What a question may read: the tables. No files, environment, other machines, or the archive past its masks."""

import shutil
from pathlib import Path

import duckdb
import pytest

from orchestration.workshop import open_workshop
from tests.orchestration.cli.conftest import Command
from warehouse.config import load
from warehouse.tables.catalog import connect
from warehouse.tables.enclosure import enclose

PLANTED = "planted-in-a-file-a8f3"


@pytest.fixture
def planted(pulled: Path, tmp_path: Path) -> Path:
    (tmp_path / "planted.csv").write_text(f"a,b\n{PLANTED},1\n")
    (tmp_path / "planted.json").write_text(f'{{"a": "{PLANTED}"}}\n')
    return tmp_path


READERS = [
    "select * from read_csv('{planted}')", "select * from read_text('{planted}')", "from '{planted}'",
    "from \"{planted}\"", "from READ_CSV_AUTO('{planted}')", "select (select content from read_text('{planted}'))",
    "with q as (from '{planted}') from q", "from range(3) as r, lateral (from read_text('{planted}'))",
    "select 1 where exists (from read_blob('{planted}'))", "describe '{planted}'", "summarize '{planted}'",
    "select * from query('from ''{planted}''')", "from glob('{folder}/*')", "from sniff_csv('{planted}')",
    "select 1 union all select 2 from \"{folder}/planted\".csv", "explain analyze from '{planted}'",
    "explain from '{planted}'", "explain from read_csv('{planted}', delim = '|')",
    "/* x */ explain /* y */ from '{planted}'",
    "explain (format json) from '{planted}'",
    "explain from read_csv('{archive}/log/entry/000000000001.json', delim = '|')",
    "pivot '{planted}' on b using count(*)", "pivot (from read_text('{planted}')) on size using count(*)",
    "pivot $${planted}$$ on b using count(*)",
    "from (pivot '{planted}' on b in (1) using count(*))", "from query_table('{planted}')",
    "from json_execute_serialized_sql(json_serialize_sql('from ''{planted}'''))",
    "from read_parquet('{archive}/tables/*/audit_events/*/*.parquet')",
    "from read_json('{archive}/log/entry/*.json')",
    "from read_json('{planted_json}')", "from read_csv('https://198.51.100.7/x.csv')", "from 's3://bucket/x.parquet'",
    "from read_text('/etc/passwd')", "from read_text('/proc/self/environ')", "from duckdb_secrets()",
    "from which_secret('s3://x', 's3')", "from parquet_metadata('{archive}/x')", "select getenv('HOME')",
]  # fmt: skip


@pytest.mark.parametrize("query", READERS)
def test_a_question_reads_no_file_and_no_other_machine(
    ledgerline: Command, pulled: Path, planted: Path, query: str
) -> None:
    asked = query.format(
        planted=planted / "planted.csv", planted_json=planted / "planted.json", folder=planted,
        archive=pulled / "data" / "archive",
    )  # fmt: skip
    ended = ledgerline("sql", asked, folder=pulled)
    assert (ended.code, ended.out) == (2, ""), ended.out
    assert PLANTED not in ended.err
    assert "What to do" in ended.err
    assert "Traceback" not in ended.err


@pytest.mark.parametrize("query", READERS)
def test_the_engine_refuses_by_itself_what_is_outside_the_archive(pulled: Path, planted: Path, query: str) -> None:
    """The second lock: the same questions straight to the connection, without a look at their words."""
    asked = query.format(
        planted=planted / "planted.csv", planted_json=planted / "planted.json", folder=planted,
        archive=planted / "no-archive",
    )  # fmt: skip
    with open_workshop(load(pulled / "ledgerline.toml"), for_writing=False) as workshop:
        db = connect(workshop.archive, database=workshop.marts)
        enclose(db, workshop.archive)
        with pytest.raises(
            Exception, match=r"(?i)refused|disabled|not exist|not implemented|cannot|invalid|error"
        ):
            assert PLANTED not in str(db.execute(asked).fetchall())
        for opening in (
            "set enable_external_access = true",
            "load httpfs",
            "attach ':memory:' as x; from read_text('/etc/passwd')",
        ):
            with pytest.raises(Exception, match=r"(?i)locked|disabled|cannot"):
                db.execute(opening)
        db.close()


@pytest.mark.parametrize(
    "query",
    [
        "select 'a/b.csv' as name, '../x' as path",
        "select count(*) from audit_events where user_agent like '%/5.0%'",
        "from generate_series(1, 3)", "select unnest([1, 2])", "show all tables", "from duckdb_tables()",
        "select table_name from information_schema.tables", "from memory.main.audit_events limit 1",
        "with \"a\" as (select 1) from a", "from json_each('[1,2]')",
        "pivot audit_events on actor_type using count(*)",
        "from audit_events_as_of(now()) limit 1", "select count(*) from event_types", "summarize audit_events",
    ],
)  # fmt: skip
def test_what_only_looks_like_a_file_is_answered(ledgerline: Command, pulled: Path, query: str) -> None:
    ended = ledgerline("sql", query, folder=pulled)
    assert ended.code == 0, ended.err
    assert ended.out


def test_the_masks_of_a_restricted_person_are_not_passed_by(
    ledgerline: Command, pulled: Path, tmp_path: Path
) -> None:
    own = tmp_path / "own"
    shutil.copytree(pulled, own)
    asked = "select actor_email from audit_events where actor_email is not null limit 1"
    (row,) = ledgerline("sql", "--json", asked, folder=own).json()
    who = row["actor_email"]
    set_ = ledgerline("restrict", "set", "dsr-1", "--email", who, "--reason", "request for erasure", folder=own)
    assert set_.code == 0, set_.err
    files = f"{own}/data/archive/tables/*/audit_events/*/*.parquet"
    for query in (
        f"from read_parquet('{files}')",
        f"from '{files}'",
        f"pivot '{files}' on actor_email using count(*)",
        f"explain from '{files}' where actor_email = 'nobody@example.com'",
    ):
        shown = ledgerline("sql", query, folder=own)
        assert (shown.code, who in shown.out + shown.err) == (2, False)
    assert who in str(duckdb.sql(f"from read_parquet('{files}')").fetchall())  # so it is the command that refuses


def test_nothing_is_left_in_the_folder_where_one_asks(ledgerline: Command, pulled: Path) -> None:
    """The engine's own folder for answers larger than memory stands where nobody else can foresee it."""
    before = sorted(path.name for path in pulled.iterdir())
    ended = ledgerline("sql", "--json", "select current_setting('temp_directory') as folder", folder=pulled)
    (row,) = ended.json()
    assert not Path(row["folder"]).is_relative_to(pulled)
    assert not Path(row["folder"]).exists()
    assert sorted(path.name for path in pulled.iterdir()) == before
