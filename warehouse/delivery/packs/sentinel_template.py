"""What Sentinel needs as resources: table, data collection endpoint and rule, right to send; as an ARM template.

Promise: the stream declares exactly the columns that `asim.py` sends: Sentinel drops an undeclared one in silence.
"""

from __future__ import annotations

import json
from typing import Any, Final

from warehouse.delivery.mappings.asim import COLUMNS, STREAM, TABLE
from warehouse.delivery.packs.sentinel_workbook import workbook

METRICS_PUBLISHER: Final = "3913510d-42f4-4e42-8a64-420c390055eb"
TABLE_API: Final = "2022-10-01"
RULES_API: Final = "2023-03-11"
ROLE_API: Final = "2022-04-01"
WORKBOOK_API: Final = "2022-04-01"
TRANSFORM: Final = "source | extend TimeGenerated = iff(isnull(TimeGenerated), now(), TimeGenerated)"
PARAMETERS: Final[dict[str, tuple[str, Any, str]]] = {
    "workspaceName": ("string", None, "Name of the Log Analytics workspace that Sentinel is on"),
    "location": ("string", "[resourceGroup().location]", "Region of the workspace"),
    "senderObjectId": (
        "string",
        None,
        "Object id of the service principal (not of the app) that Ledgerline sends as",
    ),
    "retentionInDays": ("int", 90, "Days for which events are held for queries"),
    "totalRetentionInDays": ("int", 365, "Days for which events are held in all"),
}


def _columns() -> list[dict[str, str]]:
    return [{"name": name, "type": kind} for name, kind in COLUMNS.items()]


def resources() -> list[dict[str, Any]]:
    """The resources of the template, as ARM has them, with their Bicep symbol under `symbol`."""
    workspace = "[resourceId('Microsoft.OperationalInsights/workspaces', parameters('workspaceName'))]"
    table = (
        f"[resourceId('Microsoft.OperationalInsights/workspaces/tables', parameters('workspaceName'), '{TABLE}')]"
    )
    endpoint = "[resourceId('Microsoft.Insights/dataCollectionEndpoints', 'dce-claude-audit')]"
    rule = "[resourceId('Microsoft.Insights/dataCollectionRules', 'dcr-claude-audit')]"
    return [
        {
            "type": "Microsoft.OperationalInsights/workspaces/tables",
            "apiVersion": TABLE_API,
            "name": f"[concat(parameters('workspaceName'), '/{TABLE}')]",
            "properties": {
                "plan": "Analytics",
                "retentionInDays": "[parameters('retentionInDays')]",
                "totalRetentionInDays": "[parameters('totalRetentionInDays')]",
                "schema": {"name": TABLE, "columns": _columns()},
            },
        },
        {
            "type": "Microsoft.Insights/dataCollectionEndpoints",
            "apiVersion": RULES_API,
            "name": "dce-claude-audit",
            "location": "[parameters('location')]",
            "properties": {"networkAcls": {"publicNetworkAccess": "Enabled"}},
        },
        {
            "type": "Microsoft.Insights/dataCollectionRules",
            "apiVersion": RULES_API,
            "name": "dcr-claude-audit",
            "location": "[parameters('location')]",
            "kind": "Direct",
            "dependsOn": [table, endpoint],
            "properties": {
                "dataCollectionEndpointId": endpoint,
                "streamDeclarations": {STREAM: {"columns": _columns()}},
                "destinations": {"logAnalytics": [{"workspaceResourceId": workspace, "name": "workspace"}]},
                "dataFlows": [
                    {
                        "streams": [STREAM],
                        "destinations": ["workspace"],
                        "transformKql": TRANSFORM,
                        "outputStream": STREAM,
                    }
                ],
            },
        },
        {
            "type": "Microsoft.Authorization/roleAssignments",
            "apiVersion": ROLE_API,
            "name": "[guid(resourceGroup().id, 'dcr-claude-audit', parameters('senderObjectId'))]",
            "scope": "[concat('Microsoft.Insights/dataCollectionRules/', 'dcr-claude-audit')]",
            "dependsOn": [rule],
            "properties": {
                "roleDefinitionId": (
                    f"[subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '{METRICS_PUBLISHER}')]"
                ),
                "principalId": "[parameters('senderObjectId')]",
                "principalType": "ServicePrincipal",
            },
        },
        {
            "type": "Microsoft.Insights/workbooks",
            "apiVersion": WORKBOOK_API,
            "name": "[guid(resourceGroup().id, 'claude-audit-workbook')]",
            "location": "[parameters('location')]",
            "kind": "shared",
            "properties": {
                "displayName": "Claude audit",
                "category": "sentinel",
                "sourceId": workspace,
                "serializedData": json.dumps(workbook()),
            },
        },
    ]


def arm() -> dict[str, Any]:
    """The ARM template."""
    parameters: dict[str, Any] = {}
    for name, (kind, default, about) in PARAMETERS.items():
        parameters[name] = {"type": kind, "metadata": {"description": about}}
        if default is not None:
            parameters[name]["defaultValue"] = default
    return {
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0",
        "metadata": {"description": "Claude audit events in Microsoft Sentinel, delivered by Ledgerline"},
        "parameters": parameters,
        "resources": resources(),
        "outputs": {
            "endpoint": {
                "type": "string",
                "value": (
                    "[reference(resourceId('Microsoft.Insights/dataCollectionEndpoints', 'dce-claude-audit'), "
                    f"'{RULES_API}').logsIngestion.endpoint]"
                ),
            },
            "dcrId": {
                "type": "string",
                "value": (
                    "[reference(resourceId('Microsoft.Insights/dataCollectionRules', 'dcr-claude-audit'), "
                    f"'{RULES_API}').immutableId]"
                ),
            },
            "stream": {"type": "string", "value": STREAM},
        },
    }
