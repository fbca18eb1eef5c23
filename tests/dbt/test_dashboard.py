"""The Grafana dashboard over the marts: each query runs on what was built, and has the columns its panel wants."""

import json
import re
from typing import Any

import duckdb
import pytest

from assets.chargeback_build import SCHEMAS
from tests.dbt.conftest import Built
from tests.docs.pages import ROOT
from warehouse.tables.file_rows import sql_type

BOARD: dict[str, Any] = json.loads((ROOT / "deploy" / "grafana" / "ledgerline.json").read_text(encoding="utf-8"))
_RANGE = {"${__from:date:YYYY-MM-DD}": "2026-11-20", "${__to:date:YYYY-MM-DD}": "2026-11-23"}
_DUCKDB = re.compile(r"decimal128\((\d+), (\d+)\)")


@pytest.fixture(scope="module")
def db(built: Built) -> Any:
    with duckdb.connect() as found:
        found.execute(f"attach '{built.saved}' as marts (read_only)")
        found.execute("use marts")
        for name in ("fct_chargeback_line", "fct_period"):  # `ledgerline finops build` makes them
            columns = ", ".join(f'null::{_type(field)} as "{field.name}"' for field in SCHEMAS[name])
            found.execute(f"create table memory.main.{name} as select {columns} where false")
        yield found


def _type(field: Any) -> str:
    return _DUCKDB.sub(r"decimal(\1, \2)", str(field.type)) if "decimal" in str(field.type) else sql_type(field)


@pytest.mark.parametrize("panel", BOARD["panels"], ids=lambda panel: panel["title"])
def test_a_panel_asks_what_is_there(panel: dict[str, Any], db: duckdb.DuckDBPyConnection) -> None:
    for target in panel["targets"]:
        sql = target["rawSql"]
        for name, day in _RANGE.items():
            sql = sql.replace(name, day)
        assert "$" not in sql
        for name in ("fct_chargeback_line", "fct_period"):
            sql = sql.replace(f" {name} ", f" memory.main.{name} ")
        found = db.execute(sql)
        columns = [column[0] for column in found.description or []]
        found.fetchall()
        if panel["type"] == "timeseries":
            assert columns == ["time", "metric", "value"]
        if panel["type"] == "barchart":
            assert len(columns) == 2


def test_the_board_is_one_that_grafana_takes() -> None:
    assert {panel["id"] for panel in BOARD["panels"]} == set(range(1, len(BOARD["panels"]) + 1))
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in BOARD["panels"])
    assert all(target["datasource"]["uid"] == "${datasource}" for p in BOARD["panels"] for target in p["targets"])
