"""The Parquet schema of audit events, from which files, DuckDB's views and (later) Glue are made.

Promise: columns are only ever added at the end; their order, names and types are the archive's final form.
"""

import pyarrow as pa

TABLE = "audit_events"

# Wire fields that stand at a record's top level and that auditors ask for most; the rest is in `raw`.
EXTRA_FIELDS = (
    "claude_chat_id",
    "claude_project_id",
    "claude_file_id",
    "filename",
    "user_id",
    "group_id",
    "session_id",
    "request_id",
    "url",
    "auth_method",
)

# Which field of an actor says who it is, by actor kind (reference: activity feed, actors).
ACTOR_ID_FIELD = {
    "user_actor": "user_id",
    "api_actor": "api_key_id",
    "admin_api_key_actor": "admin_api_key_id",
    "service_account_actor": "service_account_id",
    "scim_directory_sync_actor": "directory_id",
    "federated_identity_actor": "subject",
    "federated_actor": "subject",
    "attested_device_actor": "external_client_id",
    "system_actor": "service",
}

_TIME = pa.timestamp("us", "UTC")

# What a page alone says about its records.
PARSED = pa.schema(
    [
        pa.field("id", pa.string()),
        pa.field("created_at", _TIME),
        pa.field("created_at_text", pa.string()),
        pa.field("type", pa.string()),
        pa.field("organization_id", pa.string()),
        pa.field("organization_uuid", pa.string()),
        pa.field("actor_type", pa.string()),
        pa.field("actor_id", pa.string()),
        pa.field("actor_email", pa.string()),
        pa.field("ip_address", pa.string()),
        pa.field("user_agent", pa.string()),
        *[pa.field(name, pa.string()) for name in EXTRA_FIELDS],
        pa.field("raw", pa.string()),
        pa.field("raw_bytes", pa.binary()),
    ]
)

# What the fold adds: where it came from, which version it is.
FOLDED = pa.schema(
    [
        pa.field("observed_at", _TIME),
        pa.field("commit_seq", pa.int64()),
        pa.field("page", pa.int32()),
        pa.field("position", pa.int32()),
        pa.field("version", pa.int32()),
        pa.field("fold", pa.string()),
        pa.field("content_sha256", pa.string()),
        pa.field("unknown_event", pa.bool_()),
        pa.field("unknown_fields", pa.list_(pa.string())),
    ]
)

AUDIT_EVENTS = pa.schema([*PARSED, *FOLDED])

# Columns with few distinct values; the others gain nothing from a dictionary and cost time to try one.
DICTIONARY_COLUMNS = [
    "type",
    "organization_id",
    "organization_uuid",
    "actor_type",
    "actor_id",
    "actor_email",
    "ip_address",
    "user_agent",
    "auth_method",
    "group_id",
    "user_id",
    "observed_at",
    "commit_seq",
    "page",
    "version",
    "fold",
    "unknown_event",
]
# Statistics everywhere but on the verbatim record: its least and greatest text would say nothing.
STATISTICS_COLUMNS = [name for name in AUDIT_EVENTS.names if name not in ("raw", "raw_bytes", "unknown_fields")]
