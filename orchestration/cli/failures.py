"""What a person, or a script, is told when a command cannot run: one place for every room's errors.

Promise: exit code 2, one message with what to do next, never a traceback unless `--debug` asks for it, and
nothing in it with the shape of a credential.
"""

import errno
import os
import re
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from orchestration.cli.output import plain

CANNOT_RUN = 2
INTERRUPTED = 130

# The rooms whose errors already say what happened and what to do. Looked up among the modules that are loaded:
# an error can only come from a room that is, and no room is loaded to ask.
_ROOMS = {
    "marts": ("warehouse.tables.marts.errors", "MartsError"),
    "finops": ("warehouse.finops.errors", "FinopsError"),
    "audit export": ("warehouse.tables.audit_export.errors", "AuditExportError"),
    "delivery": ("warehouse.delivery.errors", "DeliveryError"),
    "evidence": ("warehouse.evidence.errors", "EvidenceError"),
    "detections": ("warehouse.detections.errors", "DetectionError"),
    "configuration": ("warehouse.config.errors", "ConfigError"),
    "telemetry": ("warehouse.telemetry.errors", "TelemetryError"),
    "archive": ("warehouse.archive.errors", "ArchiveError"),
    "anthropic": ("warehouse.anthropic.errors", "AnthropicError"),
    "dagster": ("orchestration.dagster_processes", "CannotStart"),
    "demo": ("orchestration.demo_tenant", "DemoError"),
}
_CREDENTIAL = re.compile(
    r"(?i)\b(?:sk-ant-[\w-]{16,}|Bearer\s+\S+|AKIA[0-9A-Z]{12,}|xox[a-z]-[\w-]{8,}|eyJ[\w.-]{20,})"
)
_STORAGE = {
    errno.ENOSPC: "make room on this disk and run the command again; what was committed before is safe",
    errno.EDQUOT: "raise the quota or make room and run the command again; what was committed before is safe",
    errno.EFBIG: "raise the limit on the size of files, make room, and run the command again",
    errno.EROFS: "choose a folder that can be written, or mount this one for writing",
    errno.EACCES: "let this user read and write it, or name another place in the configuration",
    errno.EPERM: "let this user read and write it, or name another place in the configuration",
}
# Options that name where a command is to write, and what can be wrong with such a place.
_WHERE = ("--out", "--output", "--chart")
_NO_PLACE = {
    errno.EEXIST: "is a file, and a folder is wanted there",
    errno.ENOTDIR: "is a file or lies below one, and a folder is wanted there",
    errno.EISDIR: "is a folder, and a file is to be written",
    errno.EACCES: "may not be written by this user",
    errno.EPERM: "may not be written by this user",
    errno.EROFS: "cannot be written: the file system is read-only",
    errno.ENOENT: "cannot be made there",
    errno.ENAMETOOLONG: "is a name too long for this file system",
}


class CannotRun(Exception):
    """A command cannot do what it was asked. `kind` is a word for scripts: usage, sql, configuration, ..."""

    def __init__(self, message: str, *, remedy: str = "", kind: str = "usage") -> None:
        super().__init__(message)
        self.remedy = remedy
        self.kind = kind


@dataclass(frozen=True)
class Failure:
    """An error as it is shown. `problems` are the single mistakes of a configuration."""

    kind: str
    message: str
    remedy: str = ""
    problems: list[dict[str, Any]] = field(default_factory=list)
    code: int = CANNOT_RUN

    def document(self) -> dict[str, Any]:
        """The failure as the one JSON document that `--json` promises."""
        error = {"kind": self.kind, "message": self.message, "remedy": self.remedy}
        return {"error": error | ({"problems": self.problems} if self.problems else {})}


def scrub(text: str) -> str:
    """The text without anything that has the shape of a credential."""
    return _CREDENTIAL.sub("(hidden)", text)


def failure_of(error: BaseException, *, debug: bool = False, args: Sequence[str] = ()) -> Failure:  # noqa: PLR0911
    """What to say about an error. One that no room knows is a fault of this program, and says so.

    `args`: the command line, so that a place that cannot be written is told by the option that named it.
    """
    if isinstance(error, KeyboardInterrupt):
        return Failure(
            "interrupted", "stopped; what was committed is safe", "run the same command again to go on",
            code=INTERRUPTED,
        )  # fmt: skip
    if isinstance(error, CannotRun):
        return Failure(error.kind, scrub(str(error)), error.remedy)
    for kind, (module, name) in _ROOMS.items():
        root = getattr(sys.modules.get(module), name, None)
        if root is not None and isinstance(error, root):
            return _of_a_room(kind, error)
    if isinstance(error, OSError) and error.errno is not None:
        return _of_a_named_place(error, args) or _of_the_machine(error)
    if os.strerror(errno.ENOSPC) in str(error):  # an engine's own error, which names its file
        return Failure("system", scrub(_summary(error)), _STORAGE[errno.ENOSPC])
    if isinstance(error, MemoryError):
        return Failure(
            "memory", "this machine has no memory left for this", "ask for a shorter window or fewer rows"
        )
    remedy = (
        ""
        if debug
        else "run it again with --debug for the details, and report them: this is a fault of Ledgerline"
    )
    return Failure("internal", scrub(f"something unexpected happened: {_summary(error)}"), remedy)


def tell(failure: Failure, program: str = "ledgerline") -> int:
    """Say it on stderr, for people; returns the exit code."""
    first, *rest = failure.message.split("\n")
    if first:
        print(f"{program}: {plain(first)}", *map(plain, rest), sep="\n", file=sys.stderr)
    if failure.remedy:
        print(f"  What to do: {plain(failure.remedy)}", file=sys.stderr)
    return failure.code or CANNOT_RUN


def ended(program: str, run: Callable[[], int]) -> int:
    """Run a program beside the command line, as `python -m orchestration.ui`; returns the exit code. What stands
    in its way is said as `tell` says it. It has no `--debug`, so a fault of our own is raised again."""
    try:
        return run()
    except (Exception, KeyboardInterrupt) as error:
        failure = failure_of(error)
        if failure.kind == "internal":
            raise
        return tell(failure, program)


def traceback_of(error: BaseException) -> str:
    """The whole traceback, for `--debug`; without values of variables, without credentials."""
    return scrub("".join(traceback.format_exception(error)))


def _of_a_room(kind: str, error: BaseException) -> Failure:
    message = scrub(str(error))
    remedy = scrub(str(getattr(error, "remedy", "")))
    problems = [
        {"line": problem.line, "key": problem.key, "what": problem.what, "right": problem.right}
        for problem in getattr(error, "problems", [])
    ]
    problems += [asdict(mistake) for mistake in getattr(error, "mistakes", [])]
    if type(error).__name__ == "ConfigMissing":
        remedy += _the_demos()
    return Failure(kind, message, "" if remedy in message else remedy, problems)


def _the_demos() -> str:
    """Where the kept demo has its configuration, for who asks beside it without naming it; else nothing."""
    from orchestration.cli.demo import FOLDER  # noqa: PLC0415 - it imports this module

    place = FOLDER / "ledgerline.toml"
    return f"; the one of `make demo` is --config {place}" if place.exists() else ""


def _of_a_named_place(error: OSError, args: Sequence[str]) -> Failure | None:
    """The failure where a place that an option names cannot be written; None where it is something else."""
    if error.errno not in _NO_PLACE or not isinstance(error.filename, str):
        return None
    failed = Path(error.filename).absolute()
    for option, value in _places(args):
        named = Path(value).absolute()
        beside = failed.parent == named.parent and failed.suffix == ".tmp"  # written there first, then renamed
        if beside or failed == named or failed in named.parents or named in failed.parents:
            what = named if beside else failed
            return Failure(
                "usage",
                scrub(f"{option} {value}: {what} {_NO_PLACE[error.errno]}"),
                f"name another place with {option}",
            )
    return None


def _places(args: Sequence[str]) -> list[tuple[str, str]]:
    """The options of a command line that name where to write, with their values."""
    apart = [(name, value) for name, value in pairwise(args) if name in _WHERE]
    joined = [tuple(arg.split("=", 1)) for arg in args if arg.partition("=")[0] in _WHERE and "=" in arg]
    return [*apart, *((name, value) for name, value in joined)]


def _of_the_machine(error: OSError) -> Failure:
    what = error.strerror or type(error).__name__
    place = f"{error.filename}: " if error.filename else ""
    remedy = _STORAGE.get(
        error.errno or 0, "check that the file or address is there and answers, and run it again"
    )
    return Failure("system", scrub(f"{place}{what}"), remedy)


def _summary(error: BaseException) -> str:
    first = str(error).strip().partition("\n")[0]
    return f"{type(error).__name__}: {first}" if first else type(error).__name__
