"""Faults planted in what stands beside the activity feed: cost and its months, imports, holds, the queue.

Each is a mistake that somebody could make in the file it names.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import assets.claims
import assets.period_books
import assets.spend_pulling
import warehouse.tables.audit_export.committing
import warehouse.tables.spend.fold
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
    )
}
