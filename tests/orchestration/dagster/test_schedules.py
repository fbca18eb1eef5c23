"""Which days a tick asks for, and with what."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

from assets.mart_models import read_marts
from orchestration.definitions import definitions_of
from orchestration.schedules import days_of_tail, days_to_reread
from sandbox import Served
from tests.assets.pipeline import CONFIG, Pipeline, Run
from warehouse.config import parse

START = date(2026, 11, 17)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("tick", "first", "last"),
    [
        ("2026-11-22T10:00", date(2026, 11, 22), date(2026, 11, 22)),
        ("2026-11-23T00:00", date(2026, 11, 22), date(2026, 11, 22)),
        ("2026-11-23T00:05", date(2026, 11, 22), date(2026, 11, 23)),
        ("2026-11-23T00:15", date(2026, 11, 22), date(2026, 11, 23)),
        ("2026-11-23T00:20", date(2026, 11, 23), date(2026, 11, 23)),
        ("2026-11-17T00:05", date(2026, 11, 17), date(2026, 11, 17)),
    ],
)
def test_a_tail_asks_for_the_days_its_window_can_touch(tick: str, first: date, last: date) -> None:
    assert days_of_tail(at(tick), START) == (first, last)


def test_nothing_is_asked_for_before_the_first_day() -> None:
    assert days_of_tail(at("2026-11-17T00:00"), START) is None
    assert days_to_reread(at("2026-11-17T02:30"), 1, START) is None


def test_the_night_reads_yesterday_and_sunday_the_week() -> None:
    assert days_to_reread(at("2026-11-22T02:30"), 1, START) == (date(2026, 11, 21), date(2026, 11, 21))
    assert days_to_reread(at("2026-11-29T03:30"), 7, START) == (date(2026, 11, 22), date(2026, 11, 28))
    assert days_to_reread(at("2026-11-20T03:30"), 7, START) == (date(2026, 11, 17), date(2026, 11, 19))


@pytest.fixture(autouse=True)
def on_disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[None]:
    """A tick asks which runs there are, for which its instance must be one that another process could open."""
    if "pipeline" not in request.fixturenames:
        yield
        return
    pipeline: Pipeline = request.getfixturevalue("pipeline")
    (tmp_path / "dagster").mkdir()
    with dg.DagsterInstance.local_temp(str(tmp_path / "dagster")) as instance:
        pipeline.instance = instance
        yield


def tick(pipeline: Pipeline, name: str, moment: str) -> dg.RunRequest | dg.SkipReason:
    repository = pipeline.definitions.get_repository_def()
    schedule = repository.get_schedule_def(name)
    # what the daemon gives to a schedule that asks for it
    given = repository.get_top_level_resources()
    with dg.build_schedule_context(
        instance=pipeline.instance,
        scheduled_execution_time=at(moment),
        repository_def=repository,
        resources={key: given[key] for key in schedule.required_resource_keys},
    ) as context:
        data = schedule.evaluate_tick(context)
    requests = list(data.run_requests or [])
    return requests[0] if requests else dg.SkipReason(data.skip_message)


def carry_out(pipeline: Pipeline, job: str, request: dg.RunRequest, *assets: str) -> Run:
    """The requested run, as the daemon would start it; some of its assets, where they are named."""
    resolved = pipeline.definitions.resolve_job_def(job)
    config = {**request.run_config, "loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    result = resolved.execute_in_process(
        run_config=config,
        tags=dict(request.tags),
        instance=pipeline.instance,
        asset_selection=[dg.AssetKey(name) for name in assets] or None,
        raise_on_error=False,
    )
    return Run(result)


def test_the_tail_tick_asks_for_what_is_due_of_its_days_and_that_run_pulls_it(pipeline: Pipeline) -> None:
    request = tick(pipeline, "audit_tail_every_5_minutes", "2026-11-22T10:00")
    assert isinstance(request, dg.RunRequest)
    assert request.tags[ASSET_PARTITION_RANGE_START_TAG] == "2026-11-22"
    assert request.tags[ASSET_PARTITION_RANGE_END_TAG] == "2026-11-22"
    run = carry_out(pipeline, "audit_tail", request)
    assert run.success
    assert run.days()["2026-11-22"]["covered"] == "00:00 to 09:58"
    assert {"coverage_without_gap", "log_head_signed", "tail_is_fresh"} <= run.checks().keys()


def test_a_tail_that_has_not_finished_is_not_joined_by_another(pipeline: Pipeline) -> None:
    pipeline.instance.create_run_for_job(
        pipeline.definitions.resolve_job_def("audit_tail"), status=dg.DagsterRunStatus.STARTED
    )
    skipped = tick(pipeline, "audit_tail_every_5_minutes", "2026-11-22T10:00")
    assert isinstance(skipped, dg.SkipReason)
    assert "has not finished" in (skipped.skip_message or "")


def test_the_nightly_run_reads_yesterday_again_and_seals_it(pipeline: Pipeline) -> None:
    request = tick(pipeline, "audit_reread_yesterday", "2026-11-22T02:30")
    assert isinstance(request, dg.RunRequest)
    run = carry_out(pipeline, "audit_reread", request, "audit_events", "audit_events_sealed")
    assert run.success, run.failure
    assert run.days("audit_events_sealed")["2026-11-21"]["sealed"] == "now"


def test_the_marts_are_built_after_the_nightly_reading_and_never_by_the_tail(pipeline: Pipeline) -> None:
    marts = {dg.AssetKey(mart.name) for mart in read_marts()}
    assets = {
        job: pipeline.definitions.resolve_job_def(job).asset_layer.executable_asset_keys
        for job in ("audit_reread", "audit_tail")
    }
    assert marts <= assets["audit_reread"]
    assert assets["audit_tail"] == {dg.AssetKey("audit_events"), dg.AssetKey("alerts")}


def test_upkeep_reads_everything_back_once_a_week(pipeline: Pipeline) -> None:
    for name, days in (("archive_upkeep_daily", 2), ("archive_upkeep_weekly", 0)):
        request = tick(pipeline, name, "2026-11-22T04:30")
        assert isinstance(request, dg.RunRequest)
        assert request.run_config["ops"]["archive_log"]["config"]["days"] == days


def test_every_schedule_runs_unless_it_is_stopped(pipeline: Pipeline) -> None:
    for schedule in pipeline.definitions.get_repository_def().schedule_defs:
        assert schedule.default_status == dg.DefaultScheduleStatus.RUNNING, schedule.name
        assert schedule.execution_timezone == "UTC", schedule.name


def test_the_hourly_tick_asks_one_small_question_and_runs_only_if_the_figures_moved(
    pipeline: Pipeline, served: Served
) -> None:
    request = tick(pipeline, "spend_when_refreshed", "2026-11-22T10:20")
    assert isinstance(request, dg.RunRequest)
    assert [asked["query"].count("limit=1") for asked in served.requests] == [1]
    assert request.tags[ASSET_PARTITION_RANGE_START_TAG] == "2026-11-17"
    assert request.tags[ASSET_PARTITION_RANGE_END_TAG] == "2026-11-21"
    run = carry_out(pipeline, "spend_pull", request)
    assert run.success
    assert {"grouped_equals_total", "figures_are_fresh"} <= run.checks().keys()
    before = len(served.requests)
    skipped = tick(pipeline, "spend_when_refreshed", "2026-11-22T11:20")
    assert isinstance(skipped, dg.SkipReason)
    assert "still those of 2026-11-22T08:00:00Z" in (skipped.skip_message or "")
    assert len(served.requests) == before + 1
    pipeline.later(hours=2)
    assert isinstance(tick(pipeline, "spend_when_refreshed", "2026-11-22T12:20"), dg.RunRequest)


def test_a_month_of_days_is_one_run_of_one_window(pipeline: Pipeline) -> None:
    assert days_to_reread(at("2027-03-01T10:20"), 31, START) == (date(2027, 1, 29), date(2027, 2, 28))


@pytest.mark.parametrize("name", ["directory_daily", "organization_settings_daily", "spend_limits_daily"])
def test_what_has_no_past_is_read_once_a_day(pipeline: Pipeline, name: str) -> None:
    assert isinstance(tick(pipeline, name, "2026-11-22T05:10"), dg.RunRequest)


def test_an_installation_without_a_key_skips_what_the_key_is_for_and_says_so(
    pipeline: Pipeline,
) -> None:
    text = CONFIG.format(url=pipeline.served.url, start=START, archive=pipeline.archive)
    settings = parse(text, pipeline.folder / "ledgerline.toml", {"KEY": pipeline.key})
    pipeline.definitions = definitions_of(settings, pipeline.served.clock.now)
    for name, variable in (
        ("directory_daily", "DIRECTORY_KEY"),
        ("organization_settings_daily", "ORGANIZATION_KEY"),
        ("spend_limits_daily", "SPEND_LIMITS_KEY"),
        ("engagement_daily", "ANALYTICS_KEY"),
        ("spend_when_refreshed", "ANALYTICS_KEY"),
    ):
        skipped = tick(pipeline, name, "2026-11-22T10:20")
        assert isinstance(skipped, dg.SkipReason)
        assert variable in (skipped.skip_message or "")


def test_engagement_is_read_once_a_day_when_yesterday_is_counted(pipeline: Pipeline) -> None:
    request = tick(pipeline, "engagement_daily", "2026-11-22T10:40")
    assert isinstance(request, dg.RunRequest)
    assert request.tags[ASSET_PARTITION_RANGE_END_TAG] == "2026-11-21"
    run = carry_out(pipeline, "engagement_pull", request, "engagement_summaries")
    assert run.success
    assert set(run.days("engagement_summaries")) >= {"2026-11-17", "2026-11-21"}
