"""A build replaces the marts as a whole or not at all, and touches nothing else."""

import fcntl
import os
import shutil
from pathlib import Path

import duckdb
import pytest

from tests.dbt.conftest import KIM, Built, House
from tests.dbt.feed import BROWSER
from warehouse.tables.marts import (
    BuildFailed,
    CatalogIncomplete,
    MartsBusy,
    ModelBuild,
    NotMarts,
    ProjectMissing,
    Unwritable,
    build_marts,
    find_project,
)
from warehouse.tables.marts.swap import only_builder

MARTS = {
    "dim_actor",
    "dim_event_type",
    "fct_actor_activity_daily",
    "fct_login",
    "fct_admin_change",
    "fct_data_movement",
}
LOGINS = "select count(*) from fct_login"


def test_the_report_names_every_model_with_its_rows_and_counts_the_tests(built: Built) -> None:
    report = built.report
    rows = {model.name: model.rows for model in report.models}
    assert rows.keys() >= MARTS
    assert rows["fct_login"] == 5
    assert rows["stg_audit_events"] is None
    assert {model.status for model in report.models} == {"success"}
    assert report.tests_passed > 40
    assert (report.tests_failed, report.warnings) == (0, [])
    assert (report.mode, report.reason) == ("full", "there were no marts yet")


def test_a_reader_keeps_its_snapshot_while_a_build_replaces_the_file(
    house: House, capfd: pytest.CaptureFixture[str]
) -> None:
    environment, heard, project = dict(os.environ), [], find_project()
    before = sorted(path for path in project.rglob("*"))
    house.feed.record("another", "23 09:00", "sso_login_failed", {**KIM, **BROWSER})
    with duckdb.connect(str(house.database), read_only=True) as reader:
        assert reader.execute(LOGINS).fetchone() == (5,)
        house.build(progress=heard.append)
        assert reader.execute(LOGINS).fetchone() == (5,)
        assert reader.execute("select count(*) from intermediate.int_audit_events").fetchone() == (25,)
    assert house.ask(LOGINS) == [(6,)]
    # and beside the file, nothing: no output, no variable, no file in the project, no leftover
    assert capfd.readouterr().out == ""
    assert dict(os.environ) == environment
    assert sorted(path for path in project.rglob("*")) == before
    assert sorted(path.name for path in house.database.parent.iterdir()) == [
        ".warehouse.duckdb.build",
        "dbt",
        "warehouse.duckdb",
    ]
    assert [path.name for path in (house.database.parent / ".warehouse.duckdb.build").iterdir()] == ["lock"]
    assert {model.name for model in heard} >= MARTS
    assert all(isinstance(model, ModelBuild) for model in heard)


def test_the_file_can_be_attached_under_any_name(house: House, tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere.db"
    shutil.copyfile(house.database, copy)
    with duckdb.connect() as db:
        db.execute(f"attach '{copy}' as something (read_only)")
        assert db.execute("select count(*) from something.main.fct_login").fetchone() == (5,)
        assert db.execute("select count(*) from something.intermediate.int_audit_events").fetchone() == (25,)


def test_a_link_to_the_file_stays_a_link(house: House, tmp_path: Path) -> None:
    link = tmp_path / "linked.duckdb"
    link.symlink_to(house.database)
    before = house.ask("select built_at from marts_build")

    build_marts(catalog_sql=house.feed.statements(), database=link, select="dim_event_type")

    assert link.is_symlink()
    assert house.ask("select built_at from marts_build") > before


def test_a_model_that_fails_leaves_the_old_file_and_is_named_with_its_sql(house: House, tmp_path: Path) -> None:
    project = tmp_path / "dbt_project"
    shutil.copytree(find_project(), project)
    model = project / "models" / "marts" / "events" / "fct_login.sql"
    broken = "  cast(error('the disk of the moon') as varchar) as ip_address,\n"
    model.write_text(model.read_text().replace("  ip_address,\n", broken))
    before = house.database.read_bytes()

    with pytest.raises(BuildFailed) as failed:
        house.build(project_dir=project)

    (failure,) = failed.value.failures
    assert failure.name == "fct_login"
    assert "the disk of the moon" in failure.message
    assert failure.compiled is not None
    assert "the disk of the moon" in failure.compiled.read_text()
    assert str(failure.compiled) in str(failed.value)
    assert house.database.read_bytes() == before


def test_a_project_that_does_not_parse_leaves_the_old_file_and_says_why(house: House, tmp_path: Path) -> None:
    project = tmp_path / "dbt_project"
    shutil.copytree(find_project(), project)
    (project / "models" / "marts" / "dim_actor.sql").write_text("select {{ ref('no_such_model') }}")
    before = house.database.read_bytes()

    with pytest.raises(BuildFailed, match="no_such_model"):
        house.build(project_dir=project)

    assert house.database.read_bytes() == before


def test_an_event_counted_twice_stops_the_build(house: House) -> None:
    house.feed.record("signed-in", "22 09:00", "sso_login_succeeded", {**KIM, **BROWSER})
    before = house.database.read_bytes()

    with pytest.raises(BuildFailed, match="unique_fct_login_event_id"):
        house.build(select="fct_login")

    assert house.database.read_bytes() == before


def test_a_value_nobody_has_listed_is_published_and_reported(house: House) -> None:
    house.feed.record("strange", "23 09:00", "sso_login_failed", {**KIM, **BROWSER})
    house.feed.rows[-1]["fold"] = "resurrected"

    report = house.build(select="fct_login")

    assert report.tests_failed == 1
    assert report.warnings[0].name.startswith("accepted_values_fct_login_fold")
    assert report.warnings[0].rows == 1
    assert house.column("select fold from fct_login where event_id = 'strange'") == ["resurrected"]


def test_a_second_builder_is_told_that_one_is_at_work(house: House) -> None:
    with (house.database.parent / ".warehouse.duckdb.build" / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(MartsBusy, match=r"Another build of .*warehouse\.duckdb is running"):
            house.build()


@pytest.mark.parametrize("content", ["duckdb", "text"])
def test_a_file_that_no_build_made_is_not_replaced(house: House, content: str) -> None:
    house.database.unlink()
    if content == "duckdb":
        with duckdb.connect(str(house.database)) as db:
            db.execute("create table precious as select 1 as row")
    else:
        house.database.write_text("a letter")
    before = house.database.read_bytes()

    with pytest.raises(NotMarts, match=r"move this one away|Move it away"):
        house.build()

    assert house.database.read_bytes() == before


def test_a_catalogue_that_lacks_what_the_marts_read_is_named(house: House) -> None:
    with pytest.raises(CatalogIncomplete, match="the view audit_events"):
        house.build(catalog_sql=["create view something as select 1 as id"])
    with pytest.raises(CatalogIncomplete, match="columns created_at, type"):
        house.build(catalog_sql=["create view audit_events as select 1 as id"])


def test_an_archive_file_that_is_gone_is_named(house: House, tmp_path: Path) -> None:
    gone = tmp_path / "gone.parquet"
    before = house.database.read_bytes()
    with pytest.raises(CatalogIncomplete, match=r"gone\.parquet"):
        house.build(catalog_sql=[f"create view audit_events as select * from read_parquet('{gone}')"])
    assert house.database.read_bytes() == before


def test_a_place_that_cannot_be_written_is_named(house: House, tmp_path: Path) -> None:
    (tmp_path / "a file").write_text("in the way")
    with pytest.raises(Unwritable, match=r"a file/warehouse\.duckdb"):
        build_marts(catalog_sql=house.feed.statements(), database=tmp_path / "a file" / "warehouse.duckdb")


def test_a_catalogue_may_be_a_function_of_the_connection(house: House) -> None:
    def catalog(db: duckdb.DuckDBPyConnection) -> None:
        for statement in house.feed.statements():
            db.execute(statement)

    assert house.build(catalog_sql=catalog, select="dim_event_type").mode == "days"


def test_a_missing_project_is_named(house: House, tmp_path: Path) -> None:
    with pytest.raises(ProjectMissing, match=str(tmp_path)):
        house.build(project_dir=tmp_path)


def test_what_a_killed_build_left_is_cleared_away(tmp_path: Path) -> None:
    folder = tmp_path / ".warehouse.duckdb.build"
    folder.mkdir()
    (folder / "warehouse.duckdb").write_bytes(b"half a file")
    (folder / "warehouse.duckdb.wal").write_bytes(b"half a log")
    (folder / "warehouse.duckdb.tmp").mkdir()

    with only_builder(tmp_path / "warehouse.duckdb") as place:
        assert [path.name for path in place.iterdir()] == ["lock"]


def test_a_build_keeps_its_memory_below_two_gigabytes(house: House) -> None:
    limits = []

    def catalog_sql(db: duckdb.DuckDBPyConnection) -> None:
        limits.append(db.execute("select current_setting('memory_limit')").fetchall()[0][0])
        for statement in house.feed.statements():
            db.execute(statement)

    house.build(catalog_sql=catalog_sql, select="dim_event_type")
    value, unit = limits[0].split(" ")
    assert float(value) * {"MiB": 2**20, "GiB": 2**30}[unit] < 1.5e9
