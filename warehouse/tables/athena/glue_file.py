"""Writes the tables that Terraform makes in Glue: `python -m warehouse.tables.athena.glue_file`.

Promise: the committed file is exactly what this writes; a test holds them together.
"""

import json
from pathlib import Path
from typing import Final

from warehouse.tables.athena.catalogue import glue_tables

FILE: Final = Path(__file__).resolve().parents[3] / "deploy" / "aws" / "glue_tables.json"
ROOT: Final = "@ARCHIVE@"  # Terraform puts the archive's address in its place


def main() -> None:
    """Write the file into the checkout this module was loaded from."""
    FILE.write_text(json.dumps(glue_tables(ROOT), indent=1) + "\n", encoding="utf-8")
    print(f"wrote {FILE}")


if __name__ == "__main__":
    main()
