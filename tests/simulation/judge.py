"""The promises of the design, judged from the bucket's bytes and from what the vendor and the receiver remember.

Promise: shares no code with the pipeline but for the canonical JSON of an entry and Parquet itself; a fold of
its own says which versions of which records must be there. Each judgement names its promise.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import lru_cache
from io import BytesIO
from itertools import pairwise
from typing import Any

import pyarrow.parquet as pq
import zstandard

from sandbox.clock import parse_moment
from tests.promises.witness import cut
from tests.simulation.api import KEY
from tests.simulation.bucket import Bucket
from tests.simulation.judge_alerts import AlertsJudge
from tests.simulation.judge_books import BooksJudge
from tests.simulation.judge_delivery import DeliveryJudge
from tests.simulation.judge_holds import HoldsJudge
from tests.simulation.judge_imports import ImportsJudge
from tests.simulation.judging import Violation, demand
from tests.simulation.vendor import FIRST, Served, Vendor

records_of = lru_cache(maxsize=256)(cut)  # a page is judged several times
Row = tuple[str, int, str, bytes]  # id, version, fold, verbatim record


@dataclass(frozen=True)
class _Version:
    number: int
    content: str
    raw: bytes
    gone: bool
    seen_at: datetime
    served_at: datetime
    created_at: datetime


@dataclass
class Judge:
    """Follows the log from entry to entry."""

    bucket: Bucket
    vendor: Vendor
    delivery: DeliveryJudge
    books: BooksJudge
    imports: ImportsJudge
    holds: HoldsJudge
    alerts: AlertsJudge | None  # where these are what is delivered
    entries: list[dict[str, Any]] = field(default_factory=list)
    held: dict[str, _Version] = field(default_factory=dict)
    expected: dict[int, list[Row]] = field(default_factory=dict)  # by pull
    counts: dict[int, Counter[str]] = field(default_factory=dict)
    folded: dict[int, int] = field(default_factory=dict)  # pull -> table entry
    covered: list[tuple[datetime, datetime]] = field(default_factory=list)
    previous: str | None = None
    committed: set[str] = field(default_factory=set)
    read: dict[str, list[Row]] = field(default_factory=dict)
    row_count: int = 0

    # entry after entry

    def look(self) -> None:
        """Judge what was committed since the last look."""
        while True:
            key = f"log/entry/{len(self.entries):012d}.json"
            kept = self.bucket.objects.get(key)
            if kept is None:
                break
            entry = json.loads(kept.data)
            demand(entry["previous"] == self.previous, 3, f"{key} does not follow the entry before it")
            if self.entries:
                demand(entry["committed_at"] >= self.entries[-1]["committed_at"], 3, f"{key} runs back in time")
            self.previous = hashlib.sha256(kept.data).hexdigest()
            self.entries.append(entry)
            self._take(entry)
        self.holds.look()
        if any(key.startswith("seals/") for key in self.bucket.names):
            self._tiers()

    def _take(self, entry: dict[str, Any]) -> None:
        for ref in entry["objects"]:
            kept = self.bucket.objects.get(ref["key"])
            if kept is None:
                # a marker is written after its seal; the end asks for it
                demand(ref["key"].startswith("seals/"), 1, f"entry {entry['seq']} names {ref['key']}, not stored")
                continue
            right = hashlib.sha256(kept.data).hexdigest() == ref["sha256"]
            demand(right, 2, f"{ref['key']} has other bytes than entry {entry['seq']} names")
            demand(KEY.encode() not in kept.data, 11, f"the key stands in {ref['key']}")
        match entry["kind"], entry.get("stream"):
            case "pull", "cost":
                self.books.pull(entry)
            case "table", "cost":
                self.books.table(entry)
            case "pull", "audit_export":
                self.imports.pull(entry)
            case "table", "audit_export":
                self.imports.table(entry)
            case "table", "alerts":
                assert self.alerts is not None
                self.delivery.selected[entry["seq"]] = self.alerts.table(entry, self.held)
            case "pull", _:
                self._pull(entry)
                self.holds.pull(entry)
            case "table", _:
                self._table(entry)
            case "delivery", _:
                self.delivery.entry(entry)
            case "period", _:
                self.books.period(entry)
            case "retention", _:
                self.holds.change(entry)

    def _pull(self, entry: dict[str, Any]) -> None:
        window = (parse_moment(entry["window"][0]), parse_moment(entry["window"][1]))
        pages = []
        for ref in entry["objects"]:
            served = self.vendor.served.get(ref["request_id"])
            demand(ref["request_id"] not in self.committed, 3, f"{ref['key']} was committed twice")
            self.committed.add(ref["request_id"])
            if served is None:
                raise Violation(f"promise 1: {ref['key']} names a request that the vendor never had")
            body = zstandard.ZstdDecompressor().decompress(self.bucket.objects[ref["key"]].data)
            demand(served.page and body == served.body, 1, f"{ref['key']} is not what was served")
            demand(KEY.encode() not in body, 11, f"the key stands in {ref['key']}")
            pages.append((served, json.loads(body)["data"], records_of(body)))
        if entry["complete"]:
            self._whole(entry, window, [served for served, _, _ in pages])
            self.covered.append(window)
        self._fold(entry, window, pages)

    def _whole(self, entry: dict[str, Any], window: tuple[datetime, datetime], pages: list[Served]) -> None:
        """A complete pull has, of its last walk, every record that was there from its first page to its last."""
        seq = entry["seq"]
        demand(bool(pages) and not pages[-1].more, 5, f"entry {seq} says complete, and its last page says more")
        begin = max(at for at, one in enumerate(pages) if "after_id" not in one.query)
        walk = pages[begin:]
        for before, after in pairwise(walk):
            demand(after.query["after_id"] == before.last_id, 5, f"entry {seq} leaves out a page")
        for page in walk:
            asked = (parse_moment(page.query["created_at.gte"]), parse_moment(page.query["created_at.lt"]))
            demand(asked == window, 5, f"entry {seq} says another window than was asked for")
        lasting = frozenset.intersection(*(page.held for page in walk))
        got = {record for page in walk for record in records_of(page.body)}
        missing = lasting - got
        demand(not missing, 1, f"entry {seq} is complete without {sorted(missing)[:1]}")
        late = window[1] > walk[-1].at - timedelta(seconds=59)
        demand(not late, 5, f"entry {seq} calls a window complete that was still growing")

    def _fold(
        self,
        entry: dict[str, Any],
        window: tuple[datetime, datetime],
        pages: list[tuple[Served, list[Any], list[bytes]]],
    ) -> None:
        """Which versions this pull brings, by rules of our own."""
        seen_at = parse_moment(entry["committed_at"])
        rows: list[Row] = []
        counts: Counter[str] = Counter(first=0, revised=0, withdrawn=0)
        seen: dict[str, str] = {}
        for served, documents, records in pages:
            for document, raw in zip(documents, records, strict=True):
                name, content = document["id"], json.dumps(document, sort_keys=True)
                if seen.get(name) == content:
                    continue
                again, old = name in seen, self.held.get(name)
                seen[name] = content
                if old is not None and not again and old.content == content and not old.gone:
                    continue
                fold = "first" if old is None else "revised"
                number = 1 if old is None else old.number + 1
                created = parse_moment(document["created_at"])
                self.held[name] = _Version(number, content, raw, False, seen_at, served.at, created)
                rows.append((name, number, fold, raw))
                counts[fold] += 1
        if entry["complete"]:
            began = min(parse_moment(ref["requested_at"]) for ref in entry["objects"])
            for name, old in list(self.held.items()):
                inside = window[0] <= old.created_at < window[1]
                if inside and name not in seen and not old.gone and _before(old, pages[0][0].at, began):
                    there = all(_names(name) in b"".join(served.held) for served, _, _ in pages)
                    demand(
                        not there, 4, f"entry {entry['seq']} calls {name} withdrawn, which was there all the time"
                    )
                    number = old.number + 1
                    self.held[name] = replace(old, number=number, gone=True, seen_at=seen_at)
                    rows.append((name, number, "withdrawn", old.raw))
                    counts["withdrawn"] += 1
        self.expected[entry["seq"]], self.counts[entry["seq"]] = rows, counts
        self.row_count += len(rows)

    def _table(self, entry: dict[str, Any]) -> None:
        (pull,) = entry["derived_from"]
        demand(pull not in self.folded, 3, f"entry {pull} was folded twice")
        self.folded[pull] = entry["seq"]
        if self.alerts is None:
            rows = self.expected[pull]
            self.delivery.selected[entry["seq"]] = [(name, version) for name, version, _, _ in rows]
        found = [row for ref in entry["objects"] for row in self._rows(ref["key"])]
        _same(found, self.expected[pull], f"fold of entry {pull}")
        told = {name: entry["counts"].get(name, 0) for name in ("first", "revised", "withdrawn")}
        demand(told == dict(self.counts[pull]), 4, f"fold of entry {pull} reports {told}")

    def _rows(self, key: str) -> list[Row]:
        """The rows of a table file; read once, because its bytes do not change."""
        if key not in self.read:
            columns = ("id", "version", "fold", "raw")
            table = self._parquet(key).read(columns=list(columns), use_threads=False)
            listed = [table[name].to_pylist() for name in columns]
            self.read[key] = [
                (one, version, fold, raw.encode()) for one, version, fold, raw in zip(*listed, strict=True)
            ]
        return self.read[key]

    def _parquet(self, key: str) -> pq.ParquetFile:
        return pq.ParquetFile(BytesIO(self.bucket.objects[key].data))

    def _tiers(self) -> None:
        """What a reader sees now: sealed parts with a marker, recent rows above what their day's markers cover."""
        through: dict[str, int] = {}
        rows: list[Row] = []
        for key in self.bucket.names:
            if key.startswith("seals/audit_events/"):
                (marker,) = self._parquet(key).read(use_threads=False).to_pylist()
                through[marker["dt"]] = max(through.get(marker["dt"], -1), marker["through_seq"])
                rows += self._rows(f"tables/sealed/audit_events/dt={marker['dt']}/{marker['file']}")
        folds = set(self.folded.values())
        for entry in self.entries:
            if entry["seq"] in folds:
                for ref in entry["objects"]:
                    if entry["derived_from"][0] > through.get(ref["dt"], -1):
                        rows += self._rows(ref["key"])
        wanted = [row for pull in self.folded for row in self.expected[pull]]
        _same(rows, wanted, "what a reader sees")

    # the end

    def finish(self, state: Any, *, delivered: bool) -> None:
        """All is pulled, folded and delivered now."""
        end = max(last for _, last in self.covered)
        start = datetime(FIRST.year, FIRST.month, FIRST.day, tzinfo=end.tzinfo)
        demand(_joined(self.covered) == [(start, end)], 5, f"there are holes: {_joined(self.covered)}")
        claimed = [(window.start, window.end) for window in state.stream("activities").covered]
        demand(claimed == [(start, end)], 5, f"coverage is said to be {claimed}")
        unfolded = self.expected.keys() - self.folded.keys()
        demand(not unfolded, 3, f"pulls {sorted(unfolded)} were never folded")
        self._current(start, end)
        self.all_is_stored()
        self._tiers()
        self.holds.look(strictly=True)
        if self.alerts is not None:
            self.alerts.finish(one.content for one in self.held.values() if not one.gone)
        if delivered:
            self.delivery.finish(state)

    def all_is_stored(self) -> None:
        """What an entry may name before it is stored is stored at the end."""
        for entry in self.entries:
            for ref in entry["objects"]:
                demand(ref["key"] in self.bucket.objects, 1, f"{ref['key']} was never stored")

    def _current(self, start: datetime, end: datetime) -> None:
        """The current versions are what the vendor shows."""
        truth = {}
        for record in self.vendor.visible(start, end):
            document = json.loads(record)
            truth[document["id"]] = json.dumps(document, sort_keys=True)
        held = {
            name: one.content for name, one in self.held.items() if not one.gone and start <= one.created_at < end
        }
        lost, extra = truth.keys() - held.keys(), held.keys() - truth.keys()
        demand(not lost, 1, f"{len(lost)} records are not in the archive: {sorted(lost)[:2]}")
        demand(not extra, 4, f"{len(extra)} records are held that the vendor withdrew: {sorted(extra)[:2]}")
        other = [name for name in truth if truth[name] != held[name]]
        demand(not other, 4, f"{len(other)} records are held in an older form: {other[:2]}")


def _before(old: _Version, began: datetime, asked: datetime) -> bool:
    """Whether a version was seen before a pull began: by the vendor's clock to the second, else by the writers'
    own.
    """
    ours, theirs = began.replace(microsecond=0), old.served_at.replace(microsecond=0)
    return theirs < ours if theirs != ours else old.seen_at <= asked


def _names(record: str) -> bytes:
    """How a record with this id begins."""
    return f'{{"id":"{record}",'.encode()


def _same(found: list[Row], wanted: list[Row], what: str) -> None:
    have, want = Counter(found), Counter(wanted)
    if have == want:
        return
    doubled, lost = have - want, want - have
    raise Violation(
        f"promise 3: {what}: {doubled.total()} rows too many {_named(doubled)}, "
        f"{lost.total()} missing {_named(lost)}"
    )


def _named(rows: Counter[Row]) -> list[tuple[str, int, str]]:
    return [row[:3] for row in list(rows)[:2]]


def _joined(windows: list[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    made: list[tuple[datetime, datetime]] = []
    for start, end in sorted(windows):
        if made and start <= made[-1][1]:
            made[-1] = (made[-1][0], max(end, made[-1][1]))
        else:
            made.append((start, end))
    return made
