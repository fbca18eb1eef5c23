"""Who and what is in the organisations today: members, invites, keys, workspaces. The people are the feed's.

A snapshot follows from seed, users and day; whoever leaves is gone at once, as with the vendor.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any
from zlib import crc32

from sandbox.clock import rfc3339
from sandbox.tenant.groups import groups_of
from sandbox.tenant.ids import tagged
from sandbox.tenant.people import Person
from sandbox.tenant.world import World

FOUNDED = date(2025, 3, 3)  # when the organisations were made; nobody was added before
INVITE_DAYS = 14  # how long an invite stands
INVITES_KEPT = 60  # days for which an invite is listed
_WORKSPACES = ("Default", "Production", "Staging", "Research")


@dataclass(frozen=True, slots=True)
class ConsoleKey:
    """An API key of the Console organisation: who made it, whose it is, where it works, what has become of it."""

    id: str
    name: str
    status: str
    workspace: str
    maker: Person
    account: str | None
    created: datetime


class Directory:
    """The directory of one tenant."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.keys = self._keys()
        self.roles: dict[str, str] = {}  # those that were changed from outside, by person
        self.removed: set[str] = set()  # people who were taken out of the lists from outside

    def members(self, day: date, *, console: bool) -> list[Person]:
        """Everybody with a seat on `day`, newest first; of the Console organisation only those who work there."""
        people = [
            person
            for person in self.world.people.on(day)
            if person.user_id not in self.removed and (not console or self.works_in_console(person))
        ]
        return sorted(people, key=lambda person: (self.added_at(person), person.user_id), reverse=True)

    @staticmethod
    def works_in_console(person: Person) -> bool:
        """The owner, the administrator, and every third engineer."""
        return person.seat < 2 or (person.department == "Engineering" and person.seat % 3 == 0)

    @staticmethod
    def added_at(person: Person) -> datetime:
        """When a person became a member: the morning of their first day, or some day of the founding half-year."""
        mark = crc32(person.user_id.encode())
        day = person.joined or FOUNDED + timedelta(days=mark % 180)
        return datetime.combine(day, time(8, mark % 60, mark // 60 % 60), UTC)

    def user(self, person: Person, *, console: bool) -> dict[str, Any]:
        """A member as `/v1/organizations/users` shows them."""
        role = person.role
        if console:
            role = "admin" if person.seat < 2 else "developer"
        role = self.roles.get(person.user_id, role)
        return {
            "type": "user",
            "id": person.user_id,
            "email": person.email,
            "name": person.name,
            "role": role,
            "added_at": rfc3339(self.added_at(person)),
        }

    def invites(self, now: datetime) -> list[dict[str, Any]]:
        """Invites, newest first: an accepted one for each joiner of 60 days, and those nobody has taken up."""
        found = [
            self._invite(f"candidate.{at:%y%m%d}@example.com", "user", at, None, now) for at in _unanswered(now)
        ]
        for offset in range(INVITES_KEPT):
            for person in self.world.people.joining(now.date() - timedelta(days=offset)):
                accepted = self.added_at(person)
                found.append(self._invite(person.email, person.role, accepted - timedelta(hours=1), accepted, now))
        shown = [invite for invite in found if invite["invited_at"] <= rfc3339(now)]
        return sorted(shown, key=lambda invite: (invite["invited_at"], invite["id"]), reverse=True)

    @staticmethod
    def pending_invites(now: datetime) -> int:
        """How many invites wait for an answer."""
        return sum(sent + timedelta(days=INVITE_DAYS) > now for sent in _unanswered(now))

    def _invite(
        self, email: str, role: str, sent: datetime, accepted: datetime | None, now: datetime
    ) -> dict[str, Any]:
        expires = sent + timedelta(days=INVITE_DAYS)
        if accepted is not None and accepted > now:
            accepted = None
        status = "accepted" if accepted else "expired" if expires <= now else "pending"
        return {
            "type": "invite",
            "id": tagged("invite", Random(f"{self.world.seed}/invite/{email}")),
            "email": email,
            "role": role,
            "invited_at": rfc3339(sent),
            "expires_at": rfc3339(expires),
            "accepted_at": rfc3339(accepted) if accepted else None,
            "status": status,
            "rbac_group_ids": [],
        }

    def _keys(self) -> tuple[ConsoleKey, ...]:
        """The keys that spend (the second one's maker has left: spend with no owner), and two that do no more."""
        people = self.world.people
        departure = next((d for n in range(52) if (d := people.departure(_FIRST_CYCLE + n)) is not None), None)
        makers = [people.admin, departure.person if departure else people.owner, people.owner, people.admin]
        names = ("batch-nightly", "support-bot", "web-app", "etl")
        made = datetime.combine(FOUNDED, time(12), UTC)
        keys = [
            ConsoleKey(
                identifier,
                names[at],
                "active",
                self.world.workspaces[at],
                makers[at],
                self.world.service_accounts[0] if at == 3 else None,
                made + timedelta(days=at),
            )
            for at, identifier in enumerate(self.world.api_keys)
        ]
        rng = Random(f"{self.world.seed}/old keys")
        for status in ("archived", "expired"):
            identifier, workspace = tagged("apikey", rng), self.world.workspaces[0]
            keys.append(ConsoleKey(identifier, f"old-{status}", status, workspace, people.owner, None, made))
        return tuple(keys)

    def add_key(self, identifier: str, name: str, made: datetime) -> None:
        """Have a further key of the administrator's in the lists."""
        admin = self.world.people.admin
        key = ConsoleKey(identifier, name, "active", self.world.workspaces[0], admin, None, made)
        self.keys = (*self.keys, key)

    def key(self, key: ConsoleKey) -> dict[str, Any]:
        """A key as `/v1/organizations/api_keys` shows it; the secret is never there, only its end."""
        principal: dict[str, Any] = {"type": "user_actor", "user_id": key.maker.user_id}
        if key.account:
            principal = {"type": "service_account_actor", "service_account_id": key.account}
        ended = key.created + timedelta(days=90) if key.status == "expired" else None
        return {
            "type": "api_key",
            "id": key.id,
            "name": key.name,
            "status": key.status,
            "partial_key_hint": f"sk-ant-api03-...{key.id[-4:]}",
            "created_at": rfc3339(key.created),
            "expires_at": rfc3339(ended) if ended else None,
            "created_by": {"id": key.maker.user_id, "type": "user"},
            "principal": principal,
            "scope": {"type": "workspace", "workspace_id": key.workspace},
        }

    def workspaces(self, *, default: bool, archived: bool) -> list[dict[str, Any]]:
        """The Console's workspaces, newest first, the default one and the archived one where asked for."""
        made = datetime.combine(FOUNDED, time(12), UTC)
        found = [
            self._workspace(identifier, name, made + timedelta(days=at), None)
            for at, (identifier, name) in enumerate(zip(self.world.workspaces, _WORKSPACES, strict=True))
            if at or default
        ]
        if archived:
            old = tagged("wrkspc", Random(f"{self.world.seed}/old workspace"))
            found.append(self._workspace(old, "Pilot", made + timedelta(days=9), made + timedelta(days=99)))
        return found[::-1]

    @staticmethod
    def _workspace(identifier: str, name: str, made: datetime, archived: datetime | None) -> dict[str, Any]:
        return {
            "type": "workspace",
            "id": identifier,
            "name": name,
            "created_at": rfc3339(made),
            "archived_at": rfc3339(archived) if archived else None,
            "display_color": "#6C5BB9",
            "data_residency": {
                "workspace_geo": "us",
                "default_inference_geo": "global",
                "allowed_inference_geos": "unrestricted",
            },
            "tags": {},
            "compartment_id": f"cmpt_{identifier.removeprefix('wrkspc_')}",
            "external_key_id": None,
        }

    def groups(self) -> list[dict[str, Any]]:
        """The RBAC groups, in the order of their making."""
        made = datetime.combine(FOUNDED, time(13), UTC)
        return [
            {
                "type": "rbac_group",
                "id": identifier,
                "name": name,
                "source_type": "scim",
                "role_ids": [],
                "created_at": rfc3339(made + timedelta(minutes=at)),
                "updated_at": rfc3339(made + timedelta(minutes=at)),
            }
            for at, (identifier, name) in enumerate(self.world.groups)
        ]

    def group_members(self, group: str, day: date) -> list[dict[str, Any]]:
        """Who is in a group on `day`, in the order they came."""
        people = [person for person in self.world.people.on(day) if group in groups_of(self.world, person)]
        people.sort(key=lambda person: (self.added_at(person), person.user_id))
        return [
            {
                "type": "rbac_group_member",
                "user_id": person.user_id,
                "email": person.email,
                "rbac_group_id": group,
                "created_at": rfc3339(self.added_at(person) + timedelta(minutes=5)),
            }
            for person in people
        ]


def _unanswered(now: datetime) -> list[datetime]:
    """When the invites were sent that nobody has taken up: every sixth day of the calendar."""
    days = [now.date() - timedelta(days=offset) for offset in range(INVITES_KEPT)]
    sent = [datetime.combine(day, time(9, 30), UTC) for day in days if day.toordinal() % 6 == 0]
    return [at for at in sent if at <= now]


_FIRST_CYCLE = date(2026, 2, 1).toordinal() // 14
