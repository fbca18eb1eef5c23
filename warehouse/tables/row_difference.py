"""Two tables of rows, one made again and one stored: where they differ.

Promise: order and file boundaries do not matter, every other difference does; few are named, none is lost.
"""

from dataclasses import dataclass, field
from operator import itemgetter

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from warehouse.tables.stored_rows import FILE

# They follow from the release's list of event types, not from the page alone.
JUDGED_BY_RELEASE = ("unknown_event", "unknown_fields")
_NAMED = 20
_ORDER = ("page", "position", "row_no", "id", "record_key", "day", "version")
_KEYS = ("id", "day", "version", "row_key", "record_key")  # of those that a table has


@dataclass
class Difference:
    """What was found so far. `retagged` counts rows that only another release judges otherwise."""

    named: list[tuple[int | None, str]] = field(default_factory=list)
    wrong: int = 0
    retagged: int = 0

    @property
    def rows(self) -> list[tuple[int | None, str]]:
        """The number of the file among the day's (None for a row that is nowhere) and what is wrong with one of
        its rows."""
        more = self.wrong - _NAMED
        return [*self.named, *([(None, f"and {more} more rows of the same pull")] if more > 0 else [])]


def difference(made: pa.Table, stored: pa.Table, schema: pa.Schema, found: Difference | None = None) -> Difference:
    """How `stored` (with the column FILE) differs from `made`; both have the columns of `schema`. `found`: what
    was found of other rows of the same pull, to which this is added."""
    found = found or Difference()
    made, stored = _sorted(made.select(schema.names).cast(schema)), _sorted(stored)
    compared = [name for name in schema.names if name not in JUDGED_BY_RELEASE]
    if made.num_rows == stored.num_rows and made.select(compared).equals(stored.select(compared)):
        if not made.equals(stored.select(schema.names)):
            found.retagged += sum(
                one != other
                for name in JUDGED_BY_RELEASE
                if name in schema.names
                for one, other in zip(made[name].to_pylist(), stored[name].to_pylist(), strict=True)
            )
        return found
    _name_rows(made, stored, compared, found)
    return found


def explained(made: pa.Table, stored: pa.Table, earlier: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Both without what is stored exactly as an earlier release made it (rows of `earlier`, few), and without what
    is made now of the same record of the same page."""
    compared = [name for name in earlier.column_names if name not in JUDGED_BY_RELEASE]
    key = itemgetter("id", "version", "page", "position")
    wanted = {key(row): row for row in earlier.select(compared).to_pylist()}
    (numbers,) = np.nonzero(pc.is_in(stored["id"], value_set=earlier["id"].combine_chunks()).to_numpy())
    rows = stored.select(compared).take(pa.array(numbers)).to_pylist()
    same = {number: row for number, row in zip(numbers.tolist(), rows, strict=True) if wanted.get(key(row)) == row}
    places = {(row["page"], row["position"]) for row in same.values() if row["page"] is not None}
    if places:
        there = zip(made["page"].to_pylist(), made["position"].to_pylist(), strict=True)
        made = made.filter(pa.array([place not in places for place in there], pa.bool_()))
    return made, stored.filter(pa.array([number not in same for number in range(stored.num_rows)], pa.bool_()))


def _sorted(rows: pa.Table) -> pa.Table:
    return rows.sort_by([(name, "ascending") for name in _ORDER if name in rows.column_names]).combine_chunks()


def _name_rows(made: pa.Table, stored: pa.Table, compared: list[str], found: Difference) -> None:
    wanted = _by_key(made)
    there = _by_key(stored)
    before = found.wrong
    for key in [*wanted, *(key for key in there if key not in wanted)]:
        name = f"row {', version '.join(map(str, key))}"
        mine, theirs = wanted.get(key), there.get(key)
        if theirs is None:
            file, detail = None, f"{name}: follows from the pages and is not there"
        elif mine is None:
            file, detail = stored[FILE][theirs].as_py(), f"{name}: does not follow from the pages"
        else:
            odd = [column for column in compared if made[column][mine].as_py() != stored[column][theirs].as_py()]
            if not odd:
                continue
            file = stored[FILE][theirs].as_py()
            detail = f"{name}: other values than the pages give in {', '.join(odd)}"
        found.wrong += 1
        if found.wrong <= _NAMED:
            found.named.append((file, detail))
    if found.wrong == before:
        found.named.append(
            (None, f"{stored.num_rows} rows where the pages give {made.num_rows}: some are there twice")
        )


def _by_key(rows: pa.Table) -> dict[tuple[object, ...], int]:
    """Where each row stands; a row that is there twice counts once here, and is told by the numbers."""
    columns = [rows[name].to_pylist() for name in _KEYS if name in rows.column_names]
    return {key: number for number, key in enumerate(zip(*columns, strict=True))}
