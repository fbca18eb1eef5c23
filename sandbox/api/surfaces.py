"""Which path is behind which gate: keys, scopes, budget and manners of each API surface."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response

from sandbox.api.activities import Activities
from sandbox.api.analytics.engagement import KINDS, EngagementReads
from sandbox.api.analytics.legacy import Legacy
from sandbox.api.analytics.usage_cost import UsageCost
from sandbox.api.directory.admin import AdminReads
from sandbox.api.directory.org_data import OrgData
from sandbox.api.directory.spend_limits import SpendLimits
from sandbox.api.errors import directory_rate_limited
from sandbox.api.gate import Answer, Gate
from sandbox.api.manners import compliance_manners, platform_manners
from sandbox.api.ratelimit import RateLimit
from sandbox.tenant.tenant import Tenant
from sandbox.tenant.world import Key

Endpoint = Callable[[Request], Awaitable[Response]]
COMPLIANCE = "/v1/compliance"
ORGANIZATIONS = "/v1/organizations"
ANALYTICS = f"{ORGANIZATIONS}/analytics"


def surfaces(tenant: Tenant) -> list[tuple[str, Endpoint]]:
    """The vendor's paths and what answers them."""
    return [*_compliance(tenant), *_analytics(tenant), *_directory(tenant)]


def _compliance(tenant: Tenant) -> list[tuple[str, Endpoint]]:
    """600 requests a minute over everything under /v1/compliance; each one leaves its footprint in the feed."""
    gate = Gate(
        tenant,
        RateLimit(tenant.rate_limit, tenant.clock, tenant.rate_window),
        scopes=("read:compliance_activities", "read:org_audit"),
        admin_keys=True,
        audited=True,
        manners=compliance_manners(tenant.quirks),
    )
    org_data = replace(gate, scopes=("read:compliance_org_data", "read:org_audit"), admin_keys=False)
    data = OrgData(tenant)
    one = f"{COMPLIANCE}/organizations/{{organization}}"
    return [
        (f"{COMPLIANCE}/activities", _behind(gate, Activities(tenant).page)),
        (f"{COMPLIANCE}/organizations", _behind(org_data, data.organizations)),
        (f"{one}/settings", _behind(org_data, data.settings)),
        (f"{one}/roles", _behind(org_data, data.roles)),
        (f"{one}/roles/{{role}}", _behind(org_data, data.role)),
        (f"{one}/roles/{{role}}/permissions", _behind(org_data, data.permissions)),
        (f"{COMPLIANCE}/groups", _behind(org_data, data.groups)),
        (f"{COMPLIANCE}/groups/{{group}}", _behind(org_data, data.group)),
    ]


def _analytics(tenant: Tenant) -> list[tuple[str, Endpoint]]:
    """60 requests a minute over everything under /analytics; no footprint. Admin keys open usage and cost only."""
    usage_cost = Gate(
        tenant,
        RateLimit(tenant.analytics_rate_limit, tenant.clock, tenant.rate_window),
        scopes=("read:analytics",),
        admin_keys=True,
        audited=False,
        manners=platform_manners(tenant.quirks),
    )
    enterprise = replace(usage_cost, admin_keys=False)
    new, legacy, engagement = UsageCost(tenant), Legacy(tenant), EngagementReads(tenant)
    return [
        (f"{ANALYTICS}/usage", _behind(usage_cost, new.usage)),
        (f"{ANALYTICS}/cost", _behind(usage_cost, new.cost)),
        (f"{ANALYTICS}/usage_report", _behind(enterprise, legacy.usage_report)),
        (f"{ANALYTICS}/cost_report", _behind(enterprise, legacy.cost_report)),
        (f"{ANALYTICS}/user_usage_report", _behind(enterprise, legacy.user_usage_report)),
        (f"{ANALYTICS}/user_cost_report", _behind(enterprise, legacy.user_cost_report)),
        (f"{ANALYTICS}/summaries", _behind(enterprise, engagement.summaries)),
        *(
            (
                f"{ANALYTICS}/{'apps/chat/' if name == 'projects' else ''}{name}",
                _behind(enterprise, engagement.endpoint(name)),
            )
            for name in KINDS
        ),
    ]


def _directory(tenant: Tenant) -> list[tuple[str, Endpoint]]:
    """100 requests a minute over the Admin API's reads; no footprint."""
    limit = RateLimit(tenant.directory_rate_limit, tenant.clock, tenant.rate_window)
    manners = replace(platform_manners(tenant.quirks), too_many=directory_rate_limited)

    def gate(*scopes: str, admin_keys: bool = True) -> Gate:
        return Gate(tenant, limit, scopes, admin_keys=admin_keys, audited=False, manners=manners)

    members = gate("read:members", "read:org_audit")
    groups = gate("read:rbac_groups", "read:org_audit", admin_keys=False)
    spending = gate("read:spend_limits", admin_keys=False)
    reads, limits = AdminReads(tenant), SpendLimits(tenant)
    return [
        (f"{ORGANIZATIONS}/users", _behind(members, reads.users)),
        (f"{ORGANIZATIONS}/invites", _behind(members, reads.invites)),
        (f"{ORGANIZATIONS}/api_keys", _behind(members, reads.api_keys)),
        (f"{ORGANIZATIONS}/workspaces", _behind(members, reads.workspaces)),
        (f"{ORGANIZATIONS}/rbac_groups", _behind(groups, reads.rbac_groups)),
        (f"{ORGANIZATIONS}/rbac_groups/{{group}}/members", _behind(groups, reads.rbac_group_members)),
        (f"{ORGANIZATIONS}/spend_limits/effective", _behind(spending, limits.effective)),
        (f"{ORGANIZATIONS}/spend_limit_increase_requests", _behind(spending, limits.increase_requests)),
    ]


def _behind(gate: Gate, answer: Callable[[Request, Key], Answer]) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        return await gate.serve(request, answer)

    return endpoint
