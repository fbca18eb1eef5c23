"""`python -m warehouse.delivery.packs [FOLDER]`: writes the content packs.

Without FOLDER into the checkout this module was loaded from, where files that no pack makes are removed; with it
into a new or empty folder, for those who have no checkout.
"""

import sys
from pathlib import Path

from warehouse.delivery.packs.writing import SIEM, write


def main(arguments: list[str]) -> int:
    """Exit code 0, or 2 where the folder is not empty or too much is said."""
    if len(arguments) > 1:
        print("usage: python -m warehouse.delivery.packs [FOLDER]", file=sys.stderr)
        return 2
    root = Path(arguments[0]) if arguments else SIEM
    if arguments and root.exists() and (not root.is_dir() or any(root.iterdir())):
        print(f"{root} is not an empty folder: name one that is empty or does not exist yet", file=sys.stderr)
        return 2
    print(write(root))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
