"""The snapshot of the directory before another is found without reading the log from its beginning."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from assets.directory_changes import _snapshot_before
from warehouse.archive.archive import Archive
from warehouse.archive.entry import Draft
from warehouse.archive.signing import create_key, load_key
from warehouse.archive.store import open_store
from warehouse.wire.times import parse_rfc3339

BETWEEN, SNAPSHOTS_EVERY = 400, 50


class Counting(Archive):
    """An archive that counts the entries it was asked for."""

    asked = 0

    def entry(self, seq):  # type: ignore[no-untyped-def]
        self.asked += 1
        return super().entry(seq)


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Counting]:
    key, now = tmp_path / "signing.key", [datetime(2026, 11, 20, tzinfo=UTC)]
    create_key(key)

    def tick() -> datetime:
        now[0] += timedelta(minutes=5)
        return now[0]

    store = open_store(f"file:{tmp_path}/archive")
    with Counting(store, key=lambda: load_key(key), clock=tick) as opened:
        yield opened


def pull(archive: Archive, stream: str, *, complete: bool = True) -> int:
    return archive.commit(Draft(kind="pull", stream=stream, complete=complete)).seq


def test_months_of_other_commits_between_two_snapshots_cost_no_more_than_the_logs_own_snapshots_lie_apart(
    archive: Counting,
) -> None:
    first = pull(archive, "users")
    failed = pull(archive, "users", complete=False)
    for number in range(BETWEEN):
        pull(archive, "activities")
        if number % SNAPSHOTS_EVERY == 0:
            archive.log.snapshot()
    second = pull(archive, "users")
    assert archive.entry(failed).complete is False
    archive.asked = 0
    when = _snapshot_before(archive, "users", second)
    assert archive.asked < SNAPSHOTS_EVERY + 10
    assert when == parse_rfc3339(archive.entry(first).committed_at)
    archive.asked = 0
    assert _snapshot_before(archive, "users", first) is None
    assert _snapshot_before(archive, "api_keys", second) is None
    assert archive.asked < SNAPSHOTS_EVERY + 10
