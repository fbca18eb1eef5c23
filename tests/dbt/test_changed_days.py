"""Building only what changed gives what building everything gives."""

import shutil
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pytest

from tests.dbt.conftest import KIM, House
from tests.dbt.feed import BROWSER
from warehouse.tables.marts import find_project
from warehouse.tables.marts.project import fingerprint


def test_late_revised_withdrawn_and_moved_events_give_what_a_full_build_gives(house: House) -> None:
    house.feed.record("late", "20 23:59", "sso_login_succeeded", {**KIM, **BROWSER}, auth_method="sso")
    house.feed.revise("upload", filename="q3-final.xlsx")
    house.feed.withdraw("role")
    house.feed.revise("export", when="21 03:00")

    by_days = house.build()
    incremental = house.contents()
    in_full = house.build(full_refresh=True)

    assert (by_days.mode, by_days.reason) == ("days", "3 days changed since the last build")
    assert (by_days.first_day, by_days.last_day) == (date(2026, 11, 20), date(2026, 11, 22))
    assert in_full.mode == "full"
    assert incremental == house.contents()
    assert house.column("select day from fct_data_movement where event_id = 'export'") == [date(2026, 11, 21)]


def test_a_long_range_is_built_by_months_and_leaves_the_days_within_as_they_were(house: House) -> None:
    between = "from fct_actor_activity_daily where day between '2026-11-20' and '2026-11-23'"
    before = house.ask(f"select * {between} order by all")
    house.feed.record("early", "03 10:00", "claude_chat_created", claude_chat_id="chat_9")
    house.feed.record("latest", "30 10:00", "claude_chat_created", claude_chat_id="chat_9")

    report = house.build()

    assert (report.first_day, report.last_day) == (date(2026, 11, 3), date(2026, 11, 30))
    assert house.ask(f"select * {between} order by all") == before
    assert house.ask("select sum(events) from fct_actor_activity_daily") == [(25,)]


def test_nothing_changed_builds_no_day_and_keeps_every_row(house: House) -> None:
    before = house.contents()

    report = house.build()

    assert (report.mode, report.reason) == ("days", "no day changed since the last build")
    assert report.first_day is None
    assert "fct_login" not in {model.name for model in report.models}
    assert house.contents() == before


def test_a_given_range_builds_its_days_and_leaves_the_others_for_the_next_build(house: House) -> None:
    house.feed.record("inside", "21 12:00", "sso_login_failed", {**KIM, **BROWSER})
    house.feed.record("outside", "22 15:00", "sso_login_failed", {**KIM, **BROWSER})
    new = "select event_id from fct_login where event_id in ('inside', 'outside') order by 1"

    report = house.build(
        event_time=(datetime(2026, 11, 21, 11, tzinfo=UTC), datetime(2026, 11, 21, 13, tzinfo=UTC)),
        select="fct_login int_actor_days dim_actor",
    )
    assert (report.first_day, report.last_day) == (date(2026, 11, 21), date(2026, 11, 21))
    assert house.column(new) == ["inside"]

    # A build of some models does not count as one of the day: the next one takes both.
    assert house.build().reason == "2 days changed since the last build"
    assert house.column(new) == ["inside", "outside"]


def test_marts_of_another_project_are_built_as_a_whole(house: House) -> None:
    with duckdb.connect(str(house.database)) as db:
        db.execute("update marts_build set project_sha256 = 'that of last week'")

    report = house.build()

    assert (report.mode, report.reason) == ("full", "the models, the taxonomy or dbt changed since the last build")


def test_a_changed_model_macro_or_seed_makes_another_project(tmp_path: Path) -> None:
    project = tmp_path / "dbt_project"
    shutil.copytree(find_project(), project)
    seen = {fingerprint(find_project()), fingerprint(project)}
    assert len(seen) == 1  # wherever it stands
    for name in ("models/marts/dim_actor.sql", "macros/actor.sql", "seeds/event_types.csv", "dbt_project.yml"):
        with (project / name).open("a") as file:
            file.write("\n")
        seen.add(fingerprint(project))
    assert len(seen) == 5


def test_an_archive_without_events_makes_valid_empty_marts(empty_house: House) -> None:
    report = empty_house.build()

    rows = {model.name: model.rows for model in report.models}
    assert rows["fct_login"] == rows["dim_actor"] == rows["fct_actor_activity_daily"] == 0
    assert rows["dim_event_type"] == 514


def test_a_range_that_runs_backwards_is_refused(house: House) -> None:
    with pytest.raises(ValueError, match="runs backwards"):
        house.build(event_time=(datetime(2026, 11, 22, tzinfo=UTC), datetime(2026, 11, 21, tzinfo=UTC)))


def test_records_that_the_engine_cannot_parse_are_kept_without_their_details(house: House) -> None:
    house.feed.record("surrogate", "21 12:00", "claude_user_role_updated", user_id="user_9", current_role="admin")
    house.feed.damage("surrogate", '{"id":"surrogate","note":"\\ud800","current_role":"admin"}')
    house.feed.record("cut", "21 12:01", "claude_file_exported", filename="q3.xlsx")
    house.feed.damage("cut", '{"id":"cut","export_destin')

    house.build(select="fct_admin_change fct_data_movement")

    assert house.ask("select event_id, setting from fct_admin_change where event_id = 'surrogate'") == [
        ("surrogate", None)
    ]
    assert house.ask("select object_name, destination from fct_data_movement where event_id = 'cut'") == [
        ("q3.xlsx", None)
    ]


def test_marts_times_are_utc_for_a_reader_in_any_time_zone(house: House) -> None:
    with duckdb.connect(str(house.database), read_only=True) as db:
        db.execute("set timezone = 'Asia/Tokyo'")
        answer = db.execute(
            "select count(*) from fct_login as l join archive.audit_events as e on l.event_id = e.id "
            "and l.created_at = e.created_at and l.day = cast(e.created_at at time zone 'UTC' as date)"
        ).fetchone()
    assert answer == (5,)
