"""What is used without a person: Slack channels, code review, security scans, and the Console's keys and agents.

Who they are follows from the world: the same service accounts, API keys and federated principal as in the feed.
"""

from __future__ import annotations

from datetime import date
from random import Random
from zlib import crc32

from sandbox.tenant.ids import tagged
from sandbox.tenant.people import Person
from sandbox.tenant.spend.line import DAY_MINUTES, Line, Place, Who, first_minute, line
from sandbox.tenant.spend.prices import other_part, token_parts
from sandbox.tenant.spend.users import models_on
from sandbox.tenant.world import World

CATEGORIES = ("dm", "engaged", "monitoring", "proactive", "scheduled")
_NOBODYS = ("monitoring", "proactive", "scheduled")  # not attributed to one Slack user
_NO_TOKENS = (0, 0, 0, 0, 0)


class Machines:
    """The lines of everything that is not a person, day by day."""

    def __init__(self, world: World, administrator: Who) -> None:
        self.world = world
        self.administrator = administrator
        self.accounts = [Who("service_account_actor", account) for account in world.service_accounts]
        self.keys = [Who("api_actor", key) for key in world.api_keys]
        rng = Random(f"{world.seed}/machines")
        self.channels = [f"C0{rng.getrandbits(36):09X}" for _ in range(4)]
        self.agents = [tagged("agent", rng) for _ in range(2)]
        self.deployments = [tagged("depl", rng) for _ in range(2)]
        self.environments = [tagged("env", rng) for _ in range(2)]
        self.profiles = [tagged("uprof", rng) for _ in range(2)]
        self.federated = Who("federated_actor", world.signed_principal)

    def lines(self, day: date, people: list[Person], rng: Random) -> list[Line]:
        """Everything used on `day` without a person; `people` have a seat and may ask in Slack."""
        size = self.world.people.seats
        out: list[Line] = []
        for _ in range(1 + size // 50):
            self._channel(day, people, rng, out)
        for _ in range(1 + size // 60):
            self._plain("claude_code", 0, day, rng, out)  # code review
        self._plain("cc_security_autopatch", 1, day, rng, out)
        if rng.random() < 0.3:
            self._plain("other", 2, day, rng, out)
        minutes = 5 + rng.randrange(200)
        nowhere = Place(self.world.main.id, None, None)
        spans = 1 + minutes // 20
        parts = (other_part("code_execution", minutes),)
        out.append(line(_minute(day, rng), nowhere, _NO_TOKENS, spans, 0, parts))
        for at, account in enumerate(self.accounts):
            self._console("messages_api", account, at, day, rng, out)
        for at, key in enumerate(self.keys):
            self._console("message_batches_api" if at % 2 else "messages_api", key, at, day, rng, out)
        self._console("messages_api", self.federated, 1, day, rng, out)
        self._console("claude_console", self.administrator, 0, day, rng, out)
        self._agent(day, rng, out)
        return out

    def _channel(self, day: date, people: list[Person], rng: Random, out: list[Line]) -> None:
        model, category = models_on(day)[1], rng.choice(CATEGORIES)
        place = Place(
            self.world.main.id,
            "claude_tag",
            model,
            context_window="0-200k",
            inference_geo="global",
            speed="standard",
            slack_channel_id=rng.choice(self.channels),
            claude_tag_category=category,
            claude_tag_user_id=None if category in _NOBODYS else slack_user(people[rng.randrange(len(people))]),
        )
        self._tokens(place, model, 60_000, day, rng, out)

    def _plain(self, product: str, size: int, day: date, rng: Random, out: list[Line]) -> None:
        model = models_on(day)[size]
        place = Place(self.world.main.id, product, model, None, (), "0-200k", "global", "standard")
        self._tokens(place, model, 220_000, day, rng, out)

    def _console(self, product: str, who: Who, at: int, day: date, rng: Random, out: list[Line]) -> None:
        model = models_on(day)[at % 3]
        batch = product == "message_batches_api"
        keys = self.world.api_keys
        place = Place(
            self.world.console.id,
            product,
            model,
            who,
            context_window="0-200k",
            inference_geo="us" if at == 2 else None,
            service_tier="batch" if batch else "standard",
            workspace_id=self.world.workspaces[at % len(self.world.workspaces)],
            api_key_id=None if product == "claude_console" else who.id if who.id in keys else keys[at % len(keys)],
        )
        self._tokens(place, model, 400_000, day, rng, out, batch=batch, us=at == 2)

    def _agent(self, day: date, rng: Random, out: list[Line]) -> None:
        """One session of a managed agent: its tokens, and the minutes it ran."""
        model, which = models_on(day)[0], rng.randrange(2)
        place = Place(
            self.world.console.id,
            "managed_agents_api",
            model,
            self.accounts[0],
            context_window="0-200k",
            service_tier="standard",
            workspace_id=self.world.workspaces[1],
            api_key_id=self.world.api_keys[0],
            agent_id=self.agents[which],
            deployment_id=self.deployments[which],
            environment_id=self.environments[which],
            session_id=tagged("sesn", rng),
            user_profile_id=self.profiles[which],
        )
        self._tokens(place, model, 300_000, day, rng, out)
        minutes = other_part("session_usage", 3 + rng.randrange(400))
        out.append(line(_minute(day, rng), place, _NO_TOKENS, 0, 0, (minutes,)))

    def _tokens(
        self,
        place: Place,
        model: str,
        size: int,
        day: date,
        rng: Random,
        out: list[Line],
        *,
        batch: bool = False,
        us: bool = False,
    ) -> None:
        total = int(size * (0.3 + rng.random() * 1.6))
        tokens = (total * 180 // 1000, total * 60 // 1000, total * 690 // 1000, total * 70 // 1000, 0)
        parts = token_parts(place.product, model, tokens, batch=batch, us=us)
        out.append(line(_minute(day, rng), place, tokens, 1 + total // 9000, 0, parts))


def slack_user(person: Person) -> str:
    """A person's Slack user id, which is not their claude.ai one."""
    return f"U0{crc32(person.user_id.encode()):08X}"


def _minute(day: date, rng: Random) -> int:
    return first_minute(day) + rng.randrange(DAY_MINUTES)
