"""The books: what happened to each period, replayed from its events, and the closed statements.

Promise: the state of a period follows from its events alone, in their order; a step that its state does not allow
is refused and changes nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from warehouse.finops.corrections import booked
from warehouse.finops.errors import InputRefused, PeriodRefused
from warehouse.finops.periods import Period, State, books_corrections_of, check_reopenable, step
from warehouse.finops.statement import Key, Line, Statement
from warehouse.wire.times import parse_rfc3339, rfc3339


@dataclass(frozen=True)
class Event:
    """One step of one period: to which state, when, by whom and why. `because` are the reasons why a close was
    early and forced; `manifest_sha256` names the manifest that a close wrote, `supersedes` the one that it
    replaces."""

    period: Period
    state: State
    number: int
    at: datetime
    by: str
    reason: str = ""
    because: tuple[str, ...] = ()
    manifest_sha256: str | None = None
    supersedes: str | None = None

    def document(self) -> dict[str, Any]:
        """The event as the entry of the log carries it."""
        return {
            "period": str(self.period),
            "state": self.state,
            "number": self.number,
            "at": rfc3339(self.at),
            "by": self.by,
            "reason": self.reason,
            "because": list(self.because),
            "manifest_sha256": self.manifest_sha256,
            "supersedes": self.supersedes,
        }

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> "Event":
        """Read what `document` wrote. Raises InputRefused."""
        try:
            return cls(
                period=Period.parse(document["period"]),
                state=document["state"],
                number=document["number"],
                at=parse_rfc3339(document["at"]),
                by=document["by"],
                reason=document["reason"],
                because=tuple(document["because"]),
                manifest_sha256=document["manifest_sha256"],
                supersedes=document["supersedes"],
            )
        except (KeyError, TypeError, ValueError, PeriodRefused) as error:
            raise InputRefused(
                f"an entry of kind period is not readable ({error}); run `ledgerline verify`"
            ) from error


@dataclass
class Books:
    """All events so far, and the statements of the periods that are closed now."""

    events: list[Event] = field(default_factory=list)
    statements: dict[Period, Statement] = field(default_factory=dict)
    _states: dict[Period, State] = field(default_factory=dict)

    @classmethod
    def replay(cls, events: Iterable[Event], statements: Iterable[Statement] = ()) -> "Books":
        """The books after all events. `statements` are those of periods that are closed at the end."""
        books = cls()
        for event in events:
            books._step(event)
        books.statements = {one.period: one for one in statements if books.state(one.period) == "closed"}
        return books

    @property
    def states(self) -> Mapping[Period, State]:
        return self._states

    def state(self, period: Period) -> State:
        return self._states.get(period, "open")

    def last_close(self, period: Period) -> Event | None:
        closes = [event for event in self.events if event.period == period and event.state == "closed"]
        return closes[-1] if closes else None

    def next_number(self, period: Period) -> int:
        """The number of the next statement of a period: one more than it was closed before."""
        last = self.last_close(period)
        return last.number + 1 if last else 1

    def check_close(self, period: Period) -> None:
        """Raises PeriodRefused where the period is closed already."""
        step(period, self.state(period), "closed")

    def check_reopen(self, period: Period, reason: str) -> None:
        """Raises PeriodRefused where it is not closed, where no reason is given, or where others correct it."""
        step(period, self.state(period), "reopened")
        if not reason.strip():
            raise PeriodRefused(f"{period} is reopened only with a reason, which is recorded; give --reason")
        check_reopenable(period, self.correcting(period))

    def close(self, event: Event, statement: Statement) -> None:
        self.check_close(event.period)
        self._step(event)
        self.statements[event.period] = statement

    def reopen(self, event: Event) -> None:
        self.check_reopen(event.period, event.reason)
        self._step(event)
        self.statements.pop(event.period, None)

    def correcting(self, period: Period) -> list[Period]:
        """The closed periods whose statements hold corrections of this one."""
        return [
            other
            for other, statement in sorted(self.statements.items())
            if other != period and any(line.original_period == period for line in statement.lines)
        ]

    def corrected_in(self, period: Period) -> list[Period]:
        """The closed periods whose later changes belong into this one."""
        return books_corrections_of(period, self._states)

    def booked(self, period: Period) -> dict[Key, Line]:
        """What the closed statements have booked for a period so far."""
        return booked(period, self.statements.values())

    def _step(self, event: Event) -> None:
        self._states[event.period] = step(event.period, self.state(event.period), event.state)
        self.events.append(event)
