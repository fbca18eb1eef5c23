"""The evidence pack: a stranger checks all of it with a shell and the standard library, and sees any change."""

import csv
import hashlib
import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import bagit
import duckdb
import pyarrow.parquet as pq
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from assets.evidence import Pack, make_pack
from assets.workshop import Workshop
from tests.evidence.conftest import FIRST, LAST, Evidence
from tests.evidence.truth import Truth
from warehouse.archive.errors import SigningKeyInvalid
from warehouse.archive.note import Signer
from warehouse.evidence.certificate import check
from warehouse.evidence.controls import control, controls
from warehouse.evidence.csv_cells import cell
from warehouse.evidence.errors import ControlUnknown, PlaceTaken
from warehouse.evidence.pack import Wanted, fill_pack
from warehouse.evidence.questions import cookbook
from warehouse.wire.times import midnight
from warehouse.wire.windows import Window

PERIOD = Window(midnight(FIRST), midnight(LAST))
SAMPLE = 6


def seed_for(evidence: Evidence) -> str:
    """A seed whose sample of all events has a withdrawn one and a changed one."""

    def chosen(seed: str) -> set[str]:
        lot = sorted(evidence.truth, key=lambda one: hashlib.sha256(f"{seed}:{one}".encode()).hexdigest())
        return set(lot[:SAMPLE])

    return next(
        seed
        for seed in map(str, range(1_000_000))
        if (lot := chosen(seed)) & evidence.withdrawn and lot & evidence.changed
    )


@pytest.fixture(scope="module")
def made(workshop: Workshop, evidence: Evidence, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Pack]:
    place = tmp_path_factory.mktemp("packs") / "au12"
    return place, make_pack(workshop, control("AU-12"), PERIOD, place, sample=SAMPLE, seed=seed_for(evidence))


@pytest.fixture
def bag(made: tuple[Path, Pack], tmp_path: Path) -> Path:
    """A copy to do things to."""
    return Path(shutil.copytree(made[0], tmp_path / "bag"))


def shells(bag: Path) -> list[str]:
    """The commands that the README gives, in its order."""
    return re.findall(r"```sh\n(.*?)```", (bag / "data" / "README.md").read_text(), re.DOTALL)


def run(bag: Path, command: str) -> subprocess.CompletedProcess[str]:
    """A command in the bag's folder, with no path to anything of ours."""
    tools = bag.parent / "tools"
    if not tools.exists():
        tools.mkdir()
        (tools / "python3").symlink_to(Path(sys.executable).resolve())
    path = f"{tools}:/usr/bin:/bin"
    return subprocess.run(
        ["/bin/bash", "-c", command], cwd=bag, env={"PATH": path}, capture_output=True, text=True, check=False
    )


def rows_of(path: Path) -> list[dict[str, str]]:
    csv.field_size_limit(2**31 - 1)
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


# what a stranger does


def test_every_command_of_the_readme_says_that_all_is_well(bag: Path) -> None:
    integrity, key, pack, proofs, lot, completeness = shells(bag)
    checked = run(bag, integrity)
    assert checked.returncode == 0
    assert {line.rpartition(": ")[2] for line in checked.stdout.strip().split("\n")} == {"OK"}
    assert run(bag, key).stdout.startswith("ledgerline/")
    proven = run(bag, proofs).stdout.strip().split("\n")
    assert proven == ["PROVEN by this file"] * SAMPLE
    assert run(bag, lot).stdout == "True\n"
    for command, form, signed in (
        (pack, "ledgerline-pack/1", "manifest-sha256.txt"),
        (completeness, "ledgerline-certificate/1", "data/certificate/certificate.json"),
    ):
        sha256 = hashlib.sha256((bag / signed).read_bytes()).hexdigest()
        said = run(bag, command)
        assert (said.returncode, said.stdout) == (0, f"  - Signed with it: {form} sha256:{sha256}\n")


# what a forger does: whoever changes a file makes the sums again, and knows every file but the key


def redo_the_sums(bag: Path) -> None:
    bagit.Bag(str(bag)).save(manifests=True)
    assert run(bag, shells(bag)[0]).returncode == 0


def forged_note(note: str, data: bytes) -> str:
    """A note that names other bytes, with the signature that it had."""
    return re.sub("sha256:[0-9a-f]{64}", f"sha256:{hashlib.sha256(data).hexdigest()}", note)


def test_a_forged_certificate_with_a_forged_note_beside_the_genuine_proof_fails_the_steps(bag: Path) -> None:
    folder = bag / "data" / "certificate"
    data = (folder / "certificate.json").read_bytes().replace(b'"gaps":[]', b'"gaps":[ ]')
    assert data != (folder / "certificate.json").read_bytes()
    (folder / "certificate.json").write_bytes(data)
    (folder / "certificate.note").write_text(forged_note((folder / "certificate.note").read_text(), data))
    redo_the_sums(bag)
    *_, completeness = shells(bag)
    said = run(bag, completeness)
    assert (said.returncode, said.stdout) == (1, "")


def test_nor_does_a_forged_proof_pass(bag: Path) -> None:
    folder = bag / "data" / "certificate"
    data = (folder / "certificate.json").read_bytes() + b" "
    (folder / "certificate.json").write_bytes(data)
    (folder / "certificate.proof").write_text(forged_note((folder / "certificate.proof").read_text(), data))
    redo_the_sums(bag)
    *_, completeness = shells(bag)
    said = run(bag, completeness)
    assert (said.returncode, said.stdout) == (1, "")


@pytest.mark.parametrize(
    "name",
    ["events.csv", "events.parquet", "answers/{}.csv", "answers/{}.parquet", "questions/{}.sql", "sample.csv",
     "pack.json", "control.json", "certificate/certificate.html", "checkpoint.txt", "README.md"],
)  # fmt: skip
def test_a_changed_file_with_the_sums_made_again_fails_the_signature_of_the_pack(bag: Path, name: str) -> None:
    path = bag / "data" / name.format(control("AU-12").questions[0])
    pack = shells(bag)[2]
    path.write_bytes(path.read_bytes() + b"\n")
    redo_the_sums(bag)
    said = run(bag, pack)
    assert (said.returncode, said.stdout) == (1, "")


def test_the_forged_pack_fails_with_a_forged_proof_and_with_the_certificates_proof_too(bag: Path) -> None:
    (bag / "data" / "answers" / f"{control('AU-12').questions[0]}.csv").write_text("nothing\n")
    redo_the_sums(bag)
    genuine, manifest = (bag / "pack.proof").read_text(), (bag / "manifest-sha256.txt").read_bytes()
    for proof in (
        forged_note(genuine, manifest),
        (bag / "data" / "certificate" / "certificate.proof").read_text(),
        f"  - Signed with it: ledgerline-pack/1 sha256:{hashlib.sha256(manifest).hexdigest()}\n",
    ):
        (bag / "pack.proof").write_text(proof)
        said = run(bag, shells(bag)[2])
        assert (said.returncode, said.stdout) == (1, "")
    (bag / "pack.proof").unlink()
    assert run(bag, shells(bag)[2]).stdout == ""


def test_an_added_file_is_named_by_the_first_step(bag: Path) -> None:
    (bag / "data" / "answers" / "added.csv").write_text("x")
    said = run(bag, shells(bag)[0])
    assert said.returncode == 1
    assert said.stdout.endswith(": OK\ndata/answers/added.csv\n")


def test_the_readme_promises_no_more_of_the_sums_than_they_show(bag: Path) -> None:
    text = (bag / "data" / "README.md").read_text()
    assert "Nothing in this pack was changed" not in text
    assert "This finds damage and no forgery" in text
    assert "grep ledgerline-certificate data/certificate/certificate.note" not in text


def test_a_pack_without_the_key_says_plainly_that_it_is_not_signed(workshop: Workshop, tmp_path: Path) -> None:
    make_pack(workshop, control("AU-9"), PERIOD, tmp_path / "bag", sample=2, signed=False)
    assert not (tmp_path / "bag" / "pack.proof").exists()
    text = (tmp_path / "bag" / "data" / "README.md").read_text()
    assert "**This pack is not signed.**" in text
    assert "pack.proof" not in text
    assert "Step 3 is the one" not in text
    integrity, _, proofs, lot = shells(tmp_path / "bag")
    assert run(tmp_path / "bag", integrity).returncode == 0
    assert run(tmp_path / "bag", proofs).stdout == "PROVEN by this file\n" * 2
    assert run(tmp_path / "bag", lot).stdout == "True\n"


def test_a_proof_is_verified_in_an_empty_folder(bag: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    for name in ("verify_proof.py", "proofs/0001.proof"):
        shutil.copy(bag / "data" / name, empty)
    done = subprocess.run(
        [sys.executable, "-I", "-S", "verify_proof.py", "0001.proof"],
        cwd=empty, env={}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout[:6]) == (0, "PROVEN")


def test_the_bag_is_valid_for_the_bagit_program(bag: Path) -> None:
    done = subprocess.run(
        [sys.executable, bagit.__file__, "--validate", str(bag)], capture_output=True, check=False
    )
    assert done.returncode == 0
    (bag / "data" / "added.txt").write_text("x")
    done = subprocess.run(
        [sys.executable, bagit.__file__, "--validate", str(bag)], capture_output=True, check=False
    )
    assert done.returncode != 0


@pytest.mark.parametrize(
    "name", ["events.csv", "events.parquet", "README.md", "certificate/certificate.json", "proofs/0003.proof"]
)
def test_a_changed_file_is_named(bag: Path, name: str) -> None:
    integrity = shells(bag)[0]
    path = bag / "data" / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    checked = run(bag, integrity)
    assert checked.returncode != 0
    assert f"data/{name}: FAILED" in checked.stdout


def test_a_changed_certificate_no_longer_fits_its_signature(bag: Path) -> None:
    folder = bag / "data" / "certificate"
    note, key = (folder / "certificate.note").read_text(), (bag / "data" / "key.txt").read_text().strip()
    data = (folder / "certificate.json").read_bytes()
    assert check(data, note, key).size > 0
    with pytest.raises(ValueError, match="another certificate"):
        check(data + b" ", note, key)


def test_a_key_that_did_not_sign_the_checkpoint_signs_no_pack(
    workshop: Workshop, made: tuple[Path, Pack], tmp_path: Path
) -> None:
    origin, key = made[1].packed.checkpoint["origin"], Ed25519PrivateKey.from_private_bytes(b"\x02" * 32)
    wanted = Wanted(control("AU-9"), PERIOD, 1, "seed", "a test")
    with pytest.raises(SigningKeyInvalid, match="handed over to a new key"):
        fill_pack(tmp_path, workshop.archive, wanted, made[1].certificate, Signer(origin, key))
    assert not list(tmp_path.iterdir())


# what is in it


def test_the_events_are_those_of_the_tenant_and_the_same_in_both_forms(bag: Path, evidence: Evidence) -> None:
    table = pq.read_table(bag / "data" / "events.parquet")
    assert set(table["id"].to_pylist()) == set(evidence.truth)
    assert {json.loads(raw)["id"] for raw in table["raw"].to_pylist()} == set(evidence.truth)
    rows = rows_of(bag / "data" / "events.csv")
    assert [row["id"] for row in rows] == table["id"].to_pylist()
    assert [row["raw"] for row in rows] == table["raw"].to_pylist()


def test_a_text_that_would_be_a_formula_is_guarded_in_csv_and_whole_in_parquet(bag: Path) -> None:
    names = {row["filename"] for row in rows_of(bag / "data" / "events.csv")}
    table = pq.read_table(bag / "data" / "events.parquet")
    formulas = {name for name in table["filename"].to_pylist() if name and name.startswith("=")}
    assert formulas
    assert not [name for name in names if name.startswith(("=", "+", "-", "@"))]
    assert {f"'{name}" for name in formulas} <= names


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "\n=1", "  =1", "=cmd|' /C calc'!A0"])
def test_whatever_begins_a_formula_is_guarded(text: str) -> None:
    assert cell(text) == f"'{text}"


def test_numbers_times_and_other_texts_are_not(made: tuple[Path, Pack]) -> None:
    assert [cell(value) for value in (-3, True, None, "a=b", "", ["x"], midnight(FIRST))] == [
        "-3", "true", "", "a=b", "", '["x"]', "2026-10-22T00:00:00Z",
    ]  # fmt: skip


def test_the_answers_are_those_of_the_cookbook_over_the_period(bag: Path, evidence: Evidence) -> None:
    truth = Truth(evidence.truth.values(), PERIOD.start, PERIOD.end)
    for name in control("AU-12").questions:
        answer = pq.read_table(bag / "data" / "answers" / f"{name}.parquet")
        expected = getattr(truth, name)()
        assert [{key: row[key] for key in expected[0]} for row in answer.to_pylist()] == expected
        assert len(rows_of(bag / "data" / "answers" / f"{name}.csv")) == len(expected)
        assert (bag / "data" / "questions" / f"{name}.sql").read_text().startswith(f"-- {cookbook()[name].title}")


def test_the_sample_has_a_withdrawn_and_a_changed_event_and_proves_their_bytes(
    bag: Path, evidence: Evidence
) -> None:
    rows = rows_of(bag / "data" / "sample.csv")
    assert {row["fold"] for row in rows} >= {"withdrawn", "revised"}
    for row in rows:
        command = f"python3 -I -S data/verify_proof.py data/{row['proof']}"
        shown = run(bag, command).stdout
        record = json.loads(shown.split("The record\n")[1].encode().decode("unicode_escape"))
        assert record["id"] == row["id"]


def test_the_same_seed_gives_the_same_sample_and_another_seed_another(
    workshop: Workshop, made: tuple[Path, Pack], tmp_path: Path
) -> None:
    def ids(seed: str) -> list[str]:
        place = tmp_path / f"seed{seed}"
        return make_pack(workshop, control("AU-12"), PERIOD, place, sample=SAMPLE, seed=seed).packed.proven

    assert ids(made[1].seed) == made[1].packed.proven
    assert ids("another") != made[1].packed.proven


def test_without_a_seed_the_root_of_the_log_is_it(workshop: Workshop, tmp_path: Path) -> None:
    pack = make_pack(workshop, control("AU-9"), PERIOD, tmp_path / "x.zip", sample=2)
    assert pack.seed == pack.packed.checkpoint["root"]
    with zipfile.ZipFile(tmp_path / "x.zip") as file:
        assert {name.partition("/")[0] for name in file.namelist()} == {"x"}
        file.extractall(tmp_path / "out")
    assert bagit.Bag(str(tmp_path / "out" / "x")).is_valid()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "x.zip"]


def test_a_pack_of_a_time_without_events_can_be_checked_too(workshop: Workshop, tmp_path: Path) -> None:
    night = Window(midnight(FIRST), midnight(FIRST).replace(second=1))
    make_pack(workshop, control("CC6.2"), night, tmp_path / "bag", sample=3)
    assert run(tmp_path / "bag", shells(tmp_path / "bag")[0]).returncode == 0
    assert run(tmp_path / "bag", shells(tmp_path / "bag")[4]).stdout == "True\n"


# nothing is written over


@pytest.mark.parametrize("name", ["there", "there.zip"])
def test_what_is_there_is_left_as_it_is(workshop: Workshop, tmp_path: Path, name: str) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "mine").write_text("mine")
    (tmp_path / "there.zip").write_text("mine")
    with pytest.raises(PlaceTaken):
        make_pack(workshop, control("AU-9"), PERIOD, tmp_path / name, sample=1)
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")) == [
        "there",
        "there.zip",
        "there/mine",
    ]
    assert (tmp_path / "there.zip").read_text() == "mine"


# the controls


def test_the_controls_are_those_that_auditors_name() -> None:
    assert set(controls()) == {
        "AU-2", "AU-3", "AU-6", "AU-9", "AU-11", "AU-12", "AC-2", "AC-6", "A.12.4", "A.8.15", "A.8.16", "A.5.15",
        "CC6.1", "CC6.2", "CC6.3", "CC7.2", "CC7.3",
    }  # fmt: skip


@pytest.mark.parametrize("name", list(controls()))
def test_each_control_has_events_questions_and_what_it_leaves_open(
    name: str, database: duckdb.DuckDBPyConnection
) -> None:
    one = control(name)
    assert set(one.questions) <= set(cookbook())
    assert not [p.name for q in one.questions for p in cookbook()[q].parameters if p.needed]
    assert one.proves
    assert "conversations" in " ".join(one.leaves_open)
    assert "address" in " ".join(one.leaves_open)
    sql = f"select count(*) from audit_events e left join event_types t on t.type = e.type where {one.population}"
    row: Any = database.execute(sql).fetchone()
    assert row[0] > 0


def test_a_control_is_known_in_any_spelling_and_an_unknown_one_is_refused_with_the_nearest() -> None:
    assert control(" cc7.2 ").id == "CC7.2"
    with pytest.raises(ControlUnknown, match=r"Did you mean .*CC7\.2"):
        control("CC7.4")
