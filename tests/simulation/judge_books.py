"""Cost and its months, judged from the bucket's bytes and from every export that the vendor published.

Promise: shares no code with the pipeline. A day's versions follow the complete pulls in the order of the log; a
closed statement is the days as they stood at some moment of the run that made it, to the cent.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from io import BytesIO
from typing import Any

import pyarrow.parquet as pq
import zstandard

from sandbox.clock import parse_moment
from tests.simulation.bucket import Bucket
from tests.simulation.judging import demand
from tests.simulation.ledger import MICRO_IN_USD, Answer, Key, Ledger

Content = dict[Key, int]
_CENT = Decimal("0.01")


@dataclass
class BooksJudge:
    """Follows the entries of cost and of periods. `stands`: what each run may have seen, by its writer."""

    bucket: Bucket
    ledger: Ledger
    newest: dict[date, tuple[int, Content]] = field(default_factory=dict)  # as pulled
    pending: dict[int, dict[date, tuple[int, Content]]] = field(default_factory=dict)  # by pull
    folded: set[int] = field(default_factory=set)
    stands: list[dict[date, Content]] = field(default_factory=lambda: [{}])  # after each fold
    begun: dict[str, int] = field(default_factory=dict)  # writer -> fold that was the last when it began
    states: dict[str, str] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    published: dict[str, dict[str, Any]] = field(default_factory=dict)  # the closed statements

    def begins(self, writer: str) -> None:
        self.begun[writer] = len(self.stands) - 1

    def pull(self, entry: dict[str, Any]) -> None:
        answers = [self._answer(ref) for ref in entry["objects"]]
        self.pending[entry["seq"]] = {}
        if not entry["complete"]:
            return
        days = self._days(entry)
        walk = self._last_walk(answers)
        refreshed = {answer.refreshed for answer in walk}
        demand(len(refreshed) == 1, 1, f"entry {entry['seq']} adds up figures of {len(refreshed)} exports")
        figures = self.ledger.exports[refreshed.pop()]
        totals: dict[date, int] = defaultdict(int)
        for answer in walk:
            for row in json.loads(answer.body)["data"]:
                if answer.grouped:
                    totals[parse_moment(row["starting_at"]).date()] += _micro(row)
        wanted = {day: sum(figures[day].values()) for day in days if figures.get(day)}
        demand(dict(totals) == wanted, 1, f"entry {entry['seq']} is complete and lacks rows of the export")
        for day in days:
            number, before = self.newest.get(day, (0, None))
            content = figures.get(day, {})
            if before != content:
                self.newest[day] = self.pending[entry["seq"]][day] = (number + 1, content)

    def _answer(self, ref: dict[str, Any]) -> Answer:
        answer = self.ledger.served.get(ref["request_id"])
        demand(answer is not None, 1, f"{ref['key']} names a request that the vendor never had")
        assert answer is not None
        body = zstandard.ZstdDecompressor().decompress(self.bucket.objects[ref["key"]].data)
        demand(answer.good and body == answer.body, 1, f"{ref['key']} is not what was served")
        return answer

    def _last_walk(self, answers: list[Answer]) -> list[Answer]:
        begin = max(at for at, one in enumerate(answers) if one.first and not one.grouped)
        walk = answers[begin:]
        grouped = [one for one in walk if one.grouped]
        demand(bool(grouped) and not grouped[-1].more, 5, "a pull says complete, and its last page says more")
        return walk

    def _days(self, entry: dict[str, Any]) -> list[date]:
        start, end = (parse_moment(text).date() for text in entry["window"])
        return [start + timedelta(days=number) for number in range((end - start).days)]

    def table(self, entry: dict[str, Any]) -> None:
        (pull,) = entry["derived_from"]
        demand(pull not in self.folded, 3, f"entry {pull} was folded twice")
        self.folded.add(pull)
        wanted = self.pending[pull]
        rows: dict[tuple[date, int], dict[Key, int]] = {(day, number): {} for day, (number, _) in wanted.items()}
        totals: dict[tuple[date, int], int] = {}
        for ref in entry["objects"]:
            for row in pq.ParquetFile(BytesIO(self.bucket.objects[ref["key"]].data)).read().to_pylist():
                at = (row["day"], row["version"])
                demand(at in rows, 3, f"fold of entry {pull} has version {at[1]} of {at[0]}")
                if ref["table"] == "cost_rows":
                    key = ((row["actor_id"] or "").removeprefix("user_01"), row["product"])
                    demand(key not in rows[at], 3, f"fold of entry {pull} has {key} of {at[0]} twice")
                    rows[at][key] = int(row["amount"] * MICRO_IN_USD)
                else:
                    totals[at] = int((row["total_amount"] or 0) * MICRO_IN_USD)
        for day, (number, content) in wanted.items():
            at = (day, number)
            demand(rows[at] == content, 7, f"version {number} of {day} is not what the vendor served")
            demand(totals.get(at) == sum(content.values()), 7, f"version {number} of {day} has another total")
        self.stands.append(self.stands[-1] | {day: content for day, (_, content) in wanted.items()})

    def period(self, entry: dict[str, Any]) -> None:
        event = entry["period"]
        month, state, number = event["period"], event["state"], event["number"]
        before = self.states.get(month, "open")
        self.states[month] = state
        if state == "reopened":
            demand(before == "closed", 8, f"{month} was reopened while it was {before}")
            del self.published[month]
            return
        demand(before != "closed", 8, f"{month} was closed twice: entry {entry['seq']}")
        demand(number == self.numbers.get(month, 0) + 1, 8, f"statement {number} of {month} was no next one")
        self.numbers[month] = number
        statement = self._statement(entry)
        self.published[month] = statement
        demand(statement["total"] == _text(_billed(statement)), 7, f"{month} does not add up to its total")
        first = self.begun.get(entry["writer"], 0)
        possible = self.stands[first:]
        mentioned = {line["original_period"] or month for line in statement["lines"]} | {month}
        right = any(
            all(self._booked(one) == _cents(_of_month(stand, one)) for one in mentioned) for stand in possible
        )
        demand(right, 7, f"{month} is closed with {_text(_billed(statement))}, which its days never were")

    def _statement(self, entry: dict[str, Any]) -> dict[str, Any]:
        for ref in entry["objects"]:
            data = self.bucket.objects[ref["key"]].data
            demand(hashlib.sha256(data).hexdigest() == ref["sha256"], 8, f"{ref['key']} has other bytes")
            if "-statement-" in ref["key"] and ref["key"].endswith(".json"):
                found: dict[str, Any] = json.loads(data)
        return found

    def _booked(self, month: str) -> Decimal:
        """What all closed statements together have for a month."""
        return sum((_billed(one, of, month) for of, one in self.published.items()), Decimal(0))

    def finish(self, open_statements: dict[str, dict[str, Any]]) -> None:
        """All was pulled. `open_statements`: what the months that are not closed would be now."""
        today = {day: rows for day, rows in self.ledger.exports[self.ledger.refreshed].items()}
        stand = self.stands[-1]
        for day, rows in today.items():
            demand(stand.get(day) == rows, 4, f"{day} is held in an older form")
        unfolded = self.pending.keys() - self.folded
        demand(not unfolded, 3, f"pulls {sorted(unfolded)} of cost were never folded")
        together = self.published | open_statements
        for month in sorted({f"{day:%Y-%m}" for day in today}):
            booked = sum((_billed(one, of, month) for of, one in together.items()), Decimal(0))
            owed = _cents(_of_month(today, month))
            demand(booked == owed, 7, f"all statements have {booked} for {month}, the vendor says {owed}")


def _micro(row: dict[str, Any]) -> int:
    return int(Decimal(row["cost"]["amount"]).scaleb(6))


def _of_month(stand: dict[date, Content], month: str) -> int:
    return sum(sum(rows.values()) for day, rows in stand.items() if f"{day:%Y-%m}" == month)


def _cents(micro: int) -> Decimal:
    return (Decimal(micro) / MICRO_IN_USD).quantize(_CENT, ROUND_HALF_UP)


def _billed(statement: dict[str, Any], of: str = "", month: str | None = None) -> Decimal:
    """What a statement bills: all of it, or for one month (its own, or corrections of that one)."""
    lines = [
        Decimal(line["billed"])
        for line in statement["lines"]
        if month is None or (line["original_period"] or of) == month
    ]
    return sum(lines, Decimal(0))


def _text(amount: Decimal) -> str:
    return f"{amount.quantize(_CENT):f}"
