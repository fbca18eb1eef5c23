"""ASIM parsers over the table: for each schema that is used, one with filters and one without."""

from __future__ import annotations

from typing import Final

from warehouse.delivery.mappings.asim import TABLE, VERSION

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


def parsers() -> dict[str, str]:
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
