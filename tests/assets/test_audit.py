"""Pulling days through Dagster: what a run does to its partitions, and what a rerun finds to do."""

import json
from datetime import UTC, date, datetime
from pathlib import Path

from sandbox import Served, Tenant, serve
from tests.assets.pipeline import Pipeline


def truth(served: Served, start: str, end: str) -> list[str]:
    """Ids of what the tenant would serve of `[start, end)` now."""
    bounds = [datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (start, end)]
    return sorted(json.loads(record)["id"] for record in served.tenant.records(*bounds))


def test_31_days_are_one_run_with_metadata_for_each(tmp_path: Path) -> None:
    with serve(Tenant(seed=3, users=3, days=35, clock="2026-11-22T10:00:00Z", rate_limit=0)) as served:
        pipeline = Pipeline(served, tmp_path, date(2026, 10, 18))
        run = pipeline.pull("2026-10-20", "2026-11-19")
        days = run.days()
        assert run.success
        assert len(days) == 31
        assert sum(day["records"] for day in days.values()) == len(truth(served, "2026-10-20", "2026-11-20"))
        assert all(
            day["complete"] and day["requests"] == 1 and day["covered"] == "the whole day" for day in days.values()
        )
        assert run.days("audit_pages").keys() == days.keys()
        assert pipeline.ids() == truth(served, "2026-10-20", "2026-11-20")


def test_a_second_run_adds_nothing(pipeline: Pipeline) -> None:
    first = pipeline.pull("2026-11-18", "2026-11-19").days()
    again = pipeline.pull("2026-11-18", "2026-11-19").days()
    for name, day in again.items():
        assert (day["first"], day["revised"], day["withdrawn"]) == (0, 0, 0)
        assert day["unchanged"] == day["records"] == first[name]["records"] > 0


def test_today_is_pulled_up_to_the_indexing_lag(pipeline: Pipeline) -> None:
    day = pipeline.pull("2026-11-22").days()["2026-11-22"]
    assert day["covered"] == "00:00 to 09:58"
    assert not day["complete"]


def test_a_day_that_has_not_begun_to_settle_is_materialized_with_nothing_asked(pipeline: Pipeline) -> None:
    pipeline.later(hours=14, minutes=1)  # 00:01 of the 23rd
    run = pipeline.pull("2026-11-23")
    assert run.success
    assert run.days()["2026-11-23"]["requests"] == 0


def test_the_tail_reads_only_what_came_since_and_ten_minutes_before(pipeline: Pipeline, served: Served) -> None:
    pipeline.pull("2026-11-22")
    pipeline.later(minutes=5)
    run = pipeline.tail("2026-11-22")
    assert run.days()["2026-11-22"]["requests"] == 1
    assert run.days()["2026-11-22"]["covered"] == "00:00 to 10:03"
    assert "created_at.gte=2026-11-22T09:48:00Z&created_at.lt=2026-11-22T10:03:00Z" in served.requests[-1]["query"]


def test_the_first_tail_begins_with_the_day_it_runs_for(pipeline: Pipeline) -> None:
    run = pipeline.tail("2026-11-22")
    assert run.days()["2026-11-22"]["covered"] == "00:00 to 09:58"
    assert list(run.days()) == ["2026-11-22"]


def test_a_tail_over_midnight_belongs_to_both_days(pipeline: Pipeline) -> None:
    pipeline.pull("2026-11-22")
    pipeline.later(hours=14, minutes=5)  # 00:05 of the 23rd
    run = pipeline.tail("2026-11-22", "2026-11-23")
    assert run.days()["2026-11-22"]["complete"]
    assert run.days()["2026-11-23"]["covered"] == "00:00 to 00:03"


def test_the_tail_fills_a_hole_on_another_day_and_says_so_there(pipeline: Pipeline, served: Served) -> None:
    pipeline.pull("2026-11-18")
    pipeline.pull("2026-11-20", "2026-11-22")
    pipeline.later(minutes=5)
    run = pipeline.tail("2026-11-22")
    assert set(run.days()) == {"2026-11-19", "2026-11-22"}
    assert run.days()["2026-11-19"]["complete"]
    assert run.checks()["coverage_without_gap"].metadata["holes"].value == 1  # the 17th: history, a backfill's


def test_a_window_that_fails_is_seen_as_a_gap_and_filled_by_the_next_tail(
    pipeline: Pipeline, served: Served
) -> None:
    served.faults.on("error_500_final", next=1)
    run = pipeline.pull("2026-11-17", "2026-11-22")
    failed = run.checks()["coverage_without_gap"]
    assert run.success
    assert not run.days()["2026-11-22"]["complete"]
    assert (failed.passed, failed.severity.value) == (False, "ERROR")
    assert "backfill audit_events from 2026-11-22 to 2026-11-22" in (failed.description or "")
    pipeline.later(minutes=5)
    assert pipeline.tail("2026-11-22").checks()["coverage_without_gap"].passed
    assert pipeline.ids() == truth(served, "2026-11-17", "2026-11-22T10:03:00")


def test_a_run_in_which_every_window_fails_has_failed(pipeline: Pipeline, served: Served) -> None:
    served.faults.on("error_500_final")
    run = pipeline.pull("2026-11-18", "2026-11-19")
    assert not run.success
    assert run.failure.startswith("None of the 2 windows could be read")


def test_a_wrong_key_fails_the_run_with_what_to_do(pipeline: Pipeline, served: Served) -> None:
    served.faults.on("missing_scope")
    run = pipeline.pull("2026-11-18")
    assert not run.success
    assert "read:compliance_activities" in run.failure
    assert "What to do: " in run.failure
    assert pipeline.key not in "".join(repr(event) for event in run.result.all_events)


def test_a_missing_signing_key_fails_the_run_with_what_to_do(pipeline: Pipeline) -> None:
    (pipeline.folder / "signing.key").unlink()
    run = pipeline.pull("2026-11-18")
    assert not run.success
    assert "ledgerline init" in run.failure


def test_what_a_killed_run_committed_is_folded_by_the_next(pipeline: Pipeline, served: Served) -> None:
    from assets.pull_report import PullReport
    from assets.pulling import _commit, _walk_in_time
    from warehouse.wire.windows import Window

    with pipeline.open(for_writing=True) as workshop:
        workshop.archive.refresh()
        report = PullReport()
        walk = _walk_in_time(workshop, Window.of_day(date(2026, 11, 18)), report)
        assert walk is not None
        _commit(workshop, walk, report)
    assert pipeline.ids() == []
    pipeline.pull("2026-11-19")
    assert pipeline.ids() == truth(served, "2026-11-18", "2026-11-20")
