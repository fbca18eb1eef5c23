"""What people did with what they used: sessions by product, with skills, connectors, plugins, projects, artifacts.

A session stands for some of a person's requests of a day in the ledger, so whoever has engagement has spend and is
in the feed. The vendor counts a day at 10:00 UTC on the next one and revises it for a few days: three sessions in
a hundred are counted up to three days late.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from random import Random
from typing import NamedTuple

from sandbox.tenant.ids import tagged
from sandbox.tenant.people import Person
from sandbox.tenant.spend.ledger import FLOOR
from sandbox.tenant.spend.line import Line
from sandbox.tenant.spend.users import Users
from sandbox.tenant.world import World

COUNTED_AT = time(10, tzinfo=UTC)
OFFICE = ("excel", "outlook", "powerpoint", "word")
SKILLS = (  # name, display name, share status
    ("pdf-filler", "PDF filler", "public"),
    ("quarter-close", "Quarter close", "organization"),
    ("release-notes", "Release notes", "organization"),
    ("brand-voice", "Brand voice", "organization"),
    ("my-scratchpad", None, "private"),
)
CONNECTORS = (  # name, display name, share of calls that read, share with managed sign-in
    ("atlassian", "Atlassian", 0.8, 0.9),
    ("github", "GitHub", 0.7, 0.5),
    ("slack", "Slack", 0.6, 0.9),
    ("snowflake", "Snowflake", 1.0, 1.0),
    ("linear", "Linear", 0.5, 0.0),
)
PLUGINS = (("pr-review", "plugin_01prreview"), ("data-desk", "plugin_01datadesk"), ("sketches", None))
ARTIFACTS = (
    "text/markdown",
    "text/html",
    "application/vnd.ant.react",
    "image/svg+xml",
    "application/vnd.ant.code",
)
_WITH_TOOLS = ("chat", "chat_cowork_unified", "claude_code", "cowork", "office_agent")
CODE_ARTIFACTS_FROM = date(2026, 8, 17)


class Calls(NamedTuple):
    """Calls of one connector in a session: which one (index), how many read and write, how it was signed in."""

    connector: int
    reads: int
    writes: int
    managed: bool


class Code(NamedTuple):
    """What a Claude Code session did: commits, pull requests, lines, and edits taken and refused."""

    commits: int
    pulls: int
    added: int
    removed: int
    accepted: int
    rejected: int


class Session(NamedTuple):
    """One conversation or session. `lag`: days it is counted late; skills, plugins are indexes."""

    id: int
    day: date
    person: Person
    product: str
    surface: str | None
    messages: int
    project: int | None
    files: int
    searches: int
    skills: tuple[int, ...]
    calls: tuple[Calls, ...]
    plugins: tuple[int, ...]
    artifacts: tuple[tuple[int, bool, bool], ...]
    code: Code | None
    lag: int


class Engagement:
    """The sessions of a tenant, day by day."""

    def __init__(self, world: World, users: Users) -> None:
        self.world = world
        self.users = users
        rng = Random(f"{world.seed}/projects")
        names = ("Atlas", "Beacon", "Cedar", "Delta", "Ember", "Fjord")
        self.projects = [(tagged("claude_proj", rng), f"Project {name}") for name in names]
        self._made = lru_cache(maxsize=400)(self._sessions)

    @staticmethod
    def newest_day(now: datetime) -> date:
        """The latest day that has been counted."""
        day = now.date() - timedelta(days=1)
        return day if now.timetz() >= COUNTED_AT else day - timedelta(days=1)

    def sessions(self, day: date, now: datetime) -> list[Session]:
        """The sessions of a day as far as they are counted by `now`; none before 2026."""
        if day < FLOOR:
            return []
        counted = (self.newest_day(now) - day).days
        return [session for session in self._made(day) if session.lag <= counted]

    def _sessions(self, day: date) -> list[Session]:
        rng = Random(f"{self.world.seed}/{self.world.people.seats}/{day}/spend")
        lines = self.users.lines(day, self.world.people.on(day), rng)
        rng = Random(f"{self.world.seed}/{self.world.people.seats}/{day}/engagement")
        out: list[Session] = []
        for line in lines:
            if line.place.product is None or line.place.actor is None or line.place.actor.person is None:
                continue
            self._of_line(line, line.place.product, line.place.actor.person, day, rng, out)
        return out

    def _of_line(
        self, line: Line, product: str, person: Person, day: date, rng: Random, out: list[Session]
    ) -> None:
        count = min(4, 1 + line.requests // 40)
        coding = product == "claude_code"
        for turn in range(count):
            used = rng.random()
            out.append(
                Session(
                    id=(day.toordinal() << 24) + len(out),
                    day=day,
                    person=person,
                    product=product,
                    surface=rng.choice(OFFICE) if product == "office_agent" else None,
                    messages=max(1, line.requests // count),
                    project=rng.randrange(len(self.projects)) if product == "chat" and used < 0.35 else None,
                    files=rng.randrange(4) if product == "chat" else 0,
                    searches=line.searches if turn == 0 else 0,
                    skills=(rng.randrange(len(SKILLS)),) if used > 0.8 and product in _WITH_TOOLS else (),
                    calls=self._calls(product, rng),
                    plugins=(rng.randrange(len(PLUGINS)),)
                    if product in ("claude_code", "cowork") and used < 0.3
                    else (),
                    artifacts=self._artifacts(product, day, rng),
                    code=self._code(rng) if coding else None,
                    lag=1 + rng.randrange(3) if rng.random() < 0.03 else 0,
                )
            )

    @staticmethod
    def _calls(product: str, rng: Random) -> tuple[Calls, ...]:
        if product not in _WITH_TOOLS or rng.random() > 0.35:
            return ()
        which = rng.randrange(len(CONNECTORS))
        _, _, reading, managed = CONNECTORS[which]
        total = 1 + rng.randrange(9)
        reads = round(total * reading)
        return (Calls(which, reads, total - reads, rng.random() < managed),)

    @staticmethod
    def _artifacts(product: str, day: date, rng: Random) -> tuple[tuple[int, bool, bool], ...]:
        if product in ("claude_code", "cowork"):
            if day < CODE_ARTIFACTS_FROM or rng.random() > 0.1:
                return ()
            kind = ARTIFACTS.index("text/html")
        elif product in ("chat", "chat_cowork_unified") and rng.random() < 0.25:
            kind = rng.randrange(len(ARTIFACTS))
        else:
            return ()
        shared = rng.random() < 0.3
        return ((kind, shared, shared and rng.random() < 0.4),)

    @staticmethod
    def _code(rng: Random) -> Code:
        commits = rng.randrange(4)
        added = rng.randrange(400)
        accepted = rng.randrange(30)
        pulls = 1 if commits and rng.random() < 0.4 else 0
        return Code(commits, pulls, added, added // (2 + rng.randrange(4)), accepted, accepted // 9)
