"""The dbt seed is what the generator writes from the taxonomy."""

import csv
import io

from warehouse.taxonomy import load
from warehouse.taxonomy.seed import SEED_COLUMNS, SEED_CSV, seed_text


def test_the_committed_seed_equals_the_generated_one():
    assert SEED_CSV.read_bytes() == seed_text().encode(), "run: python -m warehouse.taxonomy.seed"


def test_the_seed_has_one_row_for_each_listed_type_with_its_classification():
    rows = list(csv.DictReader(io.StringIO(seed_text())))
    assert tuple(rows[0]) == SEED_COLUMNS
    types = load().types
    assert [row["type"] for row in rows] == list(types)
    for row in rows:
        known = types[row["type"]]
        assert (row["verb"], row["category"], row["outcome"], row["severity"]) == (
            known.verb,
            known.category,
            known.outcome,
            known.severity,
        )


def test_the_seed_has_no_line_breaks_inside_a_cell():
    assert len(seed_text().splitlines()) == 1 + len(load().types)
