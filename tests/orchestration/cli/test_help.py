"""Help that teaches, and that is there at once."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.orchestration.cli.conftest import ROOT, Command, in_a_process

ALONE = [
    "init", "doctor", "pull", "deliver", "replay", "dead-letters", "status", "sql", "verify", "prove",
    "checkpoint", "witness", "anchor", "expire", "build", "tenants", "catalog", "cost-model",
]  # fmt: skip
GROUPS = {
    "import": ["audit-export"],
    "evidence": ["certificate", "report", "pack", "controls"],
    "key": ["show", "rotate"],
    "hold": ["set", "release", "list"],
    "retention": ["extend"],
    "restrict": ["set", "lift", "list"],
    "detections": ["list", "run", "test", "backtest", "export"],
    "finops": ["statement", "build", "close", "reopen", "reconcile", "focus"],
    "telemetry": ["settings", "receive", "land"],
}
HEAVY = ("dagster", "pandas", "pyarrow", "duckdb", "pydantic_settings", "boto3", "httpx")


def test_help_lists_the_commands_that_are_built_and_no_others(ledgerline: Command) -> None:
    ended = ledgerline("--help")
    assert ended.code == 0
    listed = re.findall(r"^│ ([a-z][a-z-]+) {2,}", ended.out, re.MULTILINE)
    assert [name for name in listed if name != "demo"] == [*ALONE, *GROUPS]


@pytest.mark.parametrize(
    "command", [*ALONE, *(f"{group} {name}" for group, names in GROUPS.items() for name in names)]
)
def test_the_help_of_each_command_has_examples_and_the_shared_options(ledgerline: Command, command: str) -> None:
    ended = ledgerline(*command.split(), "--help")
    assert ended.code == 0
    assert f"\n ledgerline {command}" in ended.out.partition("Examples")[2]
    assert "--json" in ended.out
    assert "--debug" in ended.out
    assert ("--config" in ended.out) == (command not in ("tenants", "cost-model"))


def test_loading_the_command_line_loads_nothing_heavy() -> None:
    code = f"import sys, orchestration.cli.app; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, text=True, capture_output=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("arguments", [["status"], ["sql", "select 1"], ["verify"]])
def test_reading_commands_load_neither_dagster_nor_pandas(pulled: Path, arguments: list[str]) -> None:
    code = (
        "import sys; from orchestration.cli.app import run; run(sys.argv[1:]);"
        "print([name for name in ('dagster', 'pandas', 'dbt') if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=pulled, env={"PYTHONPATH": str(ROOT)}, text=True, capture_output=True, check=True,
    )  # fmt: skip
    assert done.stderr.strip().splitlines()[-1] == "[]"


def test_no_command_at_all_shows_the_help_and_is_a_usage_error(tmp_path: Path) -> None:
    ended = in_a_process(folder=tmp_path)
    assert ended.code == 2
    assert "Usage: ledgerline" in ended.out + ended.err


def test_the_version_is_told(ledgerline: Command) -> None:
    ended = ledgerline("--version")
    assert ended.code == 0
    assert ended.out.startswith("ledgerline")


@pytest.mark.parametrize("command", ["pull", "import audit-export", "verify", "demo", "finops close"])
def test_help_names_no_types_of_python(ledgerline: Command, command: str) -> None:
    assert not re.search(r"<(?:bool|list|str|Path)", ledgerline(*command.split(), "--help").out)
