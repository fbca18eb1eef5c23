"""The demo's pretend receivers of events: the process that serves them, and the destinations that lead to them.

Promise: they listen on loopback only and end with the block that started them, or with its process. Started again
they hold nothing; what was delivered is in the archive's receipts.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from orchestration.demo_tenant import DemoError, DemoFolder
from orchestration.tied import tied

# name, type, slice, further settings: alerts to those who watch, everything to where people search
DESTINATIONS = (
    ("soc", "splunk", "alerts", ""),
    ("search", "elastic", "all", ""),
    ("unheard-of", "webhook", "unknown_event", 'body = "ndjson"\n'),
)
_SECRET = {"token", "api_key"}
_NOT_OURS = {"ack_token"}  # a second credential that the pretend receiver offers


class ReceiversFailed(DemoError):
    """The pretend receivers did not start; the message holds their own last words."""

    remedy = "look at that log; `python -m sandbox intakes` shows it at once"


@contextmanager
def serve_receivers(folder: DemoFolder) -> Iterator[str]:
    """Serve them in a process of their own; yields their URL. Adds the destinations to the configuration that
    `serve_tenant` has just written, and writes their credentials. Raises ReceiversFailed."""
    only = ",".join(type for _, type, _, _ in DESTINATIONS)
    log = folder.path / "receivers.log"
    with log.open("a") as errors:
        process = subprocess.Popen(  # noqa: S603 - our own module with our own words
            [*tied(), sys.executable, "-m", "sandbox", "intakes", "--only", only, "--no-bodies"],
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
        ready: dict[str, Any] = json.loads(said)
        with folder.config.open("a") as config:
            config.write(_destinations(folder, ready["intakes"]))
        yield ready["url"]
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _destinations(folder: DemoFolder, intakes: dict[str, dict[str, str]]) -> str:
    """The tables of the configuration. Writes the credentials that they name."""
    text = ""
    for name, type, slice, more in DESTINATIONS:
        text += f'\n[[destinations]]\nname = "{name}"\ntype = "{type}"\nslice = "{slice}"\n{more}'
        for setting, value in intakes[type].items():
            if setting in _SECRET:
                folder.write_key(name, value)
                text += f'{setting} = "file:./keys/{name}"\n'
            elif setting not in _NOT_OURS:
                text += f'{setting} = "{value}"\n'
    return text
