"""A person restricted from the command line, over an archive that was pulled from the sandbox."""

import base64
import json
import re
import shutil
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from sandbox import Served
from tests.orchestration.cli.conftest import Command

MARK = "[restricted]"


@pytest.fixture
def own(pulled: Path, tmp_path: Path) -> Path:
    """A copy of the pulled archive that a test may write to."""
    shutil.copytree(pulled, tmp_path, dirs_exist_ok=True)
    return tmp_path


@pytest.fixture
def somebody(own: Path, ledgerline: Command) -> tuple[str, str]:
    """The address and the id of the person with the most events."""
    (row,) = ledgerline(
        "sql", "--json",
        "select actor_email, actor_id from audit_events where actor_type = 'user_actor' "
        "and actor_email is not null group by all order by count(*) desc, 1 limit 1",
    ).json()  # fmt: skip
    return row["actor_email"], row["actor_id"]


def restrict(ledgerline: Command, *identifiers: str, name: str = "dsr-1") -> None:
    options = [part for one in identifiers for part in ("--email" if "@" in one else "--user", one)]
    ended = ledgerline("restrict", "set", name, *options, "--reason", "request for erasure")
    assert ended.code == 0, ended.err


def test_a_person_is_restricted_listed_and_shown_again(
    ledgerline: Command, own: Path, somebody: tuple[str, str]
) -> None:
    address, user = somebody
    count = "select count(*) as n, count(distinct type) as types, min(created_at) as first from audit_events"
    everything = "select * from audit_events order by id, version"
    before, rows = ledgerline("sql", "--json", count).json(), ledgerline("sql", "--json", everything).json()
    put = ledgerline(
        "restrict", "set", "dsr-1", "--email", address.upper(), "--reason", "request for erasure", "--json"
    )
    assert put.code == 0, put.err
    assert put.json()["also_known"] == [user]
    restrict(ledgerline, user, name="dsr-2")
    masked = ledgerline("sql", "--json", everything).out
    assert address not in masked
    assert user not in masked
    assert sum(row["actor_email"] == MARK for row in json.loads(masked)) > 0
    assert ledgerline("sql", "--json", count).json() == before
    assert [one["name"] for one in ledgerline("restrict", "list", "--json").json()["restrictions"]] == [
        "dsr-1",
        "dsr-2",
    ]
    for name in ("dsr-1", "dsr-2"):
        assert ledgerline("restrict", "lift", name, "--reason", "withdrawn").code == 0
    assert ledgerline("sql", "--json", everything).json() == rows


def test_the_archive_verifies_and_proves_as_before_and_names_nobody_new(
    ledgerline: Command, own: Path, somebody: tuple[str, str]
) -> None:
    address, user = somebody
    (event,) = ledgerline(
        "sql", "--json", f"select id from audit_events where actor_email = '{address}' order by id limit 1"
    ).json()
    stored = {path: path.read_bytes() for path in (own / "data/archive").rglob("*") if path.is_file()}
    restrict(ledgerline, address, user)
    assert all(path.read_bytes() == data for path, data in stored.items())
    fresh = {path for path in (own / "data/archive").rglob("*") if path.is_file()} - set(stored)
    assert {path.parts[-3] if "tile" not in path.parts else "log" for path in fresh} == {"log"}
    assert all(address.encode() not in path.read_bytes().lower() for path in fresh)
    assert all(user.encode() not in path.read_bytes() for path in fresh)
    assert ledgerline("verify").code == 0
    assert ledgerline("prove", event["id"], "--out", "event.proof").code == 0


def test_the_marts_are_not_shown_until_they_are_built_under_the_restriction(
    ledgerline: Command, own: Path, somebody: tuple[str, str]
) -> None:
    address, user = somebody
    assert ledgerline("build").code == 0
    asked = "select count(*) as n, sum(events) as events from fct_actor_activity_daily"
    before = ledgerline("sql", "--json", asked).json()
    restrict(ledgerline, address, user)
    stale = ledgerline("sql", "--json", asked)
    assert stale.code == 2
    assert "ledgerline build" in stale.err
    built = ledgerline("build", "--json")
    assert built.json()["mode"] == "full"
    assert built.json()["reason"] == "a restriction was set or lifted since the last build"
    assert ledgerline("sql", "--json", asked).json()[0]["events"] == before[0]["events"]
    assert ledgerline("build", "--json").json()["mode"] == "days"
    with duckdb.connect(str(own / "data/warehouse.duckdb"), read_only=True) as db:
        tables = db.execute(
            "select schema_name, table_name from duckdb_tables() where database_name = 'warehouse'"
        ).fetchall()
        for schema, table in tables:
            shown = str(db.execute(f'select * from "{schema}"."{table}"').fetchall()).lower()
            assert address not in shown, table
            assert user.lower() not in shown, table
    assert user.encode() not in (own / "data/warehouse.duckdb").read_bytes()


def test_an_evidence_pack_neither_shows_nor_proves_the_person(
    ledgerline: Command, own: Path, sandbox: Served, somebody: tuple[str, str]
) -> None:
    address, user = somebody
    restrict(ledgerline, address, user)
    first = sandbox.tenant.first_day
    ended = ledgerline(
        "evidence", "pack", "--control", "AU-12", "--from", str(first), "--to", str(first + timedelta(days=2)),
        "--out", "pack", "--sample", "40", "--json",
    )  # fmt: skip
    assert ended.code in (0, 1), ended.err
    proofs = list((own / "pack").rglob("*.proof"))
    assert proofs
    shown = [path.read_bytes() for path in (own / "pack").rglob("*") if path.is_file()]
    shown += [base64.b64decode(part + b"===") for path in proofs for part in _joined(path.read_bytes())]
    with duckdb.connect() as db:
        shown += [
            str(db.read_parquet(str(path)).fetchall()).encode() for path in (own / "pack").rglob("*.parquet")
        ]
    for one in shown:
        assert address.encode() not in one.lower()
        assert user.encode() not in one


def _joined(proof: bytes) -> list[bytes]:
    """The runs of base64 lines of a proof, each as one."""
    return [run.replace(b"\n", b"") for run in re.findall(rb"(?:^[A-Za-z0-9+/=]{20,}\n)+", proof, re.MULTILINE)]


def test_reading_unmasked_is_on_record_before_the_answer(
    ledgerline: Command, own: Path, somebody: tuple[str, str]
) -> None:
    address, user = somebody
    restrict(ledgerline, address, user)
    asked = f"select count(*) as n from audit_events where actor_email = '{address}'"
    assert ledgerline("sql", "--json", asked).json() == [{"n": 0}]
    shown = ledgerline("sql", "--json", "--unrestricted", "--reason", "external audit, question 12", asked)
    assert shown.json()[0]["n"] > 0
    assert "says so" in shown.err
    (record,) = ledgerline(
        "sql", "--json",
        "select restriction ->> 'reason' as reason from log_entries where restriction ->> 'action' = 'read'",
    ).json()  # fmt: skip
    assert record == {"reason": "external audit, question 12"}
    assert ledgerline("verify").code == 0


def test_who_cannot_write_cannot_read_unmasked(ledgerline: Command, own: Path, somebody: tuple[str, str]) -> None:
    address, user = somebody
    restrict(ledgerline, address, user)
    (own / "data/signing.key").unlink()
    refused = ledgerline("sql", "--unrestricted", "--reason", "audit", "select actor_email from audit_events")
    assert refused.code == 2
    assert address not in refused.out + refused.err
    assert ledgerline("sql", "select 1").code == 0


def test_where_nothing_is_restricted_nothing_is_recorded(ledgerline: Command, own: Path) -> None:
    entries = ledgerline("sql", "--json", "select count(*) as n from log_entries").json()
    assert ledgerline("sql", "--json", "--unrestricted", "--reason", "audit", "select 1 as x").json() == [{"x": 1}]
    assert ledgerline("sql", "--json", "select count(*) as n from log_entries").json() == entries


@pytest.mark.parametrize(
    "arguments",
    [
        ("restrict", "set", "dsr-1", "--reason", "erasure"),
        ("restrict", "set", "dsr-1", "--email", "no address", "--reason", "erasure"),
        ("restrict", "set", "dsr-1", "--email", "jane@example.com", "--reason", "Jane asked"),
        ("restrict", "set", "jane", "--email", "jane@example.com", "--reason", "erasure"),
        ("restrict", "set", "DSR 1", "--email", "jane@example.com", "--reason", "erasure"),
        ("restrict", "set", "dsr-1", "--user", "x", "--reason", "erasure"),
        ("restrict", "lift", "dsr-9", "--reason", "withdrawn"),
        ("sql", "--unrestricted", "select 1"),
        ("sql", "--reason", "audit", "select 1"),
        ("sql", "--unrestricted", "--reason", "jane@example.com", "select 1"),
    ],
)
def test_what_cannot_be_is_refused_and_writes_nothing(
    ledgerline: Command, own: Path, arguments: tuple[str, ...]
) -> None:
    before = sorted((own / "data/archive/log/entry").iterdir())
    ended = ledgerline(*arguments)
    assert ended.code == 2
    assert "Traceback" not in ended.err
    assert sorted((own / "data/archive/log/entry").iterdir()) == before


def test_a_second_restriction_of_a_name_is_refused_with_what_to_do(
    ledgerline: Command, own: Path, somebody: tuple[str, str]
) -> None:
    restrict(ledgerline, somebody[0])
    ended = ledgerline("restrict", "set", "dsr-1", "--user", somebody[1], "--reason", "more of the same")
    assert ended.code == 2
    assert "Use another name" in ended.err
