"""What the published schemas allow, as facts: field names and types, closed lists of values.

ECS 9.5: `schemas/*.yml` of elastic/ecs (Apache 2.0). CIM 8.5: Splunk's field catalogue of that release. ASIM:
Microsoft Learn's references of the schemas audit event 0.1, authentication 0.1.3 and user management 0.1.2. UDM:
Google's field list. OCSF is checked by its own JSON schema instead (`test_ocsf.py`).
"""


def words(text: str) -> set[str]:
    """The words of a text, as a set."""
    return set(text.split())


ECS_FIELDS = {
    "@timestamp": "date",
    "ecs.version": "keyword",
    "event.action": "keyword",
    "event.category": "keyword",
    "event.dataset": "keyword",
    "event.end": "date",
    "event.id": "keyword",
    "event.kind": "keyword",
    "event.module": "keyword",
    "event.outcome": "keyword",
    "event.severity": "long",
    "event.start": "date",
    "event.type": "keyword",
    "file.name": "keyword",
    "group.id": "keyword",
    "message": "match_only_text",
    "observer.product": "keyword",
    "observer.vendor": "keyword",
    "organization.id": "keyword",
    "related.ip": "ip",
    "related.user": "keyword",
    "rule.id": "keyword",
    "rule.name": "keyword",
    "rule.version": "keyword",
    "source.address": "keyword",
    "source.ip": "ip",
    "tags": "keyword",
    "user.email": "keyword",
    "user.id": "keyword",
    "user.name": "keyword",
    "user.target.email": "keyword",
    "user.target.id": "keyword",
    "user_agent.original": "keyword",
}
ECS_KINDS = {"alert", "asset", "enrichment", "event", "metric", "state", "pipeline_error", "signal"}
ECS_OUTCOMES = {"failure", "success", "unknown"}
ECS_EXPECTED = {
    "authentication": {"start", "end", "info"},
    "iam": {"admin", "change", "creation", "deletion", "group", "info", "user"},
    "configuration": {"access", "change", "creation", "deletion", "info"},
    "file": {"access", "change", "creation", "deletion", "info"},
    "session": {"start", "end", "info"},
    "api": {
        "access",
        "admin",
        "allowed",
        "change",
        "creation",
        "deletion",
        "denied",
        "end",
        "info",
        "start",
        "user",
    },
    "web": {"access", "error", "info"},
    "intrusion_detection": {"allowed", "denied", "info"},
    "vulnerability": {"info"},
}

CIM_ACTIONS = {
    "Authentication": {"success", "failure", "pending", "error"},
    "Change": words(
        "acl_modified cleared created deleted modified stopped lockout read logoff updated started "
        "restarted unlocked"
    ),
    "Data_Access": words(
        "accepted commented copied created deleted disabled downloaded enabled forwarded granted invited "
        "locked modified moved read restarted revoked shared started stopped uncommented undeleted "
        "unlocked unshared uploaded"
    ),
    "Alerts": {""},
}
CIM_TAGS = {
    "Authentication": [{"authentication"}],
    "Change": [{"change"}, {"change", "account"}, {"change", "audit"}],
    "Data_Access": [{"data", "access"}],
    "Alerts": [{"alert"}],
}
# The names a field of ours may have in each data model; what is not CIM's is our own and stands apart.
CIM_FIELDS = words(
    "action app change_type command dest id object object_category object_id reason severity "
    "signature signature_id src src_ip src_user src_user_id status user user_agent user_id user_type "
    "vendor_account vendor_product type"
)
CIM_OUR_OWN = words(
    "data_model dedup_key tags runbook event_id event_time source_label mapping_version category verb outcome "
    "unknown_event "
    "unknown_fields commit_seq version fold target_user group_id raw rule_version first_at last_at "
    "detected_at event_ids entities events"
)

ASIM_EVENT_TYPES = {
    "AuditEvent": words("Set Read Create Delete Execute Install Clear Enable Disable Other"),
    "Authentication": {"Logon", "Logoff", "Elevate"},
    "UserManagement": words(
        "UserCreated UserDeleted UserModified UserLocked UserUnlocked UserDisabled UserEnabled "
        "PasswordChanged PasswordReset GroupCreated GroupDeleted GroupModified UserAddedToGroup "
        "UserRemovedFromGroup GroupEnumerated UserRead GroupRead"
    ),
}
ASIM_OBJECT_TYPES = {"Cloud Resource", "Configuration Atom", "Policy Rule", "Other"}
ASIM_RESULTS = {"Success", "Partial", "Failure", "NA"}
ASIM_SEVERITIES = {"Informational", "Low", "Medium", "High"}
SENTINEL_RESERVED = {"_ResourceId", "id", "_SubscriptionId", "TenantId", "Type", "UniqueId", "Title"}

DATADOG_STATUSES = words("emergency alert critical error warning notice info debug ok")

UDM_EVENT_TYPES = words(
    "GENERIC_EVENT GROUP_CREATION GROUP_DELETION GROUP_MODIFICATION GROUP_UNCATEGORIZED "
    "SETTING_CREATION SETTING_DELETION SETTING_MODIFICATION SETTING_UNCATEGORIZED "
    "USER_CHANGE_PASSWORD USER_CHANGE_PERMISSIONS USER_COMMUNICATION USER_CREATION USER_DELETION "
    "USER_LOGIN USER_LOGOUT USER_RESOURCE_ACCESS USER_RESOURCE_CREATION USER_RESOURCE_DELETION "
    "USER_RESOURCE_UPDATE_CONTENT USER_RESOURCE_UPDATE_PERMISSIONS USER_UNCATEGORIZED"
)
UDM_RESOURCE_TYPES = {"", "ACCESS_POLICY", "SETTING", "STORAGE_OBJECT"}
UDM_ACTIONS = {"ALLOW", "BLOCK", "ALLOW_WITH_MODIFICATION", "QUARANTINE", "FAIL", "CHALLENGE"}
UDM_SEVERITIES = {"INFORMATIONAL", "LOW", "MEDIUM", "HIGH", "CRITICAL"}
