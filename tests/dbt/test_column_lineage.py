"""The lineage of columns: the file is what the marts' SQL says, and says what somebody who reads the SQL would."""

import csv
import shutil
from pathlib import Path

import pytest

from assets.column_lineage import LINEAGE, lineage
from assets.mart_models import read_marts
from docs.site import column_lineage
from tests.dbt.conftest import Built


@pytest.fixture(scope="module")
def written() -> dict[tuple[str, str], set[tuple[str, str]]]:
    found: dict[tuple[str, str], set[tuple[str, str]]] = {}
    with LINEAGE.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            found.setdefault((row["mart"], row["column"]), set()).add((row["from_table"], row["from_column"]))
    return found


def test_the_file_is_what_the_sql_of_the_marts_says(built: Built, tmp_path: Path) -> None:
    database = tmp_path / "warehouse.duckdb"
    shutil.copyfile(built.saved, database)
    manifest = column_lineage.compiled(database, tmp_path / "dbt")
    assert LINEAGE.read_text(encoding="utf-8") == column_lineage.lines(manifest, database), "run `make docs-pages`"


def test_a_column_is_followed_through_what_stands_between(
    written: dict[tuple[str, str], set[tuple[str, str]]],
) -> None:
    assert written["fct_login", "event_id"] == {("audit_events", "id")}
    assert written["fct_login", "ip_address"] == {("audit_events", "ip_address")}
    money = written["fct_user_spend_daily", "amount"]
    assert ("cost_row_versions", "amount") in money
    assert ("cost_day_versions", "total_amount") in money
    assert not any(table == "audit_events" for table, _ in money)


def test_every_mart_has_lineage_to_assets_that_it_is_made_from() -> None:
    for mart in read_marts():
        drawn = lineage(mart.name)["dagster/column_lineage"].deps_by_column
        assert drawn.keys() <= {column.name for column in mart.columns}
        parents = {dep.asset_key.to_user_string() for deps in drawn.values() for dep in deps}
        assert parents <= set(mart.sources), mart.name
        assert parents or mart.name == "dim_event_type"
