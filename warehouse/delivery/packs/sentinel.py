"""The Sentinel pack: table, data collection endpoint and rule, right to send, workbook, parsers, analytic rules.

Promise: the Bicep file and the ARM template say the same, being written from the same values. The stream declares
exactly the columns that `asim.py` sends: Sentinel drops an undeclared one without a word.
"""

from __future__ import annotations

import json
from typing import Any, Final

from warehouse.delivery.mappings.asim import COLUMNS, STREAM, TABLE, VERSION
from warehouse.delivery.packs.hunting import hunts, kql

_METRICS_PUBLISHER: Final = "3913510d-42f4-4e42-8a64-420c390055eb"
_TABLE_API: Final = "2022-10-01"
_RULES_API: Final = "2023-03-11"
_ROLE_API: Final = "2022-04-01"
_WORKBOOK_API: Final = "2022-04-01"
_ANALYTICS_API: Final = "2023-11-01"
TRANSFORM: Final = "source | extend TimeGenerated = iff(isnull(TimeGenerated), now(), TimeGenerated)"
_PARAMETERS: Final[dict[str, tuple[str, Any, str]]] = {
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

# Analytic rules: hunt id -> severity, tactics.
_RULES: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "audit-recording-changed": ("High", ("DefenseEvasion",)),
    "critical-events": ("High", ("Impact",)),
    "failed-sign-ins-by-address": ("Medium", ("CredentialAccess",)),
    "protections-off": ("Medium", ("DefenseEvasion",)),
    "unknown-events": ("Informational", ()),
}


def files() -> dict[str, str]:
    """Path under `deploy/siem/` -> text."""
    return {
        "sentinel/azuredeploy.json": _json(arm()),
        "sentinel/main.bicep": bicep(),
        "sentinel/workbook.json": _json(_workbook()),
        "sentinel/analytic-rules.json": _json(_analytic_rules()),
        **{f"sentinel/parsers/{name}.kql": text for name, text in _parsers().items()},
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
            "apiVersion": _TABLE_API,
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
            "apiVersion": _RULES_API,
            "name": "dce-claude-audit",
            "location": "[parameters('location')]",
            "properties": {"networkAcls": {"publicNetworkAccess": "Enabled"}},
        },
        {
            "type": "Microsoft.Insights/dataCollectionRules",
            "apiVersion": _RULES_API,
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
            "apiVersion": _ROLE_API,
            "name": "[guid(resourceGroup().id, 'dcr-claude-audit', parameters('senderObjectId'))]",
            "scope": "[concat('Microsoft.Insights/dataCollectionRules/', 'dcr-claude-audit')]",
            "dependsOn": [rule],
            "properties": {
                "roleDefinitionId": (
                    f"[subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '{_METRICS_PUBLISHER}')]"
                ),
                "principalId": "[parameters('senderObjectId')]",
                "principalType": "ServicePrincipal",
            },
        },
        {
            "type": "Microsoft.Insights/workbooks",
            "apiVersion": _WORKBOOK_API,
            "name": "[guid(resourceGroup().id, 'claude-audit-workbook')]",
            "location": "[parameters('location')]",
            "kind": "shared",
            "properties": {
                "displayName": "Claude audit",
                "category": "sentinel",
                "sourceId": workspace,
                "serializedData": json.dumps(_workbook()),
            },
        },
    ]


def arm() -> dict[str, Any]:
    """The ARM template."""
    parameters: dict[str, Any] = {}
    for name, (kind, default, about) in _PARAMETERS.items():
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
                    f"'{_RULES_API}').logsIngestion.endpoint]"
                ),
            },
            "dcrId": {
                "type": "string",
                "value": (
                    "[reference(resourceId('Microsoft.Insights/dataCollectionRules', 'dcr-claude-audit'), "
                    f"'{_RULES_API}').immutableId]"
                ),
            },
            "stream": {"type": "string", "value": STREAM},
        },
    }


def bicep() -> str:
    """The same in Bicep."""
    lines = ["// Claude audit events in Microsoft Sentinel, delivered by Ledgerline", ""]
    for name, (kind, default, about) in _PARAMETERS.items():
        value = {None: "", "[resourceGroup().location]": " = resourceGroup().location"}.get(
            default, f" = {default}"
        )
        lines += [f"@description('{about}')", f"param {name} {kind}{value}", ""]
    table, endpoint, rule, role, workbook = resources()
    lines += [
        f"resource workspace 'Microsoft.OperationalInsights/workspaces@{_TABLE_API}' existing = {{",
        "  name: workspaceName",
        "}",
        "",
        f"resource table '{table['type']}@{_TABLE_API}' = {{",
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
        f"resource endpoint '{endpoint['type']}@{_RULES_API}' = {{",
        f"  name: '{endpoint['name']}'",
        "  location: location",
        f"  properties: {_value(endpoint['properties'], 1)}",
        "}",
        "",
        f"resource rule '{rule['type']}@{_RULES_API}' = {{",
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
        f"resource sender '{role['type']}@{_ROLE_API}' = {{",
        "  name: guid(resourceGroup().id, 'dcr-claude-audit', senderObjectId)",
        "  scope: rule",
        "  properties: {",
        "    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', "
        f"'{_METRICS_PUBLISHER}')",
        "    principalId: senderObjectId",
        "    principalType: 'ServicePrincipal'",
        "  }",
        "}",
        "",
        f"resource workbook '{workbook['type']}@{_WORKBOOK_API}' = {{",
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


def _workbook() -> dict[str, Any]:
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


def _analytic_rules() -> dict[str, Any]:
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


_COMMON: Final = """| summarize arg_max(TimeGenerated, *) by EventId, RecordVersion
| project-rename OriginalEventType = EventType, OriginalSeverity = EventSeverity, OriginalUserAgent = UserAgent
| extend
    EventCount = int(1),
    EventStartTime = EventTime,
    EventEndTime = EventTime,
    EventType = AsimEventType,
    EventResult = AsimEventResult,
    EventSeverity = AsimEventSeverity,
    EventOriginalType = OriginalEventType,
    EventOriginalSeverity = OriginalSeverity,
    EventOriginalUid = EventId,
    EventUid = EventId,
    EventProduct = "Claude",
    EventVendor = "Anthropic",
    EventSchema = AsimSchema,
    EventSchemaVersion = "{version}",
    Dvc = "claude.ai",
    SrcIpAddr = ClientIp,
    IpAddr = ClientIp,
    HttpUserAgent = OriginalUserAgent,
    TargetAppName = "Claude",
    ActorUsername = coalesce(ActorEmail, ActorId),
    ActorUsernameType = iff(isnotempty(ActorEmail), "UPN", "Simple"),
    ActorUserId = ActorId,
    ActorUserIdType = "Other",
    ActorOriginalUserType = ActorType,
    AdditionalFields = RawEvent
"""

_OWN: Final[dict[str, tuple[str, str, str]]] = {
    "AuditEvent": (
        VERSION,
        "| extend Operation = OriginalEventType, Object = coalesce(ObjectName, ObjectId, ObjectType), "
        "OriginalObjectType = ObjectType\n| extend ObjectType = AsimObjectType\n",
        """starttime:datetime=datetime(null), endtime:datetime=datetime(null),
  srcipaddr_has_any_prefix:dynamic=dynamic([]), eventtype_in:dynamic=dynamic([]), eventresult:string='*',
  actorusername_has_any:dynamic=dynamic([]), operation_has_any:dynamic=dynamic([]),
  object_has_any:dynamic=dynamic([]), newvalue_has_any:dynamic=dynamic([]), disabled:bool=false""",
    ),
    "Authentication": (
        "0.1.3",
        "| extend TargetUsername = ActorUsername, TargetUsernameType = ActorUsernameType, TargetUserId = ActorId, "
        "LogonMethod = tostring(RawEvent.auth_method)\n",
        """starttime:datetime=datetime(null), endtime:datetime=datetime(null),
  username_has_any:dynamic=dynamic([]), targetappname_has_any:dynamic=dynamic([]),
  srcipaddr_has_any_prefix:dynamic=dynamic([]), eventtype_in:dynamic=dynamic([]), eventresult:string='*',
  disabled:bool=false""",
    ),
    "UserManagement": (
        "0.1.2",
        "| extend TargetUsername = TargetUserEmail\n",
        """starttime:datetime=datetime(null), endtime:datetime=datetime(null),
  srcipaddr_has_any_prefix:dynamic=dynamic([]), targetusername_has_any:dynamic=dynamic([]),
  actorusername_has_any:dynamic=dynamic([]), eventtype_in:dynamic=dynamic([]), disabled:bool=false""",
    ),
}

_FILTERS: Final = {
    "starttime": "| where isnull(starttime) or TimeGenerated >= starttime",
    "endtime": "| where isnull(endtime) or TimeGenerated <= endtime",
    "srcipaddr_has_any_prefix": (
        "| where array_length(srcipaddr_has_any_prefix) == 0 "
        "or has_any_ipv4_prefix(ClientIp, srcipaddr_has_any_prefix)"
    ),
    "eventtype_in": "| where array_length(eventtype_in) == 0 or AsimEventType in~ (eventtype_in)",
    "eventresult": "| where eventresult == '*' or AsimEventResult =~ eventresult",
    "actorusername_has_any": (
        "| where array_length(actorusername_has_any) == 0 or ActorEmail has_any (actorusername_has_any)"
    ),
    "username_has_any": "| where array_length(username_has_any) == 0 or ActorEmail has_any (username_has_any)",
    "targetusername_has_any": (
        "| where array_length(targetusername_has_any) == 0 or TargetUserEmail has_any (targetusername_has_any)"
    ),
    "targetappname_has_any": (
        "| where array_length(targetappname_has_any) == 0 or 'Claude' has_any (targetappname_has_any)"
    ),
    "operation_has_any": "| where array_length(operation_has_any) == 0 or EventType has_any (operation_has_any)",
    "object_has_any": (
        "| where array_length(object_has_any) == 0 or ObjectName has_any (object_has_any) "
        "or ObjectId has_any (object_has_any)"
    ),
    "newvalue_has_any": (
        "| where array_length(newvalue_has_any) == 0 or tostring(RawEvent) has_any (newvalue_has_any)"
    ),
}


def _parsers() -> dict[str, str]:
    """Name of an ASIM parser -> its query: for each schema the one with filters and the one without."""
    found = {}
    for schema, (version, own, parameters) in _OWN.items():
        common = _COMMON.format(version=version)
        plain = f'{TABLE}\n| where AsimSchema == "{schema}"\n{common}{own}'
        names = [part.split(":")[0].strip() for part in parameters.replace("\n", " ").split(", ")]
        wanted = [_FILTERS[name] for name in (name.strip() for name in names) if name in _FILTERS]
        body = "\n".join([TABLE, "| where not(disabled)", f'| where AsimSchema == "{schema}"', *wanted])
        head = f"// ASIM {schema} {version}: Claude audit events. Save as a function of this name.\n"
        found[f"ASim{schema}AnthropicClaude"] = head + plain
        found[f"vim{schema}AnthropicClaude"] = (
            f"{head}let parser = (\n  {parameters}\n) {{\n{body}\n{common}{own}}};\n"
            f"parser({', '.join(f'{name}={name}' for name in names)})\n"
        )
    return found


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2) + "\n"
