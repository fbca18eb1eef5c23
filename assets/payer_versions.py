"""Every state of the customer's files that the books know: those that closes have kept, and that of today.

Knows no Dagster.
"""

from assets.closed_months import kept_payers
from assets.period_books import Bookkeeping, close_entry
from warehouse.archive.entry import sha256_hex
from warehouse.finops.payer_tables import Payers


def payer_versions(desk: Bookkeeping) -> list[Payers]:
    """The states, oldest first; the last is that of today. Raises FileRefused."""
    kept = []
    for period in sorted(period for period, state in desk.books.states.items() if state == "closed"):
        entry = close_entry(desk.workshop.archive, period)
        if entry is not None:
            mapping, rules, contracts, body = kept_payers(desk.workshop.archive, entry)
            kept.append(Payers(mapping, rules, contracts, sha256_hex(body), mapping.recorded_at))
    now = desk.payers
    body = now.files.get("contracts.csv", b"")
    kept.sort(key=lambda one: one.mapping.recorded_at)
    return [*kept, Payers(now.mapping, now.rules, now.contracts, sha256_hex(body), None)]
