"""The Sentinel pack: table, data collection endpoint and rule, right to send, workbook, parsers, alert rules."""

from __future__ import annotations

import json
from typing import Any

from warehouse.delivery.packs.sentinel_bicep import bicep
from warehouse.delivery.packs.sentinel_parsers import parsers
from warehouse.delivery.packs.sentinel_rules import analytic_rules
from warehouse.delivery.packs.sentinel_template import arm
from warehouse.delivery.packs.sentinel_workbook import workbook


def files() -> dict[str, str]:
    """Path under `deploy/siem/` -> text."""
    return {
        "sentinel/azuredeploy.json": _json(arm()),
        "sentinel/main.bicep": bicep(),
        "sentinel/workbook.json": _json(workbook()),
        "sentinel/analytic-rules.json": _json(analytic_rules()),
        **{f"sentinel/parsers/{name}.kql": text for name, text in parsers().items()},
    }


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2) + "\n"
