"""Sealing days through Dagster."""

from datetime import date

from sandbox import Served
from tests.assets.pipeline import Pipeline


def test_days_that_were_read_whole_after_their_end_are_sealed(pipeline: Pipeline) -> None:
    pulled = pipeline.pull("2026-11-18", "2026-11-20").days()
    sealed = pipeline.materialize("audit_events_sealed", days=("2026-11-18", "2026-11-20"))
    for day, facts in sealed.days("audit_events_sealed").items():
        assert facts["sealed"] == "now"
        assert facts["rows"] == pulled[day]["records"]
    assert sealed.checks()["days_are_sealed"].passed
    assert len({file.dt for file in pipeline.state().table("audit_events").sealed}) == 3


def test_a_day_that_is_not_ready_says_why_and_is_left_alone(pipeline: Pipeline) -> None:
    pipeline.pull("2026-11-18")
    pipeline.pull("2026-11-22")
    days = pipeline.materialize("audit_events_sealed", days=("2026-11-18", "2026-11-22")).days(
        "audit_events_sealed"
    )
    assert days["2026-11-18"]["sealed"] == "now"
    assert days["2026-11-19"]["sealed"] == "nothing to seal: the day has no events"
    assert days["2026-11-22"]["sealed"] == "not yet: the day is not over"


def test_sealing_again_changes_nothing(pipeline: Pipeline) -> None:
    pipeline.pull("2026-11-18")
    pipeline.materialize("audit_events_sealed", days=("2026-11-18", "2026-11-18"))
    size = pipeline.state().size
    again = pipeline.materialize("audit_events_sealed", days=("2026-11-18", "2026-11-18"))
    assert again.days("audit_events_sealed")["2026-11-18"]["sealed"] == "before"
    assert pipeline.state().size == size


def test_what_comes_late_makes_a_further_part(pipeline: Pipeline, served: Served) -> None:
    days = ("2026-11-18", "2026-11-18")
    pipeline.pull("2026-11-18")
    pipeline.materialize("audit_events_sealed", days=days)
    served.tenant.withdraw(day=date(2026, 11, 18), count=1)
    pipeline.pull("2026-11-18")
    late = pipeline.materialize("audit_events_sealed", days=days).days("audit_events_sealed")["2026-11-18"]
    assert (late["sealed"], late["rows"]) == ("now", 1)


def test_a_day_pulled_only_by_the_tail_waits_for_its_second_reading_and_is_named(pipeline: Pipeline) -> None:
    pipeline.pull("2026-11-22")
    pipeline.later(days=3)
    for day in ("2026-11-23", "2026-11-24", "2026-11-25"):
        pipeline.tail(day)
    checked = pipeline.materialize("audit_events_sealed", days=("2026-11-24", "2026-11-24"))
    found = checked.checks()["days_are_sealed"]
    assert (found.passed, found.severity.value) == (False, "WARN")
    assert "2026-11-22 (not yet: the day has not been read again after it ended)" in (found.description or "")
