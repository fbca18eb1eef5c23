"""Which path is behind which gate: keys, scopes, budget and manners of each API surface."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response

from sandbox.api.activities import Activities
from sandbox.api.analytics.legacy import Legacy
from sandbox.api.analytics.usage_cost import UsageCost
from sandbox.api.gate import Answer, Gate
from sandbox.api.manners import compliance_manners, platform_manners
from sandbox.api.ratelimit import RateLimit
from sandbox.tenant.tenant import Tenant
from sandbox.tenant.world import Key

Endpoint = Callable[[Request], Awaitable[Response]]
ANALYTICS = "/v1/organizations/analytics"


def surfaces(tenant: Tenant) -> list[tuple[str, Endpoint]]:
    """The vendor's paths and what answers them."""
    return [*_compliance(tenant), *_analytics(tenant)]


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
    return [("/v1/compliance/activities", _behind(gate, Activities(tenant).page))]


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
    new, legacy = UsageCost(tenant), Legacy(tenant)
    return [
        (f"{ANALYTICS}/usage", _behind(usage_cost, new.usage)),
        (f"{ANALYTICS}/cost", _behind(usage_cost, new.cost)),
        (f"{ANALYTICS}/usage_report", _behind(enterprise, legacy.usage_report)),
        (f"{ANALYTICS}/cost_report", _behind(enterprise, legacy.cost_report)),
        (f"{ANALYTICS}/user_usage_report", _behind(enterprise, legacy.user_usage_report)),
        (f"{ANALYTICS}/user_cost_report", _behind(enterprise, legacy.user_cost_report)),
    ]


def _behind(gate: Gate, answer: Callable[[Request, Key], Answer]) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        return await gate.serve(request, answer)

    return endpoint
