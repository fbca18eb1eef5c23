"""What the command line made is told to Dagster: once, as it is, and nothing that a run told already."""

from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from assets.building import build
from assets.pulling import pull_activities
from assets.spend_pulling import pull_spend
from orchestration.reporting import main, report
from tests.assets.pipeline import Pipeline

DAYS = [f"2026-11-{day}" for day in range(17, 23)]


def materialized(instance: dg.DagsterInstance, asset: str) -> dict[str | None, dict[str, Any]]:
    """Metadata of the newest materialization, by partition."""
    found = instance.fetch_materializations(dg.AssetKey(asset), limit=1000).records
    told = [one.asset_materialization for one in reversed(found)]
    return {one.partition: {name: value.value for name, value in one.metadata.items()} for one in told if one}


def pulled_by_hand(pipeline: Pipeline) -> None:
    """What cron or a person does, without Dagster."""
    with pipeline.open(for_writing=True) as workshop:
        pull_activities(workshop)
        pull_spend(workshop, "cost")


def test_what_the_command_line_made_stands_in_dagster_as_it_is(pipeline: Pipeline) -> None:
    pulled_by_hand(pipeline)
    with pipeline.open() as workshop:
        build(workshop)
    with dg.DagsterInstance.ephemeral() as instance:
        told = report(pipeline.settings(), instance)
        assert told > len(DAYS) * 2

        events = materialized(instance, "audit_events")
        assert sorted(str(day) for day in events) == DAYS
        assert sum(day["dagster/partition_row_count"] for day in events.values()) == len(pipeline.ids())
        assert [events[day]["complete"] for day in DAYS] == [True] * 5 + [False]
        assert materialized(instance, "audit_pages").keys() == events.keys()

        cost = materialized(instance, "cost_rows")
        assert cost
        assert all("amount" in day and day["covered"] == "the whole day" for day in cost.values())

        login = materialized(instance, "fct_login")[None]
        assert login["dagster/row_count"] > 0
        lineage = login["dagster/column_lineage"]
        assert isinstance(lineage, dg.TableColumnLineage)
        assert [dep.column_name for dep in lineage.deps_by_column["event_id"]] == ["id"]

        sealed = materialized(instance, "audit_events_sealed")
        assert {day: facts["dagster/partition_row_count"] for day, facts in sealed.items()} == {
            day: events[day]["dagster/partition_row_count"] for day in DAYS[:-1]
        }

        # nobody made these, and nothing says that somebody did
        for never in (
            "usage_rows",
            "alerts",
            "directory",
            "chargeback_statement",
            "archive_log",
        ):
            assert materialized(instance, never) == {}, never


def test_it_is_told_once_and_what_came_since_is_told_alone(pipeline: Pipeline) -> None:
    pulled_by_hand(pipeline)
    with dg.DagsterInstance.ephemeral() as instance:
        assert report(pipeline.settings(), instance) > 0
        assert report(pipeline.settings(), instance) == 0
        with pipeline.open(for_writing=True) as workshop:
            pull_spend(workshop, "usage")
        report(pipeline.settings(), instance)
        assert materialized(instance, "usage_rows")
        assert len(instance.fetch_materializations(dg.AssetKey("audit_events"), limit=100).records) == len(DAYS)


def test_what_a_run_of_dagster_made_is_not_told_again(pipeline: Pipeline) -> None:
    run = pipeline.pull("2026-11-18", "2026-11-19")
    assert run.success
    report(pipeline.settings(), pipeline.instance)
    events = pipeline.instance.fetch_materializations(dg.AssetKey("audit_events"), limit=100).records
    assert sorted(str(one.partition_key) for one in events) == ["2026-11-18", "2026-11-19"]


def test_a_damaged_file_of_marts_keeps_nothing_else_from_being_told(pipeline: Pipeline) -> None:
    pulled_by_hand(pipeline)
    marts = pipeline.settings().warehouse.duckdb
    marts.parent.mkdir(parents=True, exist_ok=True)
    marts.write_bytes(b"no database at all" * 1000)
    with dg.DagsterInstance.ephemeral() as instance:
        assert report(pipeline.settings(), instance) > len(DAYS)
        assert materialized(instance, "fct_login") == {}


def test_an_archive_that_is_not_there_yet_tells_nothing(pipeline: Pipeline) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        assert report(pipeline.settings(), instance) == 0


def test_what_stands_in_the_way_is_said_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As a service it has no terminal: Dagster's errors, the configuration's and the archive's in one form."""
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    monkeypatch.setenv("LEDGERLINE_CONFIG", str(tmp_path / "ledgerline.toml"))

    def said(*options: str) -> str:
        assert main(options) == 2
        return capsys.readouterr().err

    told = [said()]
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    told.append(said())
    told.append(said("--config", str(tmp_path / "another.toml")))
    assert "another.toml" in told[-1]
    config = '[anthropic]\nstart = 2026-10-01\n[archive]\nurl = "file:./archive"\n'
    (tmp_path / "ledgerline.toml").write_text(config)
    (tmp_path / "archive").write_text("no folder")
    told.append(said())
    ways_out = ("set DAGSTER_HOME", "ledgerline init", "ledgerline init", "Check [archive] url")
    for message, way_out in zip(told, ways_out, strict=True):
        assert message.startswith("reporting: ")
        assert way_out in message
