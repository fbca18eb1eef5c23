"""Faults planted in what stands beside the activity feed: cost and its months, imports, holds, the queue, alerts.

Each is a mistake that somebody could make in the file it names.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import assets.claims
import assets.detecting
import assets.period_books
import assets.spend_pulling
import warehouse.detections.engine
import warehouse.tables.audit_export.committing
import warehouse.tables.spend.fold
from assets.delivery_alerts import AlertReader
from assets.period_books import Bookkeeping
from tests.simulation.planting import Planted, instead
from warehouse.anthropic.spend import _Reading, _refreshed
from warehouse.archive.archive import Archive
from warehouse.delivery.queues.port import read_claim
from warehouse.finops.books import Books


def restated_day_is_left() -> AbstractContextManager[None]:
    """spend/fold.py: a day that is held already counts as unchanged."""
    return instead(warehouse.tables.spend.fold, "_content", lambda rows, totals: "the same")


@contextmanager
def partial_pull_replaces_a_day() -> Iterator[None]:
    """spend/fold.py: a pull that broke off replaces the days it began to read."""
    fold = warehouse.tables.spend.fold

    def fold_days(archive: Any, entry: Any) -> Any:
        fold.fold_pending_days(archive, entry.stream or "", before=entry)
        work = fold._Fold(archive, entry, fold.ALL_REPORTS[entry.stream or ""])
        work.run()
        return work.commit()

    with instead(fold, "fold_days", fold_days), instead(assets.spend_pulling, "fold_days", fold_days):
        yield


def two_exports_are_added_up() -> AbstractContextManager[None]:
    """anthropic/spend.py: figures that were refreshed in mid-walk are taken together with those before."""

    def _accept(self: _Reading, body: Any, _: Any) -> None:
        self._refreshed, _at = _refreshed(body)

    return instead(_Reading, "_accept", _accept)


def close_is_not_fenced() -> AbstractContextManager[None]:
    """period_books.py: nobody looks whether somebody else closed a month meanwhile."""

    def _commit(self: Bookkeeping, draft: Any) -> Any:
        entry = self.workshop.archive.commit(draft)
        self.workshop.archive.settle()
        return entry

    return instead(Bookkeeping, "_commit", _commit)


def corrections_are_forgotten() -> AbstractContextManager[None]:
    """books.py: what changed after a close is booked nowhere."""
    return instead(Books, "corrected_in", lambda self, period: [])


def held_rows_are_imported_again() -> AbstractContextManager[None]:
    """audit_export/committing.py: nobody looks which rows are held already."""
    return instead(warehouse.tables.audit_export.committing, "_held", lambda archive, column: set())


def hold_is_no_fence() -> AbstractContextManager[None]:
    """archive.py: what comes after a hold was announced is not held."""
    return instead(Archive, "_hold", lambda self, draft, state: None)


def claim_is_done_before_delivery() -> AbstractContextManager[None]:
    """claims.py: the claims are taken out of the queue, then it is delivered."""

    def forward_once(workshop: Any, queue: Any, tell: Any) -> Any:
        messages = queue.receive(0)
        workshop.archive.refresh()
        good = []
        for message in messages:
            try:
                assets.claims.check(workshop.archive, read_claim(message.text))
            except ValueError as reason:
                if queue.failed(message):
                    tell("dead", str(reason))
            else:
                good.append(message)
        queue.done(good)
        return assets.claims.deliver(workshop, None) if good else []

    return instead(assets.claims, "forward_once", forward_once)


def another_log_is_believed() -> AbstractContextManager[None]:
    """claims.py: nobody looks whether a claim is of this log."""
    return instead(assets.claims, "check", lambda archive, claim: None)


def alerts_are_not_fenced() -> AbstractContextManager[None]:
    """detecting.py: nobody looks whether another run looked at the same commits meanwhile."""
    real = assets.detecting.due

    def due(state: Any) -> Any:
        found = real(state)
        object.__setattr__(found, "after", _Any(found.after))
        return found

    return instead(assets.detecting, "due", due)


class _Any(int):
    """A number that is no other than any."""

    def __ne__(self, other: object) -> bool:
        return False

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = int.__hash__


def known_alerts_are_raised_again() -> AbstractContextManager[None]:
    """engine.py: nobody looks which alerts are there already."""
    return instead(warehouse.detections.engine._Held, "of", lambda self, find: None)


def joined_alerts_stay_here() -> AbstractContextManager[None]:
    """delivery_alerts.py: of an alert that further events joined, the first form is taken for all."""
    real = AlertReader._rows

    def _rows(self: AlertReader, commit: Any, files: Any) -> Any:
        return [row for row in real(self, commit, files) if row["version"] == 1]

    return instead(AlertReader, "_rows", _rows)


BESIDE_THE_FEED: dict[str, Planted] = {
    made.__name__: made
    for made in (
        restated_day_is_left,
        partial_pull_replaces_a_day,
        two_exports_are_added_up,
        close_is_not_fenced,
        corrections_are_forgotten,
        held_rows_are_imported_again,
        hold_is_no_fence,
        claim_is_done_before_delivery,
        another_log_is_believed,
        alerts_are_not_fenced,
        known_alerts_are_raised_again,
        joined_alerts_stay_here,
    )
}
