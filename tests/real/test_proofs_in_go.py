"""Our proofs against other people's code: Go's own `sumdb/tlog` and `sumdb/note`, and torchwood's tlog-proof.

The program beside this file is built once with `go build` (its modules come through Go's proxy); without Go the
tests are skipped.
"""

import shutil
import subprocess
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.warehouse.archive.rig import (
    KEY,
    OTHER_KEY,
    assert_clean,
    codes,
    open_archive,
    open_with_state,
    pull,
    resign,
)
from tests.warehouse.archive.stores import Clock, MemoryStore
from tests.warehouse.archive.test_rotate import THIRD_KEY
from warehouse.archive import keys
from warehouse.archive.archive import Archive
from warehouse.archive.cosignature import Cosigner, WitnessKey, cosigned_at
from warehouse.archive.merkle_paths import LeafTree, consistency_path, inclusion_path, root
from warehouse.archive.note import Signer, Verifier, parse_note
from warehouse.archive.proof import LOG_PROOF, Made, Place, Prover
from warehouse.archive.rotate import rotate
from warehouse.archive.verify import verify
from warehouse.archive.verify_proof import NotProven, check
from warehouse.archive.witness import Refused, WitnessState, cosign_newest

pytestmark = pytest.mark.real

SOURCE = Path(__file__).parent / "proofs_in_go"
SIZE = 70  # leaves: past the width where left and right sides differ in height by several levels
_BUILD_SECONDS = 300

Go = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def go(tmp_path_factory: pytest.TempPathFactory) -> Go:
    compiler = shutil.which("go")
    if compiler is None:
        pytest.skip("no Go on this machine: install it to check our proofs with Go's own packages")
    program = tmp_path_factory.mktemp("go") / "proofs_in_go"
    built = subprocess.run(
        [compiler, "build", "-o", program, "."],
        cwd=SOURCE, text=True, capture_output=True, check=False, timeout=_BUILD_SECONDS,
    )  # fmt: skip
    if built.returncode != 0:
        pytest.skip(f"proofs_in_go could not be built: {built.stderr.strip().splitlines()[-1][:200]}")
    return lambda *arguments: subprocess.run(
        [program, *map(str, arguments)], text=True, capture_output=True, check=False, timeout=60
    )


@pytest.fixture(scope="module")
def prover() -> Prover:
    """Over a log of 301 entries, of which entry 100 has the event."""
    archive = open_archive(MemoryStore(Clock()))
    for number in range(300):
        pull(archive, number)
    return Prover(archive)


@pytest.fixture(scope="module")
def made(prover: Prover) -> Made:
    return prover.event(Place(100, 1, 1))


def test_all_proofs_of_all_small_trees_are_those_of_go(go: Go) -> None:
    lines = go("prove", SIZE).stdout.splitlines()
    assert len(lines) == SIZE + SIZE * (SIZE + 1)
    leaves = [b"leaf %d" % number for number in range(SIZE)]
    trees = {size: LeafTree.of(leaves[:size]) for size in range(1, SIZE + 1)}
    for line in lines:
        kind, *rest = line.replace("[", "").replace("]", "").split()
        size, wanted = int(rest[0]), rest[1:] if kind == "root" else rest[2:]
        if kind == "root":
            found = [root(trees[size])]
        elif kind == "record":
            found = inclusion_path(trees[size], int(rest[1]))
        else:
            found = consistency_path(trees[size], int(rest[1]))
        assert [b64encode(value).decode() for value in found] == wanted, line


def test_the_last_part_of_a_proof_file_is_a_tlog_proof(go: Go, made: Made, prover: Prover, tmp_path: Path) -> None:
    proof, entry = tmp_path / "event.tlog-proof", tmp_path / "entry"
    proof.write_text(made.text[made.text.index(LOG_PROOF) :], encoding="utf-8")
    entry.write_bytes(prover._archive.store.get(keys.entry(100)))
    done = go("check", prover.vkey, proof, entry)
    assert (done.returncode, done.stderr) == (0, "")
    entry.write_bytes(prover._archive.store.get(keys.entry(101)))
    assert "inclusion proof verification failed" in go("check", prover.vkey, proof, entry).stderr
    other = Verifier("ledgerline/other", Verifier.from_vkey(prover.vkey).public_key).vkey
    assert go("check", other, proof, entry).returncode == 1


def test_go_agrees_that_a_log_only_grew(go: Go, prover: Prover, tmp_path: Path) -> None:
    for old in (1, 2, 64, 77, 256, 300, 301):
        path, *notes = prover.consistency(old).text.partition("\npath")[2].split("\n\n")
        first, second = tmp_path / "first", tmp_path / "second"
        first.write_text("\n\n".join(notes[:2]) + "\n", encoding="utf-8")
        second.write_text("\n\n".join(notes[2:]), encoding="utf-8")
        done = go("grown", prover.vkey, first, second, *path.split())
        assert (done.returncode, done.stderr) == (0, ""), old
    assert go("grown", prover.vkey, first, second, b64encode(bytes(32)).decode()).returncode == 1


def test_a_witness_written_in_go_is_believed_by_its_key_alone(go: Go, made: Made, tmp_path: Path) -> None:
    file = tmp_path / "event.proof"
    file.write_text(made.text, encoding="utf-8")
    done = go("cosign", "witness.example.com/w1", file)
    *lines, vkey = done.stdout.splitlines(keepends=True)
    cosigned = "".join(lines).encode()
    proof = check(cosigned, [vkey.strip()])
    assert any("signed by the key that you gave: witness.example.com/w1+" in line for line in proof.proven)
    assert check(cosigned, [vkey.strip(), made.vkey]).record == made.checked.record
    with pytest.raises(NotProven, match="not signed by the key that you gave"):
        check(made.text.encode(), [vkey.strip()])
    line = cosigned[cosigned.rindex("\u2014".encode()) :]
    swapped = cosigned.replace(line[-9:], (b"A" if line[-9:-8] != b"A" else b"B") + line[-8:])
    with pytest.raises(NotProven, match=r"signature of witness\.example\.com/w1 .* does not verify"):
        check(swapped, [vkey.strip()])


# -- witnesses, and logs that changed their key -----------------------------------------------------------------

WITNESS = Cosigner("witness.example.com/alex", THIRD_KEY)


@pytest.fixture
def rotated() -> MemoryStore:
    """A log of 60 entries that was handed over at entry 31."""
    store = MemoryStore(Clock())
    archive = open_archive(store)
    for number in range(30):
        pull(archive, number)
    rotate(archive, OTHER_KEY)
    archive = open_archive(store, key=OTHER_KEY)
    for number in range(30, 57):
        pull(archive, number)
    return store


def test_what_our_witness_signs_is_read_by_go(go: Go, rotated: MemoryStore, tmp_path: Path) -> None:
    state = WitnessState(tmp_path / "witness.json", WITNESS.key.vkey)
    done = cosign_newest(Archive(rotated, clock=rotated.clock), state, WITNESS)
    file = tmp_path / "cosigned"
    file.write_text(done.note, encoding="utf-8")
    told = go("witnessed", done.key, WITNESS.key.vkey, file)
    assert (told.stdout.split(), told.stderr) == (["60", str(int(done.at.timestamp()))], "")
    stranger = Cosigner(WITNESS.name, KEY).key.vkey
    assert go("witnessed", done.key, stranger, file).returncode == 1
    file.write_text(done.note.replace("\n60\n", "\n61\n"), encoding="utf-8")
    assert go("witnessed", done.key, WITNESS.key.vkey, file).returncode == 1


def test_what_a_witness_in_go_signs_is_read_by_us(go: Go, rotated: MemoryStore, tmp_path: Path) -> None:
    file = tmp_path / "checkpoint"
    file.write_bytes(rotated.get(keys.checkpoint(60)))
    *lines, vkey = go("cosign-note", "witness.example.com/w1", file).stdout.splitlines(keepends=True)
    key = WitnessKey.from_vkey(vkey.strip())
    cosigned = "".join(lines)
    at = cosigned_at(*parse_note(cosigned), key)
    assert at is not None
    assert abs(datetime.now(UTC) - at) < timedelta(minutes=10)
    rotated.overwrite(keys.cosignature(60, key.key_hash), cosigned.encode())
    assert_clean(rotated, witnesses=[key])
    rotated.alter(keys.cosignature(60, key.key_hash), cosigned.replace("\n60\n", "\n61\n").encode())
    assert codes(verify(rotated, witnesses=[key])) == {("signature", keys.cosignature(60, key.key_hash))}


def test_go_agrees_that_a_log_only_grew_across_a_change_of_its_key(
    go: Go, rotated: MemoryStore, tmp_path: Path
) -> None:
    for old, new in ((5, 60), (31, 32), (32, 33), (33, 60), (40, 60)):
        made = Prover(open_archive(rotated), new).consistency(old)
        path, *notes = made.text.partition("\npath")[2].split("\n\n")
        first, second = tmp_path / "first", tmp_path / "second"
        first.write_text("\n\n".join(notes[:2]) + "\n", encoding="utf-8")
        second.write_text("\n\n".join(notes[2:]), encoding="utf-8")
        done = go("grown", ",".join(made.vkeys), first, second, *path.split())
        assert (done.returncode, done.stderr) == (0, ""), (old, new)
        assert len(made.vkeys) == (2 if old <= 32 < new else 1)


def test_what_the_witness_refuses_go_calls_no_growth(go: Go, rotated: MemoryStore, tmp_path: Path) -> None:
    """The consistency path of the rewritten log, against the checkpoint that was cosigned."""
    state = WitnessState(tmp_path / "witness.json", WITNESS.key.vkey)
    cosign_newest(Archive(rotated, clock=rotated.clock), state, WITNESS)
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_bytes(rotated.get(keys.checkpoint(60)))
    data = [rotated.get(name) for name in rotated.names(keys.ENTRIES)]
    origin = open_with_state(rotated).state.origin
    assert origin is not None
    resign(rotated, [*data[:40], *data[41:], data[0], data[1]], origin, OTHER_KEY)
    second.write_bytes(rotated.get(keys.checkpoint(61)))
    with pytest.raises(Refused):
        cosign_newest(Archive(rotated, clock=rotated.clock), WitnessState.load(state.path), WITNESS)
    leaves = LeafTree.of([*data[:40], *data[41:], data[0], data[1]])
    path = [b64encode(value).decode() for value in consistency_path(leaves, 60)]
    vkey = Signer(origin, OTHER_KEY).verifier.vkey
    assert go("grown", vkey, first, second, *path).returncode == 1
