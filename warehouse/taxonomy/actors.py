"""What every record carries beside its own fields: the envelope, and the fields of each kind of actor.

Source: the wire reference sections 1.2 and 1.3. More kinds may come; an unlisted one is tagged, never
dropped.
"""

from __future__ import annotations

from typing import Final

ENVELOPE_FIELDS: Final = frozenset({"id", "created_at", "organization_id", "organization_uuid", "actor", "type"})

_CLIENT = ("ip_address", "user_agent")

ACTOR_FIELDS: Final[dict[str, frozenset[str]]] = {
    kind: frozenset({"type", *fields})
    for kind, fields in {
        "user_actor": ("email_address", "user_id", *_CLIENT),
        "api_actor": ("api_key_id", *_CLIENT),
        "admin_api_key_actor": ("admin_api_key_id", *_CLIENT),
        "unauthenticated_user_actor": ("unauthenticated_email_address", *_CLIENT),
        "anthropic_actor": ("email_address",),
        "system_actor": ("service",),
        "service_account_actor": ("service_account_id", *_CLIENT),
        "scim_directory_sync_actor": ("workos_event_id", "directory_id", "idp_connection_type"),
        "federated_identity_actor": ("issuer", "subject", "audience", *_CLIENT),
        "federated_actor": ("provider", "subject", *_CLIENT),
        "attested_device_actor": ("external_client_id", "kid_hash", *_CLIENT),
    }.items()
}
