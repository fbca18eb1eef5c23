"""`python -m sandbox`: see `python -m sandbox serve --help`."""

import sys

from sandbox.cli import main

if __name__ == "__main__":
    sys.exit(main())
