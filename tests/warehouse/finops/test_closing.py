"""What a close leaves behind: files, and a manifest that names them and what they were made from."""

import hashlib
import json
from datetime import UTC, datetime

import pytest

from tests.warehouse.finops.made_rows import OCTOBER, cost, simple
from warehouse.finops.allocation import allocate
from warehouse.finops.closing import (
    MANIFEST,
    STATEMENT_CSV,
    STATEMENT_JSON,
    Closing,
    closing,
    differences,
    read_statement,
    sources_of,
)
from warehouse.finops.errors import InputRefused
from warehouse.finops.inputs import CostRow
from warehouse.finops.rules import DEFAULT_RULES
from warehouse.finops.statement import lines_of, make_statement

ROWS = [cost("10.005", source_commit=7), cost("2", source_commit=3)]
CENTERS = simple("ada:platform")
REFRESHED = datetime(2026, 11, 30, 8, tzinfo=UTC)


def close(rows: list[CostRow] = ROWS, because: tuple[str, ...] = ()) -> Closing:
    statement = make_statement(OCTOBER, lines_of(allocate(rows, CENTERS, DEFAULT_RULES).lines), state="closed")
    return closing(
        statement,
        mapping=CENTERS,
        rules=DEFAULT_RULES,
        sources=sources_of(rows, REFRESHED),
        closed_at=datetime(2026, 12, 2, tzinfo=UTC),
        closed_by="ana@example.com",
        reason="books close early" if because else "",
        because=because,
        inputs={"cost_centers.csv": b"the file as it was"},
    )


def test_the_manifest_names_every_file_with_its_hash() -> None:
    done = close()
    manifest = json.loads(done.files[MANIFEST])
    assert set(manifest["files"]) == {STATEMENT_JSON, STATEMENT_CSV, "input-cost_centers.csv"}
    for name, facts in manifest["files"].items():
        assert facts == {
            "sha256": hashlib.sha256(done.files[name]).hexdigest(),
            "bytes": len(done.files[name]),
        }
    assert done.manifest_sha256 == hashlib.sha256(done.files[MANIFEST]).hexdigest()


def test_the_manifest_says_what_the_statement_was_made_from() -> None:
    manifest = json.loads(close().files[MANIFEST])
    assert manifest["mapping"]["sha256"] == CENTERS.sha256
    assert manifest["rules"]["sha256"] == DEFAULT_RULES.version
    assert manifest["sources"] == {
        "rows_sha256": sources_of(ROWS).rows_sha256,
        "rows": 2,
        "entries": [3, 7],
        "data_refreshed_at": "2026-11-30T08:00:00Z",
    }
    assert (manifest["total"], manifest["source_total"], manifest["forced"]) == ("12.01", "12.00500000", False)


def test_an_early_close_records_that_it_was_forced_why_it_was_early_and_the_reason() -> None:
    manifest = json.loads(close(because=("the vendor may restate",)).files[MANIFEST])
    assert (manifest["forced"], manifest["because"], manifest["reason"]) == (
        True,
        ["the vendor may restate"],
        "books close early",
    )


def test_the_same_inputs_give_the_same_bytes() -> None:
    assert close().files == close(ROWS[::-1]).files


def test_the_hash_of_the_rows_does_not_depend_on_their_order_but_on_every_value() -> None:
    assert sources_of(ROWS).rows_sha256 == sources_of(ROWS[::-1]).rows_sha256
    assert sources_of(ROWS).rows_sha256 != sources_of([ROWS[0], cost("2.00000001")]).rows_sha256
    assert sources_of(ROWS).rows_sha256 != sources_of([*ROWS, ROWS[0]]).rows_sha256


def test_a_file_that_is_not_the_closed_one_is_named() -> None:
    done = close()
    files = dict(done.files)
    assert differences(files[MANIFEST], files) == []
    files[STATEMENT_CSV] += b"x"
    del files["input-cost_centers.csv"]
    assert differences(files[MANIFEST], files) == ["input-cost_centers.csv", STATEMENT_CSV]


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'{"format":"ledgerline-statement/2"}'])
def test_bytes_that_are_no_statement_are_refused(body: bytes) -> None:
    with pytest.raises(InputRefused):
        read_statement(body)
