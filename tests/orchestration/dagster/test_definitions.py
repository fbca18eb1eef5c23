"""Loading the pipeline: quick, quiet, without keys; and in plain words where there is no configuration."""

import os
import re
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from assets.mart_models import read_marts
from orchestration.definitions import defs
from tests.assets.pipeline import Pipeline
from warehouse.tables.catalog import connect

MINIMAL = "[anthropic]\nstart = 2026-10-01\n"

GROUPS = ("vendor", "audit", "spend", "telemetry", "archive", "marts", "detections", "delivery")


def test_loading_needs_neither_key_nor_store_nor_vendor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ledgerline.toml").write_text(MINIMAL)
    monkeypatch.setenv("LEDGERLINE_CONFIG", str(tmp_path / "ledgerline.toml"))
    monkeypatch.delenv("LEDGERLINE_COMPLIANCE_KEY", raising=False)
    loaded = defs()
    dg.Definitions.validate_loadable(loaded)
    partitions = loaded.resolve_asset_graph().get(dg.AssetKey("audit_events")).partitions_def
    assert partitions is not None
    assert partitions.get_first_partition_key() == "2026-10-01"
    assert sorted(os.listdir(tmp_path)) == ["ledgerline.toml"]


def test_without_a_configuration_it_says_to_run_init(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEDGERLINE_CONFIG", str(tmp_path / "none.toml"))
    with pytest.raises(dg.DagsterInvalidDefinitionError, match="ledgerline init"):
        defs()


def test_every_asset_tells_what_it_is_whose_it_is_and_what_it_promises(pipeline: Pipeline) -> None:
    for node in pipeline.definitions.resolve_asset_graph().asset_nodes:
        name = node.key.to_user_string()
        assert len(node.description or "") > 80, name
        assert node.group_name in GROUPS, name
        assert node.kinds, name
        assert node.owners, name
        if node.group_name in ("audit", "spend", "telemetry", "archive") and node.is_executable:
            for word in ("Source", "Grain", "Window", "Promise"):
                assert f"**{word}**" in (node.description or ""), (name, word)


def test_every_asset_leads_to_the_code_that_makes_it_and_a_mart_to_its_sql(pipeline: Pipeline) -> None:
    marts = {mart.name for mart in read_marts()}
    for node in pipeline.definitions.resolve_asset_graph().asset_nodes:
        name = node.key.to_user_string()
        told = node.metadata["dagster/code_references"]
        assert isinstance(told, dg.CodeReferencesMetadataValue), name
        first = told.code_references[0]
        assert isinstance(first, dg.LocalFileCodeReference), name
        lines = Path(first.file_path).read_text().splitlines()
        near = "\n".join(lines[max((first.line_number or 1) - 3, 0) : (first.line_number or 1) + 30])
        assert Path(first.file_path).stem == name if name in marts else re.search(rf'"{name}"|def \w+\(', near), (
            name
        )


# What makes files to hand out, or keeps the archive: all others make tables.
_NO_TABLE = {
    "chargeback_statement", "chargeback_report", "completeness_certificate", "evidence_report", "archive_log",
    "audit_pages", "directory", "organization_settings", "spend_limits",
}  # fmt: skip


def test_every_asset_that_makes_a_table_tells_its_name_in_sql_and_its_columns(pipeline: Pipeline) -> None:
    with pipeline.open(for_writing=True) as workshop, connect(workshop.archive) as db:
        names = {
            row[0] for row in db.execute("select view_name from duckdb_views() where not internal").fetchall()
        }
    marts = {mart.name for mart in read_marts()}
    for node in pipeline.definitions.resolve_asset_graph().asset_nodes:
        name = node.key.to_user_string()
        if node.group_name == "vendor" or name in _NO_TABLE:
            continue
        columns = node.metadata["dagster/column_schema"]
        assert isinstance(columns, dg.TableSchema), name
        assert columns.columns, name
        assert [column.name for column in columns.columns if not column.description] == [], name
        assert node.metadata["dagster/table_name"] in names | marts, name


# What a person, a sensor or a month's books decide about; and what a check of its own watches.
_NOT_BY_THE_CLOCK = {
    "audit_pages", "audit_export_rows", "legacy_cost_rows", "legacy_usage_rows", "chargeback_statement",
    "chargeback_report", "directory", "organization_settings", "spend_limits",
}  # fmt: skip


def test_what_a_schedule_makes_says_when_it_is_late(pipeline: Pipeline) -> None:
    for node in pipeline.definitions.resolve_asset_graph().asset_nodes:
        name = node.key.to_user_string()
        if node.group_name in ("vendor", "telemetry") or name in _NOT_BY_THE_CLOCK:
            continue
        assert node.freshness_policy is not None, name


def test_every_check_says_what_to_do_when_it_fails(pipeline: Pipeline) -> None:
    graph = pipeline.definitions.resolve_asset_graph()
    for key in graph.asset_check_keys:
        assert len(graph.get_check_spec(key).description or "") > 100, key


def test_31_days_are_one_run(pipeline: Pipeline) -> None:
    for name in ("audit_events", "audit_events_sealed", "usage_rows", "cost_rows"):
        policy = pipeline.definitions.resolve_asset_graph().get(dg.AssetKey(name)).backfill_policy
        assert policy is not None
        assert policy.max_partitions_per_run == 31


def test_the_definitions_module_stays_small_and_dbt_is_not_loaded_by_it(tmp_path: Path) -> None:
    root = Path(__file__).parents[3]
    assert len((root / "orchestration" / "definitions.py").read_text().splitlines()) < 80
    (tmp_path / "ledgerline.toml").write_text(MINIMAL)
    code = (
        "import re, sys; from orchestration.definitions import defs; defs(); "
        "print([name for name in sys.modules if re.fullmatch('dbt|pandas|boto3', name)])"
    )
    said = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "LEDGERLINE_CONFIG": str(tmp_path / "ledgerline.toml"), "PYTHONPATH": str(root)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.strip() == "[]"
    assert not re.search("warning", said.stderr, re.IGNORECASE), said.stderr
