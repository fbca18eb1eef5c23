"""What auditors ask of a year of sealed days, through the catalogue they would use, beside the same rows as plain
files: in order of time, without bloom filter.
"""

import json
import os
import tempfile
from datetime import date, timedelta
from pathlib import Path

from benchmarks.harness import Failed, Run, built_by_all_cores, module
from benchmarks.report import Aim, Table

FIRST = date(2025, 11, 22)
PEOPLE = 2_000
_ASKED = {
    "id": "one event by id",
    "id and day": "one event by id and day",
    "actor": "one actor's year",
    "month": "a month by type, with distinct actors",
}
_TABLES = ("audit_events", "audit_event_versions")


_COLUMNS = ["question", "asked of", "rows found", "first ms", "warm ms", "plain: warm ms"]
_COLUMNS += ["rows to look at", "plain: rows to look at", "MB read", "plain: MB read"]
_MEASURES = """\
{rows:,} rows over {days} days, one sealed part a day ({sealed:,.0f} MB): each written by the function that seals
and named by a seal entry, and asked through the catalogue's views. *Plain*: the same rows, columns, compression
and row groups in order of time, without bloom filter ({plain:,.0f} MB), under the same views. Ids are random,
which is the worst case: nothing but a bloom filter finds one. *First*: a new process and files that are not in
memory. *Warm*: the median of later ones on the same connection. *Rows to look at*: those of the row groups that
the folder of the day, statistics and bloom filter do not rule out for the question's own column. MB as the
process read them, warm, with the second look for newer versions."""


def measure(*, smoke: bool) -> list[Table]:
    days, per_day, warm = (6, 2_000, 2) if smoke else (365, 54_800, 5)
    with tempfile.TemporaryDirectory(prefix="ledgerline-bench-") as folder:
        built = build(Path(folder), days, per_day, people=PEOPLE)
        asked_for = json.dumps(values(days, per_day, PEOPLE))
        results: dict[tuple[str, str, str], Run] = {}
        for asked in ("id", "actor") if smoke else _ASKED:
            for table in _TABLES:
                for where in ("sealed", "plain"):
                    results[asked, table, where] = module(
                        "queries_ask",
                        *("--folder", folder, "--table", table, "--question", asked, "--values", asked_for),
                        *("--warm", str(warm), *(["--plain"] if where == "plain" else [])),
                    )
    return [_table(results, built, days)]


def build(folder: Path, days: int, per_day: int, *, people: int, plain: bool = True) -> dict[str, float]:
    """The archive, and plain files if asked for, by as many processes as there are cores; their sums."""
    arguments = ["--folder", os.fspath(folder), "--first", FIRST.isoformat(), "--per-day", str(per_day)]
    arguments += ["--people", str(people), *(["--plain"] if plain else [])]
    return built_by_all_cores("queries_build", arguments, days)


def values(days: int, per_day: int, people: int) -> dict[str, str]:
    """What is asked for: a record in the middle of the year, the actor of average activity, one month."""
    middle = FIRST + timedelta(days=days // 2)
    position = ["--position", str(per_day // 2), "--people", str(people)]
    said = module("queries_rows", "--day", middle.isoformat(), *position).said
    first = middle.replace(day=1)
    last = (first + timedelta(days=32)).replace(day=1)
    return {**said, "day": middle.isoformat(), "first": first.isoformat(), "last": last.isoformat()}


def _table(results: dict[tuple[str, str, str], Run], built: dict[str, float], days: int) -> Table:
    table = Table("Auditors' questions over the sealed tier", _COLUMNS)
    table.measures = _MEASURES.format(
        rows=built["rows"],
        days=days,
        sealed=built["sealed_bytes"] / 1e6,
        plain=built["plain_bytes"] / 1e6,
    )
    for asked, words in _ASKED.items():
        for name in _TABLES if (asked, _TABLES[0], "sealed") in results else ():
            ours, plain = (results[asked, name, where].said for where in ("sealed", "plain"))
            if ours["answer_rows"] != plain["answer_rows"]:
                raise Failed(f"{words}: the archive has {ours['answer_rows']} rows, plain {plain['answer_rows']}")
            table.rows.append(
                (
                    *(words, f"`{name}`", ours["answer_rows"]),
                    *(ours["first_ms"], ours["warm_ms"], plain["warm_ms"]),
                    *(ours["rows"], plain["rows"], ours["warm_bytes"] / 1e6, plain["warm_bytes"] / 1e6),
                )
            )
    for asked in ("id", "actor"):
        ours, plain = (results[asked, "audit_event_versions", where].said for where in ("sealed", "plain"))
        share = ours["warm_bytes"] / plain["warm_bytes"]
        table.aims.append(Aim(f"{_ASKED[asked]}, bytes against plain files", share, 1, at_most=True))
    read = results["actor", "audit_event_versions", "sealed"].said["warm_bytes"] / built["sealed_bytes"]
    table.aims.append(Aim("one actor's year, share of all bytes", read, 0.01, at_most=True, ratio=False))
    opened = [run.said["open_ms"] for (_, _, where), run in results.items() if where == "sealed"]
    table.reads = (
        f"Opening the catalogue takes {min(opened):,.0f} to {max(opened):,.0f} ms before that. `audit_events` "
        "costs a second look at ids, for versions that are newer. Who knows the day of an event should name it."
    )
    return table
