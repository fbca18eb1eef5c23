"""Deliveries, judged from the receipts and dead letters in the bucket and from what the receiver stored.

Promise: what was selected, events or alerts, arrived and has a receipt, or had its tries and is in the dead
letters.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

import pyarrow.parquet as pq

from tests.simulation.bucket import Bucket
from tests.simulation.judging import demand
from tests.simulation.siem import TRIES, Siem, is_poison

Name = tuple[str, int]  # id and version, of an event or of an alert


@dataclass
class DeliveryJudge:
    """`selected`: what is to be delivered, by table entry; whoever judges the tables fills it."""

    bucket: Bucket
    siem: Siem
    selected: dict[int, list[Name]] = field(default_factory=dict)
    settled: dict[Name, set[str]] = field(default_factory=dict)
    letters: Counter[Name] = field(default_factory=Counter)

    def entry(self, entry: dict[str, Any]) -> None:
        for ref in entry["objects"]:
            rows = self._rows(ref["key"])
            for row in rows:
                name = (row["event_id"], row["version"])
                if ref["key"].startswith("dead_letters/"):
                    self.letters[name] += 1
                    continue
                self.settled.setdefault(name, set()).add(row["status"])
                if row["status"] == "delivered":
                    demand(self.siem.stored[name] > 0, 9, f"a receipt for {name}, which never arrived")
        position = entry["delivery"].get("position")
        if position is not None:
            for seq, names in self.selected.items():
                left = [name for name in names if seq < position[0] and name not in self.settled]
                demand(not left, 9, f"the position passed {left[:1]} without a receipt")

    def finish(self, state: Any) -> None:
        """All is delivered now."""
        wanted = {name for names in self.selected.values() for name in names}
        left = wanted - self.settled.keys()
        demand(not left, 9, f"{len(left)} events have no receipt: {sorted(left)[:2]}")
        for name in wanted:
            if "delivered" in self.settled[name]:
                demand(self.siem.stored[name] > 0, 9, f"{name} has a receipt and never arrived")
            else:
                demand(self.letters[name] > 0, 9, f"{name} is dead without a letter")
            hopeless = is_poison(name[0]) or self.siem.failed[name] >= TRIES
            demand(hopeless or self.siem.stored[name] > 0, 9, f"{name} was given up too early")
        served = state.served().get("soc")
        open_letters = served.dead_letters if served is not None else 0
        demand(open_letters == self.letters.total(), 9, f"{open_letters} dead letters are told of")

    def _rows(self, key: str) -> list[dict[str, Any]]:
        return pq.ParquetFile(BytesIO(self.bucket.objects[key].data)).read(use_threads=False).to_pylist()
