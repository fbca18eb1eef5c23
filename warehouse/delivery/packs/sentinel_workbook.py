"""The workbook of the Sentinel pack. Promise: every tile counts an event once, however often it arrived."""

from __future__ import annotations

from typing import Any

from warehouse.delivery.mappings.asim import TABLE


def workbook() -> dict[str, Any]:
    """The workbook, as Sentinel exports one."""
    return {
        "version": "Notebook/1.0",
        "items": [
            {
                "type": 1,
                "name": "about",
                "content": {"json": "## Claude audit\nWho did what in Claude. Events are counted once each."},
            },
            {
                "type": 9,
                "name": "parameters",
                "content": {
                    "version": "KqlParameterItem/1.0",
                    "parameters": [
                        {
                            "id": "6f1c5ff2-5ac3-4ba8-9aa5-3a4b5f1f3f10",
                            "version": "KqlParameterItem/1.0",
                            "name": "Time",
                            "type": 4,
                            "isRequired": True,
                            "value": {"durationMs": 604800000},
                            "typeSettings": {
                                "selectableValues": [
                                    {"durationMs": 86400000},
                                    {"durationMs": 604800000},
                                    {"durationMs": 2592000000},
                                ],
                                "allowCustom": True,
                            },
                        }
                    ],
                    "style": "pills",
                    "queryType": 0,
                    "resourceType": "microsoft.operationalinsights/workspaces",
                },
            },
            _tile(
                "Events by category",
                "areachart",
                "summarize Events = count() by EventCategory, bin(EventTime, 1h)",
            ),
            _tile("By severity", "piechart", "summarize Events = count() by EventSeverity"),
            _tile(
                "Failed sign-ins",
                "table",
                'where EventCategory == "authentication" and EventOutcome == "failure" '
                "| summarize Events = count() by ClientIp, ActorEmail | top 50 by Events",
            ),
            _tile("Most active", "table", "summarize Events = count() by ActorEmail, ActorId | top 50 by Events"),
            _tile(
                "High and critical",
                "table",
                'where EventSeverity in ("high", "critical") '
                "| project EventTime, EventType, ActorEmail, ClientIp, ObjectType, ObjectName, EventSeverity "
                "| sort by EventTime desc",
            ),
            _tile(
                "Types nobody has listed", "table", "where UnknownEvent | summarize Events = count() by EventType"
            ),
            _tile(
                "Alerts",
                "table",
                "project EventTime, AlertTitle, AlertRuleId, EventSeverity, ActorEmail | sort by EventTime desc",
                category="alert",
            ),
        ],
        "fallbackResourceIds": [],
        "$schema": "https://github.com/Microsoft/Application-Insights-Workbooks/blob/master/schema/workbook.json",
    }


def _tile(title: str, shown: str, rest: str, category: str = "") -> dict[str, Any]:
    which = f'== "{category}"' if category else '!= "alert"'
    query = (
        f"{TABLE} | where EventCategory {which} "
        f"| summarize arg_max(TimeGenerated, *) by EventId, RecordVersion | {rest}"
    )
    return {
        "type": 3,
        "name": title,
        "content": {
            "version": "KqlItem/1.0",
            "query": query,
            "size": 0,
            "title": title,
            "timeContextFromParameter": "Time",
            "queryType": 0,
            "resourceType": "microsoft.operationalinsights/workspaces",
            "visualization": shown,
        },
    }
