"""Ground truth about spend, straight from the ledger: totals by any dimension in any export, and their history.

Amounts are integers in micro-cents. Nothing here knows buckets, pages or HTTP, so the API's sums are checked
against sums made another way.
"""

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path
from typing import Any, NamedTuple

from sandbox.clock import Clock, rfc3339, to_us
from sandbox.tenant.spend.ledger import Ledger, days_between
from sandbox.tenant.spend.line import EXPORT_MINUTES, EXPORT_US, Line, day_at, moment
from sandbox.tenant.spend.prices import cents

KEYS = ("day", "product", "model", "actor", "actor_type", "organization_id")


class Money(NamedTuple):
    """A total: micro-cents after discount and at list price, requests, tokens."""

    amount: int = 0
    list_amount: int = 0
    requests: int = 0
    tokens: int = 0


class SpendTruth:
    """What the ledger of a tenant holds, as of any export up to the clock's now."""

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self.ledger = ledger
        self._clock = clock

    def refreshed_at(self) -> datetime:
        """`data_refreshed_at` of the newest export."""
        return moment(self._newest() * EXPORT_MINUTES)

    def totals(
        self, start: date, end: date, by: tuple[str, ...] = (), *, at: datetime | None = None
    ) -> dict[tuple[str | None, ...], Money]:
        """Totals of the days [start, end) by any of KEYS, as the export `at` (default: the newest) shows them.

        An actor is its user_, svac_ or apikey_ id, or a federated subject; None is spend with no actor.
        """
        export = self._newest() if at is None else to_us(at) // EXPORT_US
        out: dict[tuple[str | None, ...], Money] = {}
        for day in days_between(start, end):
            for line in self.ledger.lines(day):
                if line.born <= export < line.died:
                    key = tuple(_value(line, name) for name in by)
                    out[key] = _plus(out.get(key, Money()), line)
        return out

    def history(self, day: date, by: tuple[str, ...] = ()) -> list[tuple[datetime, dict[tuple[Any, ...], Money]]]:
        """What was served of a day: its totals at each `data_refreshed_at` at which anything of it changed."""
        moves = {line.born for line in self.ledger.lines(day)} | {line.died for line in self.ledger.lines(day)}
        return [
            (at, self.totals(day, date.fromordinal(day.toordinal() + 1), by, at=at))
            for at in (moment(export * EXPORT_MINUTES) for export in sorted(moves) if export <= self._newest())
        ]

    def restatements(self, day: date) -> list[dict[str, Any]]:
        """The changes of a day so far, as JSON: when, what kind, and the amounts before and after."""
        return [
            {
                "data_refreshed_at": rfc3339(moment(change.export * EXPORT_MINUTES)),
                "kind": change.kind,
                "before": _line(change.before),
                "after": _line(change.after),
            }
            for change in self.ledger.restatements(day)
            if change.export <= self._newest()
        ]

    def rows(
        self, start: date, end: date, by: tuple[str, ...], at: datetime | None = None
    ) -> list[dict[str, Any]]:
        """`totals` as JSON rows, sorted by key."""
        strangers = set(by) - set(KEYS)
        if strangers:
            raise ValueError(f"cannot total by {sorted(strangers)}; known are {', '.join(KEYS)}")
        totals = self.totals(start, end, by, at=at)
        return [
            dict(zip(by, key, strict=True)) | _json(totals[key])
            for key in sorted(totals, key=lambda key: [part or "" for part in key])
        ]

    def write(self, folder: Path, days: list[date]) -> None:
        """Write `<day>.json` for each day: its totals now by product, model and actor, history, restatements."""
        folder.mkdir(parents=True, exist_ok=True)
        for day in days:
            (folder / f"{day}.json").write_text(json.dumps(self.describe(day), indent=1) + "\n", encoding="utf-8")

    def describe(self, day: date) -> dict[str, Any]:
        """Everything about a day so far, as JSON."""
        after = date.fromordinal(day.toordinal() + 1)
        return {
            "day": str(day),
            "data_refreshed_at": rfc3339(self.refreshed_at()),
            "total": self.rows(day, after, ()),
            **{f"by_{name}": self.rows(day, after, (name,)) for name in ("product", "model", "actor")},
            "history": [
                {"data_refreshed_at": rfc3339(at)} | _json(totals.get((), Money()))
                for at, totals in self.history(day)
            ],
            "restatements": self.restatements(day),
        }

    def _newest(self) -> int:
        return self._clock.now_us() // EXPORT_US


def _value(line: Line, name: str) -> str | None:
    match name:
        case "day":
            return str(day_at(line.minute))
        case "actor":
            return line.place.actor.id if line.place.actor else None
        case "actor_type":
            return line.place.actor.kind if line.place.actor else None
    value: str | None = getattr(line.place, name)
    return value


def _plus(total: Money, line: Line) -> Money:
    return Money(
        total.amount + line.amount,
        total.list_amount + line.list_amount,
        total.requests + line.requests,
        total.tokens + sum(line.tokens),
    )


def _json(total: Money) -> dict[str, Any]:
    return total._asdict() | {"amount": cents(total.amount), "list_amount": cents(total.list_amount)}


def _line(line: Line | None) -> dict[str, Any] | None:
    if line is None:
        return None
    return {
        "at": rfc3339(moment(line.minute)),
        "product": line.place.product,
        "model": line.place.model,
        "actor": line.place.actor.id if line.place.actor else None,
        "amount": cents(line.amount),
        "list_amount": cents(line.list_amount),
    }
