"""The tables made again from the pages: what follows from them passes, in both tiers, and nothing else does."""

import tempfile
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from msgspec import UNSET

from tests.warehouse.tables.conftest import DAY, Bench, event, verbatim
from warehouse.archive.archive import Archive
from warehouse.archive.entry import Entry, ObjectRef
from warehouse.archive.findings import Verification
from warehouse.archive.store import open_store
from warehouse.tables import parquet, record_map, stored_rows
from warehouse.tables import rederive as rederiving
from warehouse.tables.activities import Parser
from warehouse.tables.audit_export.committing import import_export
from warehouse.tables.fold import OpenFold, batches_of
from warehouse.tables.rederive import rederive
from warehouse.tables.schema import TABLE
from warehouse.tables.seal import seal_day
from warehouse.taxonomy import load
from warehouse.wire.windows import Window

WHOLE = Window(DAY, DAY + timedelta(days=1))


def records(count: int, start: int = 0) -> list[bytes]:
    return [verbatim(event(n, DAY + timedelta(minutes=n))) for n in range(start, start + count)]


def again(archive: Archive) -> Verification:
    result = Verification()
    rederive(archive, Parser(load()), result)
    return result


def told(archive: Archive) -> list[tuple[str, str]]:
    return [(finding.subject, finding.detail) for finding in again(archive).findings]


def eventful(bench: Bench) -> None:
    """First, revised, withdrawn, unchanged, served twice, late, outside the window, and odd records."""
    bench.pull(WHOLE, records(40), records(20, 40))
    changed = [verbatim(event(n, DAY + timedelta(minutes=n), claude_chat_id="new")) for n in (3, 4)]
    bench.advance(minutes=5)
    bench.pull(WHOLE, [*records(3), *changed, *records(50, 5)])
    bench.advance(minutes=5)
    for number in range(4):
        window = Window(DAY + timedelta(minutes=30 * number), DAY + timedelta(minutes=30 * number + 35))
        bench.pull(window, records(35, 30 * number))
        bench.advance(minutes=5)
    twice = records(2, 100)
    outside = verbatim(event(900, DAY + timedelta(days=1, hours=3)))
    odd = [b'{"id":"a","id":"b","created_at":"yesterday"}', b"[1]", b'{"type":"nobody_knows","actor":7}']
    bench.pull(Window(DAY + timedelta(hours=1), DAY + timedelta(hours=2)), [*twice, *twice, outside, *odd])
    bench.pull(Window(DAY + timedelta(hours=3), DAY + timedelta(hours=4)), [], complete=False)


def test_what_follows_from_the_pages_passes_recent_and_sealed(bench: Bench) -> None:
    eventful(bench)
    assert again(bench.archive).findings == []
    assert seal_day(bench.archive, DAY.date()) is not None
    assert again(bench.archive).findings == []
    bench.advance(minutes=5)
    bench.pull(WHOLE, records(70))
    result = again(bench.archive)
    assert (result.findings, result.notes) == ([], [])


def few_in_memory(monkeypatch: pytest.MonkeyPatch, kept: int) -> None:
    """Days and pulls of more rows than `kept` go to disk, in pieces of three rows."""
    for module in (stored_rows, rederiving):
        monkeypatch.setattr(module, "KEPT_ROWS", kept)
        monkeypatch.setattr(module, "ROWS_A_PIECE", 3)


@pytest.mark.parametrize("kept", [0, 30, 50])
def test_days_and_pulls_too_large_for_memory_are_compared_in_pieces_on_disk(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, kept: int
) -> None:
    eventful(bench)
    few_in_memory(monkeypatch, kept)
    assert again(bench.archive).findings == []
    seal_day(bench.archive, DAY.date())
    bench.pull(WHOLE, records(70))
    result = again(bench.archive)
    assert (result.findings, result.notes) == ([], [])


def test_a_folder_for_large_days_that_cannot_be_used_loses_no_finding_and_passes_for_no_verification(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    eventful(bench)
    result = Verification()
    result.found("altered", "pages/one", "was found before")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    rederive(bench.archive, Parser(load()), result)
    assert [finding.subject for finding in result.findings] == ["pages/one"]
    (unread,) = result.unread
    assert unread.subject == "the table audit_events"
    assert "TMPDIR" in unread.reason
    assert "gone" in unread.reason


def test_of_many_rows_that_are_wrong_few_are_named_and_all_are_counted(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    fold_lying(
        bench, lambda t: t.set_column(t.column_names.index("raw"), "raw", pa.repeat("{}", len(t))), records(50)
    )
    in_memory = told(bench.archive)
    few_in_memory(monkeypatch, 0)
    found = told(bench.archive)
    assert len(found) == len(in_memory) == 21
    assert found[-1] == in_memory[-1]
    assert "and 30 more rows of the same pull" in found[-1][1]


def test_a_pull_that_is_not_folded_yet_is_nothing_to_compare(bench: Bench) -> None:
    bench.pull(WHOLE, records(5))
    bench.commit(WHOLE, records(7))
    assert again(bench.archive).findings == []


def test_a_pull_that_is_committed_and_folded_meanwhile_is_left_for_the_next_time(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bench.pull(WHOLE, records(5))
    with Archive(open_store(f"file:{tmp_path}/archive"), clock=lambda: bench.now[0]) as reader:
        entries = reader.entries

        def later(*given: int) -> Iterator[Entry]:
            bench.advance(minutes=5)
            bench.pull(WHOLE, records(7))
            return entries(*given)

        with monkeypatch.context() as patch:
            patch.setattr(reader, "entries", later)
            assert again(reader).findings == []
        assert again(reader).findings == []


@pytest.mark.parametrize("tier", ["recent", "sealed"])
@pytest.mark.parametrize("kept", [400_000, 3])
@pytest.mark.parametrize("again_as", ["2026-11-20T00:12:00", "2026-11-20 00:12"])
def test_a_record_without_a_time_that_an_earlier_release_did_not_know_again_passes(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, tier: str, kept: int, again_as: str
) -> None:
    honest = OpenFold._write

    def with_times(fold: OpenFold, day: date, part: pa.Table) -> ObjectRef:
        ends = pc.min_max(part["created_at"]).as_py()
        covers = parquet.span_text(ends["min"], ends["max"])
        return msgspec.structs.replace(honest(fold, day, part), covers=covers or UNSET)

    monkeypatch.setattr(OpenFold, "_write", with_times)
    few_in_memory(monkeypatch, kept)
    bench.pull(
        Window(DAY, DAY + timedelta(minutes=15)), [verbatim(event(90, DAY, created_at="00:12")), *records(5)]
    )
    bench.advance(minutes=5)
    odd = verbatim(event(90, DAY, created_at=again_as))
    folded = bench.pull(Window(DAY + timedelta(minutes=5), DAY + timedelta(minutes=30)), [odd, *records(5, 20)])
    assert folded.first == 6
    if tier == "sealed":
        seal_day(bench.archive, DAY.date())
    bench.pull(WHOLE, records(30))
    assert told(bench.archive) == []
    fold_lying(bench, lambda t: set_column(t, "actor_email", 0, "x@example.com"), [odd, *records(31)])
    assert told(bench.archive)


@pytest.mark.parametrize("tier", ["recent", "sealed"])
@pytest.mark.parametrize("kept", [400_000, 4])
def test_a_moved_record_that_an_earlier_release_withdrew_where_it_was_passes(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, tier: str, kept: int
) -> None:
    few_in_memory(monkeypatch, kept)
    bench.pull(WHOLE, records(9))
    bench.advance(minutes=5)
    moved = verbatim(event(1, DAY + timedelta(hours=15)))
    bench.pull(WHOLE, [*records(1), moved, *records(7, 2)])
    bench.advance(minutes=5)
    with monkeypatch.context() as patch:
        patch.setattr(OpenFold, "_newest", lambda _, missed: missed)
        assert bench.pull(Window(DAY, DAY + timedelta(minutes=2)), records(1)).withdrawn == 1
    assert bench.sql("select count(*) from audit_events where id like '%1'") == [(2,)]
    bench.advance(minutes=5)
    assert bench.pull(WHOLE, [*records(1), moved, *records(7, 2)]).unchanged == 9
    if tier == "sealed":
        seal_day(bench.archive, DAY.date())
        bench.pull(Window(DAY, DAY + timedelta(minutes=2)), records(1))
    assert told(bench.archive) == []


@pytest.mark.parametrize("sealed", [False, True])
def test_of_two_first_versions_of_a_record_that_moved_the_one_that_was_first_counts(
    bench: Bench, sealed: bool
) -> None:
    bench.pull(WHOLE, [verbatim(event(1, DAY + timedelta(hours=17), claude_chat_id="late"))])
    moved = verbatim(event(1, DAY + timedelta(hours=2), claude_chat_id="early"))
    bench.advance(minutes=5)
    assert bench.pull(Window(DAY, DAY + timedelta(hours=3)), [moved]).first == 1
    if sealed:
        seal_day(bench.archive, DAY.date())
    bench.advance(minutes=5)
    assert bench.pull(WHOLE, [moved]).revised == 1
    assert bench.sql("select version, claude_chat_id from audit_events") == [(2, "early")]
    assert told(bench.archive) == []


# -- tables that somebody, or a faulty release, wrote otherwise -------------------------------------------------


def set_column(rows: pa.Table, name: str, row: int, value: object) -> pa.Table:
    values = rows[name].to_pylist()
    values[row] = value
    return rows.set_column(rows.column_names.index(name), name, pa.array(values, rows.schema.field(name).type))


def fold_lying(bench: Bench, change: Callable[[pa.Table], pa.Table], *pages: list[bytes]) -> None:
    class Lying(OpenFold):
        def _flush(self) -> None:
            rows = change(pa.concat_tables(self._rows).combine_chunks())
            self._rows = [rows] if rows.num_rows else []
            super()._flush()

    entry = bench.commit(WHOLE, *pages)
    work = Lying(bench.archive, entry, WHOLE)
    for batch in batches_of(bench.archive, entry, bench.parser):
        work.add(batch)
    work.close()
    work.complete()


LIES: dict[str, Callable[[pa.Table], pa.Table]] = {
    "a verbatim record": lambda t: set_column(t, "raw", 3, "{}"),
    "an address": lambda t: set_column(t, "ip_address", 3, "203.0.113.9"),
    "an address taken out": lambda t: set_column(t, "ip_address", 3, None),
    "a moment": lambda t: set_column(t, "created_at", 3, DAY + timedelta(hours=5)),
    "a content hash": lambda t: set_column(t, "content_sha256", 3, "00"),
    "a version": lambda t: set_column(t, "version", 3, 2),
    "a fold": lambda t: set_column(t, "fold", 3, "revised"),
    "an id": lambda t: set_column(t, "id", 3, "activity_x"),
    "a row left out": lambda t: t.filter(pc.not_equal(t["position"], 3)),
    "a row too many": lambda t: pa.concat_tables([t, set_column(t.slice(0, 1), "id", 0, "activity_x")]),
    "a row twice": lambda t: pa.concat_tables([t, t.slice(0, 1)]),
    "another entry's row": lambda t: set_column(t, "commit_seq", 3, 4711),
}


@pytest.mark.parametrize("lie", LIES)
@pytest.mark.parametrize("tier", ["recent", "sealed"])
@pytest.mark.parametrize("kept", [400_000, 0])
def test_a_row_that_does_not_follow_is_a_finding_with_its_file(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, lie: str, tier: str, kept: int
) -> None:
    few_in_memory(monkeypatch, kept)
    fold_lying(bench, LIES[lie], records(10))
    if tier == "sealed":
        assert seal_day(bench.archive, DAY.date()) is not None
    found = told(bench.archive)
    assert found
    place = f"tables/{tier}/audit_events/dt={DAY.date()}/"
    gone = "tables/*/audit_events/dt="
    assert all(subject.startswith((place, gone)) for subject, _ in found)
    assert any(subject.startswith(place) for subject, _ in found) or lie in ("a row left out", "a row twice")


@pytest.mark.parametrize("kept", [400_000, 0])
def test_a_row_too_many_on_a_day_outside_the_window_is_a_finding(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, kept: int
) -> None:
    few_in_memory(monkeypatch, kept)
    outside = [verbatim(event(900, DAY + timedelta(days=1, hours=3)))]
    strange = [f"activity_x{number}" for number in range(8)]  # so that some are in another part than the 900

    def add(rows: pa.Table) -> pa.Table:
        last = rows.slice(rows.num_rows - 1)
        return pa.concat_tables([rows, *(set_column(last, "id", 0, one) for one in strange)])

    fold_lying(bench, add, records(10), outside)
    found = told(bench.archive)
    assert len(found) == len(strange)
    assert all(f"dt={DAY.date() + timedelta(days=1)}/" in subject for subject, _ in found)


@pytest.mark.parametrize("kept", [400_000, 0])
def test_a_row_in_the_file_of_another_pull_is_a_finding(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, kept: int
) -> None:
    few_in_memory(monkeypatch, kept)
    bench.pull(WHOLE, records(10))
    bench.advance(minutes=5)

    def forge(rows: pa.Table) -> pa.Table:
        row = set_column(rows.slice(rows.num_rows - 1), "id", 0, "activity_x")
        return pa.concat_tables([rows, set_column(row, "commit_seq", 0, 1)])

    fold_lying(bench, forge, records(12))
    file = bench.archive.state.table(TABLE).recent[-1].key
    assert (file, "1 rows say that they come from entry 1, another pull") in told(bench.archive)


def test_a_row_that_is_wrong_is_named_with_its_columns(bench: Bench) -> None:
    fold_lying(bench, LIES["an address"], records(10))
    ((_, detail),) = told(bench.archive)
    assert "activity_000000000000000000000003" in detail
    assert "in ip_address" in detail


def test_a_withdrawal_that_was_kept_quiet_is_a_finding(bench: Bench) -> None:
    bench.pull(WHOLE, records(10))
    bench.advance(minutes=5)
    fold_lying(bench, lambda t: t.slice(0, 0), records(9))
    ((_, detail),) = told(bench.archive)
    assert "follows from the pages and is not there" in detail


def test_a_flood_is_counted(bench: Bench) -> None:
    fold_lying(bench, lambda t: t.slice(0, 1), records(200))
    found = told(bench.archive)
    assert len(found) < 40
    assert any("and 179 more rows" in detail for _, detail in found)


def test_a_release_that_knows_other_types_is_a_note_and_no_finding(bench: Bench) -> None:
    fold_lying(bench, lambda t: set_column(t, "unknown_event", 3, True), records(10))
    result = again(bench.archive)
    assert result.findings == []
    assert any("1 rows were judged" in note for note in result.notes)


def test_a_page_that_is_gone_is_a_note_since_verify_names_it(bench: Bench) -> None:
    bench.pull(WHOLE, records(10))
    page = bench.archive.entry(1).objects[0].key
    root = bench.archive.store.root  # type: ignore[attr-defined]
    (root / page).unlink()
    result = again(bench.archive)
    assert result.findings == []
    assert any("pull 1" in note and page in note for note in result.notes)


def alter(bench: Bench, key: str) -> None:
    place = bench.archive.store.root / key  # type: ignore[attr-defined]
    place.chmod(0o600)
    place.write_bytes(place.read_bytes()[:-1] + b"x")


@pytest.mark.parametrize("kept", [400_000, 0])
def test_a_table_file_that_was_altered_is_a_note_since_verify_names_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, kept: int
) -> None:
    few_in_memory(monkeypatch, kept)
    outside = verbatim(event(900, DAY + timedelta(days=1, hours=3)))
    bench.pull(WHOLE, [*records(10), outside])  # no other pull reads the second of its days
    (file,) = (one for one in bench.archive.state.table(TABLE).recent if one.dt > DAY.date().isoformat())
    alter(bench, file.key)
    result = again(bench.archive)
    assert result.findings == []
    assert any("pull 1" in note and file.key in note for note in result.notes)


def test_pulls_that_one_damaged_file_stands_in_the_way_of_share_a_note(bench: Bench) -> None:
    for number in range(7):
        bench.pull(WHOLE, records(10 + number))
    seal_day(bench.archive, DAY.date())
    (file,) = bench.archive.state.table(TABLE).sealed
    alter(bench, file.key)
    result = again(bench.archive)
    assert result.findings == []
    (note,) = result.notes
    assert "pull 1, " in note
    assert f" more could not be made again or read: {file.key}" in note
    assert "run `ledgerline verify`" not in note


FORGED = {
    "id": None,
    "version": None,
    "content_sha256": None,
    "fold": None,
    "created_at": None,
    "observed_at": None,
}


@pytest.mark.parametrize("unpacked", [250_000, 2])
@pytest.mark.parametrize(
    ("column", "value"), [*FORGED.items(), ("content_sha256", "00"), ("content_sha256", "x" * 64)]
)
def test_a_forged_value_stops_no_later_fold_and_no_verification(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, column: str, value: object, unpacked: int
) -> None:
    monkeypatch.setattr(record_map, "UNPACKED", unpacked)
    fold_lying(bench, lambda t: set_column(t, column, 3, value), records(10))
    changed = [verbatim(event(n, DAY + timedelta(minutes=n), claude_chat_id="new")) for n in range(10)]
    for served in (records(10), changed, records(8)):
        bench.advance(minutes=5)
        bench.pull(WHOLE, served)
    assert [subject for subject, _ in told(bench.archive) if "/dt=2026-11-20/" in subject]


def spoil(data: bytes) -> bytes:
    """A Parquet file whose footer is whole and whose columns are not."""
    return data[:20] + bytes(byte ^ 0x5A for byte in data[20 : len(data) // 2]) + data[len(data) // 2 :]


@pytest.mark.parametrize("kept", [400_000, 0])
@pytest.mark.parametrize("spoiled", [spoil, lambda data: data[:-8]], ids=["its columns", "its end"])
def test_a_table_file_that_was_damaged_before_its_entry_was_written_is_a_finding_and_stops_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, kept: int, spoiled: Callable[[bytes], bytes]
) -> None:
    few_in_memory(monkeypatch, kept)
    tomorrow = Window(WHOLE.end, WHOLE.end + timedelta(days=1))
    honest = parquet.write
    with monkeypatch.context() as patch:
        patch.setattr(parquet, "write", lambda *a, **k: spoiled(honest(*a, **k)))
        bench.pull(tomorrow, [verbatim(event(900, tomorrow.start))])
    key = bench.archive.state.table(TABLE).recent[0].key
    fold_lying(bench, LIES["an address"], records(10))
    result = again(bench.archive)
    assert result.unread == []
    lie, damaged = result.findings
    assert "in ip_address" in lie.detail
    assert "pull 1" in damaged.subject
    assert key in damaged.detail


# -- imported exports ---------------------------------------------------------------------------------------------

HEADER = "created_at,actor_info,event,event_info,entity_info,ip_address,device_id,user_agent,client_platform\n"


def export(*numbers: int) -> bytes:
    row = "2026-11-20T10:{n:02d}:00Z,\"{{'name': 'P'}}\",user_signed_in,,,192.0.2.{n},d,Mozilla,web\n"
    return (HEADER + "".join(row.format(n=n) for n in numbers)).encode()


def test_rows_of_exports_are_made_again_too_each_once(bench: Bench) -> None:
    first = import_export(bench.archive, export(1, 2, 3), "a.csv")
    second = import_export(bench.archive, export(2, 3, 4), "b.csv")
    assert (first.new, second.new, second.unchanged) == (3, 1, 2)
    assert again(bench.archive).findings == []


def test_a_row_of_an_export_that_does_not_follow_is_a_finding(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    from warehouse.tables.audit_export import committing

    honest = committing.rows_to_table
    with monkeypatch.context() as patch:
        patch.setattr(
            committing, "rows_to_table", lambda *a: set_column(honest(*a), "ip_address", 1, "203.0.113.9")
        )
        import_export(bench.archive, export(1, 2, 3), "a.csv")
    ((subject, detail),) = told(bench.archive)
    assert subject.startswith("tables/recent/audit_export_rows/dt=2026-11-20/")
    assert "ip_address" in detail


def test_a_row_in_the_file_of_another_import_is_a_finding(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    from warehouse.tables.audit_export import committing

    honest = committing.rows_to_table
    import_export(bench.archive, export(1, 2, 3), "a.csv")
    with monkeypatch.context() as patch:
        patch.setattr(committing, "rows_to_table", lambda *a: set_column(honest(*a), "commit_seq", 1, 1))
        import_export(bench.archive, export(4, 5, 6), "b.csv")
    monkeypatch.setattr(stored_rows, "KEPT_ROWS", 0)
    file = bench.archive.state.table("audit_export_rows").recent[-1].key
    assert (file, "1 rows say that they come from entry 1, another import") in told(bench.archive)


def test_a_file_of_exports_that_was_altered_is_a_note_since_verify_names_it(bench: Bench) -> None:
    import_export(bench.archive, export(1, 2, 3), "a.csv")
    (file,) = bench.archive.state.table("audit_export_rows").recent
    alter(bench, file.key)
    result = again(bench.archive)
    assert result.findings == []
    assert any("import 1" in note and file.key in note for note in result.notes)
