"""Which versions were seen before a pull began to ask: only of those can it say that the vendor withdrew them.

Promise: what another writer saw only while this pull was at work is never called withdrawn, and a machine whose
clock is off hides no withdrawal: the vendor's clock, which every answer tells, is the same for all writers.
"""

from datetime import datetime

import pyarrow as pa
from msgspec import UNSET

from warehouse.archive.archive import Archive
from warehouse.archive.entry import Entry, ObjectRef
from warehouse.wire.times import http_date, parse_rfc3339


class SeenBefore:
    """Judges held versions by when one pull began. Other pulls' entries are read when they are first asked for."""

    def __init__(self, archive: Archive, pull: Entry) -> None:
        self._archive = archive
        self._served = min((date for page in pull.objects if (date := _served_at(page))), default=None)
        asked = [parse_rfc3339(page.requested_at) for page in pull.objects if page.requested_at is not UNSET]
        self._asked = min(asked, default=parse_rfc3339(pull.committed_at))
        self._entries: dict[int, Entry] = {}

    def known(self, rows: pa.Table) -> pa.Array:
        """A mask over rows of `audit_event_versions`; none of them is itself a withdrawal."""
        columns = [rows[name].to_pylist() for name in ("commit_seq", "page", "observed_at")]
        return pa.array([self._is_known(*row) for row in zip(*columns, strict=True)], pa.bool_())

    def _is_known(self, seq: int, page: int | None, observed_at: datetime) -> bool:
        served = self._page_served_at(seq, page) if page is not None else None
        # Its seconds tell the order of two answers where they differ; else the writers' own clocks must do.
        if served is not None and self._served is not None and served != self._served:
            return served < self._served
        return observed_at <= self._asked

    def _page_served_at(self, seq: int, page: int) -> datetime | None:
        if seq not in self._entries:
            self._entries[seq] = self._archive.entry(seq)
        pages = self._entries[seq].objects
        return _served_at(pages[page - 1]) if 0 < page <= len(pages) else None


def _served_at(page: ObjectRef) -> datetime | None:
    """The vendor's time of an answer, to the second; None where it told none, or a cache had kept it."""
    headers = page.headers or {}
    return http_date(headers.get("date", "")) if headers.get("age", "0").strip() in ("", "0") else None
