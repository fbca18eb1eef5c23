"""The Datadog pack: a log pipeline for `source:anthropic`, and a dashboard.

Promise: the pipeline and the dashboard read attributes that `mappings/datadog.py` sends, and no others.
"""

from __future__ import annotations

import json
from typing import Any, Final

from warehouse.delivery.mappings.datadog import DDSOURCE

_QUERY: Final = f"source:{DDSOURCE}"


def files() -> dict[str, str]:
    """Path under `deploy/siem/` -> text."""
    return {"datadog/pipeline.json": _json(_pipeline()), "datadog/dashboard.json": _json(dashboard())}


def _pipeline() -> dict[str, Any]:
    return {
        "name": "Claude audit",
        "is_enabled": True,
        "filter": {"query": _QUERY},
        "processors": [
            {"type": "date-remapper", "name": "Time of the event", "is_enabled": True, "sources": ["timestamp"]},
            {"type": "status-remapper", "name": "Status from severity", "is_enabled": True, "sources": ["status"]},
            {"type": "message-remapper", "name": "Message", "is_enabled": True, "sources": ["message"]},
            {"type": "service-remapper", "name": "Service", "is_enabled": True, "sources": ["service"]},
            {
                "type": "geo-ip-parser",
                "name": "Place of the address",
                "is_enabled": True,
                "sources": ["network.client.ip"],
                "target": "network.client.geoip",
            },
            {
                "type": "user-agent-parser",
                "name": "Parts of the user agent",
                "is_enabled": True,
                "sources": ["http.useragent"],
                "target": "http.useragent_details",
                "is_encoded": False,
            },
        ],
    }


def dashboard() -> dict[str, Any]:
    """The dashboard, for `POST /api/v1/dashboard`."""
    return {
        "title": "Claude: audit overview",
        "description": "Who did what in Claude, delivered by Ledgerline",
        "layout_type": "ordered",
        "template_variables": [{"name": "person", "prefix": "@usr.email", "available_values": [], "default": "*"}],
        "widgets": [
            _over_time("Events by category", "", "@evt.category"),
            _list("Sign-ins by outcome", "@evt.category:authentication", "@evt.outcome", 5),
            _list("Failed sign-ins by address", _FAILED, "@network.client.ip", 20),
            _list("Most active people", "", "@usr.email", 20),
            _list("Most frequent event types", "", "@evt.name", 20),
            _list("High and critical by type", "@severity:(high OR critical)", "@evt.name", 20),
            _list("Types nobody has listed", "@unknown_event:true", "@evt.name", 20),
            _list("Alerts", "@evt.category:alert", "@rule.name", 20),
        ],
    }


_FAILED: Final = "@evt.category:authentication @evt.outcome:failure"


def _request(query: str, facet: str, limit: int) -> dict[str, Any]:
    search = " ".join(part for part in (_QUERY, query, "$person") if part)
    return {
        "response_format": "scalar",
        "queries": [
            {
                "data_source": "logs",
                "name": "events",
                "indexes": ["*"],
                "search": {"query": search},
                "compute": {"aggregation": "count"},
                "group_by": [{"facet": facet, "limit": limit, "sort": {"aggregation": "count", "order": "desc"}}],
            }
        ],
        "formulas": [{"formula": "events"}],
    }


def _list(title: str, query: str, facet: str, limit: int) -> dict[str, Any]:
    return {"definition": {"type": "toplist", "title": title, "requests": [_request(query, facet, limit)]}}


def _over_time(title: str, query: str, facet: str) -> dict[str, Any]:
    request = {**_request(query, facet, 20), "response_format": "timeseries", "display_type": "bars"}
    return {"definition": {"type": "timeseries", "title": title, "requests": [request]}}


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2) + "\n"
