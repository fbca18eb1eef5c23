"""The dbt project built by two engines over one archive, and every model compared row by row.

`python -m tests.real.marts_on_trino` builds both and writes the table of counts and hashes into docs/athena.md. A
hash does not depend on the order of rows, nor on how a client spells a number or a time.
"""

import hashlib
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.stack.trino_side import build_marts as build_marts_there
from tests.real import two_engines
from tests.real.two_engines import House, run
from warehouse.tables.catalog import statements
from warehouse.tables.marts import build_marts
from warehouse.tables.object_access import reader_of

ROOT = Path(__file__).parents[2]
PROJECT = ROOT / "dbt_project"
PAGE = ROOT / "docs" / "athena.md"
BEGIN = "<!-- made by python -m tests.real.marts_on_trino -->"
END = "<!-- end -->"
HEAD = """\
| model | rows in DuckDB | rows in Trino | hash in DuckDB | hash in Trino |
| --- | --- | --- | --- | --- |
"""
# dbt's folder of a model, or its kind: where DuckDB and Trino keep it
_SCHEMAS = {"marts": ("main", "ledgerline"), "intermediate": ("intermediate", "ledgerline_intermediate"),
            "semantic": ("intermediate", "ledgerline_intermediate"),
            "staging": ("staging", "ledgerline_staging"), "seeds": ("staging", "ledgerline_staging")}  # fmt: skip


@dataclass(frozen=True)
class Model:
    """One model or seed: its name, and its layer (`staging`, `intermediate`, `marts`, `semantic` or `seeds`)."""

    name: str
    layer: str

    @property
    def on_the_page(self) -> bool:
        """Whether its rows follow from the archive: a calendar is the same whatever there is."""
        return self.layer != "semantic"


@dataclass(frozen=True)
class Compared:
    """One model as both engines hold it; `different` has a few rows that only one of them has."""

    model: Model
    rows: tuple[int, int]
    digests: tuple[str, str]
    different: list[str]

    @property
    def line(self) -> str:
        here, there = self.digests
        return f"| `{self.model.name}` | {self.rows[0]} | {self.rows[1]} | `{here}` | `{there}` |"


def models() -> list[Model]:
    """All there are, as the project's files name them: staging first."""
    found = [Model(path.stem, "seeds") for path in sorted((PROJECT / "seeds").glob("*.csv"))]
    for layer in ("staging", "intermediate", "marts", "semantic"):
        found += [Model(path.stem, layer) for path in sorted((PROJECT / "models" / layer).rglob("*.sql"))]
    return found


def days_of(house: House) -> tuple[date, date]:
    """The whole months that hold an event, half-open: what both engines build."""
    first, last = house.here("select min(created_at), max(created_at) from audit_events")[0]
    after = (last.date().replace(day=1) + timedelta(days=32)).replace(day=1)
    return first.date().replace(day=1), after


def build_here(house: House, folder: Path) -> Path:
    """The marts as `ledgerline build` makes them; the DuckDB file."""
    database = folder / "marts.duckdb"
    report = build_marts(
        catalog_sql=statements(house.archive), database=database, work_dir=folder / "dbt", full_refresh=True
    )
    assert report.tests_passed > 0
    return database


def compare(house: House, database: Path) -> Iterator[Compared]:
    """Every model, read whole from both."""
    with duckdb.connect(str(database), read_only=True) as db:
        # staging is views over the bucket: they need its credentials
        for statement in ("set timezone = 'UTC'", *reader_of(house.archive)[1]):
            db.execute(statement)
        for model in models():
            yield _compare(house, db, model)


def _compare(house: House, db: duckdb.DuckDBPyConnection, model: Model) -> Compared:
    here, there = _SCHEMAS[model.layer]
    found = db.execute(f'select * from "{here}"."{model.name}"')
    names = sorted(str(column[0]) for column in found.description or [])
    listed = ", ".join(f'"{name}"' for name in names)
    ours = lines(db.execute(f'select {listed} from "{here}"."{model.name}"').fetchall())
    described = run(house.trino, [f"show columns from {model.name}"], "exact", there)
    assert sorted(str(one[0]) for one in described) == names, f"columns of {model.name}"
    theirs = lines(run(house.trino, [f"select {listed} from {model.name}"], "exact", there))
    only = [f"DuckDB: {one}" for one in sorted(set(ours) - set(theirs))[:2]]
    only += [f"Trino: {one}" for one in sorted(set(theirs) - set(ours))[:2]]
    return Compared(model, (len(ours), len(theirs)), (digest(ours), digest(theirs)), only)


def lines(rows: Sequence[Sequence[Any]]) -> list[str]:
    """Rows as canonical text, sorted."""
    return sorted(json.dumps([_canonical(value) for value in row], ensure_ascii=False) for row in rows)


def _canonical(value: Any) -> Any:
    """Times in UTC to the microsecond, numbers without what their type adds to them, lists in their order."""
    match value:
        case datetime():
            return (value.astimezone(UTC) if value.tzinfo else value).replace(tzinfo=None).isoformat()
        case date():
            made: Any = value.isoformat()
        case bool() | str() | None:
            made = value
        case int() | Decimal():
            made = {"number": f"{Decimal(value).normalize():f}"}
        case float():
            made = {"float": repr(value)}
        case bytes() | bytearray() | memoryview():
            made = {"bytes": bytes(value).hex()}
        case Mapping():
            made = {str(key): _canonical(one) for key, one in sorted(value.items())}
        case _:
            made = [_canonical(one) for one in value]
    return made


def digest(canonical: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(canonical).encode()).hexdigest()[:16]


def table(compared: Sequence[Compared]) -> str:
    return HEAD + "".join(f"{one.line}\n" for one in compared if one.model.on_the_page)


def table_of_page() -> list[list[str]]:
    """The cells of the table as docs/athena.md has it."""
    between = PAGE.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]
    rows = [line for line in between.splitlines() if line.startswith("| `")]
    return [[cell.strip(" `") for cell in row.strip("|").split("|")] for row in rows]


@contextmanager
def built(folder: Path) -> Iterator[tuple[House, Path]]:
    """The house with the project built by both; the DuckDB file."""
    (folder / "engines").mkdir()
    with two_engines.standing(folder / "engines") as house:
        build_marts_there(house.trino, folder, days_of(house), archive="archive")
        yield house, build_here(house, folder)


def main() -> int:
    """Build, compare, print, and write the table into the page; 1 where anything differs, 2 where it cannot be."""
    try:
        with (
            tempfile.TemporaryDirectory(prefix="ledgerline-marts-") as folder,
            built(Path(folder)) as (house, file),
        ):
            compared = list(compare(house, file))
    except pytest.skip.Exception as missing:
        print(f"marts_on_trino: {missing}", file=sys.stderr)
        return 2
    print(table(compared))
    wrong = [one for one in compared if one.different or len(set(one.digests)) > 1]
    for one in wrong:
        print(one.model.name, *one.different, sep="\n  ")
    if wrong:
        return 1
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n\n{table(compared)}\n{END}{rest.partition(END)[2]}", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
