"""The page for witnesses: its settings are settings, its digits are ours, and what it shows is what is printed."""

import re
import subprocess
import sys
from pathlib import Path

from tests.docs.pages import first_column, page
from warehouse.archive import keys, witness
from warehouse.archive.copies import checkpoint_copy, cosigned_copy
from warehouse.archive.fingerprint import fingerprint, in_lines
from warehouse.archive.note import Checkpoint
from warehouse.config import parse

PAGE = page("docs/witness.md")
EXAMPLE = Checkpoint("ledgerline/0123456789abcdef", 4100, bytes(range(32)))


def test_the_program_on_the_page_makes_the_digits_that_the_command_prints() -> None:
    (script,) = [block.text for block in PAGE.blocks("python") if block.run == "python"]
    done = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == fingerprint(EXAMPLE)
    assert EXAMPLE.text.encode().decode("ascii") in script.encode().decode("unicode_escape")


def test_the_digits_shown_are_those_of_the_example() -> None:
    for line in in_lines(fingerprint(EXAMPLE)):
        assert line in PAGE.text


def test_every_configuration_on_the_page_is_one() -> None:
    shown = [block.text for block in PAGE.blocks() if block.text.lstrip().startswith("[archive]")]
    assert len(shown) >= 4
    for text in shown:
        whole = re.sub(r'"([^"]*\+)BDR\.\.\."', r'""', text).replace('witnesses = [""]', "witnesses = []")
        parse(re.sub(r"(?m)^ +", "", whole), Path("/nowhere/ledgerline.toml"), {})


def test_every_code_of_a_refusal_is_explained_and_no_other() -> None:
    source = Path(witness.__file__).read_text(encoding="utf-8")
    codes = set(re.findall(r'Refused\(\s*"([a-z_]+)"', source))
    assert set(first_column(PAGE.section("When it refuses"), "code")) == codes


def test_names_are_those_of_the_table() -> None:
    table = PAGE.section("What is stored")
    digest = bytes.fromhex("1c4f2b07")
    for name in (keys.cosignature(7, digest), keys.timestamp(7, "ab" * 32)):
        assert "`" + "/".join(name.split("/")[:2]) + "/<size" in table
    assert checkpoint_copy("ledgerline/x", 7).startswith("ledgerline/x/checkpoint/")
    assert cosigned_copy("ledgerline/x", 7, digest) == "ledgerline/x/witness/000000000007/1c4f2b07"
    assert "`<origin>/checkpoint/<size>`" in table
    assert "`<origin>/witness/<size>/<digest>`" in table
