"""Who works here: seats, the persons who hold them, and on which days.

Everything is a function of (seed, number of seats, calendar day), never of the clock or of the span asked for:
the same day has the same people whatever else is generated. Every 14 days one person leaves (a planted story)
and a joiner takes the seat two days later.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from random import Random

from sandbox.data import data_text
from sandbox.tenant.ids import tagged

CYCLE_DAYS = 14
EXPORT_OFFSET = 4  # Thursday of a cycle's first week: the leaver exports
LEAVE_OFFSET = 8  # Monday of the second week: the leaver's account is deleted
JOIN_OFFSET = 10  # Wednesday: a joiner takes the seat
_BASE_CYCLE = date(2024, 1, 7).toordinal() // CYCLE_DAYS

_FIRST, _LAST = (line.split() for line in data_text("names.txt").splitlines())
DEPARTMENTS = ("Engineering", "Sales", "Finance", "Legal", "Support", "Marketing", "Research", "Operations")
_OFFICES = ((-5, "192.0.2.10"), (0, "192.0.2.34"), (1, "192.0.2.58"), (5.5, "192.0.2.82"), (9, "192.0.2.106"))
_OFFICE_WEIGHTS = (40, 25, 20, 10, 5)

_CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/{}.0.0.0 Safari/537.36"
)
_SAFARI = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/{}.1 Safari/605.1.15"
)
_FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:{0}.0) Gecko/20100101 Firefox/{0}.0"
_DESKTOP = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Claude/1.2.{} "
    "Chrome/140.0.0.0 Electron/38.1.2 Safari/537.36"
)


@dataclass(frozen=True, slots=True)
class Person:
    """One human who holds a seat for a time; `joined` is None for those who were always here."""

    seat: int
    user_id: str
    name: str
    email: str
    role: str
    department: str
    persona: str
    utc_offset: float
    linked: bool
    office_ip: str
    home_ip: str
    agents: tuple[str, str, str, str]
    device_id: str | None
    joined: date | None

    def actor(self, ip: str, agent: str) -> str:
        """The `user_actor` object of this person as compact JSON text."""
        return (
            f'{{"type":"user_actor","email_address":{json.dumps(self.email)},"user_id":"{self.user_id}",'
            f'"ip_address":"{ip}","user_agent":{json.dumps(agent)}}}'
        )

    def office_actor(self) -> str:
        """This person as actor at the desk: office address, first browser."""
        return self.actor(self.office_ip, self.agents[0])


@dataclass(frozen=True, slots=True)
class Departure:
    """The leaver of one cycle: exports on `exports`, is deleted on `leaves`; `successor` joins on `joins`."""

    cycle: int
    person: Person
    successor: Person
    exports: date
    leaves: date
    joins: date


class People:
    """The seats of a tenant (1 to 50,000) and who holds them on a given day."""

    def __init__(self, seed: int, seats: int) -> None:
        if not 1 <= seats <= 50_000:
            raise ValueError(f"users must be from 1 to 50000, not {seats}")
        self.seed = seed
        self.seats = seats
        self._leavers = list(range(2, seats))
        Random(f"{seed}/leavers").shuffle(self._leavers)
        self._turn = {seat: turn for turn, seat in enumerate(self._leavers)}
        self._names = list(range(len(_FIRST) * len(_LAST)))
        Random(f"{seed}/names").shuffle(self._names)
        self.person = lru_cache(maxsize=None)(self._person)

    @property
    def owner(self) -> Person:
        """The primary owner, who never leaves."""
        return self.person(0, 0)

    @property
    def admin(self) -> Person:
        """The identity administrator, who never leaves (the owner where there is one seat)."""
        return self.person(min(1, self.seats - 1), 0)

    def holder(self, seat: int, day: date) -> Person | None:
        """Who holds `seat` on `day`; None between a leaver and the joiner, and before a seat is first taken."""
        generation = self._generation(seat, day)
        person = self.person(seat, generation)
        if person.joined is not None and day < person.joined:
            return None
        departure = self._departure_of(seat, day)
        if departure is not None and departure <= day:
            return None
        return person

    def on(self, day: date) -> list[Person]:
        """Everybody with a seat on `day`, by seat number."""
        return [person for seat in range(self.seats) if (person := self.holder(seat, day)) is not None]

    def joining(self, day: date) -> list[Person]:
        """Those whose first day is `day`."""
        return [person for person in self.on(day) if person.joined == day]

    def departure(self, cycle: int) -> Departure | None:
        """Who leaves in `cycle` (day ordinal // 14); None where nobody can."""
        if not self._leavers:
            return None
        seat = self._leavers[cycle % len(self._leavers)]
        first = date.fromordinal(cycle * CYCLE_DAYS)
        person = self.holder(seat, first + timedelta(days=EXPORT_OFFSET - 1))
        if person is None:
            return None
        return Departure(
            cycle,
            person,
            self.person(seat, self._generation(seat, first + timedelta(days=JOIN_OFFSET))),
            first + timedelta(days=EXPORT_OFFSET),
            first + timedelta(days=LEAVE_OFFSET),
            first + timedelta(days=JOIN_OFFSET),
        )

    def _generation(self, seat: int, day: date) -> int:
        """How often the seat has been handed on by `day` (a hand-over counts from the joiner's day)."""
        turn = self._turn.get(seat)
        if turn is None:
            return 0
        cycle, offset = divmod(day.toordinal(), CYCLE_DAYS)
        last_done = cycle if offset >= JOIN_OFFSET else cycle - 1
        count = len(self._leavers)
        return max(0, (last_done - turn) // count - (_BASE_CYCLE - turn) // count)

    def _departure_of(self, seat: int, day: date) -> date | None:
        """The leaving day of the seat's holder if it falls into the cycle of `day` and no joiner has come yet."""
        turn = self._turn.get(seat)
        cycle, offset = divmod(day.toordinal(), CYCLE_DAYS)
        if turn is None or cycle % len(self._leavers) != turn or offset >= JOIN_OFFSET:
            return None
        return date.fromordinal(cycle * CYCLE_DAYS + LEAVE_OFFSET)

    def _joined(self, seat: int, generation: int, rng: Random) -> date | None:
        """First day: the hand-over's for a successor; for a fifth of the first holders a day of 2026 or 2027."""
        spread = date(2026, 1, 5) + timedelta(days=rng.randrange(600))
        newcomer = rng.random() < 0.2
        if generation == 0:
            return spread if newcomer and seat > 1 else None
        count, turn = len(self._leavers), self._turn[seat]
        cycle = turn + count * ((_BASE_CYCLE - turn) // count + generation)
        return date.fromordinal(cycle * CYCLE_DAYS + JOIN_OFFSET)

    def _person(self, seat: int, generation: int) -> Person:
        rng = Random(f"{self.seed}/seat/{seat}/{generation}")
        joined = self._joined(seat, generation, rng)
        number = seat + generation * self.seats
        combination = self._names[number % len(self._names)]
        first, last = _FIRST[combination % len(_FIRST)], _LAST[combination // len(_FIRST)]
        again = number // len(self._names)
        local = f"{first}.{last}".lower().replace("'", "") + (str(again + 1) if again else "")
        offset, office_ip = rng.choices(_OFFICES, _OFFICE_WEIGHTS)[0]
        role = (
            "primary_owner" if seat == 0 else "owner" if seat == 1 else rng.choices(("user", "admin"), (97, 3))[0]
        )
        persona = rng.choices(
            ("regular", "power", "light", "quarter_end", "summer", "month_end"), (66, 12, 12, 4, 3, 3)
        )[0]
        return Person(
            seat=seat,
            user_id=tagged("user", rng),
            name=f"{first} {last}",
            email=f"{local}@example.com",
            role=role,
            department=DEPARTMENTS[rng.randrange(len(DEPARTMENTS))],
            persona="regular" if seat < 2 else persona,
            utc_offset=offset,
            linked=seat > 1 and rng.random() < 0.1,
            office_ip=office_ip,
            home_ip=f"2001:db8:{seat:x}::{rng.randrange(1, 65535):x}"
            if rng.random() < 0.2
            else f"198.51.100.{1 + seat % 254}",
            agents=_agents(rng),
            device_id=tagged("device", rng) if rng.random() < 0.1 else None,
            joined=joined,
        )


def _agents(rng: Random) -> tuple[str, str, str, str]:
    """User agents of one person: browser, desktop app, Claude Code, phone."""
    browser = rng.choice((_CHROME.format(rng.randrange(138, 143)), _SAFARI.format(rng.randrange(18, 27))))
    if rng.random() < 0.1:
        browser = _FIREFOX.format(rng.randrange(140, 146))
    return (
        browser,
        _DESKTOP.format(rng.randrange(20, 60)),
        f"claude-cli/2.1.{rng.randrange(10, 60)} (external, cli)",
        f"Claude/1.25{rng.randrange(10, 99)} iOS/26.{rng.randrange(3)} (iPhone17,1)",
    )


def activity(person: Person, day: date) -> float:
    """How busy the person is on `day`, relative to a regular Tuesday (1.0); 0.0 for one who is away."""
    weekday = (1.0, 1.08, 1.05, 1.0, 0.8, 0.13, 0.16)[day.weekday()]
    holiday = 0.15 if (day.month, day.day) >= (12, 24) or (day.month, day.day) == (1, 1) else 1.0
    return weekday * holiday * _season(person.persona, day)


def _season(persona: str, day: date) -> float:
    if persona == "quarter_end":  # closes the quarter: last week of its last month, first week of the next
        closing = (day.month % 3 == 0 and day.day >= 23) or (day.month % 3 == 1 and day.day <= 7)
        return 3.0 if closing else 0.02
    if persona == "summer":
        return 1.2 if 6 <= day.month <= 8 else 0.0
    if persona == "month_end":
        return 2.5 if (day + timedelta(days=5)).month != day.month or day.day <= 3 else 0.1
    return {"power": 2.4, "light": 0.3}.get(persona, 1.0)
