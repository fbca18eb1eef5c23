"""Which columns of which table name a person, and what of a record stays when it is masked.

Promise: a table that nobody thought of is masked by the names of its columns; of a record only what is listed
stays.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

MARK: Final = "[restricted]"
RESTRICTED_RECORD: Final = '{"restricted":true}'
MASKED_RECORDS_BEGIN: Final = '{"restricted":true'  # what stays of a record begins so too

# Of a record that names the person, these top-level fields stay, where they hold only plain words, numbers, times
# and ids (`PLAIN`): which kind of thing happened, with what result, to which object. All else might name somebody.
KEPT_FIELDS: Final = """
    id created_at type organization_id organization_uuid access_level admin_api_key_id api_key_id audience
    auth_method billing_interval claude_artifact_id claude_chat_id claude_chat_snapshot_id claude_file_id
    claude_project_document_id claude_project_id claude_published_artifact_id completed compliance_api_enabled
    compliance_api_logging_enabled consent_type credential_type current_role current_seat_tier decision
    deleted_all enabled enforced entity_type export_destination export_type failed file_id from_date grant_type
    group_id integration_type invited_role invited_seat_tier is_active is_enabled is_public key_backing_type
    limit_type magic_link_enabled managed_auth_mode max_permission method mfa_method new_limit_usd new_mode
    new_plan new_quantity new_scope old_plan outcome plan_type platform previous_access_level previous_enabled
    previous_is_active previous_max_permission previous_mode previous_quantity previous_role previous_scope
    previous_seat_tier principal_type project_type provider request_method request_type resource_id
    resource_type result role role_id scope scopes service_account_id session_id share_id skill_id status
    status_code surface target_type to_date trigger_mode updates validation_result workspace_id
""".split()  # noqa: SIM905 - a list of names reads better as text
# Of the actor: the kind, and who vouches for machine identities (the key of an actor in the marts needs it).
KEPT_OF_ACTOR: Final = ("type", "issuer", "kid_hash", "provider", "idp_connection_type")
PLAIN: Final = r'^[A-Za-z0-9_.:+/\[\]{}",-]+$'


@dataclass(frozen=True)
class Rule:
    """How the columns of a table are masked.

    `who`: who acted, one identifier each (`cells`: several facts in a text). Where one of them is restricted, all
    of them and the `hidden` columns are masked. `own`: masked by their own value. `texts`: masked where the actor
    or an `own` column is restricted, or where the text itself names the person. `raw` and `raw_bytes` are masked
    wherever the person appears in the row: `raw` becomes `record`, or of a record of the feed what stays.
    """

    who: tuple[str, ...]
    cells: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    record: str = RESTRICTED_RECORD
    keeps_fields: bool = False


_RULES: Final = {
    "audit_events": Rule(
        who=("actor_id", "actor_email"),
        hidden=("ip_address", "user_agent"),
        own=("user_id",),
        texts=("filename", "url"),
        keeps_fields=True,
    ),
    "audit_export_rows": Rule(
        who=("actor_email", "actor_uuid"),
        cells=("actor_info",),
        hidden=("actor_name", "ip_address", "device_id", "user_agent"),
        own=("entity_uuid", "entity_name"),
        texts=("event_info", "entity_info"),
        record=MARK,
    ),
    "alerts": Rule(who=(), texts=("entities",)),
    "directory_users": Rule(who=("id", "email"), hidden=("name",)),
    "engagement_skills": Rule(who=(), texts=("skill_name", "skill_display_name")),
    "engagement_plugins": Rule(who=(), texts=("plugin_name",)),
    "engagement_connectors": Rule(who=(), texts=("connector_name", "connector_display_name")),
    "engagement_projects": Rule(who=("created_by_id", "created_by_email"), texts=("project_name",)),
    "directory_settings": Rule(who=(), texts=("value",)),
    "directory_enterprise_keys": Rule(who=(), own=("created_by",), texts=("name",)),
    "spend_limit_requests": Rule(
        who=("user_id", "user_email"), hidden=("user_name",), own=("resolved_by", "resolved_by_email")
    ),
    **{
        name: Rule(
            who=("user_email", "user_account_id", "user_account_uuid", "user_id", "user_key", "enduser_id"),
            texts=("attributes", "resource"),
        )
        for name in ("otel_metric_points", "otel_events", "otel_spans")
    },
    "directory_api_keys": Rule(who=(), own=("created_by", "principal_id"), texts=("name",)),
}
_WHO = ("actor_id", "actor_uuid", "user_id", "user_uuid", "account_id", "account_uuid", "member_id", "email")
_WHO_ENDINGS = ("_email", "email_address")
_HIDDEN = ("actor_name", "user_name", "name", "full_name", "display_name", "ip_address", "user_agent", "device_id")


def rule_of(table: str, columns: Sequence[str]) -> Rule | None:
    """The rule of a table; None where no column could name a person."""
    if table in _RULES:
        return _RULES[table]
    who = tuple(name for name in columns if name in _WHO or name.endswith(_WHO_ENDINGS))
    if not who and "raw" not in columns:
        return None
    return Rule(
        who=who,
        hidden=tuple(name for name in columns if name in _HIDDEN),
        own=tuple(name for name in columns if name == "id"),
    )
