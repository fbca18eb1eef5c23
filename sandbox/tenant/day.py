"""One day of the tenant, complete and sorted: a function of (seed, users, day, volume) and nothing else."""

from __future__ import annotations

import gc
from datetime import date
from random import Random

from sandbox.tenant.events import Event
from sandbox.tenant.rare import rare
from sandbox.tenant.rhythm import everyday
from sandbox.tenant.stories import RECORDING_OFF, planted, unrecorded
from sandbox.tenant.world import World


def day_random(world: World, day: date) -> Random:
    """The source of a day's everyday draws; whoever draws the same first gets the same."""
    return Random(f"{world.seed}/{world.people.seats}/{day}")


def events_of(world: World, day: date, events_per_day: int | None = None, *, quiet: bool = False) -> list[Event]:
    """Every event created on `day` (UTC), sorted by (created_at, id).

    What happened while the recording was switched off is left out, as the vendor leaves it out. `events_per_day`
    replaces the rhythm's volume: exactly that many, unless the planted ones alone are more, and always recorded.
    On a `quiet` day nothing is planted and nothing rare happens.
    """
    collecting = gc.isenabled()
    gc.disable()  # a million live tuples make the collector the slowest part
    try:
        rng = day_random(world, day)
        people = world.people.on(day)
        exact = events_per_day is not None
        special = [] if quiet else planted(world, day, without=(RECORDING_OFF,) if exact else ())
        seed = f"{world.seed}/{world.people.seats}/{day}/rare"
        unusual = [] if quiet else rare(world, day, people, Random(seed))
        if events_per_day is None:
            budget = None
        else:
            unusual = unusual[: max(0, events_per_day - len(special))]
            budget = max(0, events_per_day - len(special) - len(unusual))
        events = special + unusual + everyday(world, people, day, rng, budget)
        off = None if exact or quiet else unrecorded(world, day)
        if off is not None:
            events = [event for event in events if not off[0] < event[0] < off[1]]
        events.sort()
        return events
    finally:
        if collecting:
            gc.enable()
