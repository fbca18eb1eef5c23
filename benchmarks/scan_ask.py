"""Asks one engine auditors' questions over an archive in a bucket's folder; one JSON document with all answers.

DuckDB reads the files that the log names from the folder, Trino the bucket, knowing nothing of the log. Seconds
are those of the question alone; bytes are the process's own reads from files (DuckDB, the kernel's count) and what
the engine says it read from the bucket (Trino, `physicalInputBytes`).
"""

import argparse
import hashlib
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from trino.exceptions import TrinoQueryError

from sandbox.servers.trino import Trino
from warehouse.archive.archive import Archive
from warehouse.archive.store import open_store
from warehouse.evidence.questions import cookbook, filled
from warehouse.tables import catalog
from warehouse.tables.athena import ENGINES, Place, catalogue, copies_by_actor
from warehouse.tables.athena.by_actor import VIEW
from warehouse.wire.times import parse_rfc3339

# the statements of the catalogue that the questions need
_NEEDED = re.compile(
    r"create schema|stored_(audit_events|log_)|\.(audit_event|audit_pages|event_types|log_entries)"
)
Asking = Callable[[str], tuple[list[Any], int]]
"""A question's SQL in, its rows and the bytes that were read for it out."""
_RECORDS = "select created_at, type, ip_address, raw from {table} where actor_id = '{actor}'"
_BY_ID = "select created_at, type, actor_id, raw from audit_events where id = '{id}'{day}"
_LONGEST = "5m"
_LONGEST_COPY = "60m"  # of a month, with this machine's cores
COPIED = "one actor, all days (`one_actor`), from the copy by actor"
_MOMENTS = ("begin", "end", "first", "last")


def questions(values: Mapping[str, str], only: list[str], by_actor: str) -> dict[str, str]:
    """The SQL of each question by name: those over all days first, then the cookbook between two days of `values`.

    `only`: words, of which a question's name begins with one. `by_actor`: the table that lies by actor.
    """
    actor, id, day = values["actor"], values["id"], f" and dt = date '{values['day']}'"
    begin, end, first, last = (parse_rfc3339(f"{values[name]}T00:00:00Z") for name in _MOMENTS)
    given = {"from": first, "to": last, "moment": last, "person": actor, "actor": actor, "event": id}
    a_year = {"actor": actor, "from": begin, "to": end}
    asked = {
        "one actor, all days (`one_actor`)": filled(cookbook()["one_actor"], a_year),
        COPIED: filled(cookbook()["one_actor"], a_year).replace("from audit_events\n", f"from {by_actor}\n"),
        "one actor, all days, every record": _RECORDS.format(table="audit_events", actor=actor),
        "one actor, all days, every record of every version": _RECORDS.format(
            table="audit_event_versions", actor=actor
        ),
        "one event by id": _BY_ID.format(id=id, day=""),
        "one event by id and day": _BY_ID.format(id=id, day=day),
    }
    for name, one in cookbook().items():
        asked[f"`{name}`"] = filled(one, {p.name: given.get(p.name, p.default) for p in one.parameters})
    return {name: sql for name, sql in asked.items() if not only or name.startswith(tuple(only))}


@contextmanager
def duckdb_over(folder: Path) -> Iterator[Asking]:
    """DuckDB with the archive's catalogue, as `ledgerline sql` opens it."""
    with Archive(open_store(f"file:{folder}", writable=False)) as archive, catalog.connect(archive) as db:

        def ask(sql: str) -> tuple[list[Any], int]:
            before = _read_so_far()
            rows = db.execute(sql).fetchall()
            return rows, _read_so_far() - before

        yield ask


@contextmanager
def trino_over(folder: Path, port: int, location: str, first_day: str, end: str) -> Iterator[Asking]:
    """Trino with the statements of `ledgerline catalog --engine trino`, over the same objects in the bucket, and
    with a copy of all months by actor (`--by-actor`)."""
    with Archive(open_store(f"file:{folder}", writable=False)) as archive:
        archive.refresh()
        made = catalogue(archive.state, Place(location, "archive", first_day), ENGINES["trino"])
        months = sorted({date.fromisoformat(day).replace(day=1) for day in days_between(first_day, end)})
        copied = copies_by_actor(archive.state, "archive", months, f"{location}copies/", ENGINES["trino"])
    connection = Trino(port, folder).connect()

    def longest(time: str) -> None:
        connection.cursor().execute(f"set session query_max_execution_time = '{time}'").fetchall()

    # a small block: the test's Trino has little memory for 128 writers
    connection.cursor().execute("set session exact.parquet_writer_block_size = '2MB'").fetchall()
    longest(_LONGEST_COPY)

    def ask(sql: str) -> tuple[list[Any], int]:
        cursor = connection.cursor()
        cursor.execute(sql)
        return cursor.fetchall(), int(cursor.stats["physicalInputBytes"])

    for statement in made:
        if _NEEDED.search(statement.partition("\n")[0]):
            ask(statement)
    for statement in copied:
        ask(statement)
    longest(_LONGEST)
    yield ask
    connection.close()


def days_between(first: str, end: str) -> Iterator[str]:
    """The days from `first` up to and without `end`, as texts."""
    day = date.fromisoformat(first)
    while day < date.fromisoformat(end):
        yield day.isoformat()
        day += timedelta(days=1)


def _read_so_far() -> int:
    return int(Path("/proc/self/io").read_text().splitlines()[0].split()[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--archive", type=Path, required=True)
    parser.add_argument("--values", type=json.loads, required=True)
    parser.add_argument("--only", nargs="*", default=[], help="words, of which a question's name has one")
    parser.add_argument("--trino", type=int, help="the port of a Trino to ask; else DuckDB is asked")
    parser.add_argument("--location", default="", help="where Trino sees the archive")
    options = parser.parse_args()
    engine = (
        trino_over(
            options.archive, options.trino, options.location, options.values["begin"], options.values["end"]
        )
        if options.trino
        else duckdb_over(options.archive)
    )
    table = VIEW if options.trino else "audit_events"
    answers = {}
    with engine as ask:
        ask("select count(*) from event_types")  # what an engine loads at its first question
        for name, sql in questions(options.values, options.only, by_actor=table).items():
            began = time.perf_counter()
            try:
                rows, read = ask(sql)
            except TrinoQueryError as error:  # too much for its memory or time: told in the table
                answers[name] = {"refused": error.error_name}
                continue
            seconds = time.perf_counter() - began
            answers[name] = {"rows": len(rows), "seconds": seconds, "bytes": read, "hash": _digest(rows)}
    print(json.dumps(answers))


def _digest(rows: list[Any]) -> str:
    """The same for the same rows, in whatever order and by whichever client they came."""
    return hashlib.sha256(
        "\n".join(sorted(repr([_plain(one) for one in row]) for row in rows)).encode()
    ).hexdigest()


def _plain(value: Any) -> Any:
    """Times without their zone, which is UTC: one client gives it, the other does not."""
    return value.replace(tzinfo=None) if hasattr(value, "tzinfo") else value


if __name__ == "__main__":
    main()
