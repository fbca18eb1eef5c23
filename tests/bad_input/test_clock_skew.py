"""A clock that is ten minutes wrong, ours or the API's: a finding, and coverage that never runs ahead of both."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.promises.conftest import Command, Standing, tenant_process
from tests.promises.quick import pull
from tests.promises.site import Site
from warehouse.wire.times import parse_rfc3339

SECONDS = 600


@pytest.fixture(params=[SECONDS, -SECONDS], ids=["the API is ahead", "the API is behind"])
def skewed(request: pytest.FixtureRequest) -> Iterator[tuple[int, dict[str, Any]]]:
    with tenant_process("--users", "4", "--days", "2", "--now", f"real{request.param:+}") as ready:
        yield request.param, ready


@pytest.mark.fault(
    "The machine's clock is minutes or hours off.",
    area="clock and keys",
    data="Windows follow the earlier of our clock and the vendor's.",
    user="The finding `clock_skew`.",
    recovery="Switch time synchronisation on.",
)
def test_pull_status_and_doctor_name_the_skew_and_coverage_stays_behind_both_clocks(
    skewed: tuple[int, dict[str, Any]], tmp_path: Path, ledgerline: Command
) -> None:
    seconds, tenant = skewed
    site = Site(tmp_path, tenant["url"], tenant["keys"]["compliance"], date.fromisoformat(tenant["first_day"]))
    ended = ledgerline(site, "pull", "activities", "--json")
    assert ended.code == 1
    report = ended.json()
    assert report["failed"] == []
    (finding,) = report["findings"]
    assert finding["code"] == "clock_skew"
    side = "behind" if seconds > 0 else "ahead of"
    assert f"s {side} the API's" in finding["detail"]
    assert "time synchronisation" in finding["detail"]

    document = ledgerline(site, "status", "--json").json()
    covered_to = parse_rfc3339(document["streams"][0]["covered_to"])
    earlier = datetime.now(UTC) + timedelta(seconds=min(0, seconds))
    assert timedelta(minutes=1) <= earlier - covered_to < timedelta(minutes=4)
    assert [found["code"] for found in document["findings"]].count("clock_skew") == 1
    assert document["streams"][0]["gaps"] == []
    rows = site.sql("select raw from audit_events order by created_at, id")
    assert [raw.encode() for (raw,) in rows] == site.truth(None, covered_to)

    checks = {check["check"]: check for check in ledgerline(site, "doctor", "--json").json()["checks"]}
    assert checks["clocks"]["state"] == "failed"
    assert "NTP" in checks["clocks"]["remedy"]


@pytest.mark.parametrize("seconds", [SECONDS, -SECONDS])
def test_nothing_is_lost_or_doubled_when_the_clock_is_set_right(standing: Standing, seconds: int) -> None:
    """Ours is wrong by so much for a while, then right: the feed's records come out once each."""
    served, site = standing()
    wrong = timedelta(seconds=seconds)
    for step in range(6):
        served.clock.advance(300)
        skew = wrong if step in (1, 2, 3) else timedelta(0)
        report = pull(site, served, clock=lambda s=skew: served.clock.now() + s)
        assert report.failed == []
        assert bool(report.findings) == bool(skew and report.windows)  # set back, nothing is due for a while
        assert (report.revised, report.withdrawn) == (0, 0)
    with site.open(for_writing=False) as workshop:
        stream = workshop.archive.refresh().stream("activities")
    assert len(stream.covered) == 1
    end = stream.covered[-1].end
    assert served.clock.now() - end == timedelta(minutes=2)
    rows = site.sql("select raw from audit_events order by created_at, id")
    assert [raw.encode() for (raw,) in rows] == served.tenant.records(None, end)
    times = [at for (at,) in site.sql("select committed_at from log_entries order by seq")]
    assert times == sorted(times)


def test_less_than_a_minute_of_skew_is_nobodys_business(standing: Standing) -> None:
    served, site = standing(days=1)
    report = pull(site, served, clock=lambda: served.clock.now() + timedelta(seconds=50))
    assert report.findings == []


@pytest.mark.fault(
    "The machine's clock is a day ahead.",
    area="clock and keys",
    data="No day counts as covered that has not been.",
    user="The finding `clock_skew`.",
    recovery="Set the clock.",
)
def test_a_clock_that_is_a_day_ahead_covers_no_day_that_has_not_been(standing: Standing) -> None:
    served, site = standing(days=1)
    report = pull(site, served, clock=lambda: served.clock.now() + timedelta(days=1, hours=3))
    assert [found["code"] for found in report.findings] == ["clock_skew"]
    with site.open(for_writing=False) as workshop:
        end = workshop.archive.refresh().covered_until("activities")
    assert end is not None
    assert end <= served.clock.now() - timedelta(seconds=60)
