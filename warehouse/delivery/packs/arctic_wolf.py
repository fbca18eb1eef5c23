"""The Arctic Wolf hand-over: what the concierge team needs to parse the events, with samples.

Promise: the samples are what the destinations send for the invented events of `mappings.sample`. The text around
them is `arctic_wolf.txt`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import msgspec

from warehouse.delivery.mappings.sample import sample_alert, samples
from warehouse.delivery.mappings.schemas import SCHEMAS

_CANONICAL: Final = SCHEMAS["canonical"]


def files() -> dict[str, str]:
    """Path under `deploy/siem/` -> text."""
    documents: list[tuple[str, str, str, dict[str, Any]]] = [
        (event.stamp, event.type, _SYSLOG[event.severity], _CANONICAL.event(event)) for event in samples()
    ]
    alert = sample_alert()
    documents.append((alert.stamp, "alert", _SYSLOG[alert.severity], _CANONICAL.alert(alert)))
    lines = [msgspec.json.encode(document).decode() for *_, document in documents]
    frames = [
        f"<{priority}>1 {stamp} claude.ai claude-audit - {kind[:32]} - {line}"
        for (stamp, kind, priority, _), line in zip(documents, lines, strict=True)
    ]
    return {
        "arctic-wolf/README.md": Path(__file__).with_suffix(".txt").read_text(encoding="utf-8"),
        "arctic-wolf/samples.ndjson": "".join(f"{line}\n" for line in lines),
        "arctic-wolf/samples.syslog": "".join(f"{frame}\n" for frame in frames),
    }


_FACILITY: Final = 13  # log audit
_LEVELS: Final = {"informational": 6, "low": 5, "medium": 4, "high": 3, "critical": 2}
_SYSLOG: Final = {severity: str(_FACILITY * 8 + level) for severity, level in _LEVELS.items()}
