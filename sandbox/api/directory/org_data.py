"""Organisation data of the Compliance API that needs no access to people's content (reference 1.7).

Organisations, their roles, the groups, and an organisation's effective settings. The paths that list people need
`read:compliance_user_data`, which also opens every chat: they are not here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from random import Random
from typing import Any

from starlette.requests import Request

from sandbox.api.analytics.body import Rows
from sandbox.api.analytics.query import Query
from sandbox.api.directory.listing import TOKENS, by_token
from sandbox.api.errors import not_found
from sandbox.clock import rfc3339
from sandbox.tenant.directory import FOUNDED
from sandbox.tenant.ids import tagged
from sandbox.tenant.tenant import Tenant
from sandbox.tenant.world import Key, Organization

_ROLES = (("Analyst", "May run reports"), ("Auditor", "May read everything and change nothing"))
_SETTINGS: tuple[tuple[str, str, Any], ...] = (
    ("audit_log_export_enabled", "boolean", True),
    ("code_execution_enabled", "boolean", True),
    ("compliance_api_enabled", "boolean", True),
    ("data_retention", "data_retention", {"type": "days", "days": 730}),
    ("default_model", "string", "claude-sonnet-5"),
    ("allowed_domains", "string_list", ["example.com"]),
    ("provisioning_mode", "provisioning_mode", "scim"),
    ("session_timeout_minutes", "integer", 480),
    ("sso_enforced", "boolean", True),
    ("web_search_enabled", "boolean", True),
)


@dataclass(frozen=True, slots=True)
class One:
    """A body that is a single object."""

    thing: dict[str, Any]

    @property
    def count(self) -> int:
        return 1

    def encode(self, fault: str | None = None) -> bytes:
        """The object; a fault that takes `data` or rows leaves it empty."""
        return json.dumps({} if fault else self.thing, separators=(",", ":"), ensure_ascii=False).encode()


class OrgData:
    """The organisation data of one tenant."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        self.children = [o for o in tenant.world.organizations if o is not tenant.world.parent]

    def organizations(self, request: Request, _key: Key) -> Rows:
        """The linked organisations, oldest first; the parent is not among them."""
        query = Query.of(request.url.query, TOKENS, ())
        rows = [
            {"uuid": child.uuid, "name": child.name, "created_at": rfc3339(_made(at))}
            for at, child in enumerate(self.children)
        ]
        return by_token(query, rows, usual=1000)

    def roles(self, request: Request, _key: Key) -> Rows:
        """The custom roles of one organisation; 404 for an unknown one."""
        query = Query.of(request.url.query, TOKENS, ())
        return by_token(query, self._roles(self._child(request)), usual=1000)

    def role(self, request: Request, _key: Key) -> One:
        """One custom role; 404."""
        Query.of(request.url.query, (), ())
        return One(self._role(request))

    def permissions(self, request: Request, _key: Key) -> Rows:
        """What one role permits; 404."""
        query = Query.of(request.url.query, TOKENS, ())
        action = "read" if self._role(request)["name"] == "Auditor" else "write"
        rows: list[dict[str, Any]] = [
            {"resource_type": "organization", "resource_id": self._child(request).uuid, "action": action},
            {"resource_type": "analytics", "resource_id": None, "action": "read"},
        ]
        return by_token(query, rows, usual=1000)

    def groups(self, request: Request, _key: Key) -> Rows:
        """The groups, by `name_prefix` where it is given."""
        query = Query.of(request.url.query, (*TOKENS, "name_prefix"), ())
        prefix = query.single.get("name_prefix", "").lower()
        rows = [group for group in self._groups() if group["name"].lower().startswith(prefix)]
        return by_token(query, rows, usual=1000)

    def group(self, request: Request, _key: Key) -> One:
        """One group; 404."""
        Query.of(request.url.query, (), ())
        found = [group for group in self._groups() if group["id"] == request.path_params["group"]]
        if not found:
            raise not_found()
        return One(found[0])

    def settings(self, request: Request, _key: Key) -> One:
        """The effective settings of one organisation, and the inventory of the tenant's Enterprise keys; 404."""
        Query.of(request.url.query, (), ())
        child = self._child(request)
        rows = [
            {"name": name, "type": kind, "value": self._switch(name, value)} for name, kind, value in _SETTINGS
        ]
        keys = [
            {
                "id": key.id,
                "name": key.name,
                "scopes": list(key.scopes),
                "is_active": key.state == "active",
                "created_at": rfc3339(_made(at)),
                "created_by_id": self.tenant.world.people.owner.user_id,
                "expires_at": None,
            }
            for at, key in enumerate(self.tenant.world.keys)
            if key.kind == "enterprise"
        ]
        return One(
            {
                "type": "effective_organization_settings",
                "organization_id": child.uuid,
                "settings": rows,
                "api_keys": keys,
            }
        )

    def _switch(self, name: str, value: Any) -> Any:
        if name == "compliance_api_enabled":
            return self.tenant.compliance_enabled
        return self.tenant.settings.get(name, value)

    def _child(self, request: Request) -> Organization:
        """The organisation of the path, by UUID; the parent, a foreign and an unknown one are 404 alike."""
        found = [child for child in self.children if child.uuid == request.path_params["organization"].lower()]
        if not found:
            raise not_found()
        return found[0]

    def _roles(self, child: Organization) -> list[dict[str, Any]]:
        rng = Random(f"{self.tenant.seed}/roles/{child.uuid}")
        return [
            {
                "id": tagged("rbac_role", rng),
                "name": name,
                "description": text,
                "created_at": rfc3339(_made(at)),
                "updated_at": rfc3339(_made(at)),
            }
            for at, (name, text) in enumerate(_ROLES)
        ]

    def _role(self, request: Request) -> dict[str, Any]:
        found = [role for role in self._roles(self._child(request)) if role["id"] == request.path_params["role"]]
        if not found:
            raise not_found()
        return found[0]

    def _groups(self) -> list[dict[str, Any]]:
        return [
            {
                "id": group["id"],
                "name": group["name"],
                "description": f"Everybody in {group['name']}",
                "source_type": group["source_type"],
                "roles": [],
                "created_at": group["created_at"],
                "updated_at": group["updated_at"],
            }
            for group in self.tenant.directory.groups()
        ]


def _made(at: int) -> datetime:
    return datetime.combine(FOUNDED, time(10), UTC) + timedelta(days=at)
