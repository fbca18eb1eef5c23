"""Secrets in the tree and in every file of its history: the patterns of detect-secrets, and those of our vendor.

Only patterns that name a credential by its form are used; measures of disorder call every hash a secret.
"""

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
from detect_secrets.plugins.base import RegexBasedDetector

ROOT = Path(__file__).resolve().parents[2]
# Words near any text: they find names and not secrets.
_LEFT_OUT = {"Secret Keyword", "Public IP (ipv4)", "Hex High Entropy String", "Base64 High Entropy String"}
_OURS = {"Anthropic key": [re.compile(r"sk-ant-[\w-]{16,}")]}


@dataclass(frozen=True)
class Found:
    """A text that has the form of a credential."""

    path: str
    kind: str
    text: str


def patterns() -> dict[str, list[re.Pattern[str]]]:
    """Patterns by the kind of secret."""
    kinds = get_mapping_from_secret_type_to_class()
    known = {
        kind: list(found.denylist)
        for kind, found in kinds.items()
        if issubclass(found, RegexBasedDetector) and kind not in _LEFT_OUT
    }
    return known | _OURS


def in_text(path: str, text: str, known: dict[str, list[re.Pattern[str]]]) -> Iterator[Found]:
    for kind, ones in known.items():
        for pattern in ones:
            for match in pattern.finditer(text):
                yield Found(path, kind, match.group())


def tree() -> Iterator[tuple[str, str]]:
    """Path and text of each file that git tracks."""
    for name in _git("ls-files", "-z").decode().split("\0"):
        path = ROOT / name
        if name and path.is_file():
            yield name, path.read_bytes().decode("utf-8", "replace")


def history() -> Iterator[tuple[str, str]]:
    """Path and text of each file that any commit has had."""
    listed = _git("rev-list", "--objects", "HEAD").decode().splitlines()
    names = dict(line.split(" ", 1) for line in listed if " " in line)
    asked = "".join(f"{one}\n" for one in names).encode()
    said = subprocess.run(
        ["git", "-C", str(ROOT), "cat-file", "--batch"], input=asked, capture_output=True, check=True
    ).stdout
    place = 0
    while place < len(said):
        end = said.index(b"\n", place)
        number, kind, size = said[place:end].decode().split(" ")
        body = said[end + 1 : end + 1 + int(size)]
        place = end + 2 + int(size)
        if kind == "blob":
            yield names[number], body.decode("utf-8", "replace")


def unexplained(files: Iterator[tuple[str, str]]) -> list[Found]:
    """What was found and is in no row of accepted.toml."""
    known = patterns()
    accepted = tomllib.loads((Path(__file__).parent / "accepted.toml").read_text(encoding="utf-8"))["secrets"]
    found = {one for path, text in files for one in in_text(path, text, known)}
    return sorted(
        (one for one in found if not any(_explains(row, one) for row in accepted)),
        key=lambda one: (one.path, one.kind),
    )


def _explains(row: dict[str, str], one: Found) -> bool:
    return fnmatch(one.path, row["path"]) and re.search(row["text"], one.text) is not None


def _git(*arguments: str) -> bytes:
    return subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, check=True).stdout


def main(names: list[str]) -> int:
    """For a hook: look at these files; 1 where one holds the form of a credential, and nobody accepted it."""
    found = unexplained((name, (ROOT / name).read_bytes().decode("utf-8", "replace")) for name in names)
    for one in found:
        print(f"{one.path}: {one.kind}; take it out, or accept it in tests/security/accepted.toml with the reason")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
