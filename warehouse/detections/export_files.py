"""The files that a SIEM takes a rule in: a stanza of savedsearches.conf, a line of detection rules, a template.

Promise: each is written switched off, with the rule's level on the scale of the SIEM and its runbook beside it.
"""

import json

from warehouse.detections.alert import runbook
from warehouse.detections.rule import Rule

INDICES = ["logs-anthropic.*"]


def saved_search(rule: Rule, query: str) -> str:
    """A stanza of savedsearches.conf. Late events count: the search goes by the time of indexing."""
    span = max(rule.timespan, 300) if rule.kind != "each" else 300
    settings = {
        "search": " \\\n".join(query.splitlines()),
        "description": rule.description,
        "disabled": "1",
        "enableSched": "1",
        "cron_schedule": "*/5 * * * *",
        "dispatch.earliest_time": "-7d@d",
        "dispatch.latest_time": "now",
        "dispatch.index_earliest": f"-{span}s",
        "dispatch.index_latest": "now",
        "alert.severity": {"informational": "1", "low": "2", "medium": "3", "high": "4", "critical": "5"}[
            rule.level
        ],
        "alert.track": "1",
        "counttype": "number of events",
        "relation": "greater than",
        "quantity": "0",
        "action.notable.param.rule_title": rule.title,
        "action.notable.param.rule_description": f"{rule.why} {runbook(rule)}",
    }
    return f"[Claude: {rule.title}]\n" + "".join(f"{name} = {value}\n" for name, value in settings.items())


_RISK = {"informational": 5, "low": 21, "medium": 47, "high": 73, "critical": 99}


def detection_rule(rule: Rule, query: str) -> str:
    """One line of NDJSON, as the import of detection rules takes it."""
    document = {
        "rule_id": rule.id,
        "name": f"Claude: {rule.title}",
        "description": f"{rule.description} {rule.why}",
        "type": "query",
        "language": "lucene",
        "index": INDICES,
        "query": query,
        "severity": "low" if rule.level == "informational" else rule.level,
        "risk_score": _RISK[rule.level],
        "from": "now-10m",
        "interval": "5m",
        "enabled": False,
        "false_positives": list(rule.false_positives),
        "note": "\n".join(f"{n}. {step}" for n, step in enumerate(rule.runbook, start=1)),
        "tags": ["Claude", *rule.tags],
        "timestamp_override": "event.ingested",
        "version": 1,
    }
    return json.dumps(document, sort_keys=True, ensure_ascii=False) + "\n"


def analytic_rule(rule: Rule, query: str) -> str:
    """A scheduled analytic rule as a template to deploy."""
    span = f"PT{max(rule.timespan, 300) // 60}M" if rule.kind != "each" else "PT10M"
    properties = {
        "displayName": f"Claude: {rule.title}",
        "description": f"{rule.description} {rule.why}",
        "severity": {"critical": "High", "informational": "Informational"}.get(
            rule.level, rule.level.capitalize()
        ),
        "enabled": False,
        "query": query,
        "queryFrequency": "PT5M",
        "queryPeriod": span,
        "triggerOperator": "GreaterThan",
        "triggerThreshold": 0,
        "suppressionDuration": "PT1H",
        "suppressionEnabled": False,
    }
    template = {
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0",
        "parameters": {"workspaceName": {"type": "string"}},
        "resources": [
            {
                "type": "Microsoft.OperationalInsights/workspaces/providers/alertRules",
                "apiVersion": "2023-11-01",
                "name": f"[concat(parameters('workspaceName'), '/Microsoft.SecurityInsights/{rule.id}')]",
                "kind": "Scheduled",
                "properties": properties,
            }
        ],
    }
    return json.dumps(template, indent=2, ensure_ascii=False) + "\n"
