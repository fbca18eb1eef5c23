"""The marts as assets: what is read from the project, and one build."""

import duckdb

from assets.mart_models import read_marts
from tests.assets.pipeline import Pipeline


def test_each_mart_is_known_with_its_words_columns_tests_and_sources() -> None:
    marts = {mart.name: mart for mart in read_marts()}
    assert {"dim_actor", "dim_event_type", "fct_actor_activity_daily", "fct_login"} <= marts.keys()
    for mart in marts.values():
        assert mart.description, mart.name
        assert mart.sources
        assert mart.tests > 0
        if not mart.name.startswith(("fct_cost", "fct_user_spend", "fct_claude_code")):
            assert "audit_events" in mart.sources, mart.name
        assert all(column.type != "unknown" and "{" not in column.type for column in mart.columns)
        assert not {"duckdb", "trino"} & {column.type for column in mart.columns}, mart.name


def test_a_build_materializes_every_mart_with_rows_and_checks(pipeline: Pipeline) -> None:
    pipeline.pull("2026-11-18", "2026-11-19")
    names = [mart.name for mart in read_marts()]
    run = pipeline.materialize(*names)
    assert run.success, run.failure
    checks = [found for found in run.result.get_asset_check_evaluations() if found.check_name == "data_tests"]
    assert {str(found.asset_key.to_user_string()) for found in checks} == set(names)
    assert all(found.passed for found in checks if found.severity.value == "ERROR")
    rows = run.days("dim_actor")["None"]["dagster/row_count"]
    with duckdb.connect(str(pipeline.settings().warehouse.duckdb), read_only=True) as db:
        assert db.execute("select count(*) from dim_actor").fetchone() == (rows,)
