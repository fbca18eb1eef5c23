"""Who a row is about, as the Analytics API writes it (reference 3.3): people as they are on the export's day."""

from __future__ import annotations

from datetime import date
from typing import Any
from zlib import crc32

from sandbox.tenant.people import Person
from sandbox.tenant.spend.line import Who
from sandbox.tenant.world import World

ACTOR_TYPES = ("user_actor", "service_account_actor", "api_actor", "federated_actor")


class Actors:
    """Actor objects of one tenant on one day."""

    def __init__(self, world: World, day: date) -> None:
        self.world = world
        self.day = day
        self._deleted: dict[str, bool] = {}

    def deleted(self, who: Who | None) -> bool:
        """Whether it is a person who has no seat any more on the day."""
        if who is None or who.person is None:
            return False
        found = self._deleted.get(who.id)
        if found is None:
            there = self.world.people.holder(who.person.seat, self.day)
            found = self._deleted[who.id] = there is None or there.user_id != who.id
        return found

    def describe(self, who: Who | None, email: str = "email_address") -> dict[str, Any] | None:
        """The actor object. A deleted account (one leaver in four) has no address any more, and no name."""
        if who is None:
            return None
        if who.person is not None:
            return self._person(who.person, self.deleted(who), email)
        match who.kind:
            case "service_account_actor":
                return {"type": who.kind, "service_account_id": who.id}
            case "api_actor":
                return {"type": who.kind, "api_key_id": who.id}
        provider = {"type": "aws", "account_id": "123456789012", "signed_principal": who.id}
        return {"type": who.kind, "provider": provider, "subject": who.id}

    @staticmethod
    def _person(person: Person, deleted: bool, email: str) -> dict[str, Any]:
        forgotten = deleted and crc32(person.user_id.encode()) % 4 == 0
        return {
            "type": "user_actor",
            "user_id": person.user_id,
            email: None if forgotten else person.email,
            "name": "Deleted User" if forgotten else person.name,
            "deleted": deleted,
        }
