"""The rare: each listed type once in 28 days, each actor kind every day, newcomers, and things nobody has listed.

Which types fall on a day follows from the day's number, so any 28 days in a row have all of them
(`compliance_api_accessed` comes from requests and from a planted story instead).
"""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from random import Random
from typing import Any

from sandbox.tenant.actors import KINDS, actor, compact
from sandbox.tenant.events import Draft, Event, day_start, finish
from sandbox.tenant.ids import tagged
from sandbox.tenant.people import Person
from sandbox.tenant.values import Values
from sandbox.tenant.vocabulary import ActivityType, activity_types
from sandbox.tenant.world import NO_ORGANIZATION, World

ROUND_DAYS = 28

# One steady source per actor kind, with a type the field table allows it.
_STEADY = {
    "user": "org_users_listed",
    "api": "org_user_viewed",
    "admin_api_key": "platform_cost_report_viewed",
    "unauthenticated_user": "sso_login_initiated",
    "anthropic": "extra_usage_credit_granted",
    "system": "claude_code_security_scan_run_updated",
    "service_account": "platform_usage_report_messages_viewed",
    "scim_directory_sync": "scim_user_updated",
    "federated_identity": "platform_federated_authentication",
    "federated": "platform_workspace_members_listed",
    "attested_device": "platform_app_attest_authentication",
}

UNLISTED_TYPES = ("claude_canvas_created", "org_agent_guardrail_updated", "memory_vault_unsealed")
UNLISTED_ACTORS = ("delegated_agent_actor", "workload_identity_actor")
UNLISTED_FIELDS = ("risk_signal", "region", "device_posture")
UNLISTED_VALUES = ("sharepoint", "github_enterprise")


@lru_cache(maxsize=8)
def _round(seed: int) -> tuple[ActivityType, ...]:
    """The order in which a seed goes through the types."""
    kinds = [kind for name, kind in activity_types().items() if name != "compliance_api_accessed"]
    Random(f"{seed}/round").shuffle(kinds)
    return tuple(kinds)


def rare(world: World, day: date, people: list[Person], rng: Random) -> list[Event]:
    """The day's rare events, unsorted."""
    values = Values(world, people, rng)
    share = _round(world.seed)[day.toordinal() % ROUND_DAYS :: ROUND_DAYS]
    drafts = [_listed(world, day, kind, people, values, rng) for kind in share]
    types = activity_types()
    for _ in range(1 + world.people.seats // 500):
        for kind in KINDS:
            drafts.append(_event(world, day, types[_STEADY[kind]], kind, people, values, rng))
    for person in people:
        if person.joined == day:
            drafts += _joining(world, day, person, rng)
    drafts += [_unlisted(world, day, (day.toordinal() * 2 + turn) % 10, people, rng) for turn in (0, 1)]
    return [finish(draft, rng) for draft in drafts]


def _listed(
    world: World, day: date, kind: ActivityType, people: list[Person], values: Values, rng: Random
) -> Draft:
    """One event of a type, done by a kind of actor that may: people mostly, where any may."""
    who = rng.choice(kind.actors) if kind.actors else ("user" if rng.random() < 0.5 else rng.choice(KINDS))
    return _event(world, day, kind, who, people, values, rng)


def _event(
    world: World, day: date, kind: ActivityType, who: str, people: list[Person], values: Values, rng: Random
) -> Draft:
    text, user_id = actor(world, who, people, rng)
    extra = values.fields_of(kind)
    return _draft(world, day, rng, text, kind.name, extra, user_id=user_id)


def _draft(
    world: World,
    day: date,
    rng: Random,
    actor_text: str,
    kind: str,
    extra: dict[str, Any],
    *,
    user_id: str | None = None,
    us: int | None = None,
) -> Draft:
    """A draft at `us`, or at some time of the working day; sign-in and sign-out have no organisation."""
    if us is None:
        us = day_start(day) + int((6 + rng.random() * 13) * 3_600_000_000)
    nowhere = kind.startswith(("sso_login", "social_login", "magic_link_login", "user_logged_out"))
    organization = world.console if kind.startswith("platform_") else world.main
    return Draft(
        us,
        NO_ORGANIZATION if nowhere else organization.fields,
        actor_text,
        kind,
        "," + compact(extra)[1:-1] if extra else "",
        user_id,
        None if nowhere else organization.id,
        whole_second=rng.random() < 0.1,
    )


def _joining(world: World, day: date, person: Person, rng: Random) -> list[Draft]:
    """A newcomer's first morning: invited, provisioned, accepted, put into a group, given a seat."""
    admin = world.people.admin
    at = day_start(day) + int((7 + rng.random()) * 3_600_000_000)
    group = world.groups[[name for _, name in world.groups].index(person.department)][0]
    steps: list[tuple[str, str, str | None, dict[str, Any]]] = [
        (
            admin.office_actor(),
            "org_user_invite_sent",
            admin.user_id,
            {
                "invited_email": person.email,
                "invited_rbac_group_ids": [group],
                "invited_role": person.role,
                "invited_seat_tier": "standard",
            },
        ),
        (world.scim_actor(rng), "scim_user_created", None, {"user_id": person.user_id}),
        (
            person.office_actor(),
            "org_user_invite_accepted",
            person.user_id,
            {"invite_id": tagged("invite", rng)},
        ),
        (
            world.scim_actor(rng),
            "group_member_added",
            None,
            {"group_id": group, "member_ids": [person.user_id]},
        ),
        (
            admin.office_actor(),
            "claude_user_seat_tier_updated",
            admin.user_id,
            {
                "user_id": person.user_id,
                "user_email": person.email,
                "current_seat_tier": "standard",
                "previous_seat_tier": None,
            },
        ),
    ]
    drafts = []
    for text, kind, user_id, extra in steps:
        drafts.append(_draft(world, day, rng, text, kind, extra, user_id=user_id, us=at))
        at += 60_000_000 + rng.randrange(240_000_000)
    return drafts


def _unlisted(world: World, day: date, which: int, people: list[Person], rng: Random) -> Draft:
    """Something no list knows: three types, two actor kinds, three fields, two enum values."""
    person = people[rng.randrange(len(people))]
    text, user = person.office_actor(), person.user_id
    chat = {"claude_chat_id": tagged("claude_chat", rng), "claude_project_id": None}
    kind = "claude_chat_created"
    extra: dict[str, Any] = dict(chat)
    match which:
        case 0 | 1 | 2:
            kind, extra = UNLISTED_TYPES[which], {"canvas_id": tagged("canvas", rng), "level": which}
        case 3 | 4:
            fields = {"type": UNLISTED_ACTORS[which - 3], "agent_id": tagged("agent", rng), "on_behalf_of": user}
            return _draft(world, day, rng, compact(fields), kind, extra)
        case 5 | 6:
            extra[UNLISTED_FIELDS[which - 5]] = "eu-central" if which == 6 else {"score": 0.25, "model": "v2"}
        case 7:
            text = f'{text[:-1]},"{UNLISTED_FIELDS[2]}":"compliant"}}'
        case 8:
            kind, extra = "claude_file_exported", {"export_destination": UNLISTED_VALUES[0], "filename": "q3.xlsx"}
        case _:
            kind, extra = "social_login_succeeded", {"provider": UNLISTED_VALUES[1], "auth_method": "social"}
    return _draft(world, day, rng, text, kind, extra, user_id=user)
