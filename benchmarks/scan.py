"""What an engine reads of many sealed days in a bucket: Trino, which is under Athena, beside DuckDB on the
same files. The questions are one actor on all days, one event, and the whole cookbook over a month.
"""

import json
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from benchmarks.harness import Failed, Run, module
from benchmarks.queries import FIRST, build, values
from benchmarks.report import Aim, Table
from benchmarks.scan_ask import COPIED
from sandbox.servers import Missing, trino, versitygw

_PEOPLE = 50_000
_HEAP_MB = 4_000  # the copy by actor has 128 writers at once
_COLUMNS = ["question", "rows", "Trino s", "Trino MB", "of all", "DuckDB s", "DuckDB MB", "DuckDB: of all"]
_TARGETS = ("one actor, all days (`one_actor`)", COPIED, "one actor, all days, every record")
# a fifth of a year of 100 million: shares of the bytes are those of one day, whatever the number of days
_DAYS, _PER_DAY = 73, 274_000
_LONGEST = 2 * 3600  # seconds for all questions and the copy by actor, on a few cores
_MEASURES = """\
{rows:,} events of {people:,} people over {days} days, {bytes:,.0f} MB in {days} sealed files: each written by the
function that seals, named by a seal entry, and lying in a bucket with Object Lock of a local S3 server. {engine}
*DuckDB* reads the same files from the server's folder, through the catalogue of `ledgerline sql`. Trino's MB are
what it says that it read of the bucket (`physicalInputBytes`), DuckDB's those of its process as the kernel counts
them; *of all* is their share of the sealed files. Each question was asked once, the engine having answered others
before. *The copy by actor* is what `ledgerline catalog --by-actor` makes in Trino of all months; DuckDB was
asked the same of `audit_events`. The questions in code are the [cookbook](cookbook.md)'s, over seven days from
{first}; those before them are over all days. The actor asked for is one of average activity. Answers were
compared: rows and their hashes are the same in both, where both answered."""


@dataclass(frozen=True)
class _Place:
    """The bucket: as a folder of this machine, and as an engine sees it."""

    folder: Path
    trino: int | None
    location: str = ""
    lacks: str = ""


def measure(*, smoke: bool) -> list[Table]:
    days, per_day, people = (6, 2_000, 200) if smoke else (_DAYS, _PER_DAY, _PEOPLE)
    only = ["one", "`events_by_type", "`who_acted"] if smoke else []
    with tempfile.TemporaryDirectory(prefix="ledgerline-bench-") as folder, _standing(Path(folder)) as place:
        built = build(place.folder, days, per_day, people=people, plain=False)
        asked = values(days, per_day, people)
        middle = date.fromisoformat(asked["day"])
        asked |= {"begin": FIRST.isoformat(), "end": (FIRST + timedelta(days=days)).isoformat()}
        asked |= {"first": middle.isoformat(), "last": (middle + timedelta(days=7)).isoformat()}
        words = ["--archive", f"{place.folder}/archive", "--values", json.dumps(asked), "--only", *only]
        here = module("scan_ask", *words)
        there = None
        if place.trino is not None:
            there = module(
                "scan_ask", *words, "--trino", str(place.trino), "--location", place.location, longest=_LONGEST
            )
    engine = f"*Trino* {trino.VERSION} reads the bucket." if there else f"Trino was not asked: {place.lacks}."
    table = _table(here, there, built["sealed_bytes"])
    table.measures = _MEASURES.format(
        rows=built["rows"], days=days, bytes=built["sealed_bytes"] / 1e6, people=people, engine=engine,
        first=asked["first"],
    )  # fmt: skip
    return [table]


@contextmanager
def _standing(folder: Path) -> Iterator[_Place]:
    """The bucket's server and Trino over it; where one cannot be had, a mere folder, and why."""
    with ExitStack() as stack:
        for name in ("s3", "trino"):
            (folder / name).mkdir()
        try:
            bucket = stack.enter_context(versitygw.start(folder / "s3"))
            its = trino.Bucket(bucket.endpoint, bucket.access_key, bucket.secret_key)
            engine = stack.enter_context(trino.start(folder / "trino", its, wait=False, heap_mb=_HEAP_MB))
        except Missing as missing:
            yield _Place(folder, None, lacks=str(missing))
            return
        name = bucket.new_bucket()
        (folder / "archive").symlink_to(bucket.objects / name)
        trino.until_ready(engine)
        yield _Place(folder, engine.port, f"s3://{name}/")


def _table(here: Run, there: Run | None, of: int) -> Table:
    table = Table("What an engine reads", _COLUMNS)
    for name, ours in here.said.items():
        theirs = there.said[name] if there else None
        answered = theirs if theirs and "refused" not in theirs else None
        if answered and (answered["rows"], answered["hash"]) != (ours["rows"], ours["hash"]):
            raise Failed(f"{name}: {answered['rows']} rows in Trino, {ours['rows']} in DuckDB, or other ones")
        table.rows.append((name, ours["rows"], *_cells(theirs, of), *_cells(ours, of)))
    for asked in _TARGETS:
        for engine, said in (("Trino", there), ("DuckDB", here)):
            if said and not (asked == COPIED and engine == "DuckDB"):  # which has no use for the copy
                share = said.said[asked]["bytes"] / of * 100
                table.aims.append(
                    Aim(f"{asked}, {engine}", share, 1, at_most=True, ratio=False, unit=" % of the bytes")
                )
    return table


def _cells(said: dict[str, Any] | None, of: int) -> tuple[float | None, float | None, str]:
    if said is None or "refused" in said:
        return None, None, said["refused"] if said else "-"
    return said["seconds"], said["bytes"] / 1e6, f"{said['bytes'] / of:.2%}"
