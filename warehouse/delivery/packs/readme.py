"""The README of `deploy/siem/`: what each pack is, and the commands that install it. Its text is `readme.txt`."""

from __future__ import annotations

from pathlib import Path

from warehouse.delivery.packs.hunting import hunts


def files() -> dict[str, str]:
    """Path under `deploy/siem/` -> text."""
    rows = "".join(f"| `{hunt.id}` | {hunt.title} | {hunt.why} |\n" for hunt in hunts())
    return {"README.md": Path(__file__).with_suffix(".txt").read_text(encoding="utf-8").replace("HUNTS", rows)}
