"""Planted stories: things an auditor or an analyst should find, five in every 14 days.

A leaver who exports before leaving, a mass export at 3 a.m., single sign-on switched off, a leaked compliance key
used by a stranger, recording switched off for an evening. Their days follow from the calendar, so any 27 days in a
row hold one complete set.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from random import Random
from typing import Any

from sandbox.clock import from_us, rfc3339
from sandbox.tenant.access import access_event
from sandbox.tenant.actors import compact
from sandbox.tenant.events import Draft, Event, day_of, day_start, finish
from sandbox.tenant.ids import tagged, text22
from sandbox.tenant.people import CYCLE_DAYS, Person
from sandbox.tenant.rhythm import FILENAMES
from sandbox.tenant.world import NO_ORGANIZATION, World

_SECOND = 1_000_000
_MINUTE = 60 * _SECOND
_HOUR = 60 * _MINUTE
STRANGER_AGENT = "python-requests/2.32.3"
RECORDING_OFF = "recording_switched_off"
SWITCH_TYPE = "org_compliance_api_settings_updated"


@dataclass(frozen=True, slots=True)
class Story:
    """One planted story: what it is, who is in it, and its events in order of time."""

    kind: str
    title: str
    who: dict[str, Any]
    events: tuple[Event, ...]

    def describe(self) -> dict[str, Any]:
        """As in stories.json: kind, title, who, first and last time, event ids and types."""
        return {
            "kind": self.kind,
            "title": self.title,
            "who": self.who,
            "first_at": rfc3339(from_us(self.events[0][0])),
            "last_at": rfc3339(from_us(self.events[-1][0])),
            "events": [{"id": e[1], "type": e[3], "created_at": rfc3339(from_us(e[0]))} for e in self.events],
        }


class _Script:
    """Writes the events of one story, one after the other."""

    def __init__(self, world: World, at: int, rng: Random) -> None:
        self.world = world
        self.at = at
        self.rng = rng
        self.events: list[Event] = []

    def add(
        self,
        kind: str,
        actor: str,
        extra: dict[str, Any] | None = None,
        *,
        user: Person | None = None,
        wait: int = 20 * _SECOND,
        signing_in: bool = False,
    ) -> None:
        """One event now; the next comes after `wait` us, give or take half."""
        organization = self.world.organization_of(user) if user else self.world.main
        draft = Draft(
            self.at,
            NO_ORGANIZATION if signing_in else organization.fields,
            actor,
            kind,
            "," + compact(extra)[1:-1] if extra else "",
            user.user_id if user else None,
            None if signing_in else organization.id,
        )
        self.events.append(finish(draft, self.rng))
        self.at += wait // 2 + self.rng.randrange(max(1, wait))

    def export(self, actor: str, user: Person, files: int, wait: int) -> None:
        """`files` files to a personal drive, one by one."""
        for _ in range(files):
            name = json.loads(FILENAMES[self.rng.randrange(len(FILENAMES))])
            extra = {
                "export_destination": "google_drive",
                "filename": name,
                "claude_chat_id": tagged("claude_chat", self.rng),
                "claude_file_id": tagged("claude_file", self.rng),
            }
            self.add("claude_file_exported", actor, extra, user=user, wait=wait)

    def told(self, kind: str, title: str, who: dict[str, Any]) -> Story:
        return Story(kind, title, who, tuple(sorted(self.events)))


def stories_of(world: World, cycle: int) -> tuple[Story, ...]:
    """The stories of one 14-day cycle (day ordinal // 14)."""
    return _told(world.seed, world.people.seats, cycle)


def planted(world: World, day: date, *, without: tuple[str, ...] = ()) -> list[Event]:
    """The story events created on `day`, but for kinds of stories that are left out."""
    low = day_start(day)
    high = day_start(day + timedelta(days=1))
    stories = stories_of(world, day.toordinal() // CYCLE_DAYS)
    told = [story for story in stories if story.kind not in without]
    return [event for story in told for event in story.events if low <= event[0] < high]


def unrecorded(world: World, day: date) -> tuple[int, int] | None:
    """From when to when (us, both exclusive) the vendor recorded nothing on `day`; None on most days."""
    for story in stories_of(world, day.toordinal() // CYCLE_DAYS):
        if story.kind == RECORDING_OFF and day_of(story.events[0][0]) == day:
            return story.events[0][0], story.events[-1][0]
    return None


@lru_cache(maxsize=256)
def _told(seed: int, seats: int, cycle: int) -> tuple[Story, ...]:
    world = World(seed, seats)
    first = date.fromordinal(cycle * CYCLE_DAYS)
    told = [
        teller(world, cycle, first, Random(f"{seed}/{seats}/{teller.__name__}/{cycle}"))
        for teller in (_leaver, _mass_export, _sso_off, _leaked_key, _recording_off)
    ]
    return tuple(story for story in told if story is not None)


def _leaver(world: World, cycle: int, first: date, rng: Random) -> Story | None:
    """Thursday: opens everything, exports, asks for a data export, shares. Monday: the account is deleted."""
    departure = world.people.departure(cycle)
    if departure is None:
        return None
    person, admin = departure.person, world.people.admin
    me = person.actor(person.home_ip, person.agents[0])
    script = _Script(world, day_start(departure.exports) + 17 * _HOUR, rng)
    for _ in range(15):
        project = {"claude_project_id": tagged("claude_proj", rng), "preview_only": False}
        script.add("claude_project_viewed", me, project, user=person)
    script.export(me, person, 28, 40 * _SECOND)
    script.add("org_data_export_started", me, {"export_type": "conversations"}, user=person, wait=10 * _MINUTE)
    script.add(
        "session_share_created", me, {"access_level": "public", "share_id": tagged("share", rng)}, user=person
    )
    script.at = day_start(departure.leaves) + 8 * _HOUR
    script.add("scim_user_deleted", world.scim_actor(rng), {"user_id": person.user_id}, wait=2 * _MINUTE)
    gone = {"deleted_user_id": person.user_id, "deleted_user_email": person.email}
    script.add("org_user_deleted", admin.office_actor(), gone, user=admin)
    who = {"user_id": person.user_id, "email": person.email, "name": person.name, "left": str(departure.leaves)}
    return script.told("leaver_exports", "A leaver exports files before leaving", who)


def _mass_export(world: World, cycle: int, first: date, rng: Random) -> Story | None:
    """Somebody signs in at 3 a.m. local time and exports 120 files in half an hour."""
    day = first + timedelta(days=rng.choice((2, 3, 5, 11, 12)))
    departure = world.people.departure(cycle)
    there = [p for p in world.people.on(day) if p.seat > 0 and (departure is None or p != departure.person)]
    person = rng.choice(there) if there else world.people.owner
    start = day_start(day) + int((3 - person.utc_offset) * _HOUR) % (24 * _HOUR)
    script = _Script(world, start + rng.randrange(5 * _MINUTE), rng)
    me = person.actor(person.home_ip, person.agents[0])
    signed_in = {"auth_method": "sso", "mfa_method": None}
    script.add("sso_login_succeeded", me, signed_in, user=person, wait=_MINUTE, signing_in=True)
    script.export(me, person, 120, 12 * _SECOND)
    script.add("user_logged_out", me, user=person, signing_in=True)
    who = {"user_id": person.user_id, "email": person.email, "name": person.name, "utc_offset": person.utc_offset}
    return script.told("mass_export_3am", "120 files exported at 3 a.m. local time", who)


def _sso_off(world: World, cycle: int, first: date, rng: Random) -> Story:
    """The administrator's account turns single sign-on off from a strange address; a magic link gets in."""
    admin = world.people.admin
    address = f"203.0.113.{40 + rng.randrange(20)}"
    agent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/141.0.0.0"
    me = admin.actor(address, agent)
    day = first + timedelta(days=rng.choice((2, 9)))
    script = _Script(world, day_start(day) + 21 * _HOUR + rng.randrange(_HOUR), rng)
    script.add("org_sso_toggled", me, {"enabled": False}, user=admin, wait=_MINUTE)
    connection = {"connection_id": world.sso_connection}
    script.add("org_sso_connection_deactivated", me, connection, user=admin, wait=2 * _MINUTE)
    people = world.people.on(day)
    victim = people[rng.randrange(len(people))]
    nobody = compact(
        {
            "type": "unauthenticated_user_actor",
            "unauthenticated_email_address": victim.email,
            "ip_address": address,
            "user_agent": agent,
        }
    )
    script.add("magic_link_login_initiated", nobody, wait=_MINUTE, signing_in=True)
    link = {"auth_method": "magic_link", "mfa_method": "not_used"}
    in_ = victim.actor(address, agent)
    script.add("magic_link_login_succeeded", in_, link, user=victim, wait=20 * _MINUTE, signing_in=True)
    key = {"admin_api_key_id": tagged("apikey", rng), "scopes": ["org:admin"]}
    script.add("admin_api_key_created", me, key, user=admin, wait=10 * _MINUTE)
    script.add("org_sso_connection_activated", me, connection | {"connection_type": "OktaSAML"}, user=admin)
    script.add("org_sso_toggled", me, {"enabled": True}, user=admin)
    who = {"user_id": admin.user_id, "email": admin.email, "address": address, "victim": victim.email}
    return script.told("sso_switch_off", "Single sign-on switched off for half an hour", who)


def _leaked_key(world: World, cycle: int, first: date, rng: Random) -> Story:
    """A stranger reads the feed with the tenant's compliance key and tries the content endpoints (403)."""
    key = world.key_named("compliance")
    day = first + timedelta(days=rng.choice((3, 4, 12)))
    at = day_start(day) + 1 * _HOUR + rng.randrange(3 * _HOUR)
    address = f"203.0.113.{70 + rng.randrange(20)}"
    events = []
    for turn in range(40):
        forbidden = turn % 8 == 7
        path = "apps/chats?limit=100" if forbidden else f"activities?limit=5000&after_id=activity_01{text22(rng)}"
        events.append(
            access_event(
                at,
                key.id,
                address,
                STRANGER_AGENT,
                f"req_011C{text22(rng)[:20]}",
                f"https://api.anthropic.com/v1/compliance/{path}",
                403 if forbidden else 200,
                rng,
            )
        )
        at += 2 * _SECOND + rng.randrange(20 * _SECOND)
    who = {"api_key_id": key.id, "address": address, "user_agent": STRANGER_AGENT}
    return Story("leaked_compliance_key", "A stranger uses the compliance key", who, tuple(events))


def _recording_off(world: World, cycle: int, first: date, rng: Random) -> Story:
    """The administrator's account switches the recording of activities off for an evening.

    Both turns of the switch are recorded (reference 1.4), what happens in between is not: `unrecorded`.
    """
    admin = world.people.admin
    day = first + timedelta(days=rng.choice((1, 10)))
    # After the rare events of a day, and before midnight: the other promises of the sandbox hold all the same.
    script = _Script(world, day_start(day) + 19 * _HOUR + (20 + rng.randrange(20)) * _MINUTE, rng)
    off = {"compliance_api_enabled": None, "compliance_api_logging_enabled": False}
    script.add(SWITCH_TYPE, admin.office_actor(), off, user=admin, wait=0)
    script.at += 2 * _HOUR + rng.randrange(60) * _MINUTE
    script.add(SWITCH_TYPE, admin.office_actor(), off | {"compliance_api_logging_enabled": True}, user=admin)
    off_from, off_to = (rfc3339(from_us(event[0])) for event in script.events)
    who = {"user_id": admin.user_id, "email": admin.email, "off_from": off_from, "off_to": off_to}
    return script.told(RECORDING_OFF, "The recording of activities switched off for an evening", who)
