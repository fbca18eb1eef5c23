"""An archive that was written once: the code of now verifies it, reads the same from it, proves from it, goes on.

A test here that fails names a promise that was broken: bytes and answers are never adapted to the code.
"""

import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from orchestration.cli.app import run
from tests.golden.keep import HERE, answers
from warehouse.archive import verify_proof
from warehouse.archive.archive import Archive
from warehouse.archive.store import open_store

KEPT = sorted(path.name for path in HERE.iterdir() if (path / "archive.zip").is_file())
CONFIG = """\
[archive]
url = "file:./archive"
lock = "governance"
signing_key = "file:./signing.key"
cache = "./cache"
[anthropic]
start = 2026-09-01
[warehouse]
duckdb = "./warehouse.duckdb"
"""


class Kept:
    """One archive, laid out as it was, and what was written down about it then."""

    def __init__(self, name: str, folder: Path) -> None:
        self.kept, self.folder = HERE / name, folder
        self.known: dict[str, Any] = json.loads((self.kept / "answers.json").read_text(encoding="utf-8"))
        with zipfile.ZipFile(self.kept / "archive.zip") as packed:
            packed.extractall(folder / "archive")
        for path in (folder / "archive").rglob("*"):
            if path.is_file():
                path.chmod(0o444)
        (folder / "ledgerline.toml").write_text(CONFIG)
        key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(self.known["seed_of_the_signing_key"]))
        (folder / "signing.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        (folder / "signing.key").chmod(0o600)

    def ledgerline(self, *arguments: str) -> int:
        return run([*arguments, "--config", str(self.folder / "ledgerline.toml")])


@pytest.fixture(scope="module", params=KEPT)
def kept(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """Tests only read it."""
    return Kept(request.param, tmp_path_factory.mktemp("kept"))


def test_one_is_kept() -> None:
    assert "2026-11" in KEPT


def test_it_verifies_to_the_last_record_and_against_the_checkpoint_of_then(
    kept: Kept, capsys: pytest.CaptureFixture[str]
) -> None:
    pinned = str(kept.kept / "checkpoint.txt")
    code = kept.ledgerline("verify", "--deep", "--json", "--key", kept.known["key"], "--pinned", pinned)
    said = json.loads(capsys.readouterr().out)
    assert (code, said["ok"], said["findings"]) == (0, True, [])
    assert said["checked"]["entries"] == kept.known["head"]["size"]


def test_it_answers_what_it_answered(kept: Kept) -> None:
    store = open_store(f"file:{kept.folder / 'archive'}", lock="governance", writable=False)
    with Archive(store) as archive:
        archive.refresh()
        now = answers(archive)
    assert now["head"] == kept.known["head"]
    assert now["digests"] == kept.known["digests"]
    assert {name: now["rows"].get(name) for name in kept.known["rows"]} == kept.known["rows"]


def test_a_proof_of_then_holds_for_the_program_of_now_and_for_that_of_then(kept: Kept, tmp_path: Path) -> None:
    with zipfile.ZipFile(kept.kept / "pack.zip") as packed:
        packed.extractall(tmp_path)
    then = tmp_path / "pack" / "data" / "verify_proof.py"
    for program in (Path(verify_proof.__file__), then):
        proofs = [
            kept.kept / "event.proof",
            kept.kept / "certificate" / "certificate.proof",
            tmp_path / "pack" / "pack.proof",
        ]
        for proof in (*proofs, *sorted((tmp_path / "pack" / "data" / "proofs").glob("*.proof"))):
            done = subprocess.run(
                [sys.executable, "-I", "-S", str(program), str(proof), "--key", kept.known["key"]],
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            assert done.returncode == 0, f"{program} {proof}: {done.stdout}{done.stderr}"


def test_the_log_goes_on_where_it_stopped(kept: Kept, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = Kept(kept.kept.name, tmp_path)
    assert own.ledgerline("hold", "release", "case-1", "--reason", "settled") == 0
    assert own.ledgerline("restrict", "lift", "dsr-1", "--reason", "withdrawn") == 0
    capsys.readouterr()
    pinned = str(kept.kept / "checkpoint.txt")
    assert own.ledgerline("verify", "--json", "--key", own.known["key"], "--pinned", pinned) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["checked"]["entries"] >= own.known["head"]["size"] + 2


@pytest.mark.slow
def test_its_tables_are_made_again_alike_and_its_marts_build(
    kept: Kept, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = Kept(kept.kept.name, tmp_path)
    assert own.ledgerline("verify", "--rederive", "--json", "--key", own.known["key"]) == 0
    assert json.loads(capsys.readouterr().out)["findings"] == []
    assert own.ledgerline("build", "--json") == 0
