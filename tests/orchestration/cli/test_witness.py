"""`ledgerline witness` as a second person runs it: own folder, own key, and read access to the archive."""

import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.orchestration.cli.conftest import Command, Ended
from warehouse.archive import keys
from warehouse.archive.note import Signer
from warehouse.archive.verify_proof import check

NAME = "witness.example.com/alex"


@pytest.fixture
def archive(pulled: Path, tmp_path: Path) -> Path:
    """The owner's folder."""
    owner = tmp_path / "owner"
    shutil.copytree(pulled, owner)
    return owner


@pytest.fixture
def alex(archive: Path, tmp_path: Path, ledgerline: Command) -> Path:
    """The witness's folder, with a key and a configuration that knows where the archive is."""
    folder = tmp_path / "alex"
    folder.mkdir()
    (folder / "ledgerline.toml").write_text(f'[archive]\nurl = "file:{archive}/data/archive"\n')
    ended = ledgerline("witness", "--init", "--name", NAME, "--key", "file:witness.key", folder=folder)
    assert ended.code == 0
    return folder


def public_key(ledgerline: Command, alex: Path) -> str:
    again = ledgerline("witness", "--init", "--name", NAME, "--key", "file:witness.key", "--json", folder=alex)
    assert again.json()["created"] == []
    return str(again.json()["witness"])


def run(ledgerline: Command, alex: Path, *arguments: str) -> Ended:
    return ledgerline("witness", "--key", "file:witness.key", *arguments, folder=alex)


def newest(archive: Path) -> Path:
    return sorted((archive / "data" / "archive" / "log" / "checkpoint").iterdir())[-1]


def cut(archive: Path) -> None:
    log = archive / "data" / "archive" / "log"
    last = int(newest(archive).name)
    shutil.rmtree(archive / "data" / "cache", ignore_errors=True)
    (log / "entry" / f"{last - 1:012d}.json").unlink()
    newest(archive).unlink()
    (log.parent / keys.tile(0, 0, last)).unlink()


def test_the_first_time_the_key_that_was_told_is_demanded(ledgerline: Command, archive: Path, alex: Path) -> None:
    key = ledgerline("key", "show", "--json", folder=archive).json()["key"]
    stranger = public_key(ledgerline, alex)
    assert run(ledgerline, alex, "--log-key", stranger).code == 2  # the key of a witness, not of a log
    wrong = key.replace("ledgerline/", "ledgerlime/")
    assert "--log-key" in run(ledgerline, alex, "--log-key", wrong).err
    ended = run(ledgerline, alex, "--log-key", key)
    assert ended.code == 0
    assert ended.out.startswith(newest(archive).read_text())
    assert f"\u2014 {NAME} " in ended.out
    assert "for the first time" in ended.err
    assert key in ended.err


def test_the_first_time_a_wrong_key_is_called_that_and_no_broken_continuation(
    ledgerline: Command, archive: Path, alex: Path
) -> None:
    origin = newest(archive).read_text().splitlines()[0]
    stranger = Signer(origin, Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)).verifier.vkey
    ended = run(ledgerline, alex, "--log-key", stranger)
    assert ended.code == 1
    assert ended.out.startswith("REFUSED: this log is signed by another key than --log-key. Nothing was cosigned.")
    assert "continuation" not in ended.out
    assert "state file" not in ended.out


def test_the_first_time_the_key_before_a_change_is_followed_to_the_one_of_now(
    ledgerline: Command, archive: Path, alex: Path
) -> None:
    old = ledgerline("key", "show", "--json", folder=archive).json()["key"]
    entry = ledgerline("key", "rotate", "--to", "file:data/new.key", "--json", folder=archive).json()["entry"]
    ended = run(ledgerline, alex, "--log-key", old, "--out", "cosigned")
    assert ended.code == 0
    assert f"entry {entry} handed the log over to another key" in ended.out


def test_each_place_gets_the_cosigned_checkpoint(
    ledgerline: Command, archive: Path, alex: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    bare = tmp_path / "checkpoints.git"
    subprocess.run(["git", "init", "--quiet", "--bare", str(bare)], check=True)
    ended = run(
        ledgerline, alex, "--out", "cosigned", "--copy", f"git:{bare}", "--copy", f"file:{tmp_path / 'store'}",
        "--into-archive", "--json",
    )  # fmt: skip
    assert (ended.code, ended.err) == (0, "")
    document = ended.json()
    note, size = document["note"], document["size"]
    assert [place["outcome"] for place in document["kept"]] == ["written"] * 4
    assert (alex / "cosigned").read_text() == note
    name = document["kept"][2]["name"]
    shown = subprocess.run(
        ["git", "-C", str(bare), "show", f"HEAD:{name}"], capture_output=True, text=True, check=True
    )
    assert shown.stdout == (tmp_path / "store" / name).read_text() == note
    (beside,) = (archive / "data" / "archive" / "log" / "witness" / f"{size:012d}").iterdir()
    assert beside.read_text() == note


def test_verify_believes_the_witness_it_knows(ledgerline: Command, archive: Path, alex: Path) -> None:
    run(ledgerline, alex, "--into-archive")
    size = int(newest(archive).name)
    assert any("does not name" in note for note in ledgerline("verify", "--json", folder=archive).json()["notes"])
    with (archive / "ledgerline.toml").open("a") as file:
        file.write(f'[archive]\nwitnesses = ["{public_key(ledgerline, alex)}"]\n')
    clean = ledgerline("verify", "--json", folder=archive).json()
    assert clean["findings"] == []
    assert any(f"{NAME} has cosigned up to {size} entries" in note for note in clean["notes"])
    cut(archive)
    found = ledgerline("verify", "--json", folder=archive)
    assert found.code == 1
    assert [finding["code"] for finding in found.json()["findings"]] == ["truncated"]


def test_a_log_that_was_cut_off_is_refused_loudly(ledgerline: Command, archive: Path, alex: Path) -> None:
    assert run(ledgerline, alex, "--out", "cosigned").code == 0
    before = (alex / "witness.json").read_bytes(), (alex / "cosigned").read_bytes()
    cut(archive)
    ended = run(ledgerline, alex, "--out", "cosigned")
    assert ended.code == 1
    assert ended.out.startswith("REFUSED")
    assert "rolled_back" in ended.out
    assert ((alex / "witness.json").read_bytes(), (alex / "cosigned").read_bytes()) == before
    document = run(ledgerline, alex, "--json")
    assert (document.code, document.json()["ok"]) == (1, False)
    assert document.json()["findings"][0]["code"] == "rolled_back"


def test_a_change_of_the_key_is_told(ledgerline: Command, archive: Path, alex: Path) -> None:
    run(ledgerline, alex, "--out", "cosigned")
    entry = ledgerline("key", "rotate", "--to", "file:data/new.key", "--json", folder=archive).json()["entry"]
    ended = run(ledgerline, alex, "--out", "cosigned")
    assert ended.code == 0
    assert f"entry {entry} handed the log over to another key" in ended.out


def test_a_proof_can_carry_the_witness(ledgerline: Command, archive: Path, alex: Path) -> None:
    (row,) = ledgerline("sql", "--json", "select id from audit_events order by id limit 1", folder=archive).json()
    proof = ledgerline("prove", row["id"], folder=archive).out
    note = run(ledgerline, alex, "--json").json()["note"]
    line = note.splitlines(keepends=True)[-1]
    assert check((proof + line).encode(), [public_key(ledgerline, alex)]).kind == "event"


def test_without_its_memory_it_does_not_run(ledgerline: Command, alex: Path) -> None:
    (alex / "witness.json").unlink()
    ended = run(ledgerline, alex)
    assert ended.code == 2
    assert "remembers" in ended.err
    (alex / "witness.json").write_text("{}")
    assert run(ledgerline, alex).code == 2


def test_the_key_of_somebody_else_does_not_sign_with_this_memory(ledgerline: Command, alex: Path) -> None:
    (alex / "witness.key").unlink()
    init = ledgerline("witness", "--init", "--name", NAME, "--key", "file:witness.key", folder=alex)
    assert init.code == 2
    assert "another witness" in init.err
    assert "belongs to" in run(ledgerline, alex).err


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\nb"])
def test_a_name_that_no_note_can_bear_is_refused(ledgerline: Command, tmp_path: Path, name: str) -> None:
    assert ledgerline("witness", "--init", "--name", name, "--key", "file:k").code == 2
    assert not (tmp_path / "k").exists()


def test_no_access_is_2_and_no_refusal(ledgerline: Command, archive: Path, alex: Path) -> None:
    run(ledgerline, alex)
    shutil.move(archive, archive.with_name("elsewhere"))
    ended = run(ledgerline, alex)
    assert ended.code == 2
    assert "REFUSED" not in ended.out + ended.err
