"""What people use: everybody who is busy in the feed on a day, by their department's habits, on that day only.

How much follows from how many everyday events the feed has of them, so spend and audit tell of the same day.
"""

from __future__ import annotations

from datetime import date
from random import Random
from typing import NamedTuple

from sandbox.tenant.day import day_random
from sandbox.tenant.groups import groups_of
from sandbox.tenant.people import CYCLE_DAYS, Person
from sandbox.tenant.rhythm import counts_of, local_hour
from sandbox.tenant.spend.line import DAY_MINUTES, Line, Place, Who, first_minute, line
from sandbox.tenant.spend.prices import NEW_MODELS, NEW_MODELS_FROM, OLD_MODELS, other_part, token_parts
from sandbox.tenant.world import World

# Per product: tokens an event, and how a thousand of them fall on uncached input, output, cache read, 5 m, 1 h.
_SHAPES = {
    "chat": (5_200, (420, 120, 400, 60, 0)),
    "claude_code": (420_000, (40, 16, 884, 52, 8)),
    "cowork": (120_000, (110, 40, 780, 70, 0)),
    "office_agent": (9_000, (380, 110, 450, 60, 0)),
    "claude_in_chrome": (14_000, (300, 50, 600, 50, 0)),
    "claude_design": (18_000, (160, 190, 590, 60, 0)),
    "chat_cowork_unified": (12_000, (250, 80, 610, 60, 0)),
}
_CODERS = ("Engineering", "Research", "Operations")
_ALSO = (("cowork", 0.2), ("office_agent", 0.14), ("claude_in_chrome", 0.07), ("claude_design", 0.04))
LINGER_DAYS = 5  # how long a leaver's automation goes on


class Habits(NamedTuple):
    """What never changes about a person's use."""

    who: Who
    codes: bool
    model: int
    fast: bool
    geo: str | None
    groups: tuple[str, ...]


def models_on(day: date) -> tuple[str, str, str]:
    """The large, the middle and the small model of a day."""
    return NEW_MODELS if day >= NEW_MODELS_FROM else OLD_MODELS


def usage(product: str, events: int, rng: Random) -> tuple[tuple[int, int, int, int, int], int]:
    """Tokens (in the order of prices.TOKEN_TYPES) and requests for so many events of a product."""
    size, shape = _SHAPES[product]
    total = int(events * size * (0.4 + rng.random() * rng.random() * 3))
    uncached, output, read, five, hour = [total * share // 1000 + rng.randrange(97) for share in shape]
    return (uncached, output, read, five, hour if shape[4] else 0), max(1, events * (3 if shape[2] > 700 else 1))


class Users:
    """The lines of people, day by day."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._habits: dict[str, Habits] = {}
        self._places: dict[tuple[str, str, str, bool], Place] = {}

    def lines(self, day: date, people: list[Person], rng: Random) -> list[Line]:
        """Everything `people` (those with a seat) used on `day`, and leavers' leftovers."""
        counts = counts_of(people, day, day_random(self.world, day))
        out: list[Line] = []
        for person, count in zip(people, counts, strict=True):
            if count:
                self._of_person(person, count, day, rng, out)
        self._leftovers(day, rng, out)
        return out

    def habits(self, person: Person) -> Habits:
        found = self._habits.get(person.user_id)
        if found is None:
            rng = Random(f"{self.world.seed}/habits/{person.user_id}")
            found = self._habits[person.user_id] = Habits(
                Who("user_actor", person.user_id, person),
                rng.random() < (0.7 if person.department in _CODERS else 0.12),
                rng.choices((0, 1, 2), (25, 60, 15))[0],
                rng.random() < 0.05,
                "us" if person.linked else "global" if rng.random() < 0.9 else None,
                groups_of(self.world, person),
            )
        return found

    def _of_person(self, person: Person, count: int, day: date, rng: Random, out: list[Line]) -> None:
        habits = self.habits(person)
        if rng.random() < 0.85:
            self._add(person, habits, "chat", count, day, rng, out)
        if habits.codes and rng.random() < 0.8:
            for _ in range(1 + (rng.random() < 0.4)):
                self._add(person, habits, "claude_code", 1 + count // 2, day, rng, out)
        for product, chance in _ALSO:
            if rng.random() < chance:
                self._add(person, habits, product, 1 + count // 3, day, rng, out)
        if person.seat % 25 == 3 and rng.random() < 0.5:
            self._add(person, habits, "chat_cowork_unified", 1 + count // 4, day, rng, out)

    def _add(
        self, person: Person, habits: Habits, product: str, events: int, day: date, rng: Random, out: list[Line]
    ) -> None:
        draw = rng.random()
        model = models_on(day)[habits.model if draw < 0.8 else int(draw * 1000) % 3]
        long = product == "claude_code" and rng.random() < 0.06
        place = self._place(person, habits, product, model, long)
        fast = place.speed == "fast"
        tokens, requests = usage(product, events, rng)
        parts = token_parts(product, model, tokens, long=long, fast=fast, us=habits.geo == "us")
        searches = 0
        if product in ("chat", "cowork", "claude_in_chrome") and rng.random() < 0.3:
            searches = 1 + rng.randrange(6)
            parts = (*parts, other_part("web_search", searches))
        local = local_hour(rng) * 60 + rng.randrange(60) - int(person.utc_offset * 60)
        out.append(line(first_minute(day) + local % DAY_MINUTES, place, tokens, requests, searches, parts))
        if product == "chat" and rng.random() < 0.08:  # the vendor books it to no product and no model
            minutes = 1 + rng.randrange(90)
            bare = place._replace(product=None, model=None, context_window=None, inference_geo=None, speed=None)
            parts = (other_part("code_execution", minutes),)
            spans = 1 + minutes // 20
            out.append(line(first_minute(day) + local % DAY_MINUTES, bare, (0, 0, 0, 0, 0), spans, 0, parts))

    def _place(self, person: Person, habits: Habits, product: str, model: str, long: bool) -> Place:
        key = (person.user_id, product, model, long)
        found = self._places.get(key)
        if found is None:
            found = self._places[key] = Place(
                self.world.organization_of(person).id,
                product,
                model,
                habits.who,
                habits.groups,
                "200k-1M" if long else "0-200k",
                habits.geo,
                "fast" if habits.fast and product == "claude_code" else "standard",
            )
        return found

    def _leftovers(self, day: date, rng: Random, out: list[Line]) -> None:
        """Scheduled sessions of somebody whose account is deleted go on for a few days: spend with no owner."""
        departure = self.world.people.departure(day.toordinal() // CYCLE_DAYS)
        if departure is None or not 0 <= (day - departure.leaves).days < LINGER_DAYS:
            return
        person = departure.person
        self._add(person, self.habits(person), "claude_code", 4, day, rng, out)
