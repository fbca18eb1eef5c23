"""The view audit_export_matches as a whole: never a false alarm, imported files, size, the other engine."""

from datetime import timedelta

import duckdb
import pyarrow as pa
import sqlglot
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.warehouse.tables.audit_export.made_exports import SAMPLE, actor, csv_text, record
from tests.warehouse.tables.audit_export.made_matches import CHAT, EVENTS, JANE, TEN, at, event, matches, row
from warehouse.tables.audit_export import audit_export_matches_sql, read_export, rows_to_table
from warehouse.wire.windows import Window

moments = st.integers(0, 24).map(lambda n: n * 0.25) | st.integers(0, 6_000_000).map(lambda n: n / 1_000_000)
people = st.sampled_from([JANE, "kenji@example.com"])


@settings(max_examples=80, deadline=None)
@given(
    rows=st.lists(st.tuples(moments, people), max_size=14),
    events=st.lists(st.tuples(moments, people), max_size=14),
)
def test_whatever_happened_the_answer_is_one_to_one_in_tolerance_and_raises_no_false_alarm(
    db: duckdb.DuckDBPyConnection, rows: list[tuple[float, str]], events: list[tuple[float, str]]
) -> None:
    happened = {f"e{n:02}": (at(seconds), email) for n, (seconds, email) in enumerate(events)}
    wanted = {f"r{n:02}": (at(seconds), email) for n, (seconds, email) in enumerate(rows)}
    answer = matches(
        db,
        [row(f"r{n:02}", seconds, email) for n, (seconds, email) in enumerate(rows)],
        [event(f"e{n:02}", seconds, email) for n, (seconds, email) in enumerate(events)],
    )
    taken = [line[0] for line in answer.values() if line[0] is not None]
    free = set(happened) - set(taken)
    assert answer.keys() == wanted.keys()
    assert len(set(taken)) == len(taken)
    for key, (event_id, match, delta_ms, _) in answer.items():
        moment, email = wanted[key]
        if event_id is not None:
            delta = happened[event_id][0] - moment
            assert happened[event_id][1] == email
            assert abs(delta) <= timedelta(seconds=2)
            assert (match, delta_ms) == ("feed_has", delta / timedelta(milliseconds=1))
        else:
            near = [
                f for f in free if happened[f][1] == email and abs(happened[f][0] - moment) <= timedelta(seconds=2)
            ]
            assert (match, near) == ("feed_lacks", [])


def test_the_answer_does_not_depend_on_the_order_in_which_events_arrived(db: duckdb.DuckDBPyConnection) -> None:
    rows = [row(f"r{n}", n * 0.3) for n in range(12)]
    events = [event(f"e{n}", n * 0.37 + 0.1) for n in range(12)]
    assert matches(db, rows, events) == matches(db, rows, reversed(events))


def test_an_imported_file_is_compared_with_the_feed(db: duckdb.DuckDBPyConnection) -> None:
    export = read_export(SAMPLE.read_bytes(), SAMPLE.name)
    table = rows_to_table(export.rows(), export.export_id, export.file_name, 3, TEN)
    db.register("export_archive", table)
    feed = [
        {"id": "a1", "created_at": at(0.1), "type": "sso_login_succeeded", "actor_email": "Jane@example.com"},
        {"id": "a2", "created_at": at(131.4), "type": CHAT, "actor_email": "reece@example.com"},
        {"id": "a3", "created_at": at(240.2), "type": "claude_file_uploaded", "actor_email": "reece@example.com"},
    ]
    db.execute("create schema if not exists archive")
    db.execute("create or replace table archive.audit_export_rows as select * from export_archive")
    db.register("feed_archive", pa.Table.from_pylist(feed, schema=EVENTS))
    db.execute("create or replace table archive.audit_events as select * from feed_archive")
    answer = db.execute(
        "select r.row_no, m.event_id, m.match from "
        f"({audit_export_matches_sql('archive.')}) as m "
        "join archive.audit_export_rows as r using (row_key) order by 1"
    ).fetchall()
    assert answer == [
        (1, "a1", "feed_has"),
        (2, "a2", "feed_has"),
        (3, None, "not_comparable"),
        (4, "a3", "feed_has"),
        (5, None, "feed_lacks"),
        (6, None, "feed_lacks"),
        (7, None, "not_comparable"),
        (8, None, "feed_lacks"),
        (9, None, "feed_lacks"),
        (10, None, "not_comparable"),
    ]


def test_overlapping_exports_are_compared_as_one(db: duckdb.DuckDBPyConnection) -> None:
    same = record(created_at="2026-11-20T10:00:00Z", actor_info=actor("Reece O'Sullivan", "reece@example.com"))
    tables = []
    for number, copies in enumerate((1, 2), start=1):
        export = read_export(csv_text(*[same] * copies).encode(), f"{number}.csv")
        tables.append(rows_to_table(export.rows(), export.export_id, export.file_name, number, TEN))
    db.register("audit_export_rows", pa.concat_tables(tables))
    db.register("audit_events", pa.Table.from_pylist([event("e", 0, "reece@example.com")], schema=EVENTS))
    answer = db.execute(
        f"select match, count(*) from ({audit_export_matches_sql()}) group by 1 order by 1"
    ).fetchall()
    assert answer == [("feed_has", 1), ("feed_lacks", 1)]


def test_a_hundred_thousand_rows_are_compared_with_a_million_events(db: duckdb.DuckDBPyConnection) -> None:
    # No clock here: a join that is not by bucket would compare 10^11 pairs and not end.
    for name in ("audit_events", "audit_export_rows"):
        db.execute(f"drop view if exists {name}")
    db.execute("""
        create or replace temp table audit_events as
        select 'activity_' || lpad(i::varchar, 8, '0') as id,
               'user' || hash(i * 3) % 500 || '@example.com' as actor_email,
               timestamptz '2026-06-01T00:00:00Z'
                 + to_microseconds(i * 12960123 + (hash(i) % 3000000)::bigint) as created_at,
               (['claude_chat_created', 'claude_file_uploaded'])[1 + (hash(i * 7) % 2)::int] as type
        from range(1000000) as numbers(i)""")
    db.execute("""
        create or replace temp table audit_export_rows as
        select 'e' as export_id, md5(id) as row_key, upper(actor_email) as actor_email, type as feed_type,
               null::varchar as feed_type_note, date_trunc('second', created_at) as created_at,
               1::bigint as commit_seq, row_number() over (order by id) as row_no, id as true_id
        from audit_events where hash(id) % 10 = 0""")
    (rows,) = db.execute("select count(*) from audit_export_rows").fetchone() or (0,)
    answer = db.execute(f"""
        select count(*) filter (match = 'feed_has'), count(distinct event_id), count(*) filter (event_id = true_id)
        from ({audit_export_matches_sql()}) join audit_export_rows using (row_key)""").fetchone()
    db.execute("drop table audit_events; drop table audit_export_rows")
    assert rows > 99_000
    assert answer == (rows, rows, rows)


def test_the_statement_parses_as_trino_too() -> None:
    text = audit_export_matches_sql("audit.", dialect="trino", covered=[Window(at(0), at(60))])
    tree = sqlglot.parse_one(text, read="trino")
    assert tree.sql(dialect="trino")
    assert not any(word in text for word in ("qualify", "group by all", "materialized", "epoch_us", "::"))
