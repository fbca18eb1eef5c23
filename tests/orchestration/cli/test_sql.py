"""`ledgerline sql`: answers, refusals, and the shell."""

import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.orchestration.cli.conftest import ROOT, Command, in_a_process
from warehouse.archive.note import Signer


def test_a_table_for_people_and_rows_for_scripts(ledgerline: Command, pulled: Path) -> None:
    query = "select type, created_at, unknown_fields from audit_events order by created_at limit 2"
    shown = ledgerline("sql", query, folder=pulled)
    assert shown.code == 0
    assert "created_at" in shown.out
    rows = ledgerline("sql", "--json", query, folder=pulled).json()
    assert [set(row) for row in rows] == [{"type", "created_at", "unknown_fields"}] * 2
    assert rows[0]["created_at"].endswith("Z")


def test_no_rows_are_an_empty_list(ledgerline: Command, pulled: Path) -> None:
    assert ledgerline("sql", "--json", "select 1 where false", folder=pulled).json() == []


def test_columns_of_one_name_lose_no_value_in_json(ledgerline: Command, pulled: Path) -> None:
    assert ledgerline("sql", "--json", "select 1 as n, 2 as n, 3 as n_1", folder=pulled).json() == [
        {"n": 1, "n_1": 2, "n_1_1": 3}
    ]


def test_as_of_a_moment_before_the_pull_nothing_was_known(ledgerline: Command, pulled: Path) -> None:
    count = "select count(*) as n from audit_events"
    assert ledgerline("sql", "--json", count, folder=pulled).json()[0]["n"] > 0
    assert ledgerline("sql", "--json", "--as-of", "2026-01-01", count, folder=pulled).json() == [{"n": 0}]


@pytest.mark.parametrize(
    "statement",
    [
        "create table t (a int)", "insert into audit_events values (1)", "delete from audit_events",
        "drop view audit_events", "update audit_events set id = 1", "copy audit_events to 'x.parquet'",
        "export database 'x'", "attach 'x.db' as x", "set threads = 1", "install httpfs", "load httpfs",
        "begin", "checkpoint", "vacuum", "call pragma_version()", "use memory", "prepare p as select 1",
        "select 1; drop view audit_events", "explain analyze copy (select 1) to 'x'",
        "explain (analyze) copy (select 1) to 'x'", "explain (analyze, format json) create table t (a int)",
        "explain /* analyze */ analyze copy (select 1) to 'x'", "pragma enable_profiling = 'json'",
    ],
)  # fmt: skip
def test_whatever_is_not_a_question_is_exit_2(ledgerline: Command, pulled: Path, statement: str) -> None:
    before = sorted(pulled.iterdir())
    ended = ledgerline("sql", statement, folder=pulled)
    assert ended.code == 2
    assert ended.out == ""
    assert sorted(pulled.iterdir()) == before


@pytest.mark.parametrize(
    "statement",
    [
        "from audit_events limit 1", "with a as (select 1) select * from a", "values (1)", "show tables",
        "describe audit_events", "summarize select 1 as a", "explain select 1", "explain analyze select 1",
        "pivot (select 1 as a, 'x' as b) on b using sum(a)", "select 1; select 2",
        "select count(*) from audit_pages", "select count(*) from log_entries",
        "from audit_events_as_of(timestamptz '2026-11-01 00:00:00Z')",
    ],
)  # fmt: skip
def test_every_form_of_question_is_answered(ledgerline: Command, pulled: Path, statement: str) -> None:
    ended = ledgerline("sql", statement, folder=pulled)
    assert ended.code == 0, ended.err
    assert ended.out


@pytest.mark.parametrize("statement", ["select", "select * from nowhere", "select 'x'::int", "", "/* nothing */"])
def test_sql_that_fails_is_exit_2_without_a_traceback(ledgerline: Command, pulled: Path, statement: str) -> None:
    for options in ([], ["--json"]):
        ended = ledgerline("sql", *options, statement, folder=pulled)
        assert ended.code == 2
        assert "Traceback" not in ended.err
        assert not options or ended.json()["error"]["kind"] == "sql"


def test_a_question_fetches_nothing_from_a_host_that_nobody_configured(ledgerline: Command, pulled: Path) -> None:
    ended = ledgerline("sql", "select * from read_text('http://127.0.0.1:9/x')", folder=pulled)
    assert ended.code == 2
    assert "download" not in ended.err.lower()
    assert "extensions.duckdb.org" not in ended.err


def test_an_error_in_mid_answer_leaves_no_half_document(ledgerline: Command, pulled: Path) -> None:
    query = "select case when i < 20000 then 1 else error('late') end as n from range(30000) as r(i)"
    ended = ledgerline("sql", "--json", query, folder=pulled)
    assert ended.code == 2
    assert "late" in ended.json()["error"]["message"]


def test_json_takes_one_statement(ledgerline: Command, pulled: Path) -> None:
    assert ledgerline("sql", "--json", "select 1; select 2", folder=pulled).code == 2


def test_a_long_table_says_how_much_it_leaves_out(ledgerline: Command, pulled: Path) -> None:
    ended = ledgerline("sql", "from range(10001)", folder=pulled)
    assert "10,001 rows, the first 10,000 are shown" in ended.err


def test_statements_are_read_from_a_pipe(pulled: Path) -> None:
    ended = in_a_process("sql", folder=pulled, input="select 41 + 1 as answer;\nselect 'second' as x;\n")
    assert ended.code == 0
    assert "42" in ended.out
    assert "second" in ended.out


def test_the_shell_reads_to_the_semicolon_survives_mistakes_and_leaves(pulled: Path) -> None:
    ours, theirs = pty.openpty()
    child = subprocess.Popen(
        [sys.executable, "-m", "orchestration.cli", "sql"],
        cwd=pulled, env=os.environ | {"PYTHONPATH": str(ROOT), "TERM": "dumb", "COLUMNS": "200"},
        stdin=theirs, stdout=theirs, stderr=theirs,
    )  # fmt: skip
    os.close(theirs)
    os.write(ours, b".tables\n.schema audit_events\nselect *\nfrom nowhere;\nselect 6 *\n7 as answer, ';' as x;\n")
    os.write(ours, b"drop view audit_events;\n.what\n.schema nope\nexit\n")
    seen = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # Linux's way of saying that the other end is closed
            break
        if not part:
            break
        seen += part
    text = seen.decode()
    assert child.wait(timeout=20) == 0
    for expected in ("audit_event_versions", "content_sha256", "nowhere does not exist", " 42 ", "DROP is refused",
                     ".schema NAME",
                     "there is no table 'nope'"):  # fmt: skip
        assert expected in text
    assert "Traceback" not in text


# the cookbook and the stamp


def test_the_cookbook_is_listed_without_any_configuration(ledgerline: Command, tmp_path: Path) -> None:
    listed = ledgerline("sql", "--cookbook", "--json", folder=tmp_path).json()
    assert len(listed) >= 20
    assert "data_taken_out" in ledgerline("sql", "--cookbook", folder=tmp_path).out


def test_a_question_is_answered_over_all_there_is(ledgerline: Command, pulled: Path) -> None:
    days = ledgerline("sql", "--cookbook", "events_by_day", "--json", folder=pulled).json()
    (all_of_them,) = ledgerline("sql", "--json", "select count(*) as n from audit_events", folder=pulled).json()
    assert sum(day["events"] for day in days) == all_of_them["n"] > 0


def test_a_question_is_asked_of_a_period(ledgerline: Command, pulled: Path) -> None:
    ended = ledgerline(
        "sql", "--cookbook", "events_by_day", "--param", "from=1999-01-01", "--param", "to=1999-02-01", "--json",
        folder=pulled,
    )  # fmt: skip
    assert (ended.code, ended.json()) == (0, [])


def test_a_question_can_be_shown_with_its_values_put_in(ledgerline: Command, pulled: Path) -> None:
    arguments = "sql", "--cookbook", "one_person", "--param", "person=o'hara@example.com", "--show"
    assert "'o''hara@example.com' /*person*/" in ledgerline(*arguments, folder=pulled).out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--cookbook", "data_taken"], "Did you mean data_taken_out"),
        (["--cookbook", "one_person"], "needs a value for person"),
        (["--cookbook", "events_by_day", "--param", "from"], "is not NAME=VALUE"),
        (["--cookbook", "events_by_day", "--param", "from=soon"], "is not a time"),
        (["--cookbook", "events_by_day", "--param", "since=2026-01-01"], "no parameter 'since'"),
        (["--param", "from=2026-01-01", "select 1"], "add --cookbook"),
    ],
)
def test_what_the_cookbook_cannot_answer_is_exit_2(
    ledgerline: Command, pulled: Path, arguments: list[str], said: str
) -> None:
    ended = ledgerline("sql", *arguments, folder=pulled)
    assert ended.code == 2
    assert said in ended.err


def test_a_stamp_names_the_checkpoint_the_moment_and_the_number_of_rows(ledgerline: Command, pulled: Path) -> None:
    query = "select id from audit_events order by id limit 3"
    stamped = ledgerline("sql", "--json", "--stamp", query, folder=pulled).json()
    assert stamped["rows"] == ledgerline("sql", "--json", query, folder=pulled).json()
    checkpoint = stamped["stamp"]["checkpoint"]
    note = (pulled / "data" / "archive" / "log" / "checkpoint" / f"{checkpoint['size']:012}").read_text()
    assert note.startswith(f"{checkpoint['origin']}\n{checkpoint['size']}\n{checkpoint['root']}\n")
    assert stamped["stamp"]["rows"] == 3
    again = ledgerline("sql", "--json", "--as-of", stamped["stamp"]["as_of"], query, folder=pulled).json()
    assert again == stamped["rows"]


@pytest.mark.parametrize("junk", ["binary", "foreign"])
def test_no_stamp_is_given_under_a_checkpoint_that_the_logs_key_did_not_sign(
    ledgerline: Command, pulled: Path, tmp_path: Path, junk: str
) -> None:
    folder = tmp_path / "installation"
    shutil.copytree(pulled, folder, copy_function=shutil.copy2)
    newest = max((folder / "data/archive/log/checkpoint").iterdir())
    text = newest.read_text().partition("\n\n")[0] + "\n"
    stranger = Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)
    forged = Signer(text.splitlines()[0], stranger).sign(text).encode()
    newest.chmod(0o644)
    newest.write_bytes(b"\x00\xff\xfe" if junk == "binary" else forged)
    ended = ledgerline("sql", "--stamp", "select 1", folder=folder)
    assert ended.code == 2
    assert newest.name in ended.err
    assert "codec" not in ended.err
    assert "root" not in ended.out
    newest.unlink()
    assert "(not checked" in ledgerline("sql", "--stamp", "select 1", folder=folder).out


def test_a_stamp_is_two_lines_after_a_table(ledgerline: Command, pulled: Path) -> None:
    lines = ledgerline("sql", "--stamp", "select 1 as n", folder=pulled).out.rstrip().split("\n")
    assert lines[-2].startswith("checkpoint: ledgerline/")
    assert lines[-1].endswith(": 1 row")


def test_an_answer_without_rows_is_stamped_too(ledgerline: Command, pulled: Path) -> None:
    stamped = ledgerline("sql", "--json", "--stamp", "select 1 where false", folder=pulled).json()
    assert (stamped["rows"], stamped["stamp"]["rows"]) == ([], 0)


# what is not there, and what to do instead


@pytest.mark.parametrize(
    ("query", "said", "remedy"),
    [
        ("selec 1", "syntax error", "correct the SQL"),
        ("select * from fct_login", "does not exist", "run `ledgerline build`"),
        ("select * from nowhere", "does not exist", "show tables"),
        ("select nothing from audit_events", "nothing", "describe audit_events"),
        ("install httpfs", "INSTALL is refused", "ask with SELECT"),
    ],
)
def test_a_query_that_fails_has_a_remedy_that_fits(
    ledgerline: Command, pulled: Path, query: str, said: str, remedy: str
) -> None:
    ended = ledgerline("sql", query, folder=pulled)
    assert ended.code == 2
    assert said in ended.err
    assert remedy in ended.err
    assert "pg_" not in ended.err


def test_dot_commands_are_answered_from_a_pipe_too(pulled: Path) -> None:
    ended = in_a_process("sql", folder=pulled, input=".tables\nselect 41 + 1 as answer;\n.schema log_entries\n")
    assert ended.code == 0, ended.err
    for word in ("audit_event_versions", "42", "committed_at"):
        assert word in ended.out
    nope = in_a_process("sql", folder=pulled, input=".schema audit_event\n")
    assert nope.code == 2
    assert "there is no table 'audit_event'; did you mean audit_events" in nope.err
    assert "describe" not in nope.err


def test_as_of_leaves_the_marts_out_and_says_when_the_archive_began(ledgerline: Command, pulled: Path) -> None:
    early = ledgerline("sql", "--as-of", "2026-01-01", "select count(*) as n from audit_events", folder=pulled)
    assert early.code == 0
    assert "the archive began at 20" in early.err
    ended = ledgerline("sql", "--as-of", "yesterday", "--json", "select * from fct_login", folder=pulled)
    assert ended.code == 2
    assert "leave --as-of away" in ended.json()["error"]["remedy"]


def test_a_damaged_file_of_marts_does_not_keep_the_archive_from_answering(
    ledgerline: Command, pulled: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "installation"
    shutil.copytree(pulled, folder, copy_function=shutil.copy2)
    (folder / "data/warehouse.duckdb").write_bytes(b"not a database" * 1000)
    ended = ledgerline("sql", "--json", "select count(*) as n from audit_events", folder=folder)
    assert ended.code == 0, ended.err
    assert ended.json()[0]["n"] > 0
    assert "warehouse.duckdb cannot be read as a DuckDB file" in ended.err
    assert "ledgerline build" in ended.err


@pytest.mark.parametrize("damage", ["emptied", "gone"])
def test_an_entry_without_its_bytes_is_an_error_and_no_smaller_count(
    ledgerline: Command, pulled: Path, tmp_path: Path, damage: str
) -> None:
    folder = tmp_path / "installation"
    shutil.copytree(pulled, folder, copy_function=shutil.copy2)
    entry = folder / "data/archive/log/entry/000000000001.json"
    entry.unlink()
    if damage == "emptied":
        entry.touch()
    ended = ledgerline("sql", "select count(*) from log_entries", folder=folder)
    assert ended.code == 2
    assert "ledgerline verify" in ended.err
