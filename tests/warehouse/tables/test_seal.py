"""A sealed day: each row once, whatever happens in between."""

from datetime import timedelta

import duckdb
import pyarrow.parquet as pq
import pytest

from tests.warehouse.archive.locking import LockingStore, MemoryLocks
from tests.warehouse.archive.rig import open_archive
from tests.warehouse.archive.stores import Clock
from tests.warehouse.tables.conftest import DAY, Bench, event, verbatim
from warehouse.archive import keys
from warehouse.archive.holds import set_hold
from warehouse.archive.verify import verify
from warehouse.tables.activities import Parser
from warehouse.tables.schema import AUDIT_EVENTS
from warehouse.tables.seal import seal_day, seal_settled_days, write_missing_markers
from warehouse.taxonomy import load
from warehouse.wire.windows import Window

WHOLE = Window(DAY, DAY + timedelta(days=1))
ROWS = "select id, version, fold, raw, commit_seq, content_sha256 from audit_event_versions order by id, version"

# What a reader without the log sees (Athena's rule): sealed rows whose file a marker names, and recent rows above
# the day's greatest through_seq.
WITHOUT_THE_LOG = """
with markers as (select * from read_parquet('{root}/seals/audit_events/*/*.parquet', hive_partitioning = false))
select id, version, fold, raw, commit_seq, content_sha256
from read_parquet('{root}/tables/sealed/audit_events/*/*.parquet', filename = 'stored_as') as s
join markers as m on regexp_extract(s.stored_as, '[^/]+$') = m.file and cast(s.dt as varchar) = m.dt
union all
select id, version, fold, raw, commit_seq, content_sha256
from read_parquet('{root}/tables/recent/audit_events/*/*.parquet') as r
where commit_seq > coalesce((select max(through_seq) from markers as m where m.dt = cast(r.dt as varchar)), -1)
order by id, version
"""


def records(count: int, start: int = 0) -> list[bytes]:
    return [verbatim(event(n, DAY + timedelta(minutes=n))) for n in range(start, start + count)]


def without_the_log(bench: Bench) -> list[tuple]:
    root = bench.archive.store.url.removeprefix("file:")
    return duckdb.sql(WITHOUT_THE_LOG.format(root=root)).fetchall()


def test_sealing_changes_no_row(bench: Bench) -> None:
    bench.pull(WHOLE, records(50))
    bench.pull(WHOLE, [*records(49), verbatim(event(49, DAY + timedelta(minutes=49), claude_chat_id="new"))])
    before = bench.sql(ROWS)
    sealed = seal_day(bench.archive, DAY.date())
    assert sealed is not None
    assert (sealed.rows, sealed.parts) == (51, 1)
    assert bench.sql(ROWS) == before
    assert without_the_log(bench) == before


def sealed_file(bench: Bench) -> str:
    (file,) = bench.archive.state.table("audit_events").sealed
    return f"{bench.archive.store.url.removeprefix('file:')}/{file.key}"


def test_a_sealed_part_is_sorted_by_actor_and_time_with_what_finds_an_id_and_an_actor(bench: Bench) -> None:
    mixed = [
        verbatim(
            event(n, DAY + timedelta(minutes=60 - n), actor={"type": "user_actor", "user_id": f"user_{n % 3}"})
        )
        for n in range(60)
    ]
    bench.pull(WHOLE, mixed)
    seal_day(bench.archive, DAY.date())
    path = sealed_file(bench)
    rows = pq.read_table(path, partitioning=None).select(["actor_id", "created_at"]).to_pylist()
    assert rows == sorted(rows, key=lambda row: (row["actor_id"], row["created_at"]))
    filters = duckdb.sql(
        f"select path_in_schema from parquet_metadata('{path}') where bloom_filter_offset is not null"
    ).fetchall()
    assert filters == [("id",), ("actor_id",)]
    group = pq.read_metadata(path).row_group(0)
    assert all(group.column(n).has_offset_index for n in range(group.num_columns))
    assert group.column(AUDIT_EVENTS.names.index("actor_id")).has_column_index


def test_later_versions_lie_behind_the_first_in_row_groups_of_their_own(bench: Bench) -> None:
    bench.pull(WHOLE, records(20))
    bench.pull(
        WHOLE, [*records(18), *(verbatim(event(n, DAY + timedelta(minutes=n), url="new")) for n in (18, 19))]
    )
    seal_day(bench.archive, DAY.date())
    metadata, place = pq.read_metadata(sealed_file(bench)), AUDIT_EVENTS.names.index("version")
    found = [metadata.row_group(n).column(place).statistics for n in range(metadata.num_row_groups)]
    assert [(one.min, one.max, one.num_values) for one in found] == [(1, 1, 20), (2, 2, 2)]


def test_late_rows_live_in_recent_until_a_further_part_takes_them(bench: Bench) -> None:
    bench.pull(WHOLE, records(10))
    seal_day(bench.archive, DAY.date())
    folded = bench.pull(WHOLE, records(12))
    assert (folded.first, folded.unchanged) == (2, 10)
    before = bench.sql(ROWS)
    assert len(before) == 12
    assert without_the_log(bench) == before
    assert seal_day(bench.archive, DAY.date()) is not None
    assert [file.part for file in bench.archive.state.table("audit_events").sealed] == [1, 2]
    assert bench.sql(ROWS) == before
    assert without_the_log(bench) == before


def test_a_revision_of_a_sealed_record_is_a_version_beside_it(bench: Bench) -> None:
    bench.pull(WHOLE, records(3))
    seal_day(bench.archive, DAY.date())
    folded = bench.pull(WHOLE, [*records(2), verbatim(event(2, DAY + timedelta(minutes=2), claude_chat_id="new"))])
    assert (folded.revised, folded.unchanged) == (1, 2)
    assert bench.sql("select claude_chat_id, version from audit_events where version > 1") == [("new", 2)]


def test_sealing_again_is_nothing(bench: Bench) -> None:
    bench.pull(WHOLE, records(3))
    assert seal_day(bench.archive, DAY.date()) is not None
    assert seal_day(bench.archive, DAY.date()) is None


def test_a_day_with_a_pull_that_waits_to_be_folded_is_not_sealed(bench: Bench) -> None:
    bench.pull(WHOLE, records(3))
    bench.commit(WHOLE, records(4))
    assert seal_day(bench.archive, DAY.date()) is None


@pytest.mark.parametrize("step", ["before the entry", "before the marker"])
def test_a_seal_killed_between_its_steps_shows_each_row_once_and_is_finished_later(
    bench: Bench, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.pull(WHOLE, records(20))
    before = bench.sql(ROWS)

    class Killed(Exception):
        pass

    put = type(bench.archive).put

    def killed(self: object, key: str, data: bytes, *, recent: bool = False) -> object:
        done = None if key.startswith("seals/") else put(self, key, data, recent=recent)
        if key.startswith("seals/" if step == "before the marker" else "tables/sealed/"):
            raise Killed
        return done

    with monkeypatch.context() as patch:
        patch.setattr(type(bench.archive), "put", killed)
        with pytest.raises(Killed):
            seal_day(bench.archive, DAY.date())
    assert bench.sql(ROWS) == before
    write_missing_markers(bench.archive)
    seal_day(bench.archive, DAY.date())
    assert bench.sql(ROWS) == before
    assert without_the_log(bench) == before
    bench.archive.settle()
    assert [finding.code for finding in verify(bench.archive.store).findings] == []


def test_a_marker_whose_hold_a_crash_left_out_is_held_by_the_next_run(monkeypatch: pytest.MonkeyPatch) -> None:
    store, now = LockingStore(Clock()), [DAY + timedelta(days=2)]

    class Killed(Exception):
        pass

    hold = MemoryLocks.hold

    def dying(self: MemoryLocks, key: str, version_id: str | None, *, on: bool) -> None:
        if key.startswith("seals/"):
            raise Killed
        hold(self, key, version_id, on=on)

    with open_archive(store, clock=lambda: now[0]) as archive:
        Bench(archive, Parser(load()), now).pull(WHOLE, records(5))
        set_hold(archive, "case-7", WHOLE, reason="litigation")
        with monkeypatch.context() as patch:
            patch.setattr(MemoryLocks, "hold", dying)
            with pytest.raises(Killed):
                seal_day(archive, DAY.date())
        (marker,) = store.names("seals/")
        assert marker not in {key for key, _ in store.held}
        assert write_missing_markers(archive) == 0
        archive.settle()
    assert marker in {key for key, _ in store.held}
    assert [finding.code for finding in verify(store).findings] == []


def test_only_whole_days_that_were_read_after_they_settled_are_sealed(bench: Bench) -> None:
    bench.now[0] = DAY + timedelta(days=1, minutes=10)
    bench.pull(Window(DAY, DAY + timedelta(hours=12)), records(5))
    assert seal_settled_days(bench.archive) == []
    bench.pull(Window(DAY + timedelta(hours=12), WHOLE.end), [])
    assert seal_settled_days(bench.archive) == []
    bench.advance(hours=3)
    bench.pull(WHOLE, records(5))
    assert [sealed.day for sealed in seal_settled_days(bench.archive)] == [DAY.date()]


def test_two_markers_never_show_one_part_number_twice(bench: Bench) -> None:
    """A part that lost its race lies there under the same number; only the winner's file has a marker."""
    bench.pull(WHOLE, records(8))
    seal_day(bench.archive, DAY.date())
    (file,) = bench.archive.state.table("audit_events").sealed
    data = bench.archive.store.get(file.key)
    loser = keys.sealed("audit_events", DAY.date(), 1, "0" * 64)
    bench.archive.store.put_if_absent(loser, data, None)
    assert len(without_the_log(bench)) == 8
