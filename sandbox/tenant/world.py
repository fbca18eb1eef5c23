"""The tenant's fixed furniture: organisations, keys, groups, service accounts, identity provider.

All of it follows from the seed, so a configuration can be written before the server starts.
Every secret is plainly fake and says `sandbox`.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from random import Random

from sandbox.tenant.ids import tagged, uuid4
from sandbox.tenant.people import DEPARTMENTS, People, Person

PIPELINE_ADDRESS = "198.51.100.7"


@dataclass(frozen=True, slots=True)
class Organization:
    """An organisation of the tenant: `org_...` id, bare UUID, display name."""

    id: str
    uuid: str
    name: str

    @property
    def fields(self) -> str:
        """The two envelope fields as JSON text."""
        return f'"organization_id":"{self.id}","organization_uuid":"{self.uuid}"'


NO_ORGANIZATION = '"organization_id":null,"organization_uuid":null'


@dataclass(frozen=True, slots=True)
class Key:
    """One API key: its secret, the id the feed shows for it, scopes, state (active, expired, deactivated)."""

    name: str
    secret: str
    id: str
    kind: str
    scopes: tuple[str, ...] = ()
    state: str = "active"


class World:
    """Everything about a tenant that does not change from day to day."""

    def __init__(self, seed: int, users: int) -> None:
        self.seed = seed
        self.people = People(seed, users)
        rng = Random(f"{seed}/world")
        self.parent = Organization(tagged("org", rng), uuid4(rng), "Example Group")
        self.main = Organization(tagged("org", rng), uuid4(rng), "Example")
        self.labs = Organization(tagged("org", rng), uuid4(rng), "Example Labs")
        self.console = Organization(tagged("org", rng), uuid4(rng), "Example Platform")
        self.organizations = (self.parent, self.main, self.labs, self.console)
        self.groups = [(tagged("rbac_group", rng), name) for name in DEPARTMENTS]
        self.workspaces = [tagged("wrkspc", rng) for _ in range(4)]
        self.service_accounts = [tagged("svac", rng) for _ in range(3)]
        self.api_keys = [tagged("apikey", rng) for _ in range(4)]
        self.admin_api_keys = [tagged("apikey", rng) for _ in range(2)]
        self.mcp_servers = [
            (tagged("mcpsrv", rng), name) for name in ("Atlassian", "GitHub", "Slack", "Snowflake", "Linear")
        ]
        self.directory = tagged("directory", rng)
        self.sso_connection = tagged("conn", rng)
        self.signed_principal = "arn:aws:sts::123456789012:assumed-role/example-batch/i-0abc"
        self.keys = _keys(seed)

    def organization_of(self, person: Person) -> Organization:
        """The linked organisation a person works in."""
        return self.labs if person.linked else self.main

    def key(self, secret: str) -> Key | None:
        """The key with this secret, or None."""
        return next((key for key in self.keys if key.secret == secret), None)

    def key_named(self, name: str) -> Key:
        """The key called `name`: compliance, analytics, directory, org_data, org_audit, admin, api03, ..."""
        return next(key for key in self.keys if key.name == name)

    def scim_actor(self, rng: Random) -> str:
        """The directory sync as an actor."""
        return _compact(
            {
                "type": "scim_directory_sync_actor",
                "workos_event_id": tagged("event", rng),
                "directory_id": self.directory,
                "idp_connection_type": "OktaSCIMV2",
            }
        )


def _keys(seed: int) -> tuple[Key, ...]:
    def key(name: str, prefix: str, kind: str, scopes: tuple[str, ...] = (), state: str = "active") -> Key:
        digest = hashlib.sha256(f"{seed}/{name}".encode()).hexdigest()
        identifier = tagged("apikey", Random(f"{seed}/key/{name}"))
        return Key(name, f"{prefix}sandbox-{name}-{digest[:16]}", identifier, kind, scopes, state)

    enterprise, api01 = "enterprise", "sk-ant-api01-"
    return (
        key("compliance", api01, enterprise, ("read:compliance_activities",)),
        key("analytics", api01, enterprise, ("read:analytics",)),
        key("directory", api01, enterprise, ("read:members", "read:rbac_groups")),
        key("org_data", api01, enterprise, ("read:compliance_org_data",)),
        key("spend_limits", api01, enterprise, ("read:spend_limits",)),
        key("org_audit", api01, enterprise, ("read:org_audit",)),
        key("admin", "sk-ant-admin01-", "admin"),
        key("api03", "sk-ant-api03-", "workload"),
        key("expired", api01, enterprise, ("read:compliance_activities",), "expired"),
        key("deactivated", api01, enterprise, ("read:compliance_activities",), "deactivated"),
    )


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
