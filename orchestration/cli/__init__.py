"""The command line. `ledgerline` (and `python -m orchestration.cli`) start at `main`."""

import sys


def main() -> None:
    """Run the command line of this process and exit with its code."""
    try:
        from orchestration.cli.app import run  # noqa: PLC0415  (an interrupt while loading ends cleanly too)

        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        print("ledgerline: stopped", file=sys.stderr)
        code = 130
    sys.exit(code)
