"""`ledgerline evidence`: files that are written, exit codes, and what is refused."""

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.orchestration.cli.conftest import Command
from warehouse.wire.times import rfc3339


def test_the_controls_are_listed_without_any_configuration(ledgerline: Command, tmp_path: Path) -> None:
    listed = ledgerline("evidence", "controls", "--json", folder=tmp_path)
    assert listed.code == 0
    assert {"CC7.2", "AU-6", "A.8.15"} <= {one["id"] for one in listed.json()}
    assert "CC7.2" in ledgerline("evidence", "controls", folder=tmp_path).out


def test_a_certificate_is_written_as_four_files(ledgerline: Command, pulled: Path, tmp_path: Path) -> None:
    out = tmp_path / "made"
    ended = ledgerline("evidence", "certificate", "--out", str(out), "--json", folder=pulled)
    document = ended.json()
    assert ended.code == (1 if document["findings"] else 0)
    assert sorted(path.name for path in out.iterdir()) == [
        "certificate.html", "certificate.json", "certificate.note", "certificate.proof",
    ]  # fmt: skip
    assert json.loads((out / "certificate.json").read_bytes()) == document["certificate"]
    again = ledgerline("evidence", "certificate", "--out", str(out), folder=pulled)
    assert again.code == 2
    assert "is there already" in again.err


def test_without_the_signing_key_a_certificate_is_only_made_on_demand(
    ledgerline: Command, pulled: Path, tmp_path: Path
) -> None:
    text = '[archive]\nsigning_key = "file:./no-such.key"\n' + (pulled / "ledgerline.toml").read_text()
    (pulled / "without-key.toml").write_text(text)
    arguments = "evidence", "certificate", "--config", "without-key.toml"
    refused = ledgerline(*arguments, folder=pulled)
    assert refused.code == 2
    assert "--unsigned" in refused.err
    made = ledgerline(*arguments, "--unsigned", "--json", folder=pulled)
    assert made.code in (0, 1)
    assert made.json()["note"] is None


def test_a_pack_is_one_file_or_a_folder(ledgerline: Command, pulled: Path, tmp_path: Path) -> None:
    for name in ("pack", "pack.zip"):
        ended = ledgerline(
            "evidence", "pack", "--control", "CC7.2", "--sample", "2", "--out", str(tmp_path / name), "--json",
            folder=pulled,
        )  # fmt: skip
        document = ended.json()
        assert ended.code == (1 if document["findings"] else 0)
        assert len(document["sample"]["ids"]) == min(2, document["events"])
        assert document["signed"] is True
    assert (tmp_path / "pack" / "data" / "README.md").exists()
    assert (tmp_path / "pack" / "pack.proof").exists()
    assert (tmp_path / "pack.zip").is_file()


def test_a_pack_made_without_the_signing_key_says_that_it_is_not_signed(
    ledgerline: Command, pulled: Path, tmp_path: Path
) -> None:
    text = '[archive]\nsigning_key = "file:./no-such.key"\n' + (pulled / "ledgerline.toml").read_text()
    (pulled / "without-key.toml").write_text(text)
    arguments = "evidence", "pack", "--control", "CC7.2", "--sample", "1", "--config", "without-key.toml"
    refused = ledgerline(*arguments, "--out", str(tmp_path / "pack"), folder=pulled)
    assert refused.code == 2
    assert "--unsigned" in refused.err
    assert not (tmp_path / "pack").exists()
    made = ledgerline(*arguments, "--unsigned", "--out", str(tmp_path / "pack"), folder=pulled)
    assert made.code in (0, 1)
    assert "this pack is not signed" in made.out
    assert "This pack is not signed" in (tmp_path / "pack" / "data" / "README.md").read_text()
    document = ledgerline(*arguments, "--unsigned", "--out", str(tmp_path / "b"), "--json", folder=pulled).json()
    assert document["signed"] is False


def test_a_report_is_one_file_and_with_proofs_a_folder_beside_it(
    ledgerline: Command, pulled: Path, tmp_path: Path
) -> None:
    arguments = "evidence", "report", "--json", "--output"
    alone = ledgerline(*arguments, str(tmp_path / "a.html"), folder=pulled)
    document = alone.json()
    assert alone.code == (1 if document["findings"] else 0)
    assert document["proofs"] is None
    assert [path.name for path in tmp_path.iterdir()] == ["a.html"]
    with_proofs = ledgerline(*arguments, str(tmp_path / "b.html"), "--proofs", folder=pulled).json()
    assert with_proofs["proofs"]["files"] == len(list((tmp_path / "b-proofs").glob("[0-9]*.proof"))) > 0
    assert with_proofs["sha256"] == hashlib.sha256((tmp_path / "b.html").read_bytes()).hexdigest()
    again = ledgerline(*arguments, str(tmp_path / "a.html"), folder=pulled)
    assert again.code == 2
    assert "is there already" in again.err


def test_a_month_that_is_not_over_is_told_as_far_as_it_was_pulled(
    ledgerline: Command, pulled: Path, tmp_path: Path
) -> None:
    month = f"{datetime.now(UTC):%Y-%m}"
    arguments = "evidence", "report", "--period", month, "--json", "--out", str(tmp_path / "now.html")
    document = ledgerline(*arguments, folder=pulled).json()
    assert document["period"]["from"] >= f"{month}-01"
    assert document["period"]["to"] < rfc3339(datetime.now(UTC))
    assert document["days"]["missing"] == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["pack", "--control", "CC7.9", "--out", "x"], "Did you mean"),
        (["pack", "--control", "zebra", "--out", "x"], "the controls are"),
        (["pack", "--out", "x"], "--control"),
        (["pack", "--control", "CC7.2"], "--out"),
        (["pack", "--control", "CC7.2", "--out", "x", "--seed", "a`b"], "--seed"),
        (["pack", "--control", "CC7.2", "--out", "x", "--sample", "-1"], "--sample"),
        (["certificate", "--from", "2031-01-01"], "future"),
        (["certificate", "--from", "soon"], "is not a time"),
        (["certify"], "certif"),
        (["report"], "--out"),
        (["report", "--out", "x", "--period", "soon"], "YYYY-MM"),
        (["report", "--out", "x", "--period", "2019-02"], "nothing to certify"),
        (["report", "--out", "x", "--period", "2026-10", "--from", "2026-10-01"], "both given"),
        (["report", "--out", "x", "--unsigned"], "--proofs"),
    ],
)
def test_what_cannot_be_made_is_exit_2_and_leaves_nothing(
    ledgerline: Command, pulled: Path, arguments: list[str], said: str
) -> None:
    before = sorted(pulled.iterdir())
    ended = ledgerline("evidence", *arguments, folder=pulled)
    assert ended.code == 2
    assert said in ended.err
    assert sorted(pulled.iterdir()) == before


def test_an_archive_without_a_pull_has_nothing_to_certify(
    ledgerline: Command, pulled: Path, tmp_path: Path
) -> None:
    text = (pulled / "ledgerline.toml").read_text().replace("file:compliance.key", f"file:{pulled}/compliance.key")
    (tmp_path / "ledgerline.toml").write_text(text)
    (tmp_path / "data" / "archive").mkdir(parents=True)
    for arguments in (["certificate"], ["pack", "--control", "CC7.2", "--out", "x"]):
        ended = ledgerline("evidence", *arguments, folder=tmp_path)
        assert ended.code == 2
        assert "nothing to certify" in ended.err
    assert not (tmp_path / "x").exists()
