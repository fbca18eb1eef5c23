"""Faults planted in the real code, one at a time: what a simulation is worth is how soon it finds them.

Each is a mistake that somebody could make in the file it names. `MUTATIONS[name]()` is a context in which it is
there.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import assets.pulling
import assets.walking
import warehouse.archive.archive
import warehouse.archive.derive
import warehouse.archive.log
import warehouse.delivery.book
import warehouse.delivery.positions
import warehouse.tables.fold
import warehouse.tables.seal
from tests.simulation.mutations_beside_the_feed import BESIDE_THE_FEED
from tests.simulation.planting import Planted, instead
from warehouse.archive import keys
from warehouse.archive.archive import Archive
from warehouse.archive.log import Log
from warehouse.archive.store import Exists
from warehouse.delivery.book import Book
from warehouse.delivery.positions import Progress
from warehouse.tables.fold import OpenFold


def position_before_acknowledgement() -> AbstractContextManager[None]:
    """positions.py: what was handed out counts as settled."""

    def position(self: Progress) -> Any:
        return self._place(self._count)

    return instead(Progress, "position", position)


def receipts_are_forgotten() -> AbstractContextManager[None]:
    """book.py: the entry is written without the objects it is about."""
    return instead(Book, "_stored", lambda self, settled: [])


def revision_is_dropped() -> AbstractContextManager[None]:
    """fold.py: a record that is held already is taken for unchanged."""
    real = warehouse.tables.fold.held_versions

    def held_versions(*given: Any) -> Any:
        """Versions whose content is equal to any."""
        for found in real(*given):
            yield [(name, one._replace(content=_Equal(one.content))) for name, one in found]

    return instead(warehouse.tables.fold, "held_versions", held_versions)


class _Equal(str):
    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return True

    def __ne__(self, other: object) -> bool:
        return False

    __hash__ = str.__hash__


def partial_pull_withdraws() -> AbstractContextManager[None]:
    """fold.py: what an incomplete pull did not see is called withdrawn."""

    def close(self: OpenFold) -> None:
        self._withdraw()
        self._flush()

    return instead(OpenFold, "close", close)


def entry_is_not_fenced() -> AbstractContextManager[None]:
    """log.py: an entry whose number was taken counts as written."""

    def _put(self: Log, entry: Any) -> bool:
        data = entry.to_bytes()
        self.store.put_if_absent(keys.entry(entry.seq), data, self._retain_until())
        self._take(entry, data)
        return True

    return instead(Log, "_put", _put)


def own_entry_is_not_known_again() -> AbstractContextManager[None]:
    """log.py: a put that timed out and had succeeded is taken for another writer's."""

    def _put(self: Log, entry: Any) -> bool:
        data = entry.to_bytes()
        stored = self.store.put_if_absent(keys.entry(entry.seq), data, self._retain_until())
        if isinstance(stored, Exists):
            return False
        self._take(entry, data)
        return True

    return instead(Log, "_put", _put)


def coverage_of_an_incomplete_window() -> AbstractContextManager[None]:
    """walking.py: a window that failed is committed as complete."""
    real = assets.walking.commit_window

    def commit_window(archive: Any, walked: Any, report: Any, **how: Any) -> Any:
        walked.error = None
        return real(archive, walked, report, **how)

    return instead(assets.pulling, "commit_window", commit_window)


def entry_before_its_objects() -> AbstractContextManager[None]:
    """walking.py: the entry does not wait for the pages on their way."""
    real = Archive.put

    def put(self: Archive, key: str, data: bytes, *, recent: bool = False) -> Any:
        if not key.startswith("pages/"):
            return real(self, key, data, recent=recent)
        self._puts.submit(real, self, key, data, recent=recent)
        from warehouse.archive.entry import ObjectRef, sha256_hex

        return ObjectRef(key=key, version_id="1", sha256=sha256_hex(data), bytes=len(data))

    return instead(Archive, "put", put)


def pull_is_folded_twice() -> AbstractContextManager[None]:
    """fold.py: nobody looks whether another writer folded this pull meanwhile."""
    real = Archive.append

    def append(self: Archive, build: Any) -> Any:
        before = {}

        def careless(state: Any) -> Any:
            draft = build(state)
            if draft is None and before:
                return before["draft"]
            if draft is not None and draft.kind == "table":
                before["draft"] = draft
            return draft

        return real(self, careless)

    return instead(Archive, "append", append)


def marker_before_the_seal() -> AbstractContextManager[None]:
    """seal.py: the marker that flips a day is written with the parts, before the entry."""
    real = warehouse.tables.seal.store_part

    def store_part(archive: Any, *given: Any) -> Any:
        part, marker, data = real(archive, *given)
        archive.put(marker.key, data)
        return part, marker, data

    return instead(warehouse.tables.seal, "store_part", store_part)


def time_runs_back() -> AbstractContextManager[None]:
    """log.py: an entry takes the clock as it is."""
    from warehouse.archive.entry import place
    from warehouse.wire.times import rfc3339

    def _place(self: Log, draft: Any) -> Any:
        state = self.state
        return place(
            draft,
            seq=state.size,
            writer=self.writer,
            committed_at=rfc3339(self._clock()),
            snapshot=state.snapshot,
            previous=state.head_sha256,
        )

    return instead(Log, "_place", _place)


def head_is_left_unsigned() -> AbstractContextManager[None]:
    """log.py: what a killed writer left unsigned is built upon."""

    def _sign_head(self: Log) -> None:
        return None

    return instead(Log, "_sign_head", _sign_head)


def page_is_written_anew() -> AbstractContextManager[None]:
    """archive.py: the body is decoded and encoded again before it is stored."""
    real = Archive.put_page

    def put_page(self: Archive, stream: str, window: Any, page: Any) -> Any:
        import dataclasses
        import json

        body = json.dumps(json.loads(page.body), separators=(",", ":")).encode()
        return real(self, stream, window, dataclasses.replace(page, body=body))

    return instead(Archive, "put_page", put_page)


MUTATIONS: dict[str, Planted] = {
    made.__name__: made
    for made in (
        position_before_acknowledgement,
        receipts_are_forgotten,
        revision_is_dropped,
        partial_pull_withdraws,
        entry_is_not_fenced,
        own_entry_is_not_known_again,
        coverage_of_an_incomplete_window,
        entry_before_its_objects,
        pull_is_folded_twice,
        marker_before_the_seal,
        time_runs_back,
        head_is_left_unsigned,
        page_is_written_anew,
    )
} | BESIDE_THE_FEED
