"""`ledgerline key`: the log is handed over, the old key stops, and everybody is told what to do."""

import re
import shutil
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sandbox import Served
from tests.orchestration.cli.conftest import Command, configure
from warehouse.archive.note import Signer


@pytest.fixture
def mine(pulled: Path, tmp_path: Path) -> Path:
    """A copy of the archive to write to."""
    shutil.copytree(pulled, tmp_path, dirs_exist_ok=True)
    return tmp_path


def test_the_keys_are_shown_with_the_sizes_they_sign(ledgerline: Command, pulled: Path) -> None:
    document = ledgerline("key", "show", "--json", folder=pulled).json()
    assert document["keys"] == [{"from_size": 1, "key": document["key"]}]
    assert document["here"] is True
    told = ledgerline("key", "show", folder=pulled).out
    assert document["key"] in told
    assert "is the key that signs now" in told


def test_the_key_is_changed_and_the_pipeline_goes_on_with_the_new_one(
    ledgerline: Command, mine: Path, sandbox: Served
) -> None:
    size = ledgerline("status", "--json", folder=mine).json()["entries"]
    ended = ledgerline("key", "rotate", "--to", "file:data/new.key", folder=mine)
    assert (ended.code, ended.err) == (0, "")
    assert "created" in ended.out
    assert "signed by the old key and by the new one" in ended.out
    assert (mine / "data" / "new.key").stat().st_mode & 0o077 == 0

    stopped = ledgerline("pull", "activities", folder=mine)
    assert stopped.code == 2
    assert "has handed the log to another key" in stopped.err
    assert "set archive.signing_key to the new key" in stopped.err
    assert ledgerline("status", "--json", folder=mine).json()["entries"] == size + 2

    configure(mine, sandbox, '[archive]\nsigning_key = "file:data/new.key"')
    assert ledgerline("pull", "activities", folder=mine).code == 0
    verified = ledgerline("verify", "--json", folder=mine).json()
    assert verified["findings"] == []
    shown = ledgerline("key", "show", "--json", folder=mine).json()
    assert [key["from_size"] for key in shown["keys"]] == [1, size + 2]
    assert shown["here"] is True


def test_verify_is_content_with_either_key_and_not_with_a_strangers(
    ledgerline: Command, mine: Path, sandbox: Served
) -> None:
    ledgerline("key", "rotate", "--to", "file:data/new.key", folder=mine)
    for key, findings in (("signing", 0), ("new", 0)):
        configure(mine, sandbox, f'[archive]\nsigning_key = "file:data/{key}.key"')
        assert len(ledgerline("verify", "--json", folder=mine).json()["findings"]) == findings
    shutil.move(mine / "data" / "signing.key", mine / "data" / "old.key")
    assert ledgerline("verify", folder=mine).code == 0
    (mine / "other").mkdir()
    ledgerline("init", folder=mine / "other")
    configure(mine, sandbox, '[archive]\nsigning_key = "file:other/data/signing.key"')
    (stranger,) = ledgerline("verify", "--json", folder=mine).json()["findings"]
    assert stranger["code"] == "foreign_key"
    assert "the trusted key is not this archive's" in stranger["detail"]
    doctor = ledgerline("doctor", "--json", folder=mine).json()["checks"]
    (key_check,) = [check for check in doctor if check["check"] == "signing key"]
    assert key_check["state"] == "failed"
    assert "not the one of this log" in key_check["detail"]


def test_a_public_key_is_enough_to_verify_with(ledgerline: Command, mine: Path, sandbox: Served) -> None:
    vkey = ledgerline("key", "show", "--json", folder=mine).json()["key"]
    private = mine / "data" / "signing.key"
    private.unlink()
    private.mkdir()  # as unreadable as a file of somebody else, also for root
    told = ledgerline("verify", folder=mine)
    assert told.code == 0, told.err
    assert "cannot be read by this user" in told.out
    for key in (["--key", vkey], []):
        if not key:
            configure(mine, sandbox, f'[archive]\npublic_key = "{vkey}"')
        given = ledgerline("verify", *key, "--json", folder=mine)
        assert (given.code, given.json()["findings"]) == (0, [])
        assert not any("word" in note for note in given.json()["notes"])
    other = Signer(vkey.partition("+")[0], Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)).verifier.vkey
    assert ledgerline("verify", "--key", other, folder=mine).code == 1
    assert ledgerline("verify", "--key", "nonsense", folder=mine).code == 2


def test_the_setting_to_write_is_told_as_the_configuration_needs_it(
    ledgerline: Command, mine: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    config = ("--config", str(mine / "ledgerline.toml"), "--json")
    inside = f"file:{mine / 'data' / 'new.key'}"
    told = ledgerline("key", "rotate", "--to", inside, *config, folder=elsewhere).json()
    assert told["to"] == "file:./data/new.key"
    outside = ledgerline("key", "rotate", "--to", "file:new.key", *config, folder=elsewhere)
    assert outside.code == 2  # the old key is not the log's any more
    assert "has handed the log to another key" in outside.err


def test_a_second_run_says_that_it_was_done(ledgerline: Command, mine: Path) -> None:
    first = ledgerline("key", "rotate", "--to", "file:data/new.key", "--json", folder=mine).json()
    again = ledgerline("key", "rotate", "--to", "file:data/new.key", "--json", folder=mine).json()
    assert (first["rotated"], again["rotated"]) == (True, False)
    assert (first["entry"], first["keys"]) == (again["entry"], again["keys"])
    assert (first["created"] is None, again["created"] is None) == (False, True)


def test_growth_over_the_change_is_proven_with_both_keys(ledgerline: Command, mine: Path) -> None:
    size = ledgerline("status", "--json", folder=mine).json()["entries"]
    ledgerline("key", "rotate", "--to", "file:data/new.key", folder=mine)
    ended = ledgerline("prove", "--consistency", "2", str(size + 2), "--out", str(mine / "grown"), folder=mine)
    assert ended.code == 0
    assert len(re.findall(r"--key \S+\+\S+", ended.out)) == 2


@pytest.mark.parametrize("reference", ["data/new.key", "", "http://x", "env:"])
def test_what_is_no_reference_is_2(ledgerline: Command, pulled: Path, reference: str) -> None:
    ended = ledgerline("key", "rotate", "--to", reference, folder=pulled)
    assert ended.code == 2
    assert "is not a reference" in ended.err


def test_a_key_file_that_is_none_is_2_and_stays(ledgerline: Command, mine: Path) -> None:
    (mine / "new.key").write_text("not a key")
    ended = ledgerline("key", "rotate", "--to", "file:new.key", folder=mine)
    assert ended.code == 2
    assert (mine / "new.key").read_text() == "not a key"


def test_a_secret_is_in_no_output(ledgerline: Command, mine: Path) -> None:
    ended = ledgerline("key", "rotate", "--to", "file:data/new.key", "--json", folder=mine)
    secret = (mine / "data" / "new.key").read_text().splitlines()[1]
    assert secret not in ended.out + ended.err + ledgerline("key", "show", folder=mine).out
