"""The demo's pretend receivers of events: the process that serves them, and the destinations that point at them.

Promise: they listen on loopback only and end with the block that started them. Their credentials are made up,
and go from process to process in memory.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from warehouse.config import parse

# name, type, slice, further settings: alerts to those who watch, everything to where people search
DESTINATIONS = (
    ("soc", "splunk", "alerts", ""),
    ("search", "elastic", "all", ""),
    ("unheard-of", "webhook", "unknown_event", 'body = "ndjson"'),
)
_SECRET = {"token", "api_key"}
_NOT_OURS = {"ack_token"}  # a second credential that the pretend receiver offers


class ReceiversFailed(RuntimeError):
    """The pretend receivers did not start; the message holds their own last words."""


@contextmanager
def serve_receivers(log: Path) -> Iterator[dict[str, Any]]:
    """Serve them in a process of their own; yields what it says when it is ready. Raises ReceiversFailed."""
    only = ",".join(type for _, type, _, _ in DESTINATIONS)
    with log.open("a") as errors:
        process = subprocess.Popen(  # noqa: S603 - our own module with our own words
            [sys.executable, "-m", "sandbox", "intakes", "--only", only, "--no-bodies"],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        if not said:
            raise ReceiversFailed(
                f"the pretend receivers did not start; their log is {log}: {log.read_text()[-300:]}"
            )
        yield json.loads(said)
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def destinations_to(ready: dict[str, Any]) -> tuple[Any, ...]:
    """The settings of `DESTINATIONS`, as a configuration file would give them."""
    text, env = "", {}
    for name, type, slice, more in DESTINATIONS:
        text += f'[[destinations]]\nname = "{name}"\ntype = "{type}"\nslice = "{slice}"\n{more}\n'
        for key, value in ready["intakes"][type].items():
            if key in _SECRET:
                variable = f"{type}_{key}".upper()
                env[variable], value = value, f"env:{variable}"  # noqa: PLW2901
            if key not in _NOT_OURS:
                text += f'{key} = "{value}"\n'
    return tuple(parse(text, Path("demo.toml").absolute(), env).destinations)
