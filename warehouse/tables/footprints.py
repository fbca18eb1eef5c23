"""Our own requests found again in the feed, and who else asked: what a fold of the feed says of callers."""

from collections.abc import Collection, Iterable
from typing import Any

from warehouse.archive.state import LogState
from warehouse.tables.activities import Footprint


def footprints_seen(state: LogState, seen: Iterable[Footprint], held: Collection[str]) -> dict[str, Any]:
    """Which of our requests the pages show, and who else asked (by key, address and agent). `held` are the ids of
    events that were known before: each caller is counted once.

    Whether "else" is foreign is settled when somebody asks: a run of ours that never committed leaves requests
    which no entry names, but under the very identity that found ones have.
    """
    ours = state.footprints.pending.keys() | state.footprints.possible.keys()
    seen = list(seen)
    found = [one for one in seen if one.request_id in ours]
    others: dict[str, dict[str, Any]] = {}
    for one in seen:
        if one.request_id in ours or one.event_id in held:
            continue
        other = others.setdefault(
            one.identity,
            {
                "key_id": one.key_id,
                "ip_address": one.ip_address,
                "user_agent": one.user_agent,
                "event_id": one.event_id,
                "at": one.created_at,
                "count": 0,
            },
        )
        other["count"] += 1
    return {
        "found": sorted({one.request_id for one in found if one.request_id}),
        "identities": sorted({one.identity for one in found} - set(state.footprints.identities)),
        "others": [others[identity] for identity in sorted(others)],
    }
