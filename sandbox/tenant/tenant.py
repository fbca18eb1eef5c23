"""A pretend Claude Enterprise tenant: its people, its feed, its keys, and what can be done to it from outside.

What the feed holds on a day follows from the seed, the number of users and the day. The clock decides what is
visible. Redaction, withdrawal and damage change the past from now on, as the real vendor may.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from pathlib import Path
from random import SystemRandom
from typing import Any

from starlette.requests import Request

from sandbox.clock import Clock, parse_moment, to_us
from sandbox.faults import Fault, Faults
from sandbox.switches import FaultError
from sandbox.tenant import damage
from sandbox.tenant.access import ACCESS_TYPE, access_event
from sandbox.tenant.day import events_of
from sandbox.tenant.directory import Directory
from sandbox.tenant.engagement import Engagement
from sandbox.tenant.events import day_of, day_start
from sandbox.tenant.injected import event_of
from sandbox.tenant.journal import Journal
from sandbox.tenant.people import CYCLE_DAYS, Person
from sandbox.tenant.quirks import QUIRKS
from sandbox.tenant.spend.ledger import FLOOR, Ledger
from sandbox.tenant.spend.truth import SpendTruth
from sandbox.tenant.store import Segment, Store, record_id
from sandbox.tenant.stories import RECORDING_OFF, stories_of, unrecorded
from sandbox.tenant.vocabulary import activity_types
from sandbox.tenant.world import PIPELINE_ADDRESS, Key, World


class Tenant:
    """The tenant behind one server.

    seed, users (1 to 50,000), days (how far back the feed goes from the clock's day), clock,
    events_per_day (None: the rhythm decides), rate_limit, analytics_rate_limit and directory_rate_limit
    (requests per `rate_window` seconds of the Compliance, the Analytics and the Admin API, 0 = none),
    quirks (names from QUIRKS), journal (a file that makes a restarted tenant remember what was done to it), quiet
    (everyday work only: no planted stories, nothing rare, the recording always on).
    """

    def __init__(
        self,
        seed: int = 7,
        users: int = 200,
        days: int = 40,
        *,
        clock: Clock | datetime | str | None = None,
        events_per_day: int | None = None,
        rate_limit: int = 600,
        analytics_rate_limit: int = 60,
        directory_rate_limit: int = 100,
        rate_window: float = 60.0,
        quirks: Iterable[str] = (),
        journal: Path | None = None,
        quiet: bool = False,
    ) -> None:
        self.clock = clock if isinstance(clock, Clock) else _clock(clock)
        self.seed, self.users, self.days = seed, users, days
        self.events_per_day = events_per_day
        self.quiet = quiet
        self.rate_limit, self.rate_window = rate_limit, rate_window
        self.analytics_rate_limit, self.directory_rate_limit = analytics_rate_limit, directory_rate_limit
        self.quirks = frozenset(quirks)
        strangers = self.quirks - set(QUIRKS)
        if strangers:
            raise ValueError(f"unknown quirks {sorted(strangers)}; known are {', '.join(QUIRKS)}")
        if days < 0:
            raise ValueError(f"days must not be negative, not {days}")
        if events_per_day is not None and events_per_day < 1:
            raise ValueError(f"events_per_day must be at least 1, not {events_per_day}")
        self.world = World(seed, users)
        self.ledger = Ledger(self.world)
        self.spend = SpendTruth(self.ledger, self.clock)
        self.engagement = Engagement(self.world, self.ledger.users)
        self.directory = Directory(self.world)
        self.faults = Faults(seed)
        self.requests: deque[dict[str, Any]] = deque(maxlen=100_000)
        self.permitted_types = frozenset(activity_types())
        self.compliance_enabled = True
        self.settings: dict[str, Any] = {}  # those that were changed, by name
        self._damage: list[Fault] = []
        self._redactions: list[tuple[bytes, bytes]] = []
        self.first_day: date = self.clock.now().date() - timedelta(days=days)
        self.store = Store(self.first_day, self._segment)
        self._truth: Path | None = None
        self._journal = Journal(journal)
        self._relive()

    @property
    def keys(self) -> dict[str, str]:
        """Secrets by key name; the same for a seed, always."""
        return {key.name: key.secret for key in self.world.keys}

    def span(self) -> list[date]:
        """The days of the feed, from its first to the clock's today."""
        count = (self.clock.now().date() - self.first_day).days + 1
        return [self.first_day + timedelta(days=offset) for offset in range(count)]

    def generate(self) -> int:
        """Generate every day up to today now rather than on first use; returns the number of records."""
        return sum(len(self.store.segment(day)) for day in self.span())

    def records(self, start: datetime | None = None, end: datetime | None = None) -> list[bytes]:
        """Ground truth: verbatim records visible now in `[start, end)`, oldest first."""
        return list(
            self.store.visible(
                None if start is None else to_us(start), None if end is None else to_us(end), self.clock.now_us()
            )
        )

    def record_access(self, request: Request, key: Key, request_id: str, status: int) -> None:
        """Append the `compliance_api_accessed` record of a request; the feed shows it a second later.

        While the recording is switched off there is none.
        Every client of the sandbox sits on loopback, so the address is the pipeline's; a client that plays
        somebody else says so with `x-forwarded-for`.
        """
        now = self.clock.now_us()
        if not self._is_recorded(now):
            return
        query = f"?{request.url.query}" if request.url.query else ""
        event = access_event(
            us=now,
            key_id=key.id,
            address=request.headers.get("x-forwarded-for", PIPELINE_ADDRESS),
            user_agent=request.headers.get("user-agent", ""),
            request_id=request_id,
            url=f"https://api.anthropic.com{request.url.path}{query}",
            status=status,
            rng=_unpredictable,
            method=request.method,
        )
        self.store.add(event)
        self._journal.write({"access": [event[0], event[1], event[2].decode(), event[6]]})

    def switch_on(self, fault: Fault) -> list[str]:
        """Switch a request fault on, or do a record fault to every day; returns the ids it hit so far."""
        if not fault.about_records:
            self.faults.add(fault)
            return []
        with self.store.lock:
            segments = [self.store.segment(day) for day in self._days_of(fault)]
            self._damage.append(fault)
            return [identifier for segment in segments for identifier in damage.apply(fault, segment)]

    def damage(self, kind: str, **settings: Any) -> list[str]:
        """Switch on the record fault `kind`, e.g. `tenant.damage("big_integers", next=3)`; returns the ids hit."""
        fault = Fault.of({"kind": kind, **settings})
        if not fault.about_records:
            raise FaultError(f"{kind} is a fault of requests: use faults.on({kind!r}, ...)")
        return self.switch_on(fault)

    def clear_faults(self) -> None:
        """Switch every fault off. Damaged records stay so; days not generated yet come out whole."""
        self.faults.clear()
        self._damage.clear()

    def describe_damage(self) -> list[dict[str, Any]]:
        """The record faults that are on, as JSON."""
        return [fault.describe() for fault in self._damage]

    def redact(
        self, *, user_id: str | None = None, email: str | None = None, replacement: str = "[redacted]"
    ) -> list[str]:
        """Replace a person's e-mail address and name in every record, past and to come; returns the ids changed.

        Raises ValueError where nobody in the span of the feed is meant.
        """
        person = self.person(user_id=user_id, email=email)
        self._journal.write({"redact": [person.email, person.name, replacement]})
        return self._redact(person.email, person.name, replacement)

    def set_setting(self, name: str, value: Any) -> None:
        """Change a setting of every organisation without an activity that says so (as support may, or a
        defect)."""
        self._journal.write({"setting": [name, value]})
        self.settings[name] = value

    def change_directory(self, wish: dict[str, Any]) -> None:
        """Change the lists without an activity that says so: {"role": [user_id, role]}, {"remove": user_id} or
        {"key": [id, name]}. Raises KeyError for another wish, ValueError for somebody who is not here."""
        self._change_directory(wish)
        self._journal.write({"directory": wish})

    def _change_directory(self, wish: dict[str, Any]) -> None:
        if "role" in wish:
            user_id, role = wish["role"]
            self.directory.roles[self.person(user_id=user_id).user_id] = str(role)
        elif "remove" in wish:
            self.directory.removed.add(self.person(user_id=wish["remove"]).user_id)
        else:
            identifier, name = wish["key"]
            self.directory.add_key(str(identifier), str(name), self.clock.now())

    def book(self, lines: Iterable[dict[str, Any]]) -> int:
        """Book spend that the next export shows (see `Ledger.book`); returns how many lines."""
        booked = list(lines)
        for wish in booked:
            self.ledger.book(wish)
            self._journal.write({"book": wish})
        return len(booked)

    def withdraw(self, ids: Iterable[str] | None = None, *, day: date | None = None, count: int = 1) -> list[str]:
        """Take records out of the feed for good: these ids, or `count` of `day`; returns the ids."""
        with self.store.lock:
            if ids is None:
                if day is None:
                    raise ValueError("say which: ids, or a day and a count")
                records = self.store.segment(day).records
                ids = (
                    [record_id(record) for record in records[:: max(1, len(records) // count)][:count]]
                    if count
                    else []
                )
            gone = [identifier for identifier in ids if self.store.remove(identifier)]
        if gone:
            self._journal.write({"withdraw": gone})
        return gone

    def inject(self, records: Iterable[dict[str, Any]]) -> list[str]:
        """Serve these records too, from now on; returns the ids they were given. Raises ValueError or KeyError."""
        events = [event_of(self.world, record, _unpredictable) for record in records]
        for event in events:
            self.store.add(event)
            self._journal.write({"inject": [*event[:2], event[2].decode(), *event[3:]]})
        return [event[1] for event in events]

    def person(self, *, user_id: str | None = None, email: str | None = None) -> Person:
        """The person with this id or address who had a seat at any time in the span; raises ValueError."""
        for day in self.span():
            for person in self.world.people.on(day):
                if user_id == person.user_id or (email is not None and email.lower() == person.email.lower()):
                    return person
        raise ValueError(f"nobody here is {user_id or email!r}")

    def stories(self) -> list[dict[str, Any]]:
        """What was planted in the span of the feed, as JSON: stories of which anything lies in it by now."""
        if self.quiet:
            return []
        low, high = day_start(self.first_day), self.clock.now_us()
        cycles = sorted({day.toordinal() // CYCLE_DAYS for day in self.span()})
        told = [story for cycle in cycles for story in stories_of(self.world, cycle)]
        if self.events_per_day is not None:
            told = [story for story in told if story.kind != RECORDING_OFF]
        return [story.describe() for story in told if any(low <= event[0] <= high for event in story.events)]

    def write_truth(self, folder: Path) -> None:
        """Write `<day>.ndjson` (each record as generated, also those not visible yet), `stories.json`, and
        `spend/<day>.json` (what the newest export and those before it show of a day).

        Days of records that begin while the tenant runs are added when they are first served.
        """
        folder.mkdir(parents=True, exist_ok=True)
        for day in self.span():
            self._write_day(folder, day, self.store.segment(day))
        (folder / "stories.json").write_text(json.dumps(self.stories(), indent=1) + "\n", encoding="utf-8")
        self.spend.write(folder / "spend", [day for day in self.span() if day >= FLOOR])
        self._truth = folder

    @staticmethod
    def _write_day(folder: Path, day: date, segment: Segment) -> None:
        with (folder / f"{day}.ndjson").open("wb") as file:
            file.writelines(record + b"\n" for record in segment.records)

    def _redact(self, email: str, name: str, replacement: str) -> list[str]:
        quoted = json.dumps(replacement).encode()
        # An address counts only as a whole value: one may be the end of another.
        swaps = [(json.dumps(email).encode(), quoted), (name.encode(), quoted[1:-1])]
        with self.store.lock:
            changed = [found for day in self.span() for found in _swap(self.store.segment(day), swaps)]
            self._redactions += swaps
        return changed

    def _is_recorded(self, us: int) -> bool:
        off = None if self.events_per_day is not None or self.quiet else unrecorded(self.world, day_of(us))
        return off is None or not off[0] < us < off[1]

    def _relive(self) -> None:
        """Do again what the journal says was done before a restart."""
        for entry in self._journal.read():
            if "directory" in entry:
                self._change_directory(entry["directory"])
            if "book" in entry:
                self.ledger.book(entry["book"])
            if "setting" in entry:
                self.settings[entry["setting"][0]] = entry["setting"][1]
            if "access" in entry:
                us, identifier, record, indexed = entry["access"]
                self.store.add((us, identifier, record.encode(), ACCESS_TYPE, None, None, indexed))
            elif "inject" in entry:
                us, identifier, record, kind, user_id, org_id, indexed = entry["inject"]
                self.store.add((us, identifier, record.encode(), kind, user_id, org_id, indexed))
            elif "redact" in entry:
                self._redact(*entry["redact"])
            elif "withdraw" in entry:
                for identifier in entry["withdraw"]:
                    self.store.remove(identifier)

    def _days_of(self, fault: Fault) -> list[date]:
        """The days of the span that a record fault concerns."""
        first = parse_moment(fault.start).date() if fault.start else date.min
        last = parse_moment(fault.end).date() if fault.end else date.max
        return [day for day in self.span() if first <= day <= last]

    def _segment(self, day: date) -> Segment:
        segment = Segment(events_of(self.world, day, self.events_per_day, quiet=self.quiet))
        _swap(segment, self._redactions)
        for fault in self._damage:
            if day in self._days_of(fault):
                damage.apply(fault, segment)
        if self._truth is not None:
            self._write_day(self._truth, day, segment)
        return segment


def _swap(segment: Segment, swaps: list[tuple[bytes, bytes]]) -> list[str]:
    changed = []
    for at, record in enumerate(segment.records):
        redacted = record
        for old, new in swaps:
            redacted = redacted.replace(old, new)
        if redacted is not record:
            segment.records[at] = redacted
            changed.append(record_id(record))
    return changed


def _clock(at: datetime | str | None) -> Clock:
    if at is None:
        return Clock()
    return Clock.parse(at) if isinstance(at, str) else Clock(at)


_unpredictable = SystemRandom()  # access records of two runs of one seed must never share an id
