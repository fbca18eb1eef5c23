"""Analytic rules for Sentinel, from the hunting queries. Promise: each looks at arrival, and is off until somebody
switches it on.
"""

from __future__ import annotations

from typing import Any, Final

from warehouse.delivery.mappings.asim import TABLE
from warehouse.delivery.packs.hunting import hunts, kql

_ANALYTICS_API: Final = "2023-11-01"

# Analytic rules: hunt id -> severity, tactics.
_RULES: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "audit-recording-changed": ("High", ("DefenseEvasion",)),
    "critical-events": ("High", ("Impact",)),
    "failed-sign-ins-by-address": ("Medium", ("CredentialAccess",)),
    "protections-off": ("Medium", ("DefenseEvasion",)),
    "unknown-events": ("Informational", ()),
}


def analytic_rules() -> dict[str, Any]:
    """Scheduled rules, all of them off, as an ARM template of their own."""
    made = []
    by_id = {hunt.id: hunt for hunt in hunts()}
    for hunt_id, (severity, tactics) in _RULES.items():
        hunt = by_id[hunt_id]
        # By arrival, not by the event's own time: what comes late still raises its alert.
        query = kql(hunt).replace(TABLE, f"{TABLE}\n| where ingestion_time() > ago(5m)", 1)
        entities = []
        if not hunt.by or "actor" in hunt.by:
            entities.append(
                {
                    "entityType": "Account",
                    "fieldMappings": [{"identifier": "FullName", "columnName": "ActorEmail"}],
                }
            )
        if not hunt.by or "client_ip" in hunt.by:
            entities.append(
                {"entityType": "IP", "fieldMappings": [{"identifier": "Address", "columnName": "ClientIp"}]}
            )
        made.append(
            {
                "type": "Microsoft.OperationalInsights/workspaces/providers/alertRules",
                "apiVersion": _ANALYTICS_API,
                "name": (
                    "[concat(parameters('workspaceName'), '/Microsoft.SecurityInsights/', "
                    f"guid('claude-{hunt_id}'))]"
                ),
                "kind": "Scheduled",
                "properties": {
                    "displayName": f"Claude: {hunt.title}",
                    "description": hunt.why,
                    "severity": severity,
                    "enabled": False,
                    "query": query,
                    "queryFrequency": "PT5M",
                    "queryPeriod": "P14D",
                    "triggerOperator": "GreaterThan",
                    "triggerThreshold": 0,
                    "suppressionDuration": "PT1H",
                    "suppressionEnabled": False,
                    "tactics": list(tactics),
                    **({"entityMappings": entities} if entities else {}),
                    "eventGroupingSettings": {"aggregationKind": "SingleAlert"},
                },
            }
        )
    return {
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0",
        "parameters": {"workspaceName": {"type": "string"}},
        "resources": made,
    }
