"""The resources of `sentinel_template.py` in Bicep. Promise: from the same values, so both say the same."""

from __future__ import annotations

from typing import Any

from warehouse.delivery.mappings.asim import STREAM, TABLE
from warehouse.delivery.packs.sentinel_template import (
    METRICS_PUBLISHER,
    PARAMETERS,
    ROLE_API,
    RULES_API,
    TABLE_API,
    WORKBOOK_API,
    resources,
)


def bicep() -> str:
    """The same in Bicep."""
    lines = ["// Claude audit events in Microsoft Sentinel, delivered by Ledgerline", ""]
    for name, (kind, default, about) in PARAMETERS.items():
        value = {None: "", "[resourceGroup().location]": " = resourceGroup().location"}.get(
            default, f" = {default}"
        )
        lines += [f"@description('{about}')", f"param {name} {kind}{value}", ""]
    table, endpoint, rule, role, workbook = resources()
    lines += [
        f"resource workspace 'Microsoft.OperationalInsights/workspaces@{TABLE_API}' existing = {{",
        "  name: workspaceName",
        "}",
        "",
        f"resource table '{table['type']}@{TABLE_API}' = {{",
        "  parent: workspace",
        f"  name: '{TABLE}'",
        "  properties: {",
        "    plan: 'Analytics'",
        "    retentionInDays: retentionInDays",
        "    totalRetentionInDays: totalRetentionInDays",
        f"    schema: {_value(table['properties']['schema'], 2)}",
        "  }",
        "}",
        "",
        f"resource endpoint '{endpoint['type']}@{RULES_API}' = {{",
        f"  name: '{endpoint['name']}'",
        "  location: location",
        f"  properties: {_value(endpoint['properties'], 1)}",
        "}",
        "",
        f"resource rule '{rule['type']}@{RULES_API}' = {{",
        f"  name: '{rule['name']}'",
        "  location: location",
        "  kind: 'Direct'",
        "  dependsOn: [",
        "    table",
        "  ]",
        "  properties: {",
        "    dataCollectionEndpointId: endpoint.id",
        f"    streamDeclarations: {_value(rule['properties']['streamDeclarations'], 2)}",
        "    destinations: {",
        "      logAnalytics: [",
        "        {",
        "          workspaceResourceId: workspace.id",
        "          name: 'workspace'",
        "        }",
        "      ]",
        "    }",
        f"    dataFlows: {_value(rule['properties']['dataFlows'], 2)}",
        "  }",
        "}",
        "",
        f"resource sender '{role['type']}@{ROLE_API}' = {{",
        "  name: guid(resourceGroup().id, 'dcr-claude-audit', senderObjectId)",
        "  scope: rule",
        "  properties: {",
        "    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', "
        f"'{METRICS_PUBLISHER}')",
        "    principalId: senderObjectId",
        "    principalType: 'ServicePrincipal'",
        "  }",
        "}",
        "",
        f"resource workbook '{workbook['type']}@{WORKBOOK_API}' = {{",
        "  name: guid(resourceGroup().id, 'claude-audit-workbook')",
        "  location: location",
        "  kind: 'shared'",
        "  properties: {",
        "    displayName: 'Claude audit'",
        "    category: 'sentinel'",
        "    sourceId: workspace.id",
        "    serializedData: loadTextContent('workbook.json')",
        "  }",
        "}",
        "",
        "output endpoint string = endpoint.properties.logsIngestion.endpoint",
        "output dcrId string = rule.properties.immutableId",
        f"output stream string = '{STREAM}'",
        "",
    ]
    return "\n".join(lines)


def _value(value: Any, level: int) -> str:
    """A JSON value as a Bicep literal, indented by `level`."""
    inner, outer = "  " * (level + 1), "  " * level
    if isinstance(value, dict):
        body = "".join(f"{inner}{_key(name)}: {_value(one, level + 1)}\n" for name, one in value.items())
        return f"{{\n{body}{outer}}}"
    if isinstance(value, list):
        body = "".join(f"{inner}{_value(one, level + 1)}\n" for one in value)
        return f"[\n{body}{outer}]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    return "'" + str(value).replace("\\", "\\\\").replace("'", "\\'").replace("${", "\\${") + "'"


def _key(name: str) -> str:
    return name if name.isidentifier() else f"'{name}'"
