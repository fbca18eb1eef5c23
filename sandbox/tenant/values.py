"""Plausible values for the extra fields of any activity type, from the field table's type texts.

`optional` fields are sometimes absent, `or null` fields sometimes null; ids carry the prefix their name suggests.
"""

from __future__ import annotations

import re
from random import Random
from typing import Any

from sandbox.tenant.ids import tagged, uuid4
from sandbox.tenant.people import Person
from sandbox.tenant.vocabulary import ActivityType
from sandbox.tenant.world import World

# Switches whose `false` is an incident: only a planted story turns them off.
_STAY_ON = frozenset(
    {"enabled", "is_enabled", "enforced", "compliance_api_enabled", "compliance_api_logging_enabled"}
)
_LITERAL = re.compile(r'"([^"]+)"')
_MEMBERS = re.compile(r"\{ ([^}]*) \}")

_PREFIX = {
    "api_key_id": "apikey",
    "admin_api_key_id": "apikey",
    "claude_project_id": "claude_proj",
    "claude_project_document_id": "claude_proj_doc",
    "role_id": "rbac_role",
    "invite_id": "invite",
    "federation_rule_id": "fdrl",
    "federation_issuer_id": "fdis",
    "request_id": "req",
}
_WORDS: dict[str, tuple[Any, ...]] = {
    "filename": ("q3.xlsx", "contract_final_v7.docx", "Résumé – Zoë.pdf", "Reece O'Sullivan offer.docx"),
    "role": ("user", "admin", "billing"),
    "current_role": ("admin", "user"),
    "previous_role": ("user", "developer"),
    "invited_role": ("user",),
    "invited_seat_tier": ("standard", "premium"),
    "seat_tier": ("standard", "premium"),
    "current_seat_tier": ("premium",),
    "previous_seat_tier": ("standard",),
    "provider": ("github", "gdrive", "asana"),
    "principal_type": ("user", "rbac_group"),
    "resource_type": ("workspace", "project"),
    "entity_type": ("user", "organization"),
    "access_level": ("view", "edit"),
    "previous_access_level": ("view",),
    "status": ("active", "pending"),
    "reason": ("user_requested", "policy"),
    "model": ("claude-opus-4-5", "claude-sonnet-4-5"),
    "default_model": ("claude-sonnet-4-5",),
    "model_group": ("claude_opus",),
    "limiter_type": ("requests_per_minute", "input_tokens_per_minute"),
    "limit_action": ("block", "alert"),
    "limit_type": ("monthly",),
    "plan_type": ("enterprise",),
    "billing_interval": ("annual",),
    "surface": ("chat", "cowork", "claude_code"),
    "scope": ("organization",),
    "action": ("read", "write"),
    "max_permission": ("ask", "allow", "block"),
    "connection_type": ("OktaSAML",),
    "new_mode": ("scim", "organization"),
    "previous_mode": ("jit", "private"),
    "repo_owner": ("example",),
    "repo_name": ("app", "infra"),
    "repo": ("example/app",),
    "version": ("1.4.2",),
    "hostname": ("git.example.com",),
    "domain": ("example.com",),
    "algorithm": ("ES256",),
    "hour": ("2026-11-20T10:00:00Z",),
    "trigger_mode": ("on_push", "manual"),
    "cadence": ("daily", "weekly"),
    "permission": ("read",),
    "audience": ("https://api.anthropic.com",),
    "scopes": ("read:compliance_activities", "read:analytics", "read:members"),
    "updated_fields": ("display_name", "description"),
    "keys_written": ("permissions", "hooks"),
    "keys_deleted": ("theme",),
    "alerted_roles": ("owner", "billing"),
    "host_constraint": ("git.example.com",),
    "tool_name": ("search_issues", "create_page"),
    "mcp_server_name": ("Atlassian", "GitHub"),
}
_SETTINGS: tuple[tuple[str, Any, Any], ...] = (
    ("data_retention_days", 365, 730),
    ("web_search_enabled", False, True),
    ("code_execution_enabled", True, False),
    ("default_model", "claude-sonnet-4-5", "claude-opus-4-5"),
    ("allowed_domains", ["example.com"], ["example.com", "labs.example.com"]),
    ("display_name", "Example", "Example Group"),
    ("session_timeout_minutes", None, 480),
)


class Values:
    """Makes the extra fields of rare events for one day's people."""

    def __init__(self, world: World, people: list[Person], rng: Random) -> None:
        self.world = world
        self.people = people
        self.rng = rng

    def fields_of(self, kind: ActivityType) -> dict[str, Any]:
        """The extra fields of an event of `kind`, in the table's order; absent ones are left out."""
        out: dict[str, Any] = {}
        for name, text in kind.fields:
            optional = text.startswith("optional ")
            if optional and self.rng.random() < 0.12:
                continue
            plain = text.removeprefix("optional ")
            if plain.endswith(" or null"):
                plain = plain.removesuffix(" or null")
                if self.rng.random() < 0.15:
                    out[name] = None
                    continue
            out[name] = self._value(name, plain)
        return out

    def _value(self, name: str, text: str) -> Any:  # noqa: PLR0911  (one line per type text)
        rng = self.rng
        if text.startswith("array of object"):
            return [self._object(name, text) for _ in range(1 + rng.randrange(2))]
        if text.startswith("array of"):
            return list(
                dict.fromkeys(self._text(name.removesuffix("s"), name) for _ in range(1 + rng.randrange(3)))
            )
        if text.startswith("object"):
            return self._object(name, text)
        if text.startswith("map"):
            return {"standard": 120, "premium": 30}
        if text.startswith('"'):
            literals = [value for value in _LITERAL.findall(text) if value != "unspecified"]
            return rng.choice(literals)
        if text == "boolean":
            return name in _STAY_ON or rng.random() < 0.5
        if text == "number":
            return self._number(name)
        return self._text(name, name)

    def _object(self, name: str, text: str) -> dict[str, Any]:
        if name == "updates":
            setting, before, after = self.rng.choice(_SETTINGS)
            return {"type": setting, "previous_value": before, "current_value": after}
        if name == "audience":
            return {"type": self.rng.choice(("public", "organization"))}
        members = _MEMBERS.search(text)
        names = [m for m in members.group(1).split(", ") if not m.endswith(" more")] if members else []
        return {member: self._text(member, member) for member in names}

    def _number(self, name: str) -> int | float:
        if name == "status_code":
            return 200
        if name in ("amount", "limit_usd", "new_limit_usd", "target_amount", "threshold_amount"):
            return self.rng.choice((50, 250.5, 1000, 99.99))
        return self.rng.randrange(1, 60)

    def _text(self, name: str, field: str) -> str:
        rng, world = self.rng, self.world
        known = _WORDS.get(field) or _WORDS.get(name)
        if known:
            return str(rng.choice(known))
        if name in ("user_id", "member_id", "principal_id", "account_id") or name.endswith(
            ("_user_id", "_owner_id")
        ):
            return self._person().user_id
        if "email" in name:
            return self._person().email
        shared = {
            "group_id": [identifier for identifier, _ in world.groups],
            "workspace_id": world.workspaces,
            "mcp_server_id": [identifier for identifier, _ in world.mcp_servers],
            "service_account_id": world.service_accounts,
            "api_key_id": world.api_keys,
            "admin_api_key_id": world.admin_api_keys,
            "directory_id": [world.directory],
            "connection_id": [world.sso_connection],
        }.get(name)
        if shared:
            return rng.choice(shared)
        return self._shaped(name)

    def _shaped(self, name: str) -> str:  # noqa: PLR0911  (one line per shape)
        """A value by the look of the field's name."""
        rng = self.rng
        if name.endswith("_uuid"):
            return uuid4(rng)
        if name.endswith("_id"):
            return tagged(_PREFIX.get(name, name.removesuffix("_id")), rng)
        if name.endswith(("_at", "_date")):
            return f"2026-{1 + rng.randrange(12):02}-01T00:00:00Z"
        if "url" in name or name.endswith(("issuer", "endpoint")):
            return f"https://hooks.example.com/{name}"
        if "checksum" in name or "fingerprint" in name or name.endswith("_hash"):
            return f"{rng.getrandbits(256):064x}"
        if name.endswith("_name") or name in ("display_name", "title", "label", "slug"):
            return f"{name.removesuffix('_name').replace('_', '-')}-{rng.randrange(100)}"
        return "example"

    def _person(self) -> Person:
        return self.people[self.rng.randrange(len(self.people))]
