"""The fold of engagement: a complete pull of a day replaces what was held of that day, record by record.

Promise: a record that vanished is marked `withdrawn` and repeats what was last known; a pull that was not read to
its end withdraws nothing. The result is a function of the log up to the pull.
"""

from collections.abc import Iterable
from datetime import date
from urllib.parse import parse_qs

import pyarrow as pa

from warehouse.archive.archive import Archive
from warehouse.archive.entry import Entry, ObjectRef
from warehouse.archive.findings import Verification
from warehouse.tables.engagement.rows import read_row
from warehouse.tables.engagement.schema import BY_STREAM, MEASURES
from warehouse.tables.folded import Folded
from warehouse.tables.held import files_within
from warehouse.tables.versions import (
    Row,
    commit_versions,
    newest,
    next_versions,
    rederive_versions,
)
from warehouse.wire.records import split_page
from warehouse.wire.windows import Window


def fold_pending_engagement(archive: Archive, stream: str) -> list[Folded]:
    """Fold every pull of a stream that is not folded yet, in order of the log."""
    archive.refresh()
    done = []
    for seq in sorted(int(text) for text in archive.state.stream(stream).pending_fold):
        entry, folded = archive.entry(seq), Folded(seq)
        made = fold_again(archive, entry, folded)
        if commit_versions(archive, entry, made, BY_STREAM[stream].table, folded) is not None:
            done.append(folded)
    return done


def fold_again(archive: Archive, entry: Entry, folded: Folded | None = None) -> dict[str, pa.Table]:
    """The versions that a pull adds to those before it; nothing is written."""
    folded = folded or Folded(entry.seq)
    measure, window = BY_STREAM[entry.stream or ""], _window(entry)
    first = window.days()[0]
    served: dict[str, Row] = {}
    for number, asked, ref in last_walks(entry.objects):
        for position, record in enumerate(split_page(archive.read_page(ref)).records):
            row = read_row(measure, record, asked, first) | {"page": number, "position": position}
            served[row["record_key"]] = row  # served twice while the list moved: the later counts
    folded.records += len(served)
    for row in served.values():
        folded.unknown_fields.update(f"{measure.table}: {name}"[:300] for name in row["unknown_fields"] or ())
    files = files_within(archive.state, measure.table, window, entry.seq)
    held = {
        key: row
        for key, row in newest(archive, measure.schema, files, entry.seq).items()
        if row["day"] in window.days()
    }
    return {measure.table: next_versions(measure.schema, entry, served, held, folded)}


def last_walks(objects: Iterable[ObjectRef]) -> list[tuple[int, date | None, ObjectRef]]:
    """The pages that count, with their numbers from 1 and the day that was asked for, where the query names one.

    A day whose walk was begun again (its cursor died) leaves pages before its last beginning.
    """
    by_day: dict[date | None, list[tuple[int, date | None, ObjectRef]]] = {}
    for number, ref in enumerate(objects, 1):
        given = parse_qs(ref.query if isinstance(ref.query, str) else "").get("date")
        asked = date.fromisoformat(given[0]) if given else None
        if ref.cursor_in is None:
            by_day[asked] = []
        by_day.setdefault(asked, []).append((number, asked, ref))
    return [page for pages in by_day.values() for page in pages]


def rederive_engagement(archive: Archive, pulls: list[Entry], result: Verification) -> None:
    """Compare each pull of engagement (in order of the log) with the versions stored of it."""
    rederive_versions(
        archive,
        pulls,
        result,
        schemas={name: measure.schema for name, measure in MEASURES.items()},
        streams=BY_STREAM,
        again=fold_again,
    )


def _window(entry: Entry) -> Window:
    if entry.window is None:
        raise ValueError(f"pull entry {entry.seq} of {entry.stream} names no window")
    return Window.from_text(entry.window)
