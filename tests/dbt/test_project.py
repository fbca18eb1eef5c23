"""The dbt project itself: unit tests, descriptions, contracts, and SQL that both adapters can take."""

import csv
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
import sqlglot
import yaml
from sqlglot import exp

from tests.dbt.conftest import Built
from warehouse.tables.marts import find_project
from warehouse.tables.marts.dbt_run import run_dbt
from warehouse.taxonomy.seed import SEED_CSV

PROJECT = find_project()
MODELS = sorted(PROJECT.glob("models/**/*.sql"))

# What one of the two engines takes and the other does not, or reads differently. In macros it is dispatched.
NOT_PORTABLE = [
    r"::",
    r"\bgroup\s+by\s+all\b",
    r"\border\s+by\s+all\b",
    r"\bqualify\b",
    r"\bexclude\b",
    r"\bexcept\s*\(",
    r"\breplace\s*\(",
    r"->>?",
    r"\b(list|struct|map|array)_\w+\s*\(",
    r"\bjson_\w+\s*\(",
    r"\bregexp_\w+\s*\(",
    r"\b(epoch|epoch_ms|strftime|strptime|date_diff|datediff|date_trunc|date_part|timezone|hash|md5|sha256)\s*\(",
    r"\b(string_agg|listagg|group_concat|quantile_cont|percentile_cont|approx_quantile|arg_max|arg_min)\s*\(",
    r"\b(first|last|any_value|unnest|read_parquet|read_csv|ifnull|len|contains|ilike|try_cast)\s*\(",
    r"\bilike\b",
    r"\busing\s+sample\b",
    r"\basof\b",
    r"\bpivot\b",
    r"\bhugeint\b",
]
MACRO_CALLS = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|--[^\n]*", re.S)


@pytest.mark.parametrize("model", MODELS, ids=lambda path: path.stem)
def test_a_model_uses_nothing_that_only_one_engine_has(model: Path) -> None:
    sql = MACRO_CALLS.sub(" x ", model.read_text()).lower()
    found = [pattern for pattern in NOT_PORTABLE if re.search(pattern, sql)]
    assert found == []


def test_every_dispatched_macro_exists_for_duckdb_and_for_trino_and_athena() -> None:
    text = "\n".join(path.read_text() for path in (PROJECT / "macros").glob("*.sql"))
    dispatched = set(re.findall(r"adapter\.dispatch\('(\w+)'\)", text))
    assert dispatched
    for engine in ("duckdb", "default"):
        assert set(re.findall(rf"macro {engine}__(\w+)", text)) == dispatched


@pytest.fixture(scope="module")
def manifest(built: Built) -> dict[str, Any]:
    target = built.house.database.parent / "dbt" / "target"
    found = next(target.glob("*/manifest.json"))
    return json.loads(found.read_text())  # type: ignore[no-any-return]


def _nodes(manifest: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [node for node in manifest["nodes"].values() if node["resource_type"] == kind]


def test_every_model_and_every_column_is_described(manifest: dict[str, Any], built: Built) -> None:
    with duckdb.connect(str(built.saved), read_only=True) as db:
        have = db.execute(
            "select table_name, list(column_name) from duckdb_columns() where schema_name <> 'archive' group by 1"
        ).fetchall()
    columns = {name: set(names) for name, names in have}
    for node in _nodes(manifest, "model"):
        assert len(node["description"]) > 20, node["name"]
        described = {name for name, column in node["columns"].items() if column["description"]}
        assert described == columns[node["name"]], node["name"]


def test_every_mart_has_an_enforced_contract_and_says_its_grain(manifest: dict[str, Any]) -> None:
    marts = [node for node in _nodes(manifest, "model") if "/marts/" in node["original_file_path"]]
    assert len(marts) == 12
    for node in marts:
        assert node["config"]["contract"]["enforced"], node["name"]
        assert node["config"]["meta"]["grain"], node["name"]
        assert all(column["data_type"] for column in node["columns"].values()), node["name"]


def _facts(manifest: dict[str, Any], folder: str) -> list[dict[str, Any]]:
    nodes = _nodes(manifest, "model")
    return [node for node in nodes if node["name"].startswith("fct_") and folder in node["original_file_path"]]


def test_every_fact_of_spend_is_a_table_that_ends_with_day_and_month(manifest: dict[str, Any]) -> None:
    facts = _facts(manifest, "/marts/spend/")
    assert len(facts) == 4
    for node in facts:
        assert node["config"]["materialized"] == "table"
        assert list(node["columns"])[-2:] == ["day", "period"]


def test_money_is_decimal_in_every_mart(manifest: dict[str, Any]) -> None:
    for node in _facts(manifest, "/marts/"):
        types = {name: column["data_type"] for name, column in node["columns"].items()}
        money = {name for name in types if "amount" in name or name in ("delta", "list_delta")}
        assert {types[name] for name in money} <= {"decimal(38, 8)"}, node["name"]
        assert not {"double", "float", "real"} & set(types.values())


def test_every_fact_of_events_is_built_by_days_and_ends_with_the_day(manifest: dict[str, Any]) -> None:
    facts = _facts(manifest, "/marts/events/")
    assert len(facts) == 4
    for node in facts:
        assert node["config"]["incremental_strategy"] == "microbatch"
        assert node["config"]["event_time"] == "day"
        assert list(node["columns"])[-1] == "day"


def test_the_exposures_rest_on_the_marts(manifest: dict[str, Any]) -> None:
    used = {name for exposure in manifest["exposures"].values() for name in exposure["depends_on"]["nodes"]}
    assert {name.split(".")[-1] for name in used} >= {"dim_actor", "fct_login", "fct_admin_change"}
    assert {exposure["name"] for exposure in manifest["exposures"].values()} == {
        "auditor_sql",
        "chargeback_report",
        "chargeback_statement",
        "grafana_dashboard",
        "siem_delivery",
    }


def test_metrics_of_spend_and_activity_rest_on_marts_and_on_columns_that_these_have(
    manifest: dict[str, Any],
) -> None:
    """dbt has checked their form by its semantic layer's own rules when it parsed the project."""
    columns = {node["name"]: set(node["columns"]) for node in _nodes(manifest, "model")}
    measures = {}
    for model in manifest["semantic_models"].values():
        mart = model["node_relation"]["alias"]
        assert mart.startswith("fct_"), mart
        for one in (*model["measures"], *model["dimensions"], *model["entities"]):
            named = sqlglot.parse_one(one["expr"] or one["name"]).find_all(exp.Column)
            assert {column.name for column in named} <= columns[mart], one["name"]
            assert one["description"], one["name"]
        measures |= {one["name"]: mart for one in model["measures"]}
    assert set(measures.values()) == {"fct_user_spend_daily", "fct_actor_activity_daily"}
    metrics = manifest["metrics"].values()
    assert {metric["name"] for metric in metrics} >= {"spend_usd", "tokens", "spenders", "events", "active_actors"}
    used = {measure["name"] for metric in metrics for measure in metric["type_params"]["input_measures"]}
    assert used == set(measures)
    assert all(len(metric["description"]) > 10 for metric in metrics)


def test_the_calendar_of_the_metrics_has_every_day_once(
    ask: Callable[[str], list[tuple[Any, ...]]],
) -> None:
    asked = "select min(day), max(day), count(*), count(distinct day) from intermediate.int_calendar_days"
    ((first, last, rows, days),) = ask(asked)
    assert rows == days == (last - first).days + 1
    assert first.year == 2023


@pytest.mark.slow
def test_the_docs_of_dbt_are_made_as_one_page_with_every_column_of_every_mart(
    built: Built, tmp_path: Path
) -> None:
    database = tmp_path / "warehouse.duckdb"
    shutil.copyfile(built.saved, database)
    done = subprocess.run(
        [sys.executable, "-m", "dbt.cli.main", "docs", "generate", "--static", "--project-dir", str(PROJECT),
         "--profiles-dir", str(PROJECT), "--target-path", str(tmp_path / "docs"),
         "--log-path", str(tmp_path / "logs")],
        env={**os.environ, "LEDGERLINE_DBT_DUCKDB": str(database), "DO_NOT_TRACK": "1"},
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    page = (tmp_path / "docs" / "static_index.html").read_text(encoding="utf-8")
    nodes = json.loads((tmp_path / "docs" / "manifest.json").read_text())["nodes"]
    found = json.loads((tmp_path / "docs" / "catalog.json").read_text())
    assert not found["errors"]
    for key, node in nodes.items():
        if node["resource_type"] == "model" and node["original_file_path"].startswith("models/marts"):
            assert set(found["nodes"][key]["columns"]) == set(node["columns"]), key
            assert node["description"].strip()[:40] in page


def test_the_project_looks_at_every_result_field_that_the_taxonomy_names() -> None:
    with SEED_CSV.open(newline="") as file:
        named = {row["outcome_field"] for row in csv.DictReader(file)} - {""}
    variables = yaml.safe_load((PROJECT / "dbt_project.yml").read_text())["vars"]
    assert named <= set(variables["outcome_fields"])


def test_nothing_is_downloaded_and_nothing_is_reported() -> None:
    assert not (PROJECT / "packages.yml").exists()
    assert not (PROJECT / "dependencies.yml").exists()
    flags = yaml.safe_load((PROJECT / "dbt_project.yml").read_text())["flags"]
    assert flags["send_anonymous_usage_stats"] is False


def test_the_unit_tests_beside_the_models_pass(built: Built) -> None:
    database = built.house.database
    copy = database.parent / f".{database.name}.build" / database.name  # where dbt was last told to look
    shutil.copyfile(built.saved, copy)
    outcome = run_dbt(
        ["test", "--select", "test_type:unit"],
        project=PROJECT,
        database=copy,
        work=database.parent / "dbt",
        batch="month",
        progress=None,
    )
    assert outcome.tests_passed >= 14


@pytest.mark.skipif(importlib.util.find_spec("dbt.adapters.athena") is None, reason="dbt-athena is not installed")
def test_every_model_compiles_for_athena_and_parses_as_its_dialect(tmp_path: Path) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "DO_NOT_TRACK": "1",
        "AWS_ACCESS_KEY_ID": "example",
        "AWS_SECRET_ACCESS_KEY": "example",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    }
    done = subprocess.run(
        [sys.executable, "-m", "dbt.cli.main", "compile", "--target", "athena", "--no-introspect",
         "--no-populate-cache", "--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT),
         "--target-path", str(tmp_path / "target"), "--log-path", str(tmp_path / "logs")],
        env=environment, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    compiled = {
        path.stem: path.read_text()
        for path in (tmp_path / "target" / "compiled").rglob("*.sql")
        if ".yml" not in str(path)
    }
    assert compiled.keys() == {model.stem for model in MODELS}
    for name, sql in compiled.items():
        tree = sqlglot.parse_one(sql, read="trino")
        assert isinstance(tree, exp.Query), name
        assert not re.search(r"::|\bqualify\b|json_extract_string|json_each|timezone\(|regexp_matches", sql), name
