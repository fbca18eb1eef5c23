"""Every state of the customer's files that the books know: those that closes have kept, and that of today.

Knows no Dagster.
"""

from datetime import datetime

from assets.closed_months import payers_of_close
from assets.payers import CONTRACTS
from assets.payers import Payers as KeptPayers
from assets.period_books import Bookkeeping, close_entry
from warehouse.archive.entry import sha256_hex
from warehouse.finops.payer_tables import Payers


def payer_versions(desk: Bookkeeping) -> list[Payers]:
    """The states, oldest first; the last is that of today. Raises FileRefused."""
    kept = []
    for period in sorted(period for period, state in desk.books.states.items() if state == "closed"):
        entry = close_entry(desk.workshop.archive, period)
        if entry is not None:
            kept.append(payers_of_close(desk.workshop.archive, entry))
    kept.sort(key=lambda one: one.mapping.recorded_at)
    return [*(_version(one, one.mapping.recorded_at) for one in kept), _version(desk.payers, None)]


def _version(kept: KeptPayers, recorded_at: datetime | None) -> Payers:
    body = kept.files.get(CONTRACTS, b"")
    return Payers(kept.mapping, kept.rules, kept.contracts, sha256_hex(body), recorded_at)
