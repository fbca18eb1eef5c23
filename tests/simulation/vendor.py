"""The vendor in memory: a small tenant's activity feed, served as httpx responses, whose past may change.

Promise: what was served is remembered byte for byte, with what the feed held then, so that a claim about a
window can be judged. The records and the footprints are the sandbox's; the faults are the plan's.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from random import Random
from urllib.parse import parse_qs

import httpx

from sandbox.clock import parse_moment, to_us
from sandbox.tenant.access import access_event
from sandbox.tenant.day import events_of
from sandbox.tenant.events import Draft, Event, day_start, finish
from sandbox.tenant.store import Segment, Store, Walk, record_id
from sandbox.tenant.world import World as TenantWorld
from tests.simulation.api import Api, Cut, spoilt

FIRST = date(2026, 11, 16)
_TENANTS = 5
_A_DAY = 7


@cache
def _tenant(number: int) -> TenantWorld:
    return TenantWorld(number, 2)


@cache
def _events(number: int, day: date) -> tuple[Event, ...]:
    """The same few records for a tenant's day; unlisted types and fields among them."""
    rng = Random(f"{number}/{day}")
    events = events_of(_tenant(number), day, _A_DAY)
    at = day_start(day) + rng.randrange(3_600_000_000 * 23)
    world = _tenant(number).main
    actor = '{"type":"quantum_actor","name":"\\u2603 \\\\ \\"x\\""}'
    extra = ',"surprise":{"n":12345678901234567890,"again":[1,2.5,"é"]},"surprise2":null'
    events.append(finish(Draft(at, world.fields, actor, "claude_teleported", extra), rng))
    return tuple(sorted(events))


@dataclass(frozen=True)
class Served:
    """One answer: the query, the whole body, and what the window held when it was made; `page`: it was a good
    one.
    """

    request_id: str
    at: datetime
    query: dict[str, str]
    body: bytes
    more: bool
    held: frozenset[bytes]
    page: bool
    last_id: str | None = None


@dataclass
class Vendor(Api):
    """The activity feed of one tenant of one trial."""

    served: dict[str, Served] = field(default_factory=dict)
    gone: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__post_init__()
        tenant = self.number % _TENANTS
        self.feed = Store(FIRST, lambda day: Segment(_events(tenant, day)))
        self._key_id = _tenant(tenant).key_named("compliance").id

    def visible(self, start: datetime, end: datetime) -> list[bytes]:
        """What the feed shows now of `[start, end)`."""
        return list(self.feed.visible(to_us(start), to_us(end), to_us(self.scheduler.now)))

    # what is done to the past

    def change(self, what: str) -> None:
        """Restate, reorder, withdraw, bring back, redact, or index something late; each is drawn from the seed."""
        now = to_us(self.scheduler.now)
        segments = [self.feed.segment(day) for day in self._days()]
        places = [
            (one, at)
            for one in segments
            for at in range(len(one))
            if one.times[at] <= now and one.indexed[at] <= now
        ]
        self.scheduler.note("feed", what)
        if what == "late":
            self._late(now)
        elif what == "bring back":
            if self.gone:
                event = self.gone.pop(self.rng.randrange(len(self.gone)))
                self.feed.add(event)
        elif places:
            segment, at = self.rng.choice(places)
            self._alter(what, segment, at)

    def _alter(self, what: str, segment: Segment, at: int) -> None:
        record = segment.records[at]
        if what == "restate":
            segment.records[at] = record[:-1] + b',"restated":%d}' % self.rng.randrange(10**6)
        elif what == "reorder":
            pieces = json.loads(record)
            others = {name: value for name, value in reversed(pieces.items()) if name != "id"}
            # its id must stay in front, where the feed looks for it
            segment.records[at] = f'{{"id":"{pieces["id"]}",{json.dumps(others)[1:]}'.encode()
        elif what == "redact":
            person = json.loads(record)["actor"].get("email_address")
            for day in self._days():
                one = self.feed.segment(day)
                for place, text in enumerate(one.records):
                    if person and person.encode() in text:
                        one.records[place] = text.replace(person.encode(), b"[redacted]")
        else:
            event = (
                segment.times[at], record_id(record), record, segment.types[at], segment.users[at],
                segment.orgs[at], segment.indexed[at],
            )  # fmt: skip
            segment.remove(at)
            self.gone.append(event)

    def _late(self, now: int) -> None:
        """A record of the past hours that nobody could see until now."""
        at = max(day_start(FIRST), now - self.rng.randrange(1, 40) * 3_600_000_000)
        actor = '{"type":"user_actor","user_id":"user_01late","email_address":"late@example.com"}'
        draft = Draft(at, _tenant(0).main.fields, actor, "claude_chat_viewed", ',"claude_chat_id":"c"')
        event = finish(draft, self.rng)
        self.feed.add((*event[:6], now))

    def _days(self) -> list[date]:
        return [FIRST + timedelta(days=n) for n in range((self.scheduler.now.date() - FIRST).days + 1)]

    # the API

    def page(self, request: httpx.Request, kind: str) -> httpx.Response:
        query = {name: values[-1] for name, values in parse_qs(request.url.query.decode()).items()}
        start, end = (parse_moment(query[name]) for name in ("created_at.gte", "created_at.lt"))
        now = to_us(self.scheduler.now)
        walk = Walk(limit=int(query["limit"]), start=to_us(start), end=to_us(end), cursor=query.get("after_id"))
        records, more = self.feed.page(walk, now)
        ids = [record_id(record) for record in records]
        if kind == "doubled" and records:
            records = [records[0], *records]
        joined = b",".join(records)
        first, last = (json.dumps(ids[at] if ids else None).encode() for at in (0, -1))
        body = b'{"data":[%s],"has_more":%s,"first_id":%s,"last_id":%s}' % (
            joined, b"true" if more else b"false", first, last,
        )  # fmt: skip
        good = kind not in ("cut", "torn json", "not a page", "empty and more")
        body = spoilt(body, kind)
        if kind == "empty and more":
            body = b'{"data":[],"has_more":true,"first_id":null,"last_id":null}'
        elif kind == "former page":
            former = [one for one in self.served.values() if one.last_id and one.last_id == query.get("after_id")]
            body, good = (former[-1].body, False) if former else (body, True)
        request_id = self.request_id()
        held = frozenset(self.visible(start, end))
        self.served[request_id] = Served(
            request_id, self.scheduler.now, query, body, more, held, good, ids[-1] if ids else None
        )
        self.feed.add(
            access_event(
                now, self._key_id, "198.51.100.7", request.headers["user-agent"], request_id,
                f"https://api.anthropic.com{request.url.path}?{request.url.query.decode()}", 200, self.rng,
            )
        )  # fmt: skip
        stream: httpx.SyncByteStream | None = Cut(body) if kind == "cut" else None
        headers = self.headers(request_id)
        if stream is not None:
            return httpx.Response(200, stream=stream, headers=headers)
        return httpx.Response(200, content=body, headers=headers)
