"""The catalogue for Athena and Trino: what it says is SQL of theirs, whole, and made from the one list of tables.

What the tables answer is compared row by row on a real Trino (tests/real/test_trino.py).
"""

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import moto
import pytest
import sqlglot

from orchestration.cli.app import run as ledgerline
from tests.evidence.test_athena import _RESERVED
from tests.warehouse.tables.conftest import DAY, Bench, event, verbatim
from warehouse.archive.restriction import digest, normal
from warehouse.archive.state import LogState, Restriction
from warehouse.tables.athena import ENGINES, Place, catalogue, external_tables, glue_tables, running, unseen_days
from warehouse.tables.stored_tables import STORED
from warehouse.wire.windows import Window

PLACE = Place("s3://example-claude-audit/ledger/", "ledgerline_archive")
GLUE_FILE = Path(__file__).parents[3] / "deploy" / "aws" / "glue_tables.json"
VIEWS = [one for one in catalogue(LogState(), PLACE) if one.startswith("create or replace view")]


def test_every_stored_table_has_an_external_table_and_a_view_with_its_columns_in_order() -> None:
    tables = {table.name: table for table in external_tables(PLACE.location)}
    for one in STORED:
        recent = tables[f"stored_{one.folder}_recent"]
        assert [name for name, _ in recent.columns] == one.columns.names
        assert recent.location == f"s3://example-claude-audit/ledger/tables/recent/{one.folder}/"
        assert any(view.startswith(f"create or replace view ledgerline_archive.{one.view} as\n") for view in VIEWS)
    assert {name for name in tables if "sealed" in name or "seals" in name} == {
        "stored_audit_events_sealed", "stored_audit_events_seals",
    }  # fmt: skip


@pytest.mark.parametrize("view", VIEWS, ids=lambda sql: sql.split()[4])
def test_a_view_is_a_query_of_athenas(view: str) -> None:
    tree = sqlglot.parse_one(view, read="trino", error_level=sqlglot.ErrorLevel.RAISE)
    assert isinstance(tree.expression, sqlglot.exp.Query)
    for word in (" using (", "::", "string_agg", "json_extract_string", "timestamptz", "create or replace macro"):
        assert word not in view


@pytest.mark.parametrize("engine", ["athena", "trino"])
def test_a_name_needs_no_quotes_in_either_engine(engine: str) -> None:
    columns = {name for table in external_tables(PLACE.location) for name, _ in table.columns}
    assert columns & _RESERVED == set()
    made = catalogue(LogState(), PLACE, ENGINES[engine])
    assert made[0] == f"create {'database' if engine == 'athena' else 'schema'} if not exists ledgerline_archive"


def test_partitions_are_projected_from_the_folders_of_days() -> None:
    (table,) = [one for one in glue_tables(PLACE.location) if one["Name"] == "stored_audit_events_sealed"]
    assert table["PartitionKeys"] == [{"Name": "dt", "Type": "date"}]
    template = table["Parameters"]["storage.location.template"]
    assert template == "s3://example-claude-audit/ledger/tables/sealed/audit_events/dt=${dt}/"
    assert table["Parameters"]["projection.dt.range"] == "2020-01-01,NOW+7DAYS"


def test_the_file_for_terraform_is_what_the_schemas_make() -> None:
    """Made anew by `python -m warehouse.tables.athena.glue_file`."""
    assert json.loads(GLUE_FILE.read_text()) == glue_tables("@ARCHIVE@")


def test_glue_takes_every_table() -> None:
    with moto.mock_aws():
        client = boto3.client("glue", region_name="eu-central-1")
        client.create_database(DatabaseInput={"Name": "ledgerline_archive"})
        for table in glue_tables(PLACE.location):
            client.create_table(DatabaseName="ledgerline_archive", TableInput=table)
        found = client.get_tables(DatabaseName="ledgerline_archive")["TableList"]
        assert len(found) == len(external_tables(PLACE.location))


def test_a_day_that_no_partition_is_projected_for_is_named(bench: Bench) -> None:
    bench.pull(Window(DAY, DAY + timedelta(days=1)), [verbatim(event(1, DAY))])
    assert unseen_days(bench.archive.state) == []
    assert "2019-12-31" in unseen_days(_with_a_file_of(bench.archive.state, "2019-12-31"))


def _with_a_file_of(state: LogState, day: str) -> LogState:
    import msgspec

    table = state.table("audit_events")
    moved = msgspec.structs.replace(table.recent[0], dt=day)
    return msgspec.structs.replace(state, tables={"audit_events": msgspec.structs.replace(table, recent=[moved])})


@pytest.mark.parametrize(
    "location", ["s3://bucket/ledger", "file:./archive/", "s3://it's/", "https://example.com/"]
)
def test_a_place_that_no_engine_could_read_is_refused(location: str) -> None:
    with pytest.raises(ValueError, match="bucket's address"):
        Place(location, "ledgerline_archive")
    with pytest.raises(ValueError, match="name of a database"):
        Place("s3://bucket/", "Ledgerline; drop")


def test_who_is_restricted_is_masked_in_the_views_and_stands_in_none_of_them() -> None:
    jane = "jane.doe@example.com"
    salt = "00" * 16
    restricted = Restriction(
        1, "2026-11-20T00:00:00Z", "a request", salt, [digest(salt, normal(jane))], [len(jane)]
    )
    made = catalogue(LogState(restrictions={"dsr-1": restricted}), PLACE)
    text = "\n".join(made)
    assert jane not in text
    versions = next(
        one for one in made if one.startswith("create or replace view ledgerline_archive.audit_event_versions as")
    )
    assert "[restricted]" in versions
    assert sqlglot.parse_one(versions, read="trino")


def test_as_of_a_moment_every_version_is_one_that_was_known() -> None:
    moment = datetime(2026, 11, 1, tzinfo=UTC)
    made = catalogue(LogState(), Place(PLACE.location, "as_of_november"), as_of=moment)
    for one in STORED:
        view = next(
            text for text in made if text.startswith(f"create or replace view as_of_november.{one.view} as\n")
        )
        if "observed_at" in one.columns.names:
            assert view.endswith("where observed_at <= timestamp '2026-11-01 00:00:00.000000'")


class Scripted:
    """Athena's client as far as `running` uses it: answers in order of the queries."""

    def __init__(self, states: list[dict[str, Any]]) -> None:
        self.states, self.asked = states, []  # type: ignore[var-annotated]

    def start_query_execution(self, **request: Any) -> dict[str, str]:
        self.asked.append(request)
        return {"QueryExecutionId": str(len(self.asked))}

    def get_query_execution(self, **_: Any) -> dict[str, Any]:
        return {"QueryExecution": {"Status": self.states.pop(0)}}


def test_statements_run_in_order_and_the_first_that_fails_ends_it() -> None:
    states = [
        {"State": "RUNNING"},
        {"State": "SUCCEEDED"},
        {"State": "FAILED", "StateChangeReason": "no such table"},
    ]
    client = Scripted(states)
    with pytest.raises(running.CatalogueRefused, match="did not take `create view b as`: no such table"):
        running.run(client, ["create a", "create view b as\nselect", "c"], workgroup="w", sleep=lambda _: None)
    assert [one["QueryString"] for one in client.asked] == ["create a", "create view b as\nselect"]
    assert {one["WorkGroup"] for one in client.asked} == {"w"}


def test_an_archive_in_a_folder_has_no_place_that_athena_could_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert ledgerline(["init"]) == 0
    capsys.readouterr()
    assert ledgerline(["catalog"]) == 2
    assert "Athena reads a bucket" in capsys.readouterr().err
    assert ledgerline(["catalog", "--engine", "glue", "--location", "s3://example/ledger"]) == 0
    assert json.loads(capsys.readouterr().out) == glue_tables("s3://example/ledger/")


def test_a_copy_by_actor_is_shown_by_the_command_and_one_that_cannot_be_is_refused(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert ledgerline(["init"]) == 0
    asked = ["catalog", "--engine", "trino", "--location", "s3://example/ledger", "--by-actor", "2026-01..2026-02"]
    capsys.readouterr()
    assert ledgerline(asked) == 2
    assert "--by-actor goes together with --copies" in capsys.readouterr().err
    assert ledgerline([*asked, "--copies", "results"]) == 2
    assert "'results/' is no bucket's address" in capsys.readouterr().err
    bench.commit(Window.of_day(DAY), [])
    bench.archive.settle()
    shutil.rmtree(tmp_path / "data" / "archive", ignore_errors=True)
    shutil.copytree(bench.archive.store.url.removeprefix("file:"), tmp_path / "data" / "archive")
    assert ledgerline([*asked, "--copies", "s3://example-results/marts"]) == 0
    made = capsys.readouterr().out
    assert "'s3://example-results/marts/audit_events_by_actor/2026-02/'" in made
    assert made.count("create table ledgerline_archive.audit_events_by_actor_2026_") == 2
    assert "create external table" not in made
