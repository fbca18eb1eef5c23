"""The queue of claim checks, judged by what was taken out of it and what a human was told.

Promise: a claim leaves the queue only after its commit was handed to the receiver; what is no claim of this log
ends in the dead letters, and nothing else does.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.simulation.claims import Box
from tests.simulation.judging import demand
from tests.simulation.siem import Siem


@dataclass
class QueueJudge:
    """`looked`: how many removals were judged."""

    box: Box
    siem: Siem
    looked: int = 0

    def look(self, entries: Sequence[dict[str, Any]]) -> None:
        for removed in self.box.removed[self.looked :]:
            demand(_is_ours(removed.text, entries), 9, f"{removed.text[:40]!r} is no claim, and was taken for one")
            claim = json.loads(removed.text)
            passed = _position(entries[: removed.entries])
            handed = passed >= (claim["seq"], 1) or removed.by in self.siem.senders
            demand(handed, 9, f"the claim of entry {claim['seq']} was taken out before anything was delivered")
        self.looked = len(self.box.removed)
        ours = [text for text in self.box.dead if _is_ours(text, entries)]
        demand(not ours, 9, f"{len(ours)} claims of this log are in the dead letters of the queue")

    def finish(self, *, killed: bool) -> None:
        """All was forwarded. `killed`: a process died, perhaps between a dead letter and the word about it."""
        demand(not self.box.messages, 9, f"{len(self.box.messages)} messages are in the queue and stay there")
        told, dead = len(self.box.told), len(self.box.dead)
        demand(told <= dead and (killed or told == dead), 9, f"a human was told of {told} of {dead} dead messages")


def _position(entries: Sequence[dict[str, Any]]) -> tuple[int, int]:
    """Up to which entry and row of it events are settled."""
    places = [one["delivery"]["position"] for one in entries if one["kind"] == "delivery"]
    return max(((place[0], place[1]) for place in places if place is not None), default=(-1, 0))


def _is_ours(text: str, entries: Sequence[dict[str, Any]]) -> bool:
    try:
        claim = json.loads(text)
    except ValueError:
        return False
    return isinstance(claim, dict) and claim.get("origin") == (entries[0]["origin"] if entries else None)
