"""Legal holds, judged from what the log announced and what the bucket holds: the pages of a held window are held,
those that were there and those that come.

While a hold is being released what it shares with others may be let go for a moment; the end is judged strictly.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox.clock import parse_moment
from tests.simulation.bucket import Bucket
from tests.simulation.judging import demand

Span = tuple[datetime, datetime]


@dataclass
class _Hold:
    span: Span
    seq: int
    phase: str = "setting"

    def takes(self, span: Span) -> bool:
        return self.span[0] < span[1] and span[0] < self.span[1]


@dataclass
class HoldsJudge:
    """`pages`: of each pull of the feed, its entry, its window and its objects."""

    bucket: Bucket
    holds: dict[str, _Hold] = field(default_factory=dict)
    pages: list[tuple[int, Span, list[str]]] = field(default_factory=list)

    def pull(self, entry: dict[str, Any]) -> None:
        keys = [ref["key"] for ref in entry["objects"]]
        self.pages.append((entry["seq"], _span(entry["window"]), keys))

    def change(self, entry: dict[str, Any]) -> None:
        said = entry["retention"]
        name = said.get("name")
        match said["action"]:
            case "hold":
                self.holds[name] = _Hold(_span(entry["window"]), entry["seq"])
            case "held":
                self.holds[name].phase = "on"
            case "release":
                self.holds[name].phase = "releasing"
            case "released":
                del self.holds[name]

    def look(self, *, strictly: bool = False) -> None:
        held = self.bucket.held
        letting_go = [one for one in self.holds.values() if one.phase == "releasing"]
        demand(not (strictly and letting_go), 2, "a hold is still being released")
        for seq, span, keys in self.pages:
            if any(one.takes(span) for one in letting_go):
                continue
            concerned = [
                one for one in self.holds.values() if one.takes(span) and (one.phase == "on" or seq > one.seq)
            ]
            free = [key for key in keys if key not in held]
            demand(not (concerned and free), 2, f"{free[:1]} of a held window is not held")
            if strictly and not any(one.takes(span) for one in self.holds.values()):
                demand(len(free) == len(keys), 2, f"{keys[:1]} is held by nobody and not let go")


def _span(window: list[str]) -> Span:
    return parse_moment(window[0]), parse_moment(window[1])
