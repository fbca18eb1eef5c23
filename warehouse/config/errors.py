"""What can be wrong with a configuration, told in full and without a single secret.

ConfigError
├── ConfigMissing       there is no file, or it cannot be read at all
├── ConfigInvalid       the file has mistakes; every one is in `.problems`, with its line
└── SecretUnavailable   a reference is well formed, and what it points at is not there
"""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Problem:
    """One mistake: the line of the file (1-based, None where no line can be named), the key, what is
    wrong, and what would be right. None of the four ever carries a secret.
    """

    line: int | None
    key: str
    what: str
    right: str

    def __str__(self) -> str:
        where = f"line {self.line}, " if self.line else ""
        subject = f"{self.key}: " if self.key else ""
        right = f". Right: {self.right}" if self.right else ""
        return f"{where}{subject}{self.what}{right}"


class ConfigError(Exception):
    """The root. `str()` says what happened; `remedy` says what to do next."""

    def __init__(self, message: str, *, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


class ConfigMissing(ConfigError):
    """No configuration file at `path`, or one that this user cannot read."""

    def __init__(self, path: Path, message: str, *, remedy: str) -> None:
        super().__init__(message, remedy=remedy)
        self.path = path


class ConfigInvalid(ConfigError):
    """The file has mistakes. `problems` holds all of them, in the order of the file."""

    def __init__(self, path: Path, problems: list[Problem]) -> None:
        count = "1 mistake" if len(problems) == 1 else f"{len(problems)} mistakes"
        lines = "\n".join(f"  {problem}" for problem in problems)
        super().__init__(
            f"{path} has {count}:\n{lines}",
            remedy="correct the lines named above and run the command again",
        )
        self.path = path
        self.problems = problems


class SecretUnavailable(ConfigError):
    """A secret reference points at nothing usable. Names the reference, never the value."""

    def __init__(self, reference: str, message: str, *, remedy: str) -> None:
        super().__init__(message, remedy=remedy)
        self.reference = reference
