"""What a pull makes of the rows that are held: first, unchanged, revised, withdrawn."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.warehouse.tables.conftest import DAY, Bench, event, verbatim
from warehouse.tables import record_map
from warehouse.tables.fold import batches_of, begin_fold, fold_pending
from warehouse.tables.seal import seal_day
from warehouse.wire.windows import Window

WHOLE = Window(DAY, DAY + timedelta(days=1))


@pytest.fixture(params=["few", "many"], autouse=True)
def packed(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test as it is, and with what is known of records packed as on a day of millions."""
    if request.param == "many":
        monkeypatch.setattr(record_map, "UNPACKED", 2)


def records(count: int, **fields: object) -> list[bytes]:
    return [verbatim(event(n, DAY + timedelta(minutes=n), **fields)) for n in range(count)]


def test_every_record_of_a_first_pull_is_first(bench: Bench) -> None:
    folded = bench.pull(WHOLE, records(10)[:6], records(10)[6:])
    assert (folded.records, folded.first, folded.unchanged) == (10, 10, 0)
    assert bench.sql("select count(*), count(distinct id), min(version), max(fold) from audit_events") == [
        (10, 10, 1, "first")
    ]


def test_raw_is_the_record_as_served(bench: Bench) -> None:
    odd = b'{ "id":"activity_x","created_at":"2026-11-20T01:00:00Z","type":"claude_chat_created", "big":1e400 }'
    bench.pull(WHOLE, [odd])
    assert bench.sql("select raw from audit_events") == [(odd.decode(),)]


def test_a_second_pull_of_the_same_content_adds_nothing(bench: Bench) -> None:
    bench.pull(WHOLE, records(10))
    folded = bench.pull(WHOLE, records(10))
    assert (folded.first, folded.revised, folded.withdrawn, folded.unchanged) == (0, 0, 0, 10)
    assert bench.sql("select count(*) from audit_event_versions") == [(10,)]


def test_a_mere_reordering_of_keys_is_no_revision(bench: Bench) -> None:
    record = event(1, DAY)
    bench.pull(WHOLE, [verbatim(record)])
    folded = bench.pull(WHOLE, [verbatim(dict(reversed(record.items())))])
    assert (folded.revised, folded.unchanged) == (0, 1)


def test_a_changed_record_becomes_a_second_version_and_the_first_stays(bench: Bench) -> None:
    bench.pull(WHOLE, records(3))
    before = bench.now[0]
    bench.advance(hours=1)
    changed = records(3)
    changed[1] = verbatim(event(1, DAY + timedelta(minutes=1), claude_chat_id="[redacted]"))
    folded = bench.pull(WHOLE, changed)
    assert (folded.revised, folded.unchanged, folded.withdrawn) == (1, 2, 0)
    one = "where id like '%1'"
    assert bench.sql(f"select version, fold, claude_chat_id from audit_event_versions {one} order by version") == [
        (1, "first", "claude_chat_1"),
        (2, "revised", "[redacted]"),
    ]
    assert bench.sql(f"select claude_chat_id from audit_events {one}") == [("[redacted]",)]
    as_of = f"audit_events_as_of('{before.isoformat()}')"
    assert bench.sql(f"select claude_chat_id from {as_of} {one}") == [("claude_chat_1",)]


def test_a_record_no_longer_served_is_withdrawn_with_its_content_kept(bench: Bench) -> None:
    bench.pull(WHOLE, records(3))
    folded = bench.pull(WHOLE, records(3)[:2])
    assert folded.withdrawn == 1
    assert bench.sql("select version, fold, claude_chat_id from audit_events where id like '%2'") == [
        (2, "withdrawn", "claude_chat_2")
    ]
    again = bench.pull(WHOLE, records(3)[:2])
    assert (again.withdrawn, again.unchanged) == (0, 2)


@pytest.mark.parametrize("sealed", [False, True])
def test_a_record_that_moved_within_its_day_is_not_withdrawn_where_it_was(bench: Bench, sealed: bool) -> None:
    bench.pull(WHOLE, records(3))
    moved = verbatim(event(1, DAY + timedelta(hours=15)))
    bench.pull(WHOLE, [*records(1), moved, records(3)[2]])
    if sealed:
        seal_day(bench.archive, DAY.date())
    early = Window(DAY, DAY + timedelta(minutes=5))
    folded = bench.pull(early, [*records(1)])
    assert folded.withdrawn == 1  # the third, which stood there still
    one = "from audit_events where id like '%1'"
    assert bench.sql(f"select version, fold, created_at_text {one}") == [(2, "revised", "2026-11-20T15:00:00Z")]
    late = Window(DAY + timedelta(hours=14), DAY + timedelta(hours=16))
    assert bench.pull(late, []).withdrawn == 1
    assert bench.sql(f"select version, fold {one}") == [(3, "withdrawn")]


def test_a_withdrawn_record_that_is_served_again_is_a_further_version(bench: Bench) -> None:
    bench.pull(WHOLE, records(2))
    bench.pull(WHOLE, records(1))
    folded = bench.pull(WHOLE, records(2))
    assert (folded.revised, folded.unchanged) == (1, 1)
    assert bench.sql("select version, fold from audit_events where id like '%1'") == [(3, "revised")]


def test_a_partial_pull_withdraws_nothing(bench: Bench) -> None:
    bench.pull(WHOLE, records(3))
    folded = bench.pull(WHOLE, records(1), complete=False)
    assert folded.withdrawn == 0
    assert bench.sql("select count(*) from audit_events where fold = 'withdrawn'") == [(0,)]


def test_a_narrower_window_withdraws_nothing_outside_itself(bench: Bench) -> None:
    bench.pull(WHOLE, records(10))
    folded = bench.pull(Window(DAY, DAY + timedelta(minutes=5)), records(4))
    assert (folded.unchanged, folded.withdrawn) == (4, 1)


def test_a_record_served_twice_in_one_walk_is_one_row(bench: Bench) -> None:
    page = records(3)
    folded = bench.pull(WHOLE, page, [page[2], verbatim(event(9, DAY))])
    assert (folded.records, folded.first) == (5, 4)
    assert bench.sql("select count(*) from audit_event_versions") == [(4,)]


def test_a_record_that_changes_between_two_pages_of_one_walk_gives_two_versions(bench: Bench) -> None:
    page = records(3)
    folded = bench.pull(WHOLE, page, [verbatim(event(2, DAY + timedelta(minutes=2), claude_chat_id="new"))])
    assert (folded.first, folded.revised) == (3, 1)
    assert bench.sql("select version, claude_chat_id from audit_events where id like '%2'") == [(2, "new")]


def test_pulls_that_a_crash_left_unfolded_are_folded_in_order(bench: Bench) -> None:
    bench.commit(WHOLE, records(3))
    bench.commit(WHOLE, records(2))
    folded = fold_pending(bench.archive, bench.parser)
    assert [(f.first, f.withdrawn, f.unchanged) for f in folded] == [(3, 0, 0), (0, 1, 2)]
    assert fold_pending(bench.archive, bench.parser) == []


def test_folding_one_pull_folds_the_overlapping_ones_before_it(bench: Bench) -> None:
    bench.commit(WHOLE, records(3))
    folded = bench.pull(WHOLE, records(3))
    assert (folded.first, folded.unchanged) == (0, 3)


def test_an_empty_result_makes_a_valid_empty_table(bench: Bench) -> None:
    assert bench.sql("select count(*), max(created_at) from audit_events") == [(0, None)]
    folded = bench.pull(WHOLE, [])
    assert folded.records == 0
    assert bench.sql("select count(*) from audit_events where dt = date '2026-11-20'") == [(0,)]


def test_a_window_over_midnight_lands_in_both_days(bench: Bench) -> None:
    window = Window(DAY + timedelta(hours=23), DAY + timedelta(hours=25))
    page = [verbatim(event(n, DAY + timedelta(hours=23, minutes=20 * n))) for n in range(6)]
    bench.pull(window, page)
    assert bench.sql("select cast(dt as varchar), count(*) from audit_events group by dt order by dt") == [
        ("2026-11-20", 3),
        ("2026-11-21", 3),
    ]
    assert bench.pull(window, page).unchanged == 6


def test_records_outside_the_window_are_kept_and_reported(bench: Bench) -> None:
    window = Window(DAY, DAY + timedelta(hours=1))
    bench.pull(window, [verbatim(event(1, DAY + timedelta(days=-3)))])
    assert bench.sql("select cast(dt as varchar) from audit_events") == [("2026-11-17",)]
    assert [finding["code"] for finding in bench.archive.state.findings] == ["outside_window"]
    again = bench.pull(window, [verbatim(event(1, DAY + timedelta(days=-3)))])
    assert (again.first, again.unchanged) == (0, 1)


@pytest.mark.parametrize("late", [timedelta(hours=3), timedelta(days=1), timedelta(days=1, hours=3)])
def test_one_record_after_the_window_is_kept_and_compared_with_its_own_day(bench: Bench, late: timedelta) -> None:
    window = Window(DAY, DAY + timedelta(hours=1))
    page = [verbatim(event(1, DAY + late))]
    assert bench.pull(window, page).first == 1
    again = bench.pull(window, page)
    assert (again.first, again.unchanged) == (0, 1)


@pytest.mark.parametrize("sealed", [False, True])
def test_a_short_pull_holds_what_is_in_its_window_and_compares_a_stray_record_all_the_same(
    bench: Bench, sealed: bool
) -> None:
    """A day of millions lies in few files: a pull of five minutes must not take all of it into memory."""
    page = records(60)
    bench.pull(WHOLE, page)
    if sealed:
        assert seal_day(bench.archive, DAY.date()) is not None
    window = Window(DAY + timedelta(minutes=10), DAY + timedelta(minutes=20))
    bench.advance(minutes=5)
    again = bench.pull(window, page[10:19], [*page[40:42], page[5]], [page[55]])
    assert (again.first, again.revised, again.unchanged, again.withdrawn) == (0, 0, 13, 1)
    if sealed:
        entry = bench.commit(window, page[10:20])
        held = begin_fold(bench.archive, entry, batches_of(bench.archive, entry, bench.parser), bench.parser)._held
        known = held.get_all([event(number, DAY)["id"] for number in range(60)])
        assert [number for number, one in enumerate(known) if one is not None] == list(range(10, 21))


def test_a_record_of_1970_opens_no_file_of_the_days_between(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    for day in range(-3, 0):
        start = DAY + timedelta(days=day)
        bench.pull(Window(start, start + timedelta(days=1)), [verbatim(event(100 - day, start))])
    opened: list[str] = []
    read = bench.archive.read
    monkeypatch.setattr(bench.archive, "read", lambda ref: opened.append(ref.key) or read(ref))
    epoch = verbatim(event(7, datetime(1970, 1, 1, tzinfo=UTC)))
    assert bench.pull(WHOLE, [*records(3), epoch]).first == 4
    assert [key for key in opened if "/audit_events/" in key] == []
    assert bench.pull(WHOLE, [*records(3), epoch]).unchanged == 4


def test_a_page_that_reaches_to_a_midnight_after_the_window_is_compared_with_that_day_too(bench: Bench) -> None:
    page = [verbatim(event(1, DAY)), verbatim(event(2, DAY + timedelta(days=1)))]
    window = Window(DAY, DAY + timedelta(hours=1))
    bench.pull(window, page)
    again = bench.pull(window, page)
    assert (again.first, again.unchanged) == (0, 2)


@pytest.mark.parametrize(
    ("fields", "column", "tag"),
    [
        ({"type": "brand_new_event"}, "unknown_event", True),
        ({"actor": {"type": "robot_actor"}}, "unknown_event", True),
        ({"surprise": 1}, "unknown_fields", ["surprise"]),
        ({"created_at": "yesterday"}, "unknown_fields", ["created_at (unreadable)"]),
        ({"claude_chat_id": 5}, "unknown_fields", ["claude_chat_id (not text)"]),
        ({"id": None}, "unknown_fields", ["id (missing)"]),
    ],
)
def test_a_strange_record_is_kept_and_tagged(bench: Bench, fields: dict, column: str, tag: object) -> None:
    bench.pull(WHOLE, [verbatim(event(1, DAY, **fields)), *records(0)])
    assert bench.sql(f"select {column} from audit_events") == [(tag,)]


@pytest.mark.parametrize("zone", ["Z", "+00:00"])
def test_a_time_before_the_year_1_is_unreadable_and_stops_nothing(bench: Bench, zone: str) -> None:
    odd = verbatim(event(7, DAY, created_at=f"0000-01-01T00:00:00{zone}"))
    first = verbatim(event(8, DAY, created_at=f"0001-01-01T00:00:00{zone}"))
    assert bench.pull(WHOLE, [*records(3), odd, first]).first == 5
    columns = "created_at is null, created_at_text[:4], unknown_fields"
    assert bench.sql(f"select {columns} from audit_events where created_at_text < '0002' order by id") == [
        (True, "0000", ["created_at (unreadable)"]),
        (False, "0001", None),
    ]
    assert bench.pull(WHOLE, [*records(3), odd, first]).unchanged == 5


@pytest.mark.parametrize("sealed", [False, True])
def test_a_record_without_a_time_is_known_again_in_whatever_window(bench: Bench, sealed: bool) -> None:
    odd = verbatim(event(7, DAY, created_at="2026-11-20T00:12:00"))
    bench.pull(WHOLE, [odd, *records(3)])
    if sealed:
        seal_day(bench.archive, DAY.date())
    bench.advance(minutes=5)
    folded = bench.pull(Window(DAY + timedelta(minutes=5), DAY + timedelta(minutes=30)), [odd])
    assert (folded.first, folded.unchanged) == (0, 1)


def test_unknown_types_and_fields_are_remembered_from_their_first_sight(bench: Bench) -> None:
    bench.pull(WHOLE, [verbatim(event(1, DAY, type="brand_new_event")), verbatim(event(2, DAY, surprise=1))])
    bench.pull(WHOLE, [verbatim(event(n, DAY, type="brand_new_event")) for n in (1, 3)])
    seen = "select what, name, records from audit_unknown_first_seen order by what desc"
    assert bench.sql(seen) == [("type", "brand_new_event", 2), ("field", "claude_chat_created: surprise", 1)]


@pytest.mark.parametrize(
    ("served", "tag"),
    [
        (b'{"id":"a1","created_at":"2026-11-20T00:00:00Z","type":"t","x":1,"x":2}', "(duplicate keys)"),
        (b'{"id":"a1","created_at":"2026-11-20T00:00:00Z","type":"t","x":"\xff"}', "(invalid UTF-8)"),
        (b'{"id":"a1","created_at":"2026-11-20T00:00:00Z","type":"t","x":"\\ud800"}', "(lone surrogate)"),
        (b"17", "(not an object)"),
    ],
)
def test_a_record_that_a_strict_reader_refuses_is_kept_to_the_byte(bench: Bench, served: bytes, tag: str) -> None:
    good = verbatim(event(1, DAY))
    folded = bench.pull(WHOLE, [good, served])
    assert folded.records == 2
    ((raw, exact, tags),) = bench.sql(
        "select raw, raw_bytes, unknown_fields from audit_events where len(unknown_fields) > 0"
    )
    assert (exact or raw.encode()) == served
    assert tag in tags
    assert bench.pull(WHOLE, [good, served]).unchanged == 2


def test_integers_beyond_64_bits_are_kept_and_compared_exactly(bench: Bench) -> None:
    bench.pull(WHOLE, [verbatim(event(1, DAY, n=123456789012345678901234567890))])
    assert bench.pull(WHOLE, [verbatim(event(1, DAY, n=123456789012345678901234567891))]).revised == 1
