"""`init` makes what is missing and touches nothing that is there."""

import resource
from pathlib import Path

import pytest

from tests.orchestration.cli.conftest import ROOT, Command, in_a_process
from warehouse.config import load


def test_init_writes_the_example_and_a_key_for_its_owner_only(ledgerline: Command, tmp_path: Path) -> None:
    ended = ledgerline("init")
    assert ended.code == 0
    assert (tmp_path / "ledgerline.toml").read_bytes() == (ROOT / "ledgerline.example.toml").read_bytes()
    key = tmp_path / "data/signing.key"
    assert key.read_bytes().startswith(b"-----BEGIN PRIVATE KEY-----")
    assert key.stat().st_mode & 0o777 == 0o600
    assert "ledgerline doctor" in ended.out


def test_init_never_overwrites(ledgerline: Command, tmp_path: Path) -> None:
    config, key = tmp_path / "ledgerline.toml", tmp_path / "data/signing.key"
    ledgerline("init")
    config.write_text('[archive]\nlock = "none"\n')
    before = key.read_bytes()
    ended = ledgerline("init", "--json")
    assert ended.code == 0
    assert (config.read_text(), key.read_bytes()) == ('[archive]\nlock = "none"\n', before)
    assert ended.json()["created"] == []
    assert ended.json()["kept"] == [str(config), str(key)]


def test_init_makes_the_key_that_an_existing_configuration_names(ledgerline: Command, tmp_path: Path) -> None:
    (tmp_path / "ledgerline.toml").write_text('[archive]\nsigning_key = "file:keys/own.key"\n')
    assert ledgerline("init", "--json").json()["created"] == [str(tmp_path / "keys/own.key")]


def test_init_makes_no_key_for_an_archive_that_was_begun_with_another(ledgerline: Command, tmp_path: Path) -> None:
    (tmp_path / "data/archive/log/entry").mkdir(parents=True)
    ended = ledgerline("init")
    assert ended.code == 2
    assert "would not continue the log" in ended.err
    assert not (tmp_path / "data/signing.key").exists()


def test_init_leaves_a_key_in_the_environment_to_its_owner(ledgerline: Command, tmp_path: Path) -> None:
    (tmp_path / "ledgerline.toml").write_text('[archive]\nsigning_key = "env:SIGNING"\n')
    ended = ledgerline("init")
    assert ended.code == 0
    assert "at env:SIGNING" in ended.out


def test_init_reports_the_mistakes_of_an_existing_configuration(ledgerline: Command, tmp_path: Path) -> None:
    (tmp_path / "ledgerline.toml").write_text("[archive]\nlok = 1\n")
    ended = ledgerline("init")
    assert ended.code == 2
    assert "line 2, archive.lok" in ended.err


def test_the_path_can_come_from_the_environment(
    ledgerline: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEDGERLINE_CONFIG", str(tmp_path / "etc/own.toml"))
    assert ledgerline("init").code == 0
    assert load(tmp_path / "etc/own.toml").archive.signing_key.path == tmp_path / "etc/data/signing.key"
    assert (tmp_path / "etc/data/signing.key").exists()


def test_a_full_disk_is_told_with_the_file_and_leaves_no_half_of_one(tmp_path: Path) -> None:
    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))

    ended = in_a_process("init", folder=tmp_path, preexec_fn=limited)
    assert ended.code == 2
    assert "ledgerline.toml" in ended.err
    assert "Traceback" not in ended.err
    assert "make room" in ended.err
    assert not (tmp_path / "ledgerline.toml").exists()
    assert in_a_process("init", folder=tmp_path).code == 0
