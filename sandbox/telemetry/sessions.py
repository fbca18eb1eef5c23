"""The Claude Code sessions of a day: who, on which machine, what it did, what its client believes it cost.

Promise: a line of the ledger is divided among the sessions of its day without a remainder, in tokens, requests
and list price. What is planted: sessions without an account, people without telemetry, one who is paid for
otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from random import Random
from typing import NamedTuple
from uuid import UUID

from sandbox.tenant.ids import text22
from sandbox.tenant.people import Person
from sandbox.tenant.spend.line import DAY_MINUTES, Line, first_minute
from sandbox.tenant.spend.users import Users
from sandbox.tenant.world import World

REPOSITORIES = ("payments", "platform", "data-desk", "website")
_MICRO_CENTS_PER_MICRO_DOLLAR = 100
_MOST_REQUESTS = 6  # events of a session: each stands for some of the line's requests
_VERSION, _OLD_VERSION = "2.1.330", "2.1.210"


class Machine(NamedTuple):
    """A developer's machine. `account`: whether its user is signed in, in the `organization` of that UUID;
    `end_user` is what MDM says instead.

    `temporality`: delta is the client's default; some have set cumulative. `talks`: content switches left on.
    """

    person: Person
    organization: str
    installation: str
    account_uuid: str
    account: bool
    end_user: str | None
    attributes: dict[str, str]
    version: str
    cumulative: bool
    talks: bool


class Request(NamedTuple):
    """One request to the model. Times are nanoseconds since 1970; tokens: input, output, cache read, cache
    creation."""

    at: int
    id: str
    tokens: tuple[int, int, int, int]
    cost_micros: int


class Session(NamedTuple):
    """One session of Claude Code, of one model. `fails`: one request failed first; `bypass`: permissions were
    off."""

    id: str
    machine: Machine
    day: date
    start: int
    model: str
    fast: bool
    requests: tuple[Request, ...]
    commits: int
    pulls: int
    added: int
    removed: int
    accepted: int
    rejected: int
    active_seconds: int
    fails: bool
    bypass: bool


class Sessions:
    """The sessions of a tenant, day by day; the same seed gives the same ones. `quiet`: nobody switches permission
    prompts off."""

    def __init__(self, world: World, *, quiet: bool = False) -> None:
        self.world, self._quiet = world, quiet
        self._users = Users(world)

    def of(self, day: date) -> Iterator[Session]:
        """The sessions of a day, in the order of the ledger's lines."""
        people = self.world.people.on(day)
        lines = self._users.lines(day, people, Random(f"{self.world.seed}/{self.world.people.seats}/{day}/spend"))
        rng = Random(f"{self.world.seed}/{self.world.people.seats}/{day}/telemetry")
        paid: set[str] = set()
        for line in lines:
            actor, model = line.place.actor, line.place.model
            if line.place.product != "claude_code" or actor is None or actor.person is None or model is None:
                continue
            paid.add(actor.person.user_id)
            if actor.person.seat % 9 == 4:  # no telemetry: the settings never reached this machine
                continue
            count = min(4, 1 + line.requests // 40)
            for turn in range(count):
                yield self._session(actor.person, line, model, turn, count, rng)
        yield from self._otherwise_paid(day, people, paid, lines, rng)

    def machine(self, person: Person) -> Machine:
        """Somebody's machine, which never changes."""
        rng = Random(f"{self.world.seed}/machine/{person.user_id}")
        installation = f"{rng.getrandbits(256):064x}"
        department = person.department
        attributes = {
            # One in eleven says the cost centre of a department that somebody has left.
            "cost_center": "Operations" if person.seat % 11 == 5 else department,
            "department": department,
            "team.id": f"{department.lower()}-{person.seat % 3 + 1}",
            "repo": REPOSITORIES[person.seat % len(REPOSITORIES)],
        }
        by_key = person.seat % 7 == 3  # an API key of their own: no account in the telemetry
        return Machine(
            person,
            self.world.organization_of(person).uuid,
            installation,
            str(UUID(int=rng.getrandbits(128), version=4)),
            account=not by_key,
            end_user=person.email if by_key and person.seat % 2 == 0 else None,
            attributes=attributes,
            version=_OLD_VERSION if person.seat % 17 == 3 else _VERSION,
            cumulative=person.seat % 5 == 0,
            talks=person.seat % 8 == 1,
        )

    def _otherwise_paid(
        self, day: date, people: list[Person], paid: set[str], lines: list[Line], rng: Random
    ) -> Iterator[Session]:
        """Somebody with a session that the cost report does not know: a seat's allowance, or a cloud's bill."""
        like = next((one for one in lines if one.place.product == "claude_code" and one.place.model), None)
        person = next((one for one in people if one.user_id not in paid and one.seat % 9 == 2), None)
        if like is not None and person is not None:
            yield self._session(person, like, like.place.model or "", 0, 4, rng)

    def _session(self, person: Person, line: Line, model: str, turn: int, count: int, rng: Random) -> Session:
        uncached, output, read, five, hour = line.tokens
        sums = (uncached, output, read, five + hour)
        tokens = [_part(whole, turn, count) for whole in sums]
        micros = _part(line.list_amount // _MICRO_CENTS_PER_MICRO_DOLLAR, turn, count)
        requests = max(1, min(_MOST_REQUESTS, line.requests // count))
        day_minute = min(line.minute % DAY_MINUTES + 9 * turn, DAY_MINUTES - 40)
        start = (line.minute - line.minute % DAY_MINUTES + day_minute) * 60_000_000_000
        commits, added = rng.randrange(4), rng.randrange(400)
        accepted = rng.randrange(30)
        return Session(
            str(UUID(int=rng.getrandbits(128), version=4)),
            self.machine(person),
            date.fromordinal(line.minute // DAY_MINUTES + date(1970, 1, 1).toordinal()),
            start,
            model,
            line.place.speed == "fast",
            tuple(
                Request(
                    start + 20_000_000_000 * (number + 1),
                    f"req_01{text22(rng)}",
                    _four(tokens, number, requests),
                    _part(micros, number, requests),
                )
                for number in range(requests)
            ),
            commits,
            1 if commits and rng.random() < 0.4 else 0,
            added,
            added // 3,
            accepted,
            accepted // 9,
            120 + rng.randrange(2400),
            rng.random() < 0.05,
            rng.random() < 0.02 and not self._quiet,
        )


def _part(whole: int, number: int, count: int) -> int:
    """One of `count` parts that add up to the whole; the first ones take what is left over."""
    return whole // count + (1 if number < whole % count else 0)


def _four(sums: list[int], number: int, count: int) -> tuple[int, int, int, int]:
    first, second, third, fourth = (_part(one, number, count) for one in sums)
    return first, second, third, fourth


def nanoseconds(day: date) -> int:
    """The moment at which a UTC day begins."""
    return first_minute(day) * 60_000_000_000
