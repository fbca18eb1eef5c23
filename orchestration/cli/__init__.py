"""The command line. `ledgerline` (and `python -m orchestration.cli`) start at `main`."""

import os
import signal
import sys
from types import FrameType

from orchestration.closing import close_to_others

INTERRUPTED = 130


class Interrupted(KeyboardInterrupt):
    """Ctrl-C or SIGTERM. A type of its own: a plain KeyboardInterrupt that crosses an `exec` of text, as many
    imports do, is remembered by Python, which then dies of the signal whatever exit code was asked for."""


def main() -> None:
    """Run the command line of this process and exit with its code."""
    close_to_others()
    try:
        for number in (signal.SIGINT, signal.SIGTERM):  # a scheduler that ends a run means no less than Ctrl-C
            signal.signal(number, _interrupt)
        from orchestration.cli.app import run  # noqa: PLC0415  (an interrupt while loading ends cleanly too)

        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        print("ledgerline: stopped", file=sys.stderr)
        code = INTERRUPTED
    if code == INTERRUPTED:  # libraries that were half loaded are not to be torn down: some crash
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise Interrupted
