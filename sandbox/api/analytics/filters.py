"""Which lines a request is about: its list filters and its key's reach."""

from __future__ import annotations

import re
from collections.abc import Callable

from sandbox.api.analytics.actors import ACTOR_TYPES
from sandbox.api.analytics.query import Query
from sandbox.api.errors import ApiError, invalid
from sandbox.tenant.spend.line import Place
from sandbox.tenant.world import Key, World

PRODUCTS = (
    "chat",
    "chat_cowork_unified",
    "claude_code",
    "claude_console",
    "claude_design",
    "claude_in_chrome",
    "claude_tag",
    "cowork",
    "managed_agents_api",
    "message_batches_api",
    "messages_api",
    "office_agent",
)
CONSOLE_PRODUCTS = ("claude_console", "managed_agents_api", "message_batches_api", "messages_api")
# Filter -> (dimension, the values permitted where the list is closed).
_OPEN: dict[str, tuple[str, tuple[str, ...] | None]] = {
    "models": ("model", None),
    "actor_types": ("actor_type", ACTOR_TYPES),
    "context_windows": ("context_window", ("0-200k", "200k-1M")),
    "inference_geos": ("inference_geo", ("global", "us", "not_available")),
    "speeds": ("speed", ("standard", "fast")),
    "slack_channel_ids": ("slack_channel_id", None),
    "claude_tag_categories": ("claude_tag_category", None),
    "claude_tag_user_ids": ("claude_tag_user_id", None),
    "api_key_ids": ("api_key_id", None),
    "workspace_ids": ("workspace_id", None),
    "service_tiers": ("service_tier", None),
    "agent_ids": ("agent_id", None),
    "deployment_ids": ("deployment_id", None),
    "environment_ids": ("environment_id", None),
    "session_ids": ("session_id", None),
    "user_profile_ids": ("user_profile_id", None),
}
LISTS = ("products", *_OPEN, "actor_ids", "rbac_group_ids", "organization_ids")
_UUID = re.compile(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
_ACTOR_PREFIXES = ("user_", "svac_", "apikey_")


def keeper(query: Query, world: World, key: Key) -> Callable[[Place], bool]:
    """A test of places for the filters of a request; raises ApiError (400, 403)."""
    tests = [_reach(query, world, key)]
    products = frozenset(_products(query))
    if products:
        tests.append(lambda place: place.product in products)
    for name, (dimension, closed) in _OPEN.items():
        if name not in query.lists:
            continue
        wanted: frozenset[str | None] = frozenset(query.members(name, closed))
        if not wanted:
            continue
        if name == "actor_types":
            tests.append(_actor_is("kind", wanted))
            continue
        if "not_available" in wanted or (name == "api_key_ids" and "" in wanted):
            wanted |= {None}
        tests.append(_is_in(dimension, wanted))
    tests += _people(query)
    return lambda place: all(test(place) for test in tests)


def _is_in(dimension: str, wanted: frozenset[str | None]) -> Callable[[Place], bool]:
    return lambda place: getattr(place, dimension) in wanted


def _actor_is(name: str, wanted: frozenset[str | None]) -> Callable[[Place], bool]:
    return lambda place: place.actor is not None and getattr(place.actor, name) in wanted


def _reach(query: Query, world: World, key: Key) -> Callable[[Place], bool]:
    """An Enterprise key reaches every child organisation, an Admin key its Console organisation alone.

    An id that is no child's matches nothing.
    """
    wanted = query.members("organization_ids") if "organization_ids" in query.lists else []
    if key.kind == "admin":
        if wanted:
            raise ApiError(403, "permission_error", "organization_ids[] requires a parent-level key")
        return lambda place: place.organization_id == world.console.id
    if not wanted:
        return lambda place: True
    children = [organization for organization in world.organizations if organization is not world.parent]
    found = {o.id for o in children for value in wanted if value == o.id or value.lower() == o.uuid}
    return lambda place: place.organization_id in found


def _products(query: Query) -> list[str]:
    """The products asked for, in today's spelling; the legacy reports spell one of them with a hyphen."""
    if "user_ids" not in query.lists:
        return query.members("products", PRODUCTS)
    named = [name for name in PRODUCTS if name not in CONSOLE_PRODUCTS]
    spelled = tuple(name.replace("claude_tag", "claude-tag") for name in named)
    return [name.replace("claude-tag", "claude_tag") for name in query.members("products", spelled)]


def _people(query: Query) -> list[Callable[[Place], bool]]:
    tests: list[Callable[[Place], bool]] = []
    for name, prefixes in (("actor_ids", _ACTOR_PREFIXES), ("user_ids", ("user_",))):
        given = query.lists.get(name, [])
        for position, value in enumerate(given):
            if not value.startswith(prefixes):
                raise invalid(f"{name}[].{position}: Invalid {name[:-1]} format: '{value}'")
        if given:
            tests.append(_actor_is("id", frozenset(given)))
    groups = frozenset(query.members("rbac_group_ids"))
    for position, value in enumerate(query.lists["rbac_group_ids"]):
        if not value.startswith("rbac_group_") and not _UUID.fullmatch(value):
            raise invalid(f"rbac_group_ids[].{position}: Invalid rbac_group_id format: '{value}'")
    if groups:
        tests.append(lambda place: not groups.isdisjoint(place.groups))
    return tests
