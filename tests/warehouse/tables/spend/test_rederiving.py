"""Tables of usage and cost made again from the pages: nothing to say when all is well, the file when it is not."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pyarrow as pa
import pytest

from tests.warehouse.tables.spend.conftest import SpendBench, cost, total_of, usage
from warehouse.archive.entry import sha256_hex
from warehouse.archive.findings import Verification
from warehouse.tables import parquet
from warehouse.tables.activities import Parser
from warehouse.tables.rederive import rederive
from warehouse.tables.spend import rederiving
from warehouse.tables.spend.fold import fold_days
from warehouse.tables.spend.schema import COST_DAYS, COST_ROWS
from warehouse.taxonomy import load


def made_again(bench: SpendBench) -> Verification:
    result = Verification()
    rederive(bench.archive, Parser(load()), result)
    return result


@pytest.fixture
def restated(bench: SpendBench) -> SpendBench:
    """A day in three versions, the last without rows, and a partial pull."""
    bench.pull([cost(1), cost(2, "50"), cost(3, "0.1234567")])
    bench.pull([cost(1), cost(2, "60")])
    bench.pull([cost(1)], complete=False)
    bench.pull([], [])
    bench.pull([usage(1)], stream="usage")
    return bench


def test_rows_of_every_version_follow_from_the_pages(restated: SpendBench) -> None:
    result = made_again(restated)
    assert result.findings == []
    assert [note for note in result.notes if "not made again" in note] == []


Change = Callable[[pa.Table], pa.Table]


def dearer(rows: pa.Table) -> pa.Table:
    field = COST_ROWS.field("amount")
    doubled = pa.array([amount * 2 for amount in rows["amount"].to_pylist()], field.type)
    return rows.set_column(rows.schema.get_field_index("amount"), field, doubled)


def changed_page(rows: pa.Table, row: int) -> pa.Table:
    """A row that says it stands on a page that is not there, or on none."""
    pages = rows["page"].to_pylist()
    pages[row] = None if row % 2 else 99
    return rows.set_column(rows.schema.get_field_index("page"), "page", pa.array(pages, pa.int32()))


def of_another_pull(rows: pa.Table) -> pa.Table:
    seqs = pa.array([99] * rows.num_rows, pa.int64())
    return rows.set_column(rows.schema.get_field_index("commit_seq"), "commit_seq", seqs)


CHANGES: dict[str, tuple[str, Change]] = {
    "an amount": ("cost_rows", dearer),
    "a row that is gone": ("cost_rows", lambda rows: rows.slice(1)),
    "a row too many": ("cost_rows", lambda rows: pa.concat_tables([rows, rows.slice(0, 1)])),
    "rows of another pull": ("cost_rows", of_another_pull),
    "the sum of a day": ("cost_days", dearer),
}


def replace_rows(bench: SpendBench, table: str, number: int, change: Change, schema: pa.Schema) -> str:
    """Put other rows into a table's file, as a log that was forged too would name it; gives its key."""
    state = bench.archive.refresh().table(table)
    file = state.recent[number]
    data = parquet.write([change(parquet.read(bench.archive.read(file))).cast(schema)], schema)
    path = Path(bench.archive.store.url.removeprefix("file:")) / file.key
    path.chmod(0o644)
    path.write_bytes(data)
    state.recent[number] = msgspec.structs.replace(file, sha256=sha256_hex(data), bytes=len(data))
    return file.key


@pytest.mark.parametrize("what", CHANGES)
def test_what_does_not_follow_from_the_pages_names_its_file(restated: SpendBench, what: str) -> None:
    table, change = CHANGES[what]
    key = replace_rows(restated, table, 0, change, COST_ROWS if table == "cost_rows" else COST_DAYS)
    codes = {(finding.code, finding.subject) for finding in made_again(restated).findings}
    assert codes
    assert {code for code, _ in codes} == {"rederivation_mismatch"}
    assert any(key in subject or f"tables/recent/{table}/" in subject for _, subject in codes)


@pytest.mark.parametrize("at_once", [50_000, 1])
def test_many_rows_are_compared_in_parts_and_none_is_passed_over(
    bench: SpendBench, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(rederiving, "_ROWS_AT_ONCE", at_once)
    pages = [
        ("limit=2&group_by%5B%5D=actor", f"c{n}" if n else None, [cost(2 * n), cost(2 * n + 1)]) for n in range(5)
    ]
    total = total_of([row for _, _, rows in pages for row in rows])
    fold_days(bench.archive, bench.commit([("limit=2", None, total), *pages]))
    assert made_again(bench).findings == []
    honest = parquet.read(bench.archive.read(bench.archive.state.table("cost_rows").recent[0]))
    for row in range(honest.num_rows):
        key = replace_rows(bench, "cost_rows", 0, lambda _, row=row: changed_page(honest, row), COST_ROWS)
        assert key in {finding.subject for finding in made_again(bench).findings}


def test_a_row_that_names_another_pull_of_the_stream_is_found(restated: SpendBench) -> None:
    """It would be served as a row of that pull's version."""
    first = restated.archive.refresh().table("cost_rows").recent[0].seq

    def forge(rows: pa.Table) -> pa.Table:
        one = rows.slice(0, 1)
        seq = pa.array([first], pa.int64())
        one = one.set_column(one.schema.get_field_index("commit_seq"), "commit_seq", seq)
        return pa.concat_tables([rows, one.cast(rows.schema)])

    key = replace_rows(restated, "cost_rows", 1, forge, COST_ROWS)
    assert key in {finding.subject for finding in made_again(restated).findings}


@pytest.mark.parametrize("table", ["cost_rows", "cost_days", "usage_rows", "usage_days"])
def test_a_file_that_was_altered_is_a_note_since_verify_names_it(restated: SpendBench, table: str) -> None:
    file = restated.archive.state.table(table).recent[0]
    place = restated.archive.store.root / file.key  # type: ignore[attr-defined]
    place.chmod(0o600)
    place.write_bytes(place.read_bytes()[:-1] + b"x")
    result = made_again(restated)
    assert result.findings == []
    assert any(f"pull {file.seq}" in note and file.key in note for note in result.notes)
