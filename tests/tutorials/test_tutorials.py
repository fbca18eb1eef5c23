"""The tutorials as somebody follows them: each command in one shell, in order; what is shown is what comes out."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, Block, page
from tests.tutorials.conftest import environment

pytestmark = pytest.mark.slow
TUTORIALS = ["platform-engineer", "auditor", "finops-analyst", "soc-analyst"]
_ELSEWHERE = ("by make", "not here")
_ESCAPES = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Step:
    """Commands, the exit codes they may end with, and the lines that must be in what they print."""

    commands: str
    codes: tuple[int, ...]
    shown: tuple[str, ...]


def steps(name: str, today: date) -> list[Step]:
    """What a tutorial has people do, with its dates moved to today's."""
    found: list[Step] = []
    for block in page(f"docs/tutorials/{name}.md").blocks("sh", "text"):
        text = _moved(block.text, today)
        if block.language == "text":
            last = found.pop()
            found.append(Step(last.commands, last.codes, tuple(text.splitlines())))
        elif not block.run.startswith(_ELSEWHERE):
            found.append(Step(text, _codes(block), ()))
    return found


def _codes(block: Block) -> tuple[int, ...]:
    return tuple(int(code) for code in re.findall(r"\d+", block.run)) or (0,)


def _moved(text: str, today: date) -> str:
    last = today.replace(day=1) - timedelta(days=1)
    text = text.replace("2026-11-20", (today - timedelta(days=8)).isoformat())
    return text.replace("2026-10", f"{last:%Y-%m}").replace("2026-11", f"{today:%Y-%m}")


def wanted(line: str) -> re.Pattern[str]:
    """A line of a page as a pattern: `...` is anything, and so is space."""
    parts = [r"\s+".join(map(re.escape, part.split())) for part in line.strip().split("...")]
    return re.compile(".*".join(rf"\s*{part}\s*" if part else "" for part in parts))


def follow(name: str, folder: Path, today: date) -> None:
    """Do what the page says, in one shell; the first thing that is not as the page says fails."""
    followed = steps(name, today)
    script = ["set -m", "trap 'code=$?' ERR"]  # so a command that fails counts, wherever in its step it stands
    for number, step in enumerate(followed):
        # into a file and no pipe: a server in the background would hold that open
        script += ["code=0", f'{{\n{step.commands}\n}} > "$WORK/out-{number}.txt" 2>&1']
        script += [f'echo "$code" > "$WORK/code-{number}.txt"']
    done = subprocess.run(
        ["bash", "-c", "\n".join(script)],
        cwd=folder,
        env={**environment(), "WORK": str(folder)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    for number, step in enumerate(followed):
        printed = _ESCAPES.sub("", (folder / f"out-{number}.txt").read_text(encoding="utf-8"))
        code = int((folder / f"code-{number}.txt").read_text())
        assert code in step.codes, f"{step.commands}\nended with {code}:\n{printed}\n{done.stderr}"
        for line in step.shown:
            found = any(wanted(line).search(one) for one in printed.splitlines())
            assert found, f"{step.commands}\ndid not print {line!r}:\n{printed}"


@pytest.mark.parametrize("name", TUTORIALS)
def test_a_tutorial_can_be_followed_to_its_end(name: str, made: Path, tmp_path: Path) -> None:
    shutil.copytree(made / "data", tmp_path / "data", symlinks=True)
    follow(name, tmp_path, datetime.now(UTC).date())


def test_every_tutorial_is_followed() -> None:
    assert {path.stem for path in (ROOT / "docs" / "tutorials").glob("*.md")} - {"README"} == set(TUTORIALS)
