"""A data view, visualizations, a search, a dashboard of Kibana. Promise: they read only fields that are mapped."""

from __future__ import annotations

import json
from typing import Any, Final

from warehouse.delivery.mappings.ecs import DATASET

DATA_STREAM_PATTERN: Final = f"logs-{DATASET}-*"
VIEW: Final = "claude-audit-view"

_COUNT: Final = {"id": "1", "enabled": True, "type": "count", "schema": "metric", "params": {}}


def saved_objects() -> list[dict[str, Any]]:
    """A data view, the visualizations, a search and the dashboard, as Kibana imports them."""
    panels = [
        _visualization(
            "events-by-category", "Events by category", "histogram", _over_time("anthropic.category"), ""
        ),
        _visualization("by-severity", "Events by severity", "pie", _terms("anthropic.severity", 5), ""),
        _visualization("by-outcome", "Sign-ins by outcome", "pie", _terms("event.outcome", 3), _SIGN_INS),
        _visualization("top-actors", "Most active people and keys", "table", _terms("user.name", 20), ""),
        _visualization("top-types", "Most frequent event types", "table", _terms("event.action", 20), ""),
        _visualization("failed-sign-ins", "Failed sign-ins by address", "table", _terms("source.ip", 20), _FAILED),
        _visualization("admin-changes", "High and critical by type", "table", _terms("event.action", 20), _GRAVE),
        _visualization("unknown", "Types nobody has listed", "table", _terms("event.action", 20), _UNKNOWN),
    ]
    search = _search()
    view = {
        "id": VIEW,
        "type": "index-pattern",
        "attributes": {"title": DATA_STREAM_PATTERN, "name": "Claude audit", "timeFieldName": "@timestamp"},
        "references": [],
    }
    return [view, *panels, search, _dashboard([*panels, search])]


_SIGN_INS: Final = "event.category: authentication"
_FAILED: Final = "event.category: authentication and event.outcome: failure"
_GRAVE: Final = "anthropic.severity: (high or critical)"
_UNKNOWN: Final = "anthropic.unknown_event: true"


def _terms(field: str, size: int) -> list[dict[str, Any]]:
    bucket = {
        "id": "2",
        "enabled": True,
        "type": "terms",
        "schema": "bucket",
        "params": {"field": field, "orderBy": "1", "order": "desc", "size": size},
    }
    return [_COUNT, bucket]


def _over_time(split: str) -> list[dict[str, Any]]:
    time = {
        "id": "2",
        "enabled": True,
        "type": "date_histogram",
        "schema": "segment",
        "params": {"field": "@timestamp", "useNormalizedEsInterval": True, "interval": "auto", "min_doc_count": 1},
    }
    by = {
        "id": "3",
        "enabled": True,
        "type": "terms",
        "schema": "group",
        "params": {"field": split, "orderBy": "1", "order": "desc", "size": 20},
    }
    return [_COUNT, time, by]


_PARAMS: Final[dict[str, dict[str, Any]]] = {
    "pie": {"type": "pie", "addTooltip": True, "legendDisplay": "show", "isDonut": True},
    "table": {"perPage": 20, "showPartialRows": False, "showMetricsAtAllLevels": False, "showTotal": False},
    "histogram": {
        "type": "histogram",
        "addLegend": True,
        "addTooltip": True,
        "legendPosition": "right",
        "seriesParams": [
            {
                "type": "histogram",
                "mode": "stacked",
                "show": True,
                "data": {"id": "1", "label": "Events"},
                "valueAxis": "ValueAxis-1",
            }
        ],
        "categoryAxes": [
            {
                "id": "CategoryAxis-1",
                "type": "category",
                "position": "bottom",
                "show": True,
                "scale": {"type": "linear"},
            }
        ],
        "valueAxes": [
            {
                "id": "ValueAxis-1",
                "name": "LeftAxis-1",
                "type": "value",
                "position": "left",
                "show": True,
                "scale": {"type": "linear", "mode": "normal"},
                "title": {"text": "Events"},
            }
        ],
    },
}


def _visualization(name: str, title: str, kind: str, aggs: list[dict[str, Any]], query: str) -> dict[str, Any]:
    if kind == "pie":
        aggs = [aggs[0], {**aggs[1], "schema": "segment"}]
    state = {"title": title, "type": kind, "aggs": aggs, "params": _PARAMS[kind]}
    return {
        "id": f"claude-audit-{name}",
        "type": "visualization",
        "attributes": {
            "title": f"Claude: {title}",
            "visState": json.dumps(state),
            "uiStateJSON": "{}",
            "description": "",
            "kibanaSavedObjectMeta": {"searchSourceJSON": json.dumps(_source(query))},
        },
        "references": [_VIEW_REFERENCE],
    }


_VIEW_REFERENCE: Final = {
    "id": VIEW,
    "name": "kibanaSavedObjectMeta.searchSourceJSON.index",
    "type": "index-pattern",
}


def _source(query: str) -> dict[str, Any]:
    return {
        "query": {"query": query, "language": "kuery"},
        "filter": [],
        "indexRefName": "kibanaSavedObjectMeta.searchSourceJSON.index",
    }


def _search() -> dict[str, Any]:
    return {
        "id": "claude-audit-events",
        "type": "search",
        "attributes": {
            "title": "Claude: events worth a look",
            "columns": ["event.action", "user.name", "source.ip", "anthropic.object.name", "anthropic.severity"],
            "sort": [["@timestamp", "desc"]],
            "kibanaSavedObjectMeta": {"searchSourceJSON": json.dumps(_source(_GRAVE))},
        },
        "references": [_VIEW_REFERENCE],
    }


def _dashboard(shown: list[dict[str, Any]]) -> dict[str, Any]:
    panels = []
    references = []
    for number, one in enumerate(shown):
        x, y = (number - 1) % 2 * 24, 12 + (number - 1) // 2 * 14
        grid = {"x": x, "y": y, "w": 24, "h": 14} if number else {"x": 0, "y": 0, "w": 48, "h": 12}
        if one["type"] == "search":
            grid |= {"x": 0, "w": 48, "y": 12 + (len(shown) - 1) // 2 * 14, "h": 18}
        panels.append(
            {
                "type": one["type"],
                "gridData": {**grid, "i": str(number)},
                "panelIndex": str(number),
                "embeddableConfig": {"enhancements": {}},
                "panelRefName": f"panel_{number}",
            }
        )
        references.append({"name": f"{number}:panel_{number}", "type": one["type"], "id": one["id"]})
    return {
        "id": "claude-audit-overview",
        "type": "dashboard",
        "attributes": {
            "title": "Claude: audit overview",
            "description": "Who did what in Claude: delivered by Ledgerline",
            "panelsJSON": json.dumps(panels),
            "optionsJSON": json.dumps({"useMargins": True, "hidePanelTitles": False}),
            "timeRestore": True,
            "timeFrom": "now-7d",
            "timeTo": "now",
            "kibanaSavedObjectMeta": {
                "searchSourceJSON": json.dumps({"query": {"query": "", "language": "kuery"}, "filter": []})
            },
        },
        "references": references,
    }
