"""`ledgerline prove`: a file that a stranger can check, and plain words where there can be none."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import Served, Tenant, serve
from tests.orchestration.cli.conftest import ROOT, Command, Ended, configure
from warehouse.archive import verify_proof
from warehouse.archive.verify_proof import check

NEWEST = "select id, raw, version from audit_events order by created_at, id limit 1 offset {}"


def an_event(ledgerline: Command, folder: Path, offset: int = 20) -> dict[str, str]:
    (row,) = ledgerline("sql", "--json", NEWEST.format(offset), folder=folder).json()
    return row


def as_a_stranger(folder: Path, proof: bytes, *arguments: str) -> Ended:
    """Only the proof and the program, in a folder of their own, with a bare Python."""
    folder.mkdir()
    (folder / "event.proof").write_bytes(proof)
    (folder / "verify_proof.py").write_bytes(Path(verify_proof.__file__).read_bytes())
    done = subprocess.run(
        [sys.executable, "-I", "-S", "verify_proof.py", "event.proof", *arguments],
        cwd=folder, text=True, capture_output=True, timeout=30, check=False, env={},
    )  # fmt: skip
    return Ended(done.returncode, done.stdout, done.stderr)


def test_the_proof_of_an_event_is_checked_by_somebody_who_has_nothing_of_ours(
    ledgerline: Command, pulled: Path, tmp_path: Path
) -> None:
    event = an_event(ledgerline, pulled)
    out = tmp_path / "event.proof"
    ended = ledgerline("prove", event["id"], "--out", str(out), folder=pulled)
    assert ended.code == 0
    assert f"{event['id']}, version 1 of 1 (first)" in ended.out
    assert f"written to {out}" in ended.out
    assert verify_proof.__file__ in ended.out
    key = ended.out.partition("--key ")[2].split()[0]
    told = as_a_stranger(tmp_path / "elsewhere", out.read_bytes(), "--key", key)
    assert (told.code, told.err) == (0, "")
    assert told.out.startswith("PROVEN by this file\n")
    assert json.loads(told.out.partition("The record\n")[2]) == json.loads(event["raw"])


def test_the_proven_bytes_are_those_that_the_table_keeps(ledgerline: Command, pulled: Path) -> None:
    for offset in range(0, 60, 20):
        event = an_event(ledgerline, pulled, offset)
        ended = ledgerline("prove", event["id"], folder=pulled)
        assert (ended.code, ended.err) == (0, "")
        assert check(ended.out.encode()).record == event["raw"].encode()


def test_the_json_document_says_where_the_record_stands_and_under_what(
    ledgerline: Command, pulled: Path, tmp_path: Path
) -> None:
    event, out = an_event(ledgerline, pulled), tmp_path / "event.proof"
    document = ledgerline("prove", event["id"], "--out", str(out), "--json", folder=pulled).json()
    where = "select commit_seq, page, position from audit_events where id = '{}'".format(event["id"])
    (row,) = ledgerline("sql", "--json", where, folder=pulled).json()
    assert {name: document[name] for name in row} == row
    assert (document["kind"], document["event_id"]) == ("event", event["id"])
    assert (document["version"], document["versions"], document["fold"]) == (1, 1, "first")
    assert document["withdrawn_by"] is None
    assert document["out"] == str(out)
    assert document["bytes"] == out.stat().st_size
    proof = check(out.read_bytes(), [document["key"]])
    assert document["checkpoint"]["size"] == proof.checkpoints[0].size
    entries = ledgerline("status", "--json", folder=pulled).json()["entries"]
    assert document["checkpoint"]["size"] == entries
    piped = ledgerline("prove", event["id"], "--json", folder=pulled).json()
    assert piped["proof"].encode() == out.read_bytes()


def test_growth_between_two_checkpoints_is_proven(ledgerline: Command, pulled: Path, tmp_path: Path) -> None:
    out, size = tmp_path / "growth.proof", ledgerline("status", "--json", folder=pulled).json()["entries"]
    ended = ledgerline("prove", "--consistency", "2", str(size), "--out", str(out), "--json", folder=pulled)
    assert ended.code == 0
    document = ended.json()
    assert (document["kind"], document["old"]["size"], document["new"]["size"]) == ("consistency", 2, size)
    told = as_a_stranger(tmp_path / "elsewhere", out.read_bytes(), "--key", document["key"])
    assert told.code == 0
    assert "of the 2 none was altered, removed or moved since" in told.out


# -- what there is no proof of ---------------------------------------------------------------------------------


def test_an_id_that_is_not_there_is_exit_2_with_the_nearest_ones(ledgerline: Command, pulled: Path) -> None:
    name = an_event(ledgerline, pulled)["id"]
    for wrong in (name[:-2], name[:-1] + "_", name.upper(), name[:16]):
        ended = ledgerline("prove", wrong, folder=pulled)
        assert ended.code == 2
        assert f"there is no event {wrong!r} in the archive. Did you mean {name}?" in ended.err
        assert "whether the archive covers it" in ended.err
    ended = ledgerline("prove", "nothing like it", "--json", folder=pulled)
    assert ended.code == 2
    assert ended.json()["error"]["kind"] == "name"
    assert "Did you mean" not in ended.err


@pytest.mark.parametrize("name", ["'; drop table x; --", "{files}", "a\x1b[2J", "%", "", "_" * 5000, "ф'ы"])
def test_an_id_is_data_whatever_is_in_it(ledgerline: Command, pulled: Path, name: str) -> None:
    ended = ledgerline("prove", name, folder=pulled)
    assert ended.code == 2
    assert "there is no event" in ended.err
    assert "\x1b" not in ended.err


def test_a_version_that_is_not_there_is_exit_2_with_those_that_are(ledgerline: Command, pulled: Path) -> None:
    name = an_event(ledgerline, pulled)["id"]
    ended = ledgerline("prove", name, "--version", "2", folder=pulled)
    assert ended.code == 2
    assert f"{name} has no version 2" in ended.err
    assert "it has: 1" in ended.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "name one event"),
        (("a", "--consistency", "1", "2"), "name one event"),
        (("--consistency", "2", "1"), "below the second"),
        (("--consistency", "2", "2"), "below the second"),
        (("--consistency", "0", "2"), "at least 1"),
        (("--consistency", "1", "99999"), "no checkpoint of 99999 entries; the log has"),
        (("--consistency", "1", "--version", "2"), "a valid integer"),
        (("--version", "1", "--consistency", "1", "2"), "--version is of an event"),
    ],
)
def test_what_cannot_be_meant_is_exit_2(
    ledgerline: Command, pulled: Path, arguments: tuple[str, ...], said: str
) -> None:
    ended = ledgerline("prove", *arguments, folder=pulled)
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err


def test_without_an_archive_or_with_an_empty_one_it_says_to_pull_first(
    ledgerline: Command, tmp_path: Path, sandbox: Served
) -> None:
    configure(tmp_path, sandbox)
    ended = ledgerline("prove", "activity_1")
    assert ended.code == 2
    assert "a pull begins a new one" in ended.err
    (tmp_path / "data" / "archive").mkdir(parents=True)
    ended = ledgerline("prove", "activity_1")
    assert ended.code == 2
    assert "the archive is empty" in ended.err


def test_only_an_earlier_proof_is_replaced(ledgerline: Command, pulled: Path, tmp_path: Path) -> None:
    name, out = an_event(ledgerline, pulled)["id"], tmp_path / "file"
    out.write_text("my notes")
    ended = ledgerline("prove", name, "--out", str(out), folder=pulled)
    assert ended.code == 2
    assert "exists and is not a proof" in ended.err
    assert out.read_text() == "my notes"
    out.write_text("ledgerline-proof/1 consistency\n")
    assert ledgerline("prove", name, "--out", str(out), folder=pulled).code == 0
    assert check(out.read_bytes()).kind == "event"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_folder_that_is_not_there_is_exit_2_and_leaves_nothing(
    ledgerline: Command, pulled: Path, tmp_path: Path
) -> None:
    name = an_event(ledgerline, pulled)["id"]
    for out in (tmp_path / "no" / "file", tmp_path):
        ended = ledgerline("prove", name, "--out", str(out), folder=pulled)
        assert ended.code == 2
        assert "fault of Ledgerline" not in ended.err
    assert list(tmp_path.iterdir()) == []


def test_proving_loads_neither_dagster_nor_pandas(pulled: Path, ledgerline: Command) -> None:
    name = an_event(ledgerline, pulled)["id"]
    code = (
        "import sys; from orchestration.cli.app import run; run(sys.argv[1:]);"
        "print([name for name in ('dagster', 'pandas', 'dbt') if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "prove", name],
        cwd=pulled, env={"PYTHONPATH": str(ROOT)}, text=True, capture_output=True, check=True,
    )  # fmt: skip
    assert done.stderr.strip().splitlines()[-1] == "[]"


# -- versions --------------------------------------------------------------------------------------------------


def _somebody(tenant: Tenant) -> str:
    """The address of a person who did something on the first day."""
    actors = (json.loads(record)["actor"] for record in tenant.store.segment(tenant.first_day).records)
    return next(actor["email_address"] for actor in actors if "email_address" in actor)


@pytest.fixture(scope="module")
def rewritten(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str, str]]:
    """A folder where one event was revised and one withdrawn between two pulls; their ids."""
    from orchestration.cli.app import run

    folder = tmp_path_factory.mktemp("rewritten")
    with serve(Tenant(seed=3, users=3, days=2)) as served, pytest.MonkeyPatch.context() as patch:
        configure(folder, served)
        patch.chdir(folder)
        assert run(["init"]) == 0
        assert run(["pull", "activities"]) == 0
        day = served.tenant.first_day
        (gone,) = served.tenant.withdraw(day=day, count=1)
        (changed, *_) = served.tenant.redact(email=_somebody(served.tenant))
        assert run(["pull", "activities", "--from", str(day)]) in (0, 1)
        yield folder, changed, gone


def test_each_version_of_a_revised_event_is_proven_with_its_own_bytes(
    ledgerline: Command, rewritten: tuple[Path, str, str]
) -> None:
    folder, changed, _ = rewritten
    query = f"select raw from audit_event_versions where id = '{changed}' order by version"
    first, second = (row["raw"] for row in ledgerline("sql", "--json", query, folder=folder).json())
    assert first != second
    for options, raw in ((["--version", "1"], first), (["--version", "2"], second), ([], second)):
        ended = ledgerline("prove", changed, *options, folder=folder)
        assert check(ended.out.encode()).record == raw.encode()


def test_of_a_withdrawn_event_the_bytes_served_last_are_proven_and_the_later_pull_with_them(
    ledgerline: Command, rewritten: tuple[Path, str, str], tmp_path: Path
) -> None:
    folder, _, gone = rewritten
    out = tmp_path / "gone.proof"
    document = ledgerline("prove", gone, "--out", str(out), "--json", folder=folder).json()
    assert (document["fold"], document["version"], document["proven_version"]) == ("withdrawn", 2, 1)
    assert document["withdrawn_by"] > document["commit_seq"]
    told = as_a_stranger(tmp_path / "elsewhere", out.read_bytes(), "--key", document["key"])
    assert told.code == 0
    head, doubts = told.out.split("NOT proven by this file\n")
    assert f"Entry {document['withdrawn_by']} says: a complete pull of stream activities" in head
    assert f"That the record is absent from the pages of entry {document['withdrawn_by']}" in doubts
    assert json.loads(told.out.partition("The record\n")[2])["id"] == gone
    shown = ledgerline("prove", gone, "--out", str(out), folder=folder)
    assert "version 2 of 2 (withdrawn)" in shown.out
    assert "the bytes are those of version 1" in shown.out
    earlier = ledgerline("prove", gone, "--version", "1", "--json", folder=folder).json()
    assert earlier["withdrawn_by"] is None


def test_a_proof_for_a_folder_that_is_not_there_names_the_folder(ledgerline: Command, pulled: Path) -> None:
    ended = ledgerline("prove", "activity_01", "--out", "nowhere/p.proof", folder=pulled)
    assert ended.code == 2
    assert "there is no folder nowhere for p.proof" in ended.err
