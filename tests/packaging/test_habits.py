"""What a contributor meets: hooks that catch, forms that load, the picture of the house, names that complete."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent


def test_each_hook_is_a_tool_of_ours_and_nothing_is_fetched() -> None:
    (repo,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert repo["repo"] == "local"
    assert {hook["language"] for hook in repo["hooks"]} == {"system"}
    assert {hook["id"] for hook in repo["hooks"]} == {"format", "lint", "types", "house", "secrets"}
    done = subprocess.run([BIN / "pre-commit", "validate-config"], cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_hook_lets_no_secret_in(tmp_path: Path) -> None:
    """A repository of its own, with our hooks and our tools, and a commit that would take a key along."""
    for name in (".pre-commit-config.yaml", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "tests" / "security", tmp_path / "tests" / "security")
    (tmp_path / ".venv").symlink_to(BIN.parent)
    (tmp_path / "notes.txt").write_text("the key is sk-ant-" + "api01-Ab3dEf6hIj9kLm2n\n")
    env = {**os.environ, "PRE_COMMIT_HOME": str(tmp_path / "home"), "GIT_CONFIG_GLOBAL": os.devnull}

    def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)

    run("git", "init", "--quiet")
    run("git", "add", "notes.txt")
    refused = run(BIN / "pre-commit", "run", "secrets", "--files", "notes.txt")
    assert refused.returncode == 1
    assert "notes.txt: Anthropic key" in refused.stdout
    assert "Ab3dEf6hIj9kLm2n" not in refused.stdout
    (tmp_path / "notes.txt").write_text("the key is where the secrets are\n")
    assert run(BIN / "pre-commit", "run", "secrets", "--files", "notes.txt").returncode == 0


def test_each_form_of_an_issue_asks_something_and_loads() -> None:
    forms = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
    assert {"bug.yml", "vendor_change.yml", "destination.yml"} <= {path.name for path in forms}
    for path in forms:
        form = yaml.safe_load(path.read_text())
        for part in form.get("body", []):
            assert part["type"] in ("markdown", "textarea", "input", "dropdown"), path
            assert part["attributes"].get("label") or part["attributes"].get("value"), path


def test_the_picture_of_the_house_has_every_room_of_the_contract() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = [layer for one in contracts for layer in one.get("layers", [])]
    rooms = {room.strip() for layer in layers for room in layer.split("|")}
    picture = re.search(
        r"```\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text().partition("## The house")[2], re.DOTALL
    )
    assert picture is not None
    assert rooms | {"sandbox"} <= set(re.findall(r"\w+", picture[1]))
    lines = picture[1].split("\n")
    floors = [
        max(number for number, line in enumerate(lines) if room in line.split())
        for room in ("evidence", "tables", "archive", "wire")
    ]
    assert floors == sorted(floors)


@pytest.mark.parametrize(
    ("typed", "completed"),
    [("ledgerline pu", "pull"), ("ledgerline pull act", "activities"), ("ledgerline evidence pa", "pack")],
)
def test_the_shell_completes_commands_and_streams(typed: str, completed: str) -> None:
    words = {"_LEDGERLINE_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": str(typed.count(" "))}
    done = subprocess.run(
        [BIN / "ledgerline"], env={**os.environ, **words}, capture_output=True, text=True, check=False
    )
    assert completed in done.stdout.split()
