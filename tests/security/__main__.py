"""`python -m tests.security`: the tools of the security review, one after another; exit 1 where something is new.

python -m tests.security              bandit, secrets in the tree and in its history
python -m tests.security --online     and pip-audit, which asks the package index about each pinned package
"""

import argparse
import json
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from tests.security import secrets

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("orchestration", "assets", "warehouse", "sandbox")


def bandit() -> list[str]:
    """What bandit finds and neither ruff's marks nor accepted.toml explain."""
    command = [sys.executable, "-m", "bandit", "--quiet", "--recursive", "--format", "json", *PACKAGES]
    said = json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    ignored: dict[str, list[str]] = project["tool"]["ruff"]["lint"]["per-file-ignores"]
    accepted = tomllib.loads((Path(__file__).parent / "accepted.toml").read_text(encoding="utf-8"))["bandit"]
    errors = [f"{one['filename']} was not read: {one['reason']}" for one in said["errors"]]
    return errors + [
        f"{one['filename']}:{one['line_number']} {one['test_id']} {one['issue_text']}"
        for one in said["results"]
        if not _looked_at(one, ignored, accepted)
    ]


def _looked_at(one: dict[str, Any], ignored: dict[str, list[str]], accepted: dict[str, Any]) -> bool:
    number, path = one["test_id"], one["filename"].removeprefix("./")
    rule = f"S{number[1:]}"
    if number in accepted or number in accepted.get(path.partition("/")[0], {}):
        return True
    if any(rule in rules and fnmatch(path, pattern) for pattern, rules in ignored.items()):
        return True
    lines = (ROOT / path).read_text(encoding="utf-8").split("\n")
    return any(rule in lines[number - 1] and "noqa" in lines[number - 1] for number in one["line_range"])


def secrets_in_the_tree() -> list[str]:
    return [f"{one.path}: {one.kind}" for one in secrets.unexplained(secrets.tree())]


def secrets_in_the_history() -> list[str]:
    return [f"{one.path}: {one.kind}" for one in secrets.unexplained(secrets.history())]


def known_vulnerabilities() -> list[str]:
    """What the package index knows about the pinned versions."""
    command = [sys.executable, "-m", "pip_audit", "--no-deps", "--disable-pip", "--progress-spinner", "off",
               "--format", "json", "-r", str(ROOT / "constraints.txt")]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        found = json.loads(done.stdout)["dependencies"]
    except ValueError:
        return [f"pip-audit could not ask: {done.stderr.strip()[-300:]}"]
    unknown = [one["name"] for one in found if "skip_reason" in one]
    return (
        [f"pip-audit got no answer about {len(unknown)} packages, {unknown[0]} the first"]
        if unknown
        else [
            f"{one['name']} {one['version']}: {flaw['id']}, mended in {flaw['fix_versions']}"
            for one in found
            for flaw in one.get("vulns", [])
        ]
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.security", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument(
        "--online", action="store_true", help="ask the package index for known vulnerabilities too"
    )
    online = parser.parse_args().online
    tools: list[Callable[[], list[str]]] = [bandit, secrets_in_the_tree, secrets_in_the_history]
    found = []
    for tool in [*tools, known_vulnerabilities] if online else tools:
        began, new = time.monotonic(), tool()
        print(f"{tool.__name__.replace('_', ' ')}: {len(new)} new, {time.monotonic() - began:.0f} s", flush=True)
        found += new
    print(*(f"  {one}" for one in found), sep="\n")
    if found:
        print("mend it, or put it into tests/security/accepted.toml with the reason")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
