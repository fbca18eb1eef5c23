"""All packs together: what stands under `deploy/siem/`, and nothing else.

Promise: writing twice changes nothing; a file that no pack makes is removed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from warehouse.delivery.packs import arctic_wolf, cribl, datadog, elastic, hunting, readme, sentinel, splunk, sumo

SIEM: Final = Path(__file__).resolve().parents[3] / "deploy" / "siem"

PACKS: Final = (readme, splunk, elastic, sentinel, datadog, sumo, arctic_wolf, cribl, hunting)


def contents() -> dict[str, bytes]:
    """Path under `deploy/siem/` -> bytes."""
    found: dict[str, bytes] = {}
    for pack in PACKS:
        for path, content in pack.files().items():
            if path in found:
                raise ValueError(f"two packs write {path}")
            found[path] = content.encode() if isinstance(content, str) else content
    return found


def write(root: Path = SIEM) -> str:
    """Write every file under `root`, remove what is no pack's, and say what was done."""
    wanted = contents()
    for path in sorted(root.rglob("*"), reverse=True):
        if path.is_file() and str(path.relative_to(root)) not in wanted:
            path.unlink()
        elif path.is_dir() and not any(path.iterdir()):
            path.rmdir()
    for name, content in wanted.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return f"wrote {len(wanted)} files under {root}"
