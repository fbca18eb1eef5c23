"""Imported export files, judged from the bucket's bytes: the file verbatim, and each of its rows once."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

import pyarrow.parquet as pq
import zstandard

from tests.simulation.bucket import Bucket
from tests.simulation.exports import file_named, rows_of
from tests.simulation.judging import demand


@dataclass
class ImportsJudge:
    """`pulls`: the file of each pull entry. `rows`: `created_at`, as written, of every row of the tables."""

    bucket: Bucket
    pulls: dict[int, str] = field(default_factory=dict)
    folded: set[int] = field(default_factory=set)
    rows: Counter[str] = field(default_factory=Counter)

    def pull(self, entry: dict[str, Any]) -> None:
        (ref,) = entry["objects"]
        body = zstandard.ZstdDecompressor().decompress(self.bucket.objects[ref["key"]].data)
        demand(body == file_named(entry["query"]), 1, f"{ref['key']} is not the file that was handed in")
        self.pulls[entry["seq"]] = entry["query"]

    def table(self, entry: dict[str, Any]) -> None:
        (pull,) = entry["derived_from"]
        demand(pull not in self.folded, 3, f"the file of entry {pull} was folded twice")
        self.folded.add(pull)
        for ref in entry["objects"]:
            table = pq.ParquetFile(BytesIO(self.bucket.objects[ref["key"]].data)).read(columns=["created_at_text"])
            self.rows.update(table["created_at_text"].to_pylist())
        doubled = [row for row, count in self.rows.items() if count > 1]
        demand(not doubled, 3, f"{len(doubled)} imported rows are there twice: {doubled[:2]}")
        missing = rows_of({self.pulls[one] for one in self.folded}) - self.rows.keys()
        demand(not missing, 1, f"the fold of entry {pull} lacks {sorted(missing)[:2]}")

    def finish(self, handed_in: set[str]) -> None:
        demand(self.pulls.keys() == self.folded, 3, "a file that was imported was never folded")
        demand(self.rows.keys() == rows_of(handed_in), 1, f"{len(self.rows)} rows of the files are there")
