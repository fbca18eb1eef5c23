"""The pipeline as a function on a schedule, for those who run no Dagster: a handler for AWS Lambda.

Promise: the same commands, the same log; a function that ends early loses nothing, and the next call goes on.
"""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from orchestration.closing import close_to_others

# What each schedule calls it with; deploy/aws/function.tf has them too.
TAIL: Final = (("pull", "activities"), ("detections", "run"))
DELIVER: Final = ("deliver",)  # where there is somewhere to deliver to


class CommandsFailed(Exception):
    """Some commands could not run; the message names them and their exit codes."""


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Run `event["commands"]`, lists of words, one after another; without it, what is due every five minutes.

    Each is run whatever became of the one before. Findings (exit code 1) are said and are no failure: `ledgerline
    status` shows them. Raises CommandsFailed where a command could not run, so that the function's alarm rings.
    """
    close_to_others()
    configured()
    from orchestration.cli.app import run  # noqa: PLC0415 - a cold start reads the configuration first

    ended: list[dict[str, Any]] = []
    for command in _commands(event):
        ended.append({"command": " ".join(command), "code": run(command)})
    failed = [
        f"`ledgerline {one['command']}` ended with {one['code']}" for one in ended if one["code"] not in (0, 1)
    ]
    if failed:
        raise CommandsFailed("; ".join(failed))
    return {"ended": ended}


def configured() -> None:
    """Put the configuration of the variable LEDGERLINE_CONFIG_TOML into a file, where there is one: a function has
    no folder of its own. Secrets are references in it as everywhere."""
    text = os.environ.get("LEDGERLINE_CONFIG_TOML")
    if text:
        path = Path(tempfile.gettempdir()) / "ledgerline.toml"
        path.write_text(text, encoding="utf-8")
        os.environ["LEDGERLINE_CONFIG"] = str(path)


def _commands(event: dict[str, Any]) -> Sequence[Sequence[str]]:
    commands = event.get("commands")
    if commands is None:
        return [*TAIL, DELIVER] if _has_destinations() else TAIL
    if not isinstance(commands, list) or not all(
        isinstance(one, list) and one and all(isinstance(word, str) for word in one) for one in commands
    ):
        raise CommandsFailed('"commands" is a list of lists of words, such as [["pull", "usage"]]')
    return commands


def _has_destinations() -> bool:
    from warehouse.config import ConfigError, load  # noqa: PLC0415

    try:
        return bool(load().destinations)
    except ConfigError:
        return False  # the commands say what is wrong with it
