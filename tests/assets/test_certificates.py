"""The certificate of a month through Dagster: files, metadata, the check, and that nothing is written over."""

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from orchestration.schedules import month_before
from sandbox import Tenant, serve
from tests.assets.pipeline import Pipeline
from warehouse.evidence.certificate import check

OCTOBER = ("2026-10-01", "2026-10-01")


def test_a_months_certificate_is_written_signed_and_checked(tmp_path: Path) -> None:
    with serve(Tenant(seed=11, users=5, days=3, clock="2026-11-01T10:00:00Z", rate_limit=0)) as served:
        pipeline = Pipeline(served, tmp_path, date(2026, 10, 29))
        pipeline.pull("2026-10-29", "2026-11-01")
        run = pipeline.materialize("completeness_certificate", days=OCTOBER)
        assert run.success, run.failure
        (facts,) = run.days("completeness_certificate").values()
        page = Path(facts["page"])
        assert page.is_relative_to(tmp_path / "data" / "certificates" / "2026-10")
        data = (page.parent / "certificate.json").read_bytes()
        with pipeline.open() as workshop:
            key = workshop.archive.refresh().public_key
        check(data, (page.parent / "certificate.note").read_text(), key)
        document = json.loads(data)
        assert document["period"] == {"from": "2026-10-29T00:00:00Z", "to": "2026-11-01T00:00:00Z"}
        assert document["coverage"]["gaps"] == []
        found = run.checks()["month_is_complete"]
        assert found.passed == (facts["findings"] == 0) == (document["findings"] == [])

        pipeline.later(minutes=10)
        again = pipeline.materialize("completeness_certificate", days=OCTOBER)
        (facts,) = again.days("completeness_certificate").values()
        assert Path(facts["page"]).parent != page.parent
        assert (page.parent / "certificate.json").read_bytes() == data


def test_the_auditors_page_of_a_month_is_written_once_for_each_state_of_the_log(tmp_path: Path) -> None:
    with serve(Tenant(seed=11, users=5, days=3, clock="2026-11-01T10:00:00Z", rate_limit=0)) as served:
        pipeline = Pipeline(served, tmp_path, date(2026, 10, 29))
        pipeline.pull("2026-10-29", "2026-11-01")
        run = pipeline.materialize("evidence_report", days=OCTOBER)
        assert run.success, run.failure
        (facts,) = run.days("evidence_report").values()
        page, proofs = Path(facts["report"]), Path(facts["proofs"])
        assert "Evidence report" in page.read_text()
        assert Path(facts["certificate"]).parent == proofs.parent == page.with_name(f"{page.stem}-proofs")
        assert (facts["days complete"], facts["days missing"]) == (3, 0)
        written = page.stat().st_mtime_ns
        again = pipeline.materialize("evidence_report", days=OCTOBER)
        (facts,) = again.days("evidence_report").values()
        assert Path(facts["report"]) == page
        assert page.stat().st_mtime_ns == written


def test_a_month_with_a_day_that_was_not_pulled_fails_its_check(tmp_path: Path) -> None:
    with serve(Tenant(seed=11, users=5, days=3, clock="2026-11-01T10:00:00Z", rate_limit=0)) as served:
        pipeline = Pipeline(served, tmp_path, date(2026, 10, 29))
        pipeline.pull("2026-10-29")
        pipeline.pull("2026-10-31", "2026-11-01")
        run = pipeline.materialize("completeness_certificate", days=OCTOBER)
        found = run.checks()["month_is_complete"]
        assert (found.passed, found.severity.value) == (False, "WARN")
        assert "[2026-10-30T00:00:00Z, 2026-10-31T00:00:00Z)" in str(found.metadata["findings"])


@pytest.mark.parametrize(
    ("tick", "start", "month"),
    [
        ("2026-11-03", date(2026, 10, 29), date(2026, 10, 1)),
        ("2027-01-03", date(2026, 10, 29), date(2026, 12, 1)),
        ("2026-11-03", date(2026, 11, 1), None),
    ],
)
def test_the_schedule_asks_for_the_month_before(tick: str, start: date, month: date | None) -> None:
    assert month_before(datetime.fromisoformat(tick).replace(tzinfo=UTC), start) == month
