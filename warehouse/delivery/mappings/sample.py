"""Invented rows of `audit_events`, and an alert on them, for the documentation and the content packs.

Promise: nobody in them exists, and they never change by themselves.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from warehouse.delivery.mappings.alert import CanonicalAlert, canonical_alert
from warehouse.delivery.mappings.canonical import CanonicalEvent, canonical_event

_ORGANIZATION = "91012d09-e48b-438e-a489-1bebfd8fa6f9"
_AGENT = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"
_ANA = {
    "type": "user_actor",
    "email_address": "ana@example.com",
    "user_id": "user_01AnaSample",
    "ip_address": "203.0.113.7",
    "user_agent": _AGENT,
}
_NOBODY = {
    "type": "unauthenticated_user_actor",
    "unauthenticated_email_address": "ana@example.com",
    "ip_address": "198.51.100.23",
    "user_agent": _AGENT,
}


def samples() -> list[CanonicalEvent]:
    """A right given, a failed sign-in, a file taken in, the audit switch, and a type nobody has listed."""
    return [
        _event(1, "rbac_role_assigned", _ANA, role_id="role_01", principal_id="user_01Bo", principal_type="user"),
        _event(2, "sso_login_failed", _NOBODY),
        _event(3, "claude_file_uploaded", _ANA, claude_file_id="claude_file_01", filename="q3.xlsx"),
        _event(
            4,
            "org_compliance_api_settings_updated",
            _ANA,
            compliance_api_enabled=True,
            compliance_api_logging_enabled=False,
        ),
        _event(5, "quantum_vault_opened", _ANA, vault_id="vault_01"),
    ]


def sample_alert() -> CanonicalAlert:
    """An alert on the fourth sample."""
    return canonical_alert(
        {
            "alert_id": "alert_01Sample",
            "rule_id": "claude-compliance-logging-disabled",
            "rule_version": "1",
            "title": "Recording of activity was switched off",
            "severity": "critical",
            "first_at": "2026-11-23T01:02:07.456789Z",
            "last_at": "2026-11-23T01:02:07.456789Z",
            "event_ids": ["activity_01Sample4"],
            "entities": ["user_01AnaSample"],
            "detected_at": "2026-11-23T01:05:02Z",
        },
        samples()[3:4],
    )


def _event(number: int, kind: str, actor: dict[str, str], **fields: Any) -> CanonicalEvent:
    at = datetime(2026, 11, 23, 1, 2, 3 + number, 456789, tzinfo=UTC)
    event_id = f"activity_01Sample{number}"
    served = {
        "id": event_id,
        "created_at": at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "organization_uuid": _ORGANIZATION,
        "actor": actor,
        "type": kind,
        **fields,
    }
    return canonical_event(
        {
            "id": event_id,
            "created_at": at,
            "type": kind,
            "actor_type": actor["type"],
            "actor_id": actor.get("user_id"),
            "actor_email": actor.get("email_address") or actor.get("unauthenticated_email_address"),
            "ip_address": actor["ip_address"],
            "user_agent": actor["user_agent"],
            "organization_uuid": _ORGANIZATION,
            "unknown_event": kind == "quantum_vault_opened",
            "raw": json.dumps(served, separators=(",", ":")),
            "observed_at": datetime(2026, 11, 23, 1, 5, tzinfo=UTC),
            "commit_seq": 412,
            "version": 1,
            "fold": "first",
        }
    )
