"""The log source `claude_code`: which field of it is which column or attribute of an event of telemetry.

Promise: every field is read from the one place that is named here; what is judged instead (`account`,
`organization`, `denied_before`, `mcp_server`) is at the end.
"""

from collections.abc import Mapping

import pyarrow as pa

_TIME = pa.timestamp("us", "UTC")

# Fields that are columns of `otel_events`, by what they are called there.
OF_COLUMNS: Mapping[str, str] = {
    "type": "event_name",
    "session_id": "session_id",
    "installation": "user_id",
    "user_account_id": "user_account_id",
    "user_account_uuid": "user_account_uuid",
    "user_email": "user_email",
    "enduser_id": "enduser_id",
    "organization_id": "organization_id",
    "service_name": "service_name",
    "service_version": "service_version",
    "app_entrypoint": "app_entrypoint",
    "department": "department",
    "team": "team",
    "repo": "repo",
    "model": "model",
    "tool_name": "tool_name",
    "tool_use_id": "tool_use_id",
    "decision": "decision",
    "decision_source": "source",
    "error_type": "error_type",
}
# Fields that are attributes of the event, by the vendor's name; their values are texts here.
OF_ATTRIBUTES: Mapping[str, str] = {
    "success": "success",
    "tool_source": "tool_source",
    "from_mode": "from_mode",
    "to_mode": "to_mode",
    "trigger": "trigger",
    "action": "action",
    "auth_method": "auth_method",
    "error_category": "error_category",
    "error_name": "error_name",
    "error_code": "error_code",
    "status": "status",
    "transport_type": "transport_type",
    "server_scope": "server_scope",
    "server_name": "server_name",
    "is_plugin": "is_plugin",
    "plugin_id_hash": "plugin_id_hash",
    "plugin_name": "plugin.name",
    "plugin_scope": "plugin.scope",
    "marketplace_name": "marketplace.name",
    "marketplace_official": "marketplace.is_official",
    "install_trigger": "install.trigger",
    "enabled_via": "enabled_via",
    "has_hooks": "has_hooks",
    "has_mcp": "has_mcp",
    "skill_name": "skill.name",
    "skill_source": "skill.source",
    "hook_event": "hook_event",
    "hook_type": "hook_type",
    "hook_source": "hook_source",
    "managed_only": "managed_only",
    "safe_mode": "safe_mode",
}
# The same, where they count something.
NUMBERS: Mapping[str, str] = {
    "status_code": "status_code",
    "total_attempts": "total_attempts",
    "num_hooks": "num_hooks",
    "num_blocking": "num_blocking",
}
ATTRIBUTES: Mapping[str, str] = {
    **{name: of for name, of in OF_COLUMNS.items() if of == name},
    **OF_ATTRIBUTES,
    **NUMBERS,
    "decision_source": "source",
    "type": "event.name",
    "session_id": "session.id",
    "installation": "user.id",
    "user_account_id": "user.account_id",
    "user_account_uuid": "user.account_uuid",
    "user_email": "user.email",
    "enduser_id": "enduser.id",
    "organization_id": "organization.id",
    "service_name": "service.name",
    "service_version": "service.version",
    "app_entrypoint": "app.entrypoint",
}
"""Field -> the vendor's attribute that it is read from; fields that are judged here have none."""

# A row for each event. `actor` is whose it is: the account, else the address, else what the machine says of its
# user, else the installation. `actor_email` is what the feed calls the same.
EVENTS = pa.schema(
    [
        pa.field("id", pa.string()),
        pa.field("created_at", _TIME),
        pa.field("commit_seq", pa.int64()),
        pa.field("actor", pa.string()),
        pa.field("actor_email", pa.string()),
        *(pa.field(name, pa.string()) for name in (*OF_COLUMNS, *OF_ATTRIBUTES)),
        *(pa.field(name, pa.int64()) for name in NUMBERS),
        pa.field("mcp_server", pa.string()),
        pa.field("denied_before", pa.int64()),
        pa.field("account", pa.string()),
        pa.field("organization", pa.string()),
    ]
)
CODES = frozenset({"type", "decision", "decision_source", "account", "organization"})
