"""The Sumo Logic pack: a dashboard to import, over the canonical events.

Promise: every query counts an event once however often it was delivered.
"""

from __future__ import annotations

import json
from typing import Any, Final

CATEGORY: Final = "anthropic/claude/audit"

_FIELDS: Final = (
    '| json "event_id", "type", "category", "outcome", "severity", "actor.email", "actor.id", "client.ip", '
    '"object.type", "object.name", "unknown_event", "archive.version" as event_id, type, category, outcome, '
    "severity, email, actor_id, client_ip, object_type, object_name, unknown_event, version nodrop"
)
_ONCE: Final = "| first(_messagetime) as seen by {kept}, event_id, version"

# Panel: title, how it is shown, what selects, what is kept, what is counted.
_PANELS: Final = (
    ("Events by category", "column", "", "category", "| count by category | sort by _count"),
    ("Events by severity", "pie", "", "severity", "| count by severity"),
    (
        "Failed sign-ins by address",
        "table",
        '| where category = "authentication" and outcome = "failure"',
        "client_ip",
        "| count by client_ip | sort by _count | limit 20",
    ),
    (
        "Most active people",
        "table",
        "",
        "email, actor_id",
        "| count by email, actor_id | sort by _count | limit 20",
    ),
    ("Most frequent event types", "table", "", "type", "| count by type | sort by _count | limit 20"),
    (
        "High and critical",
        "table",
        '| where severity in ("high", "critical")',
        "type, email, client_ip, object_name",
        "| count by type, email, client_ip, object_name | sort by _count | limit 100",
    ),
    (
        "Types nobody has listed",
        "table",
        '| where unknown_event = "true"',
        "type",
        "| count by type | sort by _count",
    ),
)


def files() -> dict[str, str]:
    """Path under `deploy/siem/` -> text."""
    return {"sumo/dashboard.json": json.dumps(dashboard(), indent=2) + "\n"}


def dashboard() -> dict[str, Any]:
    """The dashboard in the form of Sumo Logic's content import."""
    panels = []
    places = []
    for number, (title, shown, where, kept, counted) in enumerate(_PANELS, 1):
        key = f"panel{number}"
        query = " ".join(
            part
            for part in (f"_sourceCategory={CATEGORY}", _FIELDS, where, _ONCE.format(kept=kept), counted)
            if part
        )
        panels.append(
            {
                "id": None,
                "key": key,
                "title": title,
                "panelType": "SumoSearchPanel",
                "visualSettings": json.dumps({"general": {"type": shown, "mode": "distribution"}}),
                "keepVisualSettingsConsistentWithParent": True,
                "queries": [
                    {
                        "transient": False,
                        "queryString": query,
                        "queryType": "Logs",
                        "queryKey": "A",
                        "metricsQueryMode": None,
                        "metricsQueryData": None,
                        "parseMode": "Manual",
                        "timeSource": "Message",
                    }
                ],
                "timeRange": None,
            }
        )
        x, y = (number - 1) % 2 * 12, (number - 1) // 2 * 8
        place = {"height": 8, "width": 12, "x": x, "y": y}
        places.append({"key": key, "structure": json.dumps(place)})
    return {
        "type": "DashboardV2SyncDefinition",
        "name": "Claude: audit overview",
        "description": "Who did what in Claude, delivered by Ledgerline",
        "title": "Claude: audit overview",
        "theme": "Light",
        "topologyLabelMap": {"data": {}},
        "refreshInterval": 0,
        "timeRange": {
            "type": "BeginBoundedTimeRange",
            "from": {"type": "RelativeTimeRangeBoundary", "relativeTime": "-1d"},
            "to": None,
        },
        "layout": {"layoutType": "Grid", "layoutStructures": places},
        "panels": panels,
        "variables": [],
        "coloringRules": [],
    }
