"""The ledger of a tenant: days of lines, made when first touched and kept, and what each export shows of them.

A function of seed, users and calendar day. Every total the API can give is a sum over these lines, and so is the
ground truth that tests compare with.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from threading import RLock
from typing import Any

from sandbox.tenant.people import CYCLE_DAYS
from sandbox.tenant.spend.line import DAY_MINUTES, Line, Place, Who, day_at, first_minute
from sandbox.tenant.spend.line import line as line_of
from sandbox.tenant.spend.machines import Machines
from sandbox.tenant.spend.prices import MICRO, Part
from sandbox.tenant.spend.restatement import Restatement, restated
from sandbox.tenant.spend.users import Users
from sandbox.tenant.world import World

FLOOR = date(2026, 1, 1)  # nothing before this day anywhere in the Analytics API
KEPT_LINES = 400_000  # about 200 MB


class Ledger:
    """Lines and restatements by day. Safe to read from another thread while the server runs."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.users = Users(world)
        self.machines = Machines(world, self.users.habits(world.people.admin).who)
        self._days: OrderedDict[date, tuple[list[Line], list[Restatement]]] = OrderedDict()
        self._kept = 0
        self._booked: dict[date, list[Line]] = {}
        self._strangers: dict[str, Who] = {}
        self._lock = RLock()

    def book(self, wish: dict[str, Any]) -> None:
        """Book spend that somebody hands the tenant: `day`, `actor_id`, `product`, `model`, `usd` and the tokens
        `input`, `cache_read`, `output`. All of the money is output's. Raises ValueError or KeyError."""
        day, actor = date.fromisoformat(wish["day"]), str(wish["actor_id"])
        tokens = (int(wish.get("input", 0)), int(wish.get("output", 0)), int(wish.get("cache_read", 0)), 0, 0)
        amount = int(Decimal(str(wish["usd"])) * 100 * MICRO)
        place = Place(self.world.main.id, wish["product"], wish["model"], self._who(actor, day))
        noon = first_minute(day) + DAY_MINUTES // 2
        booked = line_of(noon, place, tokens, 1, 0, (Part("tokens", "output_tokens", amount, amount),))
        with self._lock:
            self._booked.setdefault(day, []).append(booked)
            if day in self._days:
                self._kept -= len(self._days.pop(day)[0])

    def _who(self, actor: str, day: date) -> Who:
        """The one object that stands for an actor; a key nobody has listed gets a new one."""
        if actor.startswith("user_"):
            for before in range(CYCLE_DAYS * 2):  # who has left may still spend
                for person in self.world.people.on(day - timedelta(days=before)):
                    if person.user_id == actor:
                        return self.users.habits(person).who
            raise ValueError(f"nobody here is {actor!r}")
        return self._strangers.setdefault(
            actor, next((one for one in self.machines.keys if one.id == actor), Who("api_actor", actor))
        )

    def lines(self, day: date) -> list[Line]:
        """Every state of every line of a day; empty before FLOOR."""
        return self._day(day)[0]

    def restatements(self, day: date) -> list[Restatement]:
        """What changes about a day after its end, in order of export."""
        return self._day(day)[1]

    def shown(self, start: int, end: int, export: int) -> Iterator[Line]:
        """The lines of the minutes [start, end) as an export shows them, in the order of days."""
        for number in range(start // DAY_MINUTES, -(-end // DAY_MINUTES)):
            day = day_at(number * DAY_MINUTES)
            whole = start <= first_minute(day) and first_minute(day) + DAY_MINUTES <= end
            for line in self.lines(day):
                if line.born <= export < line.died and (whole or start <= line.minute < end):
                    yield line

    def _day(self, day: date) -> tuple[list[Line], list[Restatement]]:
        if day < FLOOR:
            return [], []
        with self._lock:
            found = self._days.get(day)
            if found is None:
                found = self._days[day] = self._made(day)
                self._kept += len(found[0])
                while self._kept > KEPT_LINES and len(self._days) > 1:
                    self._kept -= len(self._days.popitem(last=False)[1][0])
            else:
                self._days.move_to_end(day)
            return found

    def _made(self, day: date) -> tuple[list[Line], list[Restatement]]:
        name = f"{self.world.seed}/{self.world.people.seats}/{day}"
        people = self.world.people.on(day)
        lines = self.users.lines(day, people, Random(f"{name}/spend"))
        lines += self.machines.lines(day, people, Random(f"{name}/machines"))
        made, changes = restated(day, lines, Random(f"{name}/restated"))
        return [*made, *self._booked.get(day, [])], changes


def days_between(start: date, end: date) -> list[date]:
    """The days of [start, end)."""
    return [start + timedelta(days=offset) for offset in range((end - start).days)]
