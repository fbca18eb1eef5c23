"""The state that entries lead to, and the entries that lead nowhere."""

import json
from datetime import timedelta
from functools import cache
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.warehouse.archive.rig import BEGIN, STREAM, TABLE, filled, fold, hour, open_archive, pull, seal
from tests.warehouse.archive.stores import Clock, MemoryStore
from warehouse.archive.archive import Archive
from warehouse.archive.derive import apply
from warehouse.archive.entry import Draft, Entry, ObjectRef, parse
from warehouse.archive.errors import EntryUnreadable
from warehouse.archive.shape import check, read
from warehouse.archive.state import LogState, overdue_footprints
from warehouse.wire.times import rfc3339
from warehouse.wire.windows import Window

DAYS = ("2026-11-17", "2026-11-18")


def window(start: float, end: float) -> Window:
    return Window(BEGIN + timedelta(hours=start), BEGIN + timedelta(hours=end))


def done(archive: Archive, start: float, end: float, *, error: str | None = None, stream: str = STREAM) -> Entry:
    more: dict[str, Any] = {"error": error} if error else {}
    return archive.commit(
        Draft(kind="pull", stream=stream, window=window(start, end).as_text(), complete=error is None, **more)
    )


# -- coverage --------------------------------------------------------------------------------------------------


def test_complete_pulls_cover_their_windows_and_partial_ones_do_not(archive: Archive) -> None:
    done(archive, 0, 1)
    done(archive, 1, 2)
    done(archive, 3, 4, error="503")
    assert archive.state.stream(STREAM).covered == [window(0, 2)]
    assert archive.state.covered_until(STREAM) == BEGIN + timedelta(hours=2)


def test_streams_do_not_cover_for_each_other(archive: Archive) -> None:
    done(archive, 0, 1, stream="cost")
    assert archive.state.covered_until(STREAM) is None


def test_a_window_that_failed_is_dead_until_a_complete_pull_covers_it(archive: Archive) -> None:
    done(archive, 0, 1, error="503")
    done(archive, 0, 1, error="504")
    (dead,) = archive.state.stream(STREAM).dead
    assert (dead.window, dead.tries, dead.error) == (window(0, 1), 2, "504")
    done(archive, 0, 2)
    assert archive.state.stream(STREAM).dead == []


def test_pulls_that_cover_a_dead_window_together_end_it_piece_by_piece(archive: Archive) -> None:
    done(archive, 0, 6, error="503")
    done(archive, 2, 3)
    assert [dead.window for dead in archive.state.stream(STREAM).dead] == [window(0, 2), window(3, 6)]
    done(archive, 0, 2)
    done(archive, 3, 9)
    assert archive.state.stream(STREAM).dead == []


def test_a_tail_that_keeps_failing_is_one_dead_window_that_grows(archive: Archive) -> None:
    for end in range(1, 6):
        done(archive, 0, end, error="503")
    (dead,) = archive.state.stream(STREAM).dead
    assert (dead.window, dead.tries) == (window(0, 5), 5)


def test_a_failed_second_look_takes_nothing_away_from_what_was_covered(archive: Archive) -> None:
    done(archive, 0, 24)
    done(archive, 12, 30, error="503")
    assert archive.state.stream(STREAM).covered == [window(0, 24)]
    assert [dead.window for dead in archive.state.stream(STREAM).dead] == [window(24, 30)]


def test_a_day_counts_as_read_again_once_it_was_pulled_whole_after_it_had_settled(
    archive: Archive, clock: Clock
) -> None:
    day = Window.of_day((BEGIN - timedelta(days=1)).date())
    draft = Draft(kind="pull", stream=STREAM, window=day.as_text(), complete=True)
    clock.now = day.end + timedelta(minutes=59)
    archive.commit(draft)
    assert archive.state.stream(STREAM).reread == {}
    clock.now = day.end + timedelta(minutes=60)
    archive.commit(draft)
    assert list(archive.state.stream(STREAM).reread) == ["2026-11-19"]


# -- tables ----------------------------------------------------------------------------------------------------


def test_figures_without_a_time_are_as_old_as_the_first_request_for_them_and_settle_with_their_age(
    archive: Archive, clock: Clock
) -> None:
    clock.now = BEGIN + timedelta(days=20)

    def pulled(asked: str) -> dict[str, str]:
        window = ["2026-11-18T00:00:00Z", "2026-11-20T00:00:00Z"]
        archive.commit(
            Draft(kind="pull", stream="skills", window=window, complete=True, settles_after=7, objects=[
                ObjectRef(key="pages/a", version_id=None, sha256="0" * 64, bytes=1, requested_at=asked)])
        )  # fmt: skip
        return archive.state.stream("skills").unsettled

    first, later = "2026-11-20T10:05:00Z", "2026-11-21T10:05:00Z"
    assert pulled(later) == {"2026-11-18": later, "2026-11-19": later}
    assert pulled(first) == {"2026-11-18": later, "2026-11-19": later}
    assert pulled("2026-11-25T10:05:00Z") == {"2026-11-19": "2026-11-25T10:05:00Z"}
    assert archive.state.stream("skills").refreshed_at is None
    assert archive.state.stream("skills").reread == {}


def test_a_pull_waits_to_be_folded_until_its_table_entry(archive: Archive) -> None:
    entry = pull(archive, 0)
    assert list(archive.state.stream(STREAM).pending_fold) == [str(entry.seq)]
    fold(archive, entry, *DAYS, counts={"first": 2, "unknown_types": {"new_type": 1}})
    assert archive.state.stream(STREAM).pending_fold == {}
    table = archive.state.table(TABLE)
    assert [file.dt for file in table.recent] == list(DAYS)
    assert (table.counts, table.folded_through) == ({"first": 2}, entry.seq)
    assert table.unknown_types["new_type"].count == 1


def test_a_seal_takes_over_the_recent_files_of_its_day_alone(archive: Archive) -> None:
    first, second = pull(archive, 0), pull(archive, 1)
    fold(archive, first, *DAYS)
    fold(archive, second, *DAYS)
    entry = seal(archive, DAYS[0], first.seq, [first.seq])
    table = archive.state.table(TABLE)
    assert [(file.dt, file.seq) for file in table.recent] == [
        (DAYS[1], first.seq), (DAYS[0], second.seq), (DAYS[1], second.seq),
    ]  # fmt: skip
    assert [file.key for file in table.sealed] == [entry.objects[0].key]
    assert table.markers == {entry.objects[1].key: entry.objects[0].key}


# -- footprints ------------------------------------------------------------------------------------------------


def caller(name: str, count: int = 1) -> dict[str, Any]:
    who = {"key_id": name, "ip_address": "192.0.2.1", "user_agent": "curl"}
    return {**who, "event_id": "e", "at": None, "count": count}


def test_requests_wait_for_their_footprints_and_only_served_ones_are_missed(archive: Archive) -> None:
    entry = pull(
        archive, 0, audited=True,
        attempts=[{"request_id": "req_failed", "requested_at": rfc3339(BEGIN)}, {"request_id": None}],
    )  # fmt: skip
    served = entry.objects[0].request_id
    assert list(archive.state.footprints.pending) == [served]
    assert list(archive.state.footprints.possible) == ["req_failed"]
    done(archive, -80, 1)
    assert overdue_footprints(archive.state, STREAM) == [served]
    fold(archive, entry, footprints={"found": [served, "req_failed", "req_strange"], "others": [caller("k")]})
    footprints = archive.state.footprints
    assert (footprints.pending, footprints.possible, footprints.found) == ({}, {}, 2)
    assert overdue_footprints(archive.state, STREAM) == []
    assert [other.key_id for other in footprints.foreign()] == ["k"]


def test_callers_are_counted_by_who_they_are(archive: Archive) -> None:
    entry = pull(archive, 0)
    fold(archive, entry, footprints={"others": [caller("k", 2), caller("ours", 1)]})
    fold(archive, entry, footprints={"others": [caller("k", 3)], "identities": ["ours|192.0.2.1|curl"]})
    footprints = archive.state.footprints
    assert [(other.key_id, other.count) for other in footprints.foreign()] == [("k", 5)]
    assert footprints.unclaimed() == 1


def test_a_feed_that_shows_no_footprints_does_not_make_the_state_grow_for_ever() -> None:
    states = []
    for order in (1, -1):
        state = LogState()
        for number in range(12):
            seqs = range(number * 1000, number * 1000 + 1000)[::order]
            attempts = [
                {"request_id": f"req_{seq}", "requested_at": rfc3339(BEGIN + timedelta(seconds=seq))}
                for seq in seqs
            ]
            data = msgspec.json.encode(
                {**json.loads(bare("pull", seq=number)), "stream": STREAM, "audited": True, "attempts": attempts}
            )
            apply(state, read(data, "k"))
        states.append(state)
    assert len(states[0].footprints.possible) <= 11_000
    assert min(states[0].footprints.possible.values()) > rfc3339(BEGIN)
    # what is forgotten does not depend on the order in which a mapping happens to be kept
    assert states[0].footprints == states[1].footprints


# -- a pure function -------------------------------------------------------------------------------------------


def test_asking_about_what_no_entry_named_changes_nothing(archive: Archive, memory: MemoryStore) -> None:
    pull(archive, 0)
    before = archive.state.to_builtins()
    archive.state.stream("cost"), archive.state.table("cost_rows"), archive.state.covered_until("users")
    overdue_footprints(archive.state, "summaries")
    assert archive.state.to_builtins() == before


def test_the_same_entries_lead_to_the_same_state_by_every_way(memory: MemoryStore) -> None:
    archive = filled(memory)
    replayed = LogState()
    for entry in archive.entries():
        apply(replayed, entry)
    ours = archive.state.to_builtins()
    position = {"head_sha256", "edge_size", "edge_levels"}  # kept by whoever reads, not by `apply`
    assert {k: v for k, v in replayed.to_builtins().items() if k not in position} == {
        k: v for k, v in ours.items() if k not in position
    }
    assert open_archive(memory, key=None).refresh().to_builtins() == ours


def test_a_later_entry_has_no_say_in_who_may_sign(archive: Archive) -> None:
    pull(archive, 0)
    before = (archive.state.origin, archive.state.public_key)
    other = {"origin": "ledgerline/other", "public_key": "ledgerline/other+00000000+AA"}
    archive.commit(Draft(kind="snapshot", state=archive.state.to_builtins(), **other))
    assert (archive.state.origin, archive.state.public_key) == before


def test_a_state_is_read_back_from_its_json(memory: MemoryStore) -> None:
    state = filled(memory).state
    assert LogState.from_builtins(json.loads(msgspec.json.encode(state))) == state


@pytest.mark.parametrize(
    "data", [None, [], {"seq": "1"}, {"format": "ledgerline-state/999"}, {"edge_levels": [["~"]]}]
)
def test_what_is_no_state_of_this_format_is_refused(data: Any) -> None:
    with pytest.raises(msgspec.ValidationError):
        LogState.from_builtins(data)


# -- entries that lead nowhere ---------------------------------------------------------------------------------


def bare(kind: str, **fields: Any) -> bytes:
    """An entry's bytes as somebody who knows the format might write them."""
    common = {
        "format": "ledgerline-entry/1", "seq": 3, "kind": kind, "stream": None, "window": None, "query": None,
        "complete": None, "objects": [], "derived_from": [], "counts": {}, "data_refreshed_at": None,
        "writer": "w", "committed_at": "2026-11-22T10:00:00Z", "snapshot": None, "previous": None,
    }  # fmt: skip
    return json.dumps({**common, **fields}).encode()


REF = {"key": "tables/recent/x", "version_id": None, "sha256": "aa", "bytes": 1}
NONSENSE = {
    "a number below zero": bare("adopt", seq=-1),
    "a snapshot after itself": bare("adopt", snapshot=3),
    "a snapshot below zero": bare("adopt", snapshot=-1),
    "no time": bare("adopt", committed_at="yesterday"),
    "a pull of nothing": bare("pull"),
    "a window of one time": bare("pull", stream="s", window=["2026-11-22T10:00:00Z"]),
    "a window of three times": bare("pull", stream="s", window=["2026-11-22T10:00:00Z"] * 3),
    "a window turned round": bare("pull", stream="s", window=["2026-11-22T10:00:00Z", "2026-11-21T10:00:00Z"]),
    "a window of words": bare("pull", stream="s", window=["a", "b"]),
    "a window to the end of time": bare(
        "pull", stream="s", complete=True, window=["9999-12-30T00:00:00Z", "9999-12-31T23:59:59Z"]
    ),
    "a request at no time": bare("pull", stream="s", objects=[{**REF, "requested_at": "soon"}]),
    "an attempt at no time": bare("pull", stream="s", audited=True, attempts=[{"requested_at": "soon"}]),
    "a table entry of no table": bare("table"),
    "a seal of no table": bare("seal"),
    "a span of one": bare("table", table="t", objects=[{**REF, "covers": ["x"]}]),
    "a day that is none": bare("table", table="t", objects=[{**REF, "dt": "../../etc"}]),
    "unknown types in a list": bare("table", table="t", counts={"unknown_types": ["x"]}),
    "unknown types not counted": bare("table", table="t", counts={"unknown_types": {"x": "many"}}),
    "footprints in a mapping": bare("table", table="t", footprints={"found": {}}),
    "footprints that are numbers": bare("table", table="t", footprints={"found": [1, [2]]}),
    "callers without a name": bare("table", table="t", footprints={"others": [{}]}),
    "a snapshot of nothing": bare("snapshot"),
}


@pytest.mark.parametrize("data", NONSENSE.values(), ids=NONSENSE.keys())
def test_an_entry_that_cannot_be_one_is_refused_by_name(data: bytes) -> None:
    entry = parse(data, "log/entry/000000000003.json")
    with pytest.raises(EntryUnreadable, match=r"log/entry/000000000003\.json"):
        check(entry, "log/entry/000000000003.json")


JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 5)
    | st.sampled_from(["", "x", "2026-11-22T10:00:00Z", "2026-11-22"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["x", "found", "key"]), inner, max_size=3)
    ),
    max_leaves=5,
)


@cache
def small_log() -> tuple[list[bytes], bytes]:
    """The entries of an archive with everything in it, and the state they lead to."""
    store = MemoryStore(Clock())
    state = filled(store, 2).state
    return [store.get(key) for key in store.names("log/entry/")], msgspec.json.encode(state)


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_what_passes_the_check_can_always_be_taken_in(data: st.DataObject) -> None:
    entries, state = small_log()
    document = json.loads(data.draw(st.sampled_from(entries)))
    places: list[tuple[Any, Any]] = []

    def walk(part: Any) -> None:
        for name in part if isinstance(part, dict) else range(len(part)) if isinstance(part, list) else ():
            places.append((part, name))
            walk(part[name])

    walk(document)
    for _ in range(data.draw(st.integers(1, 3))):
        holder, name = data.draw(st.sampled_from(places))
        holder[name] = data.draw(JUNK)
    document["kind"] = data.draw(st.sampled_from(["pull", "table", "seal", "snapshot", "adopt", document["kind"]]))
    try:
        entry = read(json.dumps(document).encode(), "k")
    except EntryUnreadable:
        return
    apply(LogState(), entry)
    apply(LogState.from_builtins(json.loads(state)), entry)


def test_what_no_reader_could_take_in_is_not_written(archive: Archive, memory: MemoryStore) -> None:
    pull(archive, 0)
    size = archive.state.size
    for draft in (
        Draft(kind="pull"),
        Draft(kind="table"),
        Draft(kind="pull", stream=STREAM, window=["x", "y"]),
        Draft(kind="adopt", findings=[{"code": 1}]),  # type: ignore[dict-item]
        Draft(kind="adopt", counts={"unknown_types": 1}, derived_from=["x"]),  # type: ignore[list-item]
    ):
        with pytest.raises(EntryUnreadable):
            archive.commit(draft)
    assert len(memory.names("log/entry/")) == archive.state.size == size
    pull(archive, 1)
    assert hour(1).end == archive.state.covered_until(STREAM)
