"""Promise 5: a gap in coverage is visible: windows, and the footprints of our own requests in the feed."""

import json
from datetime import date, timedelta
from typing import Any

import httpx
import pytest

from assets.pulling import pull_activities
from assets.status import status
from sandbox import Served
from tests.promises.conftest import Command, Standing
from tests.promises.mortal import Died, Mortal, give
from tests.promises.quick import open_quickly, pull
from tests.promises.site import Site
from warehouse.archive.verify import verify
from warehouse.wire.times import midnight, parse_rfc3339

DAY, NEXT, TODAY = date(2026, 11, 20), date(2026, 11, 21), date(2026, 11, 22)


def document(site: Site, served: Served) -> dict[str, Any]:
    with open_quickly(site, served) as workshop:
        return status(workshop)


def findings(site: Site, served: Served, *codes: str) -> list[tuple[str, str]]:
    """(code, subject) of the findings with these codes."""
    return [
        (found["code"], found["subject"]) for found in document(site, served)["findings"] if found["code"] in codes
    ]


# windows


@pytest.mark.fault(
    "A window fails for good.",
    area="pulling",
    data="What was served is kept. The rest is a hole in the coverage.",
    user="`pull`, `status` and `verify` have a finding; exit 1.",
    recovery="Run the pull again.",
)
def test_a_failed_window_is_named_by_pull_status_and_verify_and_healed_by_the_next_run(
    site: Site, ledgerline: Command
) -> None:
    site.configure(tries=1)
    site.tell("faults", kind="error_503", next=1, skip=3)
    ended = site.run("pull", "activities", "--json")
    assert ended.code == 1
    (failed,) = ended.json()["failed"]
    assert "503" in failed["error"]
    shown = ledgerline(site, "status", "--json")
    (stream,) = shown.json()["streams"]
    (dead,) = stream["dead_windows"]
    (gap,) = stream["gaps"]
    assert dead["window"] == gap
    assert (f"[{gap[0]}, {gap[1]})", dead["tries"]) == (failed["window"], 1)
    assert shown.code == 1
    assert {"gap", "dead_window"} <= {found["code"] for found in shown.json()["findings"]}
    verified = ledgerline(site, "verify", "--json").json()
    assert [found["code"] for found in verified["findings"]] == ["gap"]

    assert ledgerline(site, "pull", "activities").code == 0
    with site.open(for_writing=False) as workshop:
        (stream,) = status(workshop)["streams"]
        assert (stream["gaps"], stream["dead_windows"]) == ([], [])
        assert verify(workshop.archive.store).findings == []


def test_what_a_failing_window_did_serve_is_kept_and_in_sql_at_once(standing: Standing) -> None:
    served, site = standing()
    served.faults.on("error_500_final", skip=1, next=1)
    report = pull(site, served, DAY, NEXT)
    assert report.failed
    assert report.first == 40
    newest = served.tenant.records(midnight(DAY), midnight(NEXT))[-40:]
    rows = site.sql("select raw from audit_events order by created_at, id")
    assert [raw.encode() for (raw,) in rows] == newest


def test_each_failing_run_counts_as_a_try_and_a_human_sees_the_last_error(standing: Standing) -> None:
    served, site = standing()
    for kind in ("error_502", "error_500_final"):
        served.faults.clear()
        served.faults.on(kind)
        pull(site, served, DAY, NEXT)
    (stream,) = document(site, served)["streams"]
    (dead,) = stream["dead_windows"]
    assert dead["tries"] == 2
    assert "500" in dead["error"]


def test_a_day_that_nobody_pulled_between_two_that_were_is_a_gap_and_what_is_due_fills_it(
    standing: Standing,
) -> None:
    served, site = standing()
    pull(site, served, site.start, DAY - timedelta(days=1))
    pull(site, served, DAY, NEXT)
    missing = f"activities [{DAY - timedelta(days=1)}T00:00:00Z, {DAY}T00:00:00Z)"
    assert findings(site, served, "gap") == [("gap", missing)]
    pull(site, served)
    assert findings(site, served, "gap") == []


def test_days_before_the_first_pull_are_a_gap_from_the_first_day_on(standing: Standing) -> None:
    served, site = standing()
    pull(site, served, DAY, NEXT)
    assert findings(site, served, "gap") == [
        ("gap", f"activities [{site.start}T00:00:00Z, {DAY}T00:00:00Z)"),
    ]


@pytest.mark.fault(
    "The vendor shows a record hours late.",
    area="pulling",
    data="The re-read of its day finds it.",
    user="The report of the re-read counts it as `first`.",
    recovery="Nothing.",
)
def test_a_record_indexed_hours_late_is_found_when_its_day_is_read_again(standing: Standing) -> None:
    served, site = standing()
    early = {"start": f"{TODAY}T05:00:00Z", "end": f"{TODAY}T09:30:00Z"}
    late = set(served.tenant.damage("late_indexing", next=3, seconds=6 * 3600, **early))
    assert len(late) == 3
    pull(site, served)
    assert late.isdisjoint(name for name, _, _ in site.versions())
    served.clock.advance(3 * 3600)
    pull(site, served)  # only what came since, and ten minutes before
    assert late.isdisjoint(name for name, _, _ in site.versions())
    served.clock.advance(18 * 3600)
    report = pull(site, served)  # the next morning, with yesterday once more
    assert late <= {name for name, _, _ in site.versions()}
    assert (report.revised, report.withdrawn) == (0, 0)
    end = served.clock.now() - timedelta(minutes=2)
    rows = site.sql("select raw from audit_events order by created_at, id")
    assert [raw.encode() for (raw,) in rows] == served.tenant.records(None, end)


# footprints


def tick(site: Site, served: Served, minutes: int = 5) -> None:
    """Some minutes later, the tail runs again."""
    served.clock.advance(minutes * 60)
    pull(site, served)


def test_our_own_requests_are_found_in_the_feed(standing: Standing) -> None:
    served, site = standing()
    pull(site, served)
    asked = len(served.requests)
    for _ in range(3):
        tick(site, served)
    with site.open(for_writing=False) as workshop:
        footprints = workshop.archive.refresh().footprints
    assert footprints.found >= asked
    assert findings(site, served, "footprint_missing") == []


@pytest.mark.fault(
    "The feed hides one of our own requests.",
    area="pulling",
    data="What was served is there.",
    user="A finding names the request by its id.",
    recovery="Ask the vendor about it.",
)
def test_a_request_of_ours_that_the_feed_never_showed_is_reported_by_its_id(standing: Standing) -> None:
    served, site = standing()
    pull(site, served)
    hidden = served.requests[-1]["request_id"]
    served.clock.advance(2)
    (record,) = (one for one in served.tenant.records() if hidden.encode() in one)
    served.tenant.withdraw([json.loads(record)["id"]])
    for _ in range(3):
        tick(site, served)
    assert findings(site, served, "footprint_missing") == [("footprint_missing", hidden)]


def test_a_refused_request_leaves_a_footprint_that_is_ours_and_one_that_left_none_is_no_finding(
    standing: Standing,
) -> None:
    served, site = standing()
    pull(site, served)
    served.faults.on("error_500", next=2)
    served.faults.on("error_503", next=2)
    for _ in range(3):
        tick(site, served)
    assert findings(site, served, "footprint_missing") == []
    with site.open(for_writing=False) as workshop:
        assert workshop.archive.refresh().footprints.unclaimed() == 0


def strangers(site: Site, served: Served) -> list[dict[str, str]]:
    """Findings of foreign callers, without the one among the tenant's planted stories."""
    planted = {story.get("key_id") for story in served.tenant.stories()}
    return [
        found
        for found in document(site, served)["findings"]
        if found["code"] == "foreign_footprint" and not any(key and key in found["detail"] for key in planted)
    ]


def test_somebody_elses_use_of_a_compliance_key_is_reported_with_key_address_and_agent(standing: Standing) -> None:
    served, site = standing()
    pull(site, served)
    tick(site, served)
    known = len(strangers(site, served))
    for _ in range(3):
        httpx.get(
            f"{served.url}/v1/compliance/activities",
            headers={
                "x-api-key": served.keys["org_audit"],
                "user-agent": "curl/8.5",
                "x-forwarded-for": "203.0.113.9",
            },
        )
    tick(site, served)
    tick(site, served)
    found = [one for one in strangers(site, served) if "203.0.113.9" in one["detail"]]
    (stranger,) = found
    key_id = served.tenant.world.key_named("org_audit").id
    assert key_id in stranger["detail"]
    assert "curl/8.5" in stranger["detail"]
    assert stranger["detail"].startswith("3 compliance requests")
    assert len(strangers(site, served)) == known + 1


def test_our_own_key_used_from_elsewhere_is_foreign(standing: Standing) -> None:
    served, site = standing()
    pull(site, served)
    httpx.get(
        f"{served.url}/v1/compliance/activities",
        headers={"x-api-key": site.key, "x-forwarded-for": "203.0.113.10", "user-agent": "python"},
    )
    tick(site, served)
    tick(site, served)
    assert [one for one in strangers(site, served) if "203.0.113.10" in one["detail"]]


@pytest.mark.parametrize("last", [1, 2, 4, 7])
def test_the_requests_of_a_run_of_ours_that_was_killed_are_not_foreign(standing: Standing, last: int) -> None:
    served, site = standing()
    pull(site, served)
    tick(site, served)
    served.clock.advance(300)
    with open_quickly(site, served) as workshop:
        give(workshop, Mortal(site.store(), last, before=True))
        with pytest.raises(Died):
            pull_activities(workshop)
    for _ in range(3):
        tick(site, served)
    assert [one for one in strangers(site, served) if "ledgerline" in one["detail"]] == []
    assert findings(site, served, "footprint_missing") == []


# the switch of the vendor's recording


def evening(served: Served) -> dict[str, Any]:
    """The planted evening on which the recording was off."""
    (story,) = (story for story in served.tenant.stories() if story["kind"] == "recording_switched_off")
    return story


@pytest.mark.fault(
    "The vendor's recording is switched off for an evening.",
    area="pulling",
    data="The vendor has no records of that time, so nor does the archive.",
    user="A finding says from when to when, and who switched it off.",
    recovery="Ask them why.",
)
def test_an_evening_without_recording_is_named_with_its_ends_and_who_switched_it_off(standing: Standing) -> None:
    served, site = standing(days=6, users=12)
    story = evening(served)
    pull(site, served)
    (off,) = (found for found in document(site, served)["findings"] if found["code"] == "recording_off")
    assert off["subject"] == f"activities [{story['first_at']}, {story['last_at']})"
    assert story["who"]["email"] in off["detail"]
    assert story["events"][0]["id"] in off["detail"]
    pull(site, served, site.start, TODAY)  # seen again, it is the same evening
    assert len(findings(site, served, "recording_off")) == 1


def test_a_request_made_while_the_recording_was_off_is_no_missing_footprint(standing: Standing) -> None:
    served, _ = standing(days=6, users=12)
    off = parse_rfc3339(evening(served)["first_at"])
    served, site = standing(days=2, users=12, clock=(off - timedelta(minutes=30)).isoformat())
    pull(site, served)
    served.clock.advance(3600)  # it is off now
    for _ in range(3):
        tick(site, served)
    (still,) = findings(site, served, "recording_off")
    assert still[1].endswith("still off)")
    served.clock.advance(4 * 3600)
    for _ in range(3):
        tick(site, served)
    assert findings(site, served, "footprint_missing") == []
    (over,) = findings(site, served, "recording_off")
    assert not over[1].endswith("still off)")
