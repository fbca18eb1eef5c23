"""OpenTofu, built once from its Go module: `python -m tests.real.tofu` builds it where it is not yet kept.

The first build takes minutes, so that a test does not begin it: it is skipped and names the command.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sandbox.servers import Missing, programs
from tests.real import go_program

MODULE, VERSION = "github.com/opentofu/opentofu", "v1.12.6"
_BUILD_SECONDS = 3600
_RUN_SECONDS = 300
# whatever the user configured stays out of it
_ALONE = {"TF_IN_AUTOMATION": "1", "TF_CLI_CONFIG_FILE": os.devnull, "CHECKPOINT_DISABLE": "1"}


def kept() -> Path:
    """The program. Skips the test where it was not built yet."""
    program = programs.kept(f"{MODULE}/tofu", VERSION)
    if program is None:
        pytest.skip(
            f"tofu {VERSION} is not built yet: run `python -m tests.real.tofu` once (some minutes, needs Go)"
        )
    return program


def build() -> Path:
    """Build it in its own module, whose go.sum fixes every other. Raises Missing."""
    program = programs.kept(f"{MODULE}/tofu", VERSION)
    if program is not None:
        return program
    go = programs.go_for(f"{MODULE}/tofu", VERSION)
    got = programs.run([go, "mod", "download", "-json", f"{MODULE}@{VERSION}"])
    if got.returncode != 0:
        raise Missing(f"{MODULE} {VERSION} cannot be had ({got.stdout.strip()[-200:]}): check Go's module proxy")
    return go_program.compiled(
        programs.tools() / f"tofu-{VERSION}",
        Path(json.loads(got.stdout)["Dir"]),
        package="./cmd/tofu",
        ldflags=f"-X {MODULE}/version.dev=no",
        seconds=_BUILD_SECONDS,
    )


@dataclass(frozen=True)
class Folder:
    """A copy of a folder with Terraform's files, in which `tofu` runs."""

    path: Path
    environment: Mapping[str, str]

    @classmethod
    def copied(cls, source: Path, path: Path, environment: Mapping[str, str]) -> "Folder":
        shutil.copytree(source, path)
        return cls(path, environment)

    def run(self, *arguments: str, succeeds: bool = True) -> str:
        """What it prints, or what it complains about where it is to fail."""
        done = subprocess.run(
            [kept(), *arguments],
            cwd=self.path,
            env={**os.environ, **self.environment, **_ALONE},
            capture_output=True,
            text=True,
            check=False,
            timeout=_RUN_SECONDS,
        )
        assert (done.returncode == 0) is succeeds, done.stdout[-3000:] + done.stderr[-6000:]
        return done.stdout if succeeds else done.stderr

    def shown(self, *plan: str) -> dict[str, Any]:
        """A plan, or the state, as OpenTofu's JSON."""
        told: dict[str, Any] = json.loads(self.run("show", "-json", *plan))
        return told


if __name__ == "__main__":
    try:
        print(build())
    except Missing as missing:
        sys.exit(str(missing))
