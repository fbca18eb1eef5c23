"""Commands and options: what the pages say exists, and what exists is in the table of commands."""

import re
import shlex
import subprocess
import sys
from typing import Any

import pytest
import typer

from orchestration.cli.app import app
from tests.docs.pages import ROOT, Page, every_page, page

_SHARED = {"--config", "--json", "--debug"}
_TYPERS = {"--install-completion", "--show-completion"}


def commands() -> dict[tuple[str, ...], set[str]]:
    """Each command by its words, with its options."""
    found: dict[tuple[str, ...], set[str]] = {}

    def walk(command: Any, words: tuple[str, ...]) -> None:
        options = {name for parameter in command.params for name in parameter.opts if name.startswith("-")}
        found[words] = options | {"--help", "-h"}
        for name, inner in getattr(command, "commands", {}).items():
            walk(inner, (*words, name))

    walk(typer.main.get_command(app), ())
    return found


COMMANDS = commands()


def said(one: Page, program: str) -> list[list[str]]:
    """The words after each call of a program, in blocks and between backticks, without what is only notation."""
    lines = [line for block in one.blocks("", "sh", "console") for line in block.text.split("\n")]
    calls = []
    for line in [*lines, *one.inline()]:
        match = re.search(rf"(?<![\w./-]){re.escape(program)}(?= |$)(.*)", re.split(r" +# ", line)[0])
        if match is None:
            continue
        rest = re.split(r" [|<>&] | # |  +#|\)", match.group(1))[0]
        rest = re.sub(r"\[(--[\w-]+)( \w+)?\]", r"\1", rest).replace("...", "")
        try:
            calls.append(shlex.split(rest))
        except ValueError:  # a quotation mark of the prose
            calls.append(rest.split())
    return calls


def unknown(words: list[str]) -> list[str]:
    """What of a call of `ledgerline` does not exist."""
    path: tuple[str, ...] = ()
    for word in words:
        if (*path, word) not in COMMANDS:
            break
        path = (*path, word)
    rest = words[len(path) :]
    wrong = [] if path or not rest or rest[0].startswith("-") else [f"no command {rest[0]}"]
    options = [word.partition("=")[0] for word in rest if word.startswith("--")]
    return wrong + [
        f"no option {option} of {' '.join(path)}" for option in options if option not in COMMANDS[path]
    ]


@pytest.mark.parametrize("one", every_page(), ids=str)
def test_every_command_and_option_that_a_page_names_exists(one: Page) -> None:
    wrong = [f"ledgerline {' '.join(words)}: {why}" for words in said(one, "ledgerline") for why in unknown(words)]
    assert wrong == []


def test_the_reader_of_commands_sees_what_is_wrong() -> None:
    assert unknown(["pull", "activities", "--form", "today"]) == ["no option --form of pull"]
    assert unknown(["pul", "activities"]) == ["no command pul"]
    assert unknown(["import", "audit-export", "--json"]) == []


def test_every_command_and_option_is_in_the_table_of_commands() -> None:
    section = page("docs/operations.md").section("The commands")
    table = "\n".join(line for line in section.split("\n") if line.startswith("| `ledgerline"))
    for words, options in COMMANDS.items():
        if words in ((), ("import",), ("finops",), ("key",)):
            continue
        row = next((line for line in table.split("\n") if f"`ledgerline {' '.join(words)}" in line), None)
        assert row is not None, f"no row for {' '.join(words)}"
        missing = {name for name in options - _SHARED - {"--help", "-h"} if name not in row}
        assert missing == set(), f"{' '.join(words)}: {missing}"
    for name in _SHARED | (COMMANDS[()] - _TYPERS - {"-h"}):
        assert name in section


def test_make_has_every_target_that_a_page_names() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {words[0] for one in every_page() for words in said(one, "make") if words and words[0].isascii()}
    assert {name for name in named if re.fullmatch(r"[a-z-]+", name)} <= targets


@pytest.mark.parametrize(
    ("program", "arguments"),
    [
        ("python -m sandbox serve", ["sandbox", "serve"]),
        ("python -m orchestration.ui", ["orchestration.ui"]),
        ("python -m orchestration.stack", ["orchestration.stack"]),
    ],
    ids=["sandbox", "ui", "stack"],
)
def test_every_option_of_the_other_programs_exists(program: str, arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *arguments, "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    known = set(re.findall(r"--[a-z-]+", done.stdout))
    named = {
        word for one in every_page() for words in said(one, program) for word in words if word.startswith("--")
    }
    assert named <= known
