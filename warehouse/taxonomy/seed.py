"""Writes the dbt seed of `dim_event_type` from the taxonomy: `python -m warehouse.taxonomy.seed`.

Promise: the committed seed is exactly what this writes; a test holds them together.
The declared field texts stay behind: they serve the parser, not the marts.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Final

from warehouse.taxonomy.taxonomy import EVENT_TYPES_CSV

SEED_CSV: Final = Path(__file__).resolve().parents[2] / "dbt_project" / "seeds" / "event_types.csv"

# fmt: off
SEED_COLUMNS: Final = (
    "type", "verb", "object", "category", "outcome", "severity", "is_login", "is_admin_change",
    "data_movement", "self_audit", "outcome_field", "success_when", "failure_when", "actor_types",
    "documented_fields", "note",
)
# fmt: on


def seed_text() -> str:
    """The seed's CSV text: a header, then one line per listed type in the order of `event_types.csv`."""
    out = io.StringIO()
    writer = csv.DictWriter(out, SEED_COLUMNS, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    with EVENT_TYPES_CSV.open(newline="", encoding="utf-8") as file:
        writer.writerows(csv.DictReader(file))
    return out.getvalue()


def main() -> None:
    """Write the seed into the checkout this module was loaded from."""
    SEED_CSV.parent.mkdir(parents=True, exist_ok=True)
    SEED_CSV.write_text(seed_text(), encoding="utf-8", newline="")
    print(f"wrote {SEED_CSV}")


if __name__ == "__main__":
    main()
