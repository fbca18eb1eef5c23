"""The vendor's own Python package reads the sandbox: an independent client, with strict models and no complaint.

Strict means: every body is validated against the package's types, no field is unknown to it, and no field that the
types know is missing on a row.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import anthropic
import pytest
from pydantic import BaseModel

from sandbox import Served

SPAN: dict[str, Any] = {
    "starting_at": datetime(2026, 11, 1, tzinfo=UTC),
    "ending_at": datetime(2026, 11, 8, tzinfo=UTC),
}
# What the types know and a tenant may leave out (reference 3.2): not offered to every organisation.
OPTIONAL = {"claude_tag_metrics", "chat_cowork_unified_metrics", "product", "rbac_group_id", "rbac_group_name"}
OPTIONAL |= {"user_id", "user_profile_id"}


@pytest.fixture
def client(spending: Served) -> Iterator[Any]:
    """Makes the package's client for one of the sandbox's keys."""
    made: list[anthropic.Anthropic] = []

    def _client(key: str = "analytics") -> anthropic.Anthropic:
        made.append(
            anthropic.Anthropic(
                api_key=spending.keys[key], base_url=spending.url, max_retries=0, _strict_response_validation=True
            )
        )
        return made[-1]

    yield _client
    for one in made:
        one.close()


def _whole(model: Any, path: str = "row") -> None:
    """Nothing in the model that its type does not know, nothing missing that it does."""
    if isinstance(model, BaseModel):
        assert not model.model_extra, f"{path} has {sorted(model.model_extra or {})} besides"
        missing = set(type(model).model_fields) - model.model_fields_set
        missing = {name for name in missing if name not in OPTIONAL and not name.endswith("active_user_count")}
        assert missing <= {"science_entitled_user_count"}, f"{path} lacks {sorted(missing)}"
        for name in type(model).model_fields:
            _whole(getattr(model, name), f"{path}.{name}")
    if isinstance(model, list):
        for at, item in enumerate(model):
            _whole(item, f"{path}[{at}]")


def _all(page: Any) -> list[Any]:
    rows = list(page)
    assert rows
    for row in rows:
        _whole(row)
    return rows


def test_cost_by_every_kind_of_actor_is_read_over_all_its_pages(spending, client):
    listing = client().beta.organization.analytics.cost.list
    rows = _all(
        listing(**SPAN, group_by=["actor", "product", "model"], time_bucket_width="1d", order_by="time", limit=100)
    )
    truth = spending.tenant.spend.totals(SPAN["starting_at"].date(), SPAN["ending_at"].date())
    assert sum(int(Decimal(row.cost.amount) * 1_000_000) for row in rows) == truth[()].amount
    kinds = {row.group.actor.type if row.group.actor else None for row in rows}
    assert kinds == {"user_actor", "service_account_actor", "api_actor", "federated_actor", None}


def test_cost_by_kind_of_cost_and_usage_by_everything_else_are_read(client):
    analytics = client().beta.organization.analytics
    _all(analytics.cost.list(**SPAN, group_by=["cost_type", "token_type", "organization_id"]))
    for names in (["rbac_group_id", "speed"], ["slack_channel_id", "claude_tag_category", "claude_tag_user_id"]):
        _all(analytics.usage.list(**SPAN, group_by=names, limit=1000))
    console = ["agent_id", "deployment_id", "environment_id", "session_id", "user_profile_id"]
    _all(analytics.usage.list(**SPAN, group_by=console))
    _all(analytics.usage.list(**SPAN, group_by=["api_key_id", "service_tier", "workspace_id", "inference_geo"]))


def test_filters_of_the_package_arrive(client):
    rows = _all(
        client().beta.organization.analytics.cost.list(
            **SPAN, group_by=["actor"], actor_types=["service_account_actor"], exclude_deleted_users=True
        )
    )
    assert {row.group.actor.type for row in rows} == {"service_account_actor"}


def test_the_four_legacy_reports_are_read(client):
    analytics = client().beta.organization.analytics
    for report in (analytics.usage_report, analytics.cost_report):
        buckets = _all(report.list(**SPAN, group_by=["product", "model"], limit=3))
        assert [bucket.starting_at.day for bucket in buckets] == list(range(1, 8))
    for report in (analytics.user_usage_report, analytics.user_cost_report):
        _all(report.list(**SPAN, group_by=["model"], bucket_width="1d", limit=500))


def test_engagement_is_read_by_day_and_over_a_range(client):
    analytics = client().organization.analytics
    for endpoint in (
        analytics.users,
        analytics.skills,
        analytics.connectors,
        analytics.plugins,
        analytics.apps.chat.projects,
    ):
        _all(endpoint.list(date="2026-11-18", limit=7))
        _all(endpoint.list(starting_date="2026-11-01", ending_date="2026-11-08", group_by=["rbac_group_id"]))
    _all(analytics.artifacts.list(date="2026-11-18"))
    _all(analytics.artifacts.list(date="2026-11-18", group_by=["user_id", "product"], limit=3))
    days = _all(analytics.summaries.list(starting_date="2026-11-01", ending_date="2026-11-08"))
    assert [day.starting_at.day for day in days] == list(range(1, 8))


def test_the_directory_is_read(spending, client):
    organization = client("directory").organization
    users = _all(organization.users.list(limit=9))
    assert {user.id for user in users} == {
        person.user_id for person in spending.tenant.world.people.on(spending.clock.now().date())
    }
    for endpoint in (organization.invites, organization.api_keys, organization.rbac_groups):
        _all(endpoint.list(limit=3))
    _all(organization.workspaces.list(include_default=True, include_archived=True))
    _all(organization.rbac_groups.members.list(spending.tenant.world.groups[0][0], limit=2))


def test_spend_limits_are_read(client):
    limits = client("spend_limits").organization.spend_limits
    _all(limits.effective.list(limit=11))
    _all(limits.increase_requests.list())


def test_refusals_arrive_as_the_packages_own_errors(spending, client):
    with pytest.raises(anthropic.PermissionDeniedError, match="read:analytics"):
        client("compliance").beta.organization.analytics.cost.list(**SPAN)
    with pytest.raises(anthropic.AuthenticationError):
        client("expired").beta.organization.analytics.cost.list(**SPAN)
    with pytest.raises(anthropic.BadRequestError, match="limit"):
        client().beta.organization.analytics.cost.list(**SPAN, limit=5000)
    with pytest.raises(anthropic.BadRequestError, match="latest available date is 2026-11-21"):
        client().organization.analytics.users.list(date="2026-11-22")
