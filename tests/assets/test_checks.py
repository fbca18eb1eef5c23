"""The checks: what each one sees, how severe it finds it, and when it turns good again."""

from datetime import date, timedelta
from pathlib import Path

import httpx
import pytest

from assets.verdicts import still_news
from sandbox import Served, Tenant, serve
from tests.assets.pipeline import Pipeline

WEEK = ("2026-11-17", "2026-11-22")


def ask_as_somebody_else(served: Served) -> None:
    """A request to the Compliance API with a key that is not this pipeline's business."""
    httpx.get(
        f"{served.url}/v1/compliance/activities?limit=1",
        headers={
            "x-api-key": served.keys["compliance"],
            "x-forwarded-for": "198.51.100.77",
            "user-agent": "curl/8.1",
        },
    ).raise_for_status()


def test_all_checks_of_a_quiet_week_pass_but_for_what_was_planted(pipeline: Pipeline) -> None:
    checks = pipeline.pull(*WEEK).checks()
    for name in (
        "coverage_without_gap",
        "footprints_found",
        "records_unchanged",
        "tail_is_fresh",
        "log_head_signed",
    ):
        assert checks[name].passed, (name, checks[name].description)


def test_a_redaction_warns_that_records_were_changed(pipeline: Pipeline, served: Served) -> None:
    pipeline.pull(*WEEK)
    person = served.tenant.world.people.on(date(2026, 11, 20))[0]
    redacted = set(served.tenant.redact(user_id=person.user_id))
    changed = redacted.intersection(pipeline.ids())  # the tenant has records of later today, too
    run = pipeline.pull(*WEEK)
    found = run.checks()["records_unchanged"]
    assert sum(day["revised"] for day in run.days().values()) == len(changed) > 0
    assert (found.passed, found.severity.value) == (False, "WARN")
    assert f"revised {len(changed)} and withdrawn 0" in (found.description or "")


def test_a_withdrawal_warns_and_names_where_both_versions_are(pipeline: Pipeline, served: Served) -> None:
    pipeline.pull(*WEEK)
    served.tenant.withdraw(day=date(2026, 11, 19), count=2)
    run = pipeline.pull("2026-11-19")
    found = run.checks()["records_unchanged"]
    assert run.days()["2026-11-19"]["withdrawn"] == 2
    assert not found.passed
    assert "audit_event_versions" in (found.description or "")


def test_a_change_is_news_for_a_week_and_a_further_one_is_news_again(pipeline: Pipeline, served: Served) -> None:
    pipeline.pull(*WEEK)
    served.tenant.withdraw(day=date(2026, 11, 19), count=1)
    assert not pipeline.pull("2026-11-19").checks()["records_unchanged"].passed
    pipeline.later(days=6)
    assert not pipeline.tail("2026-11-28").checks()["records_unchanged"].passed
    pipeline.later(days=1, hours=1)
    known = pipeline.tail("2026-11-29").checks()["records_unchanged"]
    assert known.passed
    assert (known.description or "").startswith("Known for more than a week")
    served.tenant.withdraw(day=date(2026, 11, 20), count=1)
    assert not pipeline.pull("2026-11-20").checks()["records_unchanged"].passed


@pytest.mark.parametrize(
    ("total", "before", "rose_at", "expected"),
    [
        (0, 0, None, (False, None)),
        (1, 0, None, (True, "2026-11-22T00:00:00Z")),
        (1, 1, "2026-11-15T00:00:01Z", (True, "2026-11-15T00:00:01Z")),
        (1, 1, "2026-11-15T00:00:00Z", (False, "2026-11-15T00:00:00Z")),
        (0, 3, "2026-11-15T00:00:00Z", (False, "2026-11-15T00:00:00Z")),
    ],
)
def test_a_count_is_news_for_seven_days_after_it_rose(
    total: int, before: int, rose_at: str | None, expected: tuple[bool, str | None]
) -> None:
    assert still_news(total, before, rose_at, "2026-11-22T00:00:00Z") == expected


def test_somebody_elses_compliance_request_is_an_error(pipeline: Pipeline, served: Served) -> None:
    pipeline.pull(*WEEK)
    pipeline.later(minutes=5)
    pipeline.tail("2026-11-22")  # shows our own footprint, and with it who we are
    before = pipeline.state().footprints.foreign()
    ask_as_somebody_else(served)
    pipeline.later(minutes=5)
    found = pipeline.tail("2026-11-22").checks()["foreign_footprints"]
    assert found.metadata["callers"].value == len(before) + 1
    assert (found.passed, found.severity.value) == (False, "ERROR")
    assert "from 198.51.100.77" in (found.description or "")


def test_our_own_requests_are_found_again_and_are_not_foreign(pipeline: Pipeline) -> None:
    pipeline.pull("2026-11-20", "2026-11-22")
    pipeline.later(minutes=5)
    found = pipeline.tail("2026-11-22").checks()
    assert found["footprints_found"].passed
    assert found["footprints_found"].metadata["found"].value == 3


def test_a_request_of_ours_that_the_feed_never_shows_warns_and_after_an_hour_is_an_error(
    pipeline: Pipeline, served: Served
) -> None:
    pipeline.pull("2026-11-22")
    own = [identifier for identifier in accesses(served)][-1:]
    served.tenant.withdraw(own)
    pipeline.later(minutes=6)
    lost = pipeline.tail("2026-11-22").checks()["footprints_found"]
    assert (lost.passed, lost.severity.value) == (False, "WARN")
    pipeline.later(hours=1)
    lost = pipeline.tail("2026-11-22").checks()["footprints_found"]
    assert (lost.passed, lost.severity.value) == (False, "ERROR")


def accesses(served: Served) -> list[str]:
    """Ids of the compliance requests in the feed, oldest first."""
    import json

    served.clock.advance(2)  # a request shows up a second after it was made
    records = [json.loads(record) for record in served.tenant.records()]
    return [record["id"] for record in records if record["type"] == "compliance_api_accessed"]


def test_a_lag_warns_after_ten_minutes_and_is_an_error_after_thirty(pipeline: Pipeline, served: Served) -> None:
    pipeline.pull(*WEEK)
    served.faults.on("error_500_final", skip=1)
    pipeline.later(minutes=15)
    late = pipeline.pull("2026-11-17", "2026-11-17").checks()["tail_is_fresh"]
    assert (late.passed, late.severity.value) == (False, "WARN")
    served.faults.clear()
    pipeline.later(minutes=20)
    late = pipeline.pull("2026-11-17").checks()["tail_is_fresh"]
    assert (late.passed, late.severity.value) == (False, "ERROR")
    assert "Is the schedule audit_tail running" in (late.description or "")


def test_unknown_types_and_fields_warn_and_are_named(pipeline: Pipeline, served: Served) -> None:
    served.tenant.damage("duplicate_keys", next=1)
    found = pipeline.pull(*WEEK).checks()["nothing_unknown"]
    assert (found.passed, found.severity.value) == (False, "WARN")
    assert "source_note" in (found.description or "")


def test_history_that_was_never_pulled_warns_with_the_days_to_backfill(pipeline: Pipeline) -> None:
    found = pipeline.pull("2026-11-20", "2026-11-22").checks()["coverage_without_gap"]
    assert (found.passed, found.severity.value) == (False, "WARN")
    assert "backfill audit_events from 2026-11-17 to 2026-11-19" in (found.description or "")


def test_a_forged_checkpoint_is_an_error(pipeline: Pipeline) -> None:
    pipeline.pull("2026-11-18")
    with pipeline.open(for_writing=True) as workshop:
        from assets.verdicts import log_head_signed

        size = workshop.archive.refresh().size
        path = pipeline.folder / "archive" / "log" / "checkpoint" / f"{size:012d}"
        path.chmod(0o644)
        path.write_text(path.read_text().replace(f"\n{size}\n", f"\n{size + 1}\n"))
        found = log_head_signed(workshop)
    assert not found.good
    assert found.severe
    assert "ledgerline verify" in found.text


def test_an_evening_without_recording_is_an_error(tmp_path: Path) -> None:
    with serve(Tenant(seed=11, users=12, days=5, clock="2026-11-22T10:00:00Z", rate_limit=0)) as served:
        pipeline = Pipeline(served, tmp_path, date(2026, 11, 17))
        checks = pipeline.pull(*WEEK).checks()
        (story,) = (story for story in served.tenant.stories() if story["kind"] == "recording_switched_off")
        found = checks["recording_stayed_on"]
        assert (found.passed, found.severity.value) == (False, "ERROR")
        assert f"[{story['first_at']}, {story['last_at']})" in (found.description or "")
        served.clock.advance(timedelta(hours=12).total_seconds())
        assert not pipeline.tail("2026-11-22").checks()["recording_stayed_on"].passed
