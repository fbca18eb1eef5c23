"""Every state of the customer's files that the log knows, and that of today: who paid, as known at a moment.

Promise: a state is recorded once, when it differs from the one before; what was known at a moment is answered from
the log alone. Knows no Dagster.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from assets.closed_months import payers_of_close
from assets.payers import CONTRACTS, kept_payers
from assets.payers import Payers as KeptPayers
from assets.period_books import Bookkeeping, close_entry
from warehouse.archive import keys
from warehouse.archive.entry import Draft, Entry, sha256_hex
from warehouse.finops.payer_tables import Payers
from warehouse.wire.times import parse_rfc3339


@dataclass(frozen=True)
class Recorded:
    """A state of the files with the entry that keeps it: a close's, or one of the kind `payers`."""

    payers: KeptPayers
    entry: int
    by_close: bool

    @property
    def at(self) -> datetime:
        return self.payers.mapping.recorded_at


def recorded(desk: Bookkeeping) -> list[Recorded]:
    """The states that the log keeps, oldest first."""
    archive, found = desk.workshop.archive, []
    for period in sorted(period for period, state in desk.books.states.items() if state == "closed"):
        entry = close_entry(archive, period)
        if entry is not None:
            found.append(Recorded(payers_of_close(archive, entry), entry.seq, True))
    for seq in archive.state.payer_entries():
        entry = archive.entry(seq)
        bodies = {_name(ref.key): archive.read(ref) for ref in entry.objects}
        found.append(Recorded(kept_payers(bodies, parse_rfc3339(entry.committed_at)), seq, False))
    return sorted(found, key=lambda one: (one.at, one.entry))


def known_at(states: Sequence[Recorded], moment: datetime) -> Recorded | None:
    """The state that was known at a moment: the newest recorded by then; None before the first."""
    return next((one for one in reversed(states) if one.at <= moment), None)


def record_payers(desk: Bookkeeping) -> Entry | None:
    """Record the files of today where they differ from the last state that the log keeps; None where they do not.

    Raises FileRefused for files with mistakes, changing nothing.
    """
    archive, now, files = desk.workshop.archive, desk.workshop.clock(), desk.payers.files
    states = recorded(desk)
    if states and dict(states[-1].payers.files) == dict(files):
        return None
    archive.check_key()
    named = [(keys.payer_file(now, name, sha256_hex(body)), body) for name, body in sorted(files.items())]
    draft = Draft(kind="payers", objects=archive.put_all(named))
    draft.counts = {"rows": len(desk.payers.mapping.all_rows)}
    entry = archive.commit(draft)
    archive.settle()
    return entry


def payer_versions(desk: Bookkeeping) -> list[Payers]:
    """The states for the tables, oldest first; the last is that of today. Raises FileRefused."""
    return [*(_version(one.payers, one.at) for one in recorded(desk)), _version(desk.payers, None)]


def _name(key: str) -> str:
    """Our name of a file from the key of `keys.payer_file`: what stands between time and hash, and the ending."""
    stem, _, ending = key.rpartition("/")[2].rpartition(".")
    return f"{stem.partition('-')[2].rpartition('-')[0]}.{ending}"


def _version(kept: KeptPayers, recorded_at: datetime | None) -> Payers:
    body = kept.files.get(CONTRACTS, b"")
    return Payers(kept.mapping, kept.rules, kept.contracts, sha256_hex(body), recorded_at)
