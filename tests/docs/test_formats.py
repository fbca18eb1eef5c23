"""The formats page: its fields are the entry's, its example is one, and what it tells people to run works."""

import dataclasses
import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest
import zstandard

from tests.docs.conftest import Demo
from tests.docs.pages import first_column, names_in, page
from warehouse.archive import keys
from warehouse.archive.derive import read
from warehouse.archive.entry import Entry, Kind, ObjectRef, sha256_hex
from warehouse.archive.merkle import root_of
from warehouse.archive.state import LogState
from warehouse.wire.records import split_page

PAGE = page("docs/formats.md")


def scripts(run: str) -> list[str]:
    return [block.text for block in PAGE.blocks() if block.run == run]


def entries(demo: Demo) -> list[Path]:
    return sorted((demo.archive / "log" / "entry").iterdir())


def test_every_field_of_an_entry_is_described() -> None:
    described = first_column(PAGE.section("Fields of an entry"), "field")
    assert sorted(described) == sorted(Entry.__struct_fields__)


def test_every_field_of_an_object_is_described() -> None:
    described = first_column(PAGE.section("Fields of an object in an entry"), "field")
    assert sorted(described) == sorted(ObjectRef.__struct_fields__)


def test_every_kind_of_entry_is_described() -> None:
    assert sorted(first_column(PAGE.section("Kinds"), "kind")) == sorted(get_args(Kind))


def test_every_field_of_the_state_is_described() -> None:
    named = set(names_in(PAGE.section("The state in a snapshot")))
    assert set(LogState.__struct_fields__) <= named


def test_the_example_is_a_readable_entry_and_says_what_its_checkpoint_stands_over() -> None:
    (example,) = (json.loads(block.text) for block in PAGE.blocks("json"))
    data = json.dumps(example, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    entry = read(data, keys.entry(example["seq"]))
    assert entry.to_bytes() == data
    assert entry.objects[0].key in PAGE.text


def test_an_entry_is_what_python_makes_of_it_in_canonical_form(demo: Demo) -> None:
    for path in entries(demo):
        data = path.read_bytes()
        assert (
            json.dumps(json.loads(data), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
            == data
        )


def test_every_object_lies_where_the_layout_says(demo: Demo) -> None:
    layout = PAGE.section("Where things lie")
    for path in sorted(demo.archive.rglob("*")):
        if path.is_file():
            top = path.relative_to(demo.archive).parts[0]
            assert f"\n{top}/" in layout or f"`{top}/`" in layout, path


@pytest.mark.skipif(
    shutil.which("openssl") is None or shutil.which("zstd") is None, reason="needs openssl and zstd"
)
def test_the_commands_for_checking_by_hand_work(demo: Demo, tmp_path: Path) -> None:
    said = [_shell(text, demo, tmp_path) for text in scripts("shell")]
    assert "Signature Verified Successfully" in said[0]
    first = sorted((demo.archive / "pages" / "activities").rglob("*.zst"))[0]
    body = zstandard.ZstdDecompressor().decompress(first.read_bytes())
    assert hashlib.sha256(body).hexdigest() in said[1]


def test_a_forged_checkpoint_fails_the_commands_for_checking_by_hand(demo: Demo, tmp_path: Path) -> None:
    copy = tmp_path / "archive"
    shutil.copytree(demo.archive / "log", copy / "log")
    newest = sorted((copy / "log" / "checkpoint").iterdir())[-1]
    newest.chmod(0o644)
    lines = newest.read_text().split("\n")
    newest.write_text("\n".join([lines[0], lines[1], "A" * 43 + "=", *lines[3:]]))
    forged = dataclasses.replace(demo, folder=tmp_path)
    assert "Verified Successfully" not in _shell(scripts("shell")[0], forged, tmp_path, check=False)
    assert "the root is another" in _python(scripts("python")[0], forged, tmp_path, check=False)


def test_the_scripts_for_checking_by_hand_work(demo: Demo, tmp_path: Path) -> None:
    chain, records = scripts("python")
    assert f"{len(entries(demo))} entries, chained" in _python(chain, demo, tmp_path)
    first = sorted((demo.archive / "pages" / "activities").rglob("*.zst"))[0]
    body = zstandard.ZstdDecompressor().decompress(first.read_bytes())
    (tmp_path / "body.json").write_bytes(body)
    served = split_page(body).records
    assert _python(records, demo, tmp_path).split() == [str(len(served)), "records", "root", root_of(served).hex()]


def test_the_example_s_hashes_are_those_of_a_page(demo: Demo) -> None:
    for path in entries(demo):
        entry = read(path.read_bytes(), str(path))
        for ref in entry.objects:
            stored = demo.archive / ref.key
            if stored.exists():
                assert sha256_hex(stored.read_bytes()) == ref.sha256
                assert stored.stat().st_size == ref.bytes


def _shell(text: str, demo: Demo, scratch: Path, *, check: bool = True) -> str:
    return _run(["sh", "-e", "-c", text.replace("/tmp/body.json", str(scratch / "body.json"))], demo, check)


def _python(text: str, demo: Demo, scratch: Path, *, check: bool = True) -> str:
    return _run([sys.executable, "-c", text.replace("/tmp/body.json", str(scratch / "body.json"))], demo, check)


def _run(command: list[str], demo: Demo, check: bool) -> str:
    done = subprocess.run(command, cwd=demo.archive, capture_output=True, text=True, check=False)
    assert not check or done.returncode == 0, done.stderr
    return done.stdout + done.stderr
