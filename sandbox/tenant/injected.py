"""Records that somebody hands the tenant: given an id and its organisation, and served like its own."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from sandbox.clock import parse_moment, to_us
from sandbox.tenant.events import Draft as Written
from sandbox.tenant.events import Event, finish
from sandbox.tenant.world import World

_OURS = ("id", "created_at", "organization_id", "organization_uuid", "actor", "type")


def event_of(world: World, record: dict[str, Any], rng: Random) -> Event:
    """An event out of `created_at`, `actor`, `type` and the type's own fields; an id or organisation in it is
    replaced. Raises ValueError or KeyError for a record without the three.
    """
    actor = record["actor"]
    own = {name: value for name, value in record.items() if name not in _OURS}
    extra = json.dumps(own, separators=(",", ":"), ensure_ascii=False)[1:-1]
    user_id = actor.get("user_id") if actor["type"] == "user_actor" else None
    draft = Written(
        to_us(parse_moment(record["created_at"])),
        world.main.fields,
        json.dumps(actor, separators=(",", ":"), ensure_ascii=False),
        json.dumps(str(record["type"]), ensure_ascii=False)[1:-1],  # as it stands between the quotes
        f",{extra}" if extra else "",
        user_id,
        world.main.id,
    )
    return finish(draft, rng, instant=True)
