"""The document of `status`: from the log alone, whatever the archive has been through."""

import shutil
from datetime import date, timedelta
from typing import Any

import pytest

from assets.pulling import pull_activities
from assets.status import lag, status
from sandbox import Served
from tests.promises.conftest import Standing
from tests.promises.mortal import Counted, Died, Mortal, give
from tests.promises.quick import open_quickly, pull
from tests.promises.site import Site
from warehouse.wire.times import midnight, rfc3339

DAY, NEXT = date(2026, 11, 20), date(2026, 11, 21)


def read(site: Site, served: Served) -> dict[str, Any]:
    with site.open(for_writing=False, clock=served.clock.now) as workshop:
        return status(workshop)


def codes(document: dict[str, Any]) -> set[str]:
    return {found["code"] for found in document["findings"]}


def test_an_archive_that_nothing_was_pulled_into_has_no_stream_and_no_finding(standing: Standing) -> None:
    served, site = standing()
    with site.open():
        pass
    document = read(site, served)
    assert (document["streams"], document["findings"], document["entries"], document["windows"]) == ([], [], 0, 0)
    with site.open(for_writing=False, clock=served.clock.now) as workshop:
        assert lag(workshop) is None


def test_a_stream_has_what_scripts_rely_on(standing: Standing) -> None:
    served, site = standing()
    report = pull(site, served)
    document = read(site, served)
    (stream,) = document["streams"]
    assert {"streams", "destinations", "findings", "entries", "windows"} <= set(document)
    assert {
        "stream", "covered_from", "covered_to", "lag_seconds", "records", "revised", "withdrawn", "unknown_types",
        "gaps", "dead_windows",
    } <= set(stream)  # fmt: skip
    assert stream["covered_from"] == rfc3339(midnight(site.start))
    assert stream["covered_to"] == rfc3339(served.clock.now() - timedelta(minutes=2))
    assert (stream["lag_seconds"], stream["records"], stream["pages"]) == (120, report.records, report.pages)
    assert document["windows"] == stream["pulls"] == report.windows


def test_lag_grows_with_the_clock_and_is_no_gap(standing: Standing) -> None:
    served, site = standing()
    pull(site, served)
    served.clock.advance(3600)
    (stream,) = read(site, served)["streams"]
    assert stream["lag_seconds"] == 3720
    assert stream["gaps"] == []
    with site.open(for_writing=False, clock=served.clock.now) as workshop:
        assert lag(workshop) == 3600


def test_status_needs_no_key_asks_nobody_and_writes_nothing(standing: Standing) -> None:
    served, site = standing()
    pull(site, served)
    (site.folder / "signing.key").unlink()
    (site.folder / "compliance.key").unlink()
    shutil.rmtree(site.folder / "cache")
    before = {path: path.stat().st_mtime_ns for path in site.folder.rglob("*")}
    asked = len(served.requests)
    assert read(site, served)["streams"]
    assert len(served.requests) == asked
    assert {path: path.stat().st_mtime_ns for path in site.folder.rglob("*")} == before


def test_a_pull_whose_tables_a_crash_left_out_is_shown_until_the_next_run(standing: Standing) -> None:
    served, site = standing()
    pull(site, served, DAY, NEXT)
    with open_quickly(site, served) as workshop:
        counted = Counted(site.store())
        give(workshop, counted)
        pull_activities(workshop, start=midnight(DAY), end=midnight(NEXT))
    served.tenant.withdraw(day=DAY, count=1)
    with open_quickly(site, served) as workshop:
        give(workshop, Mortal(site.store(), counted.puts - 3, before=True))
        with pytest.raises(Died):
            pull_activities(workshop, start=midnight(DAY), end=midnight(NEXT))
    document = read(site, served)
    assert document["streams"][0]["pending_fold"] == 1
    assert "unfolded" in codes(document)
    pull(site, served, DAY, NEXT)
    assert "unfolded" not in codes(read(site, served))


def test_what_a_run_noticed_is_said_once_with_when_and_forgotten_after_a_week(standing: Standing) -> None:
    served, site = standing()
    for _ in range(3):
        served.clock.advance(300)
        pull(site, served, clock=lambda: served.clock.now() + timedelta(minutes=10))
    (skew,) = [found for found in read(site, served)["findings"] if found["code"] == "clock_skew"]
    assert "(seen 2026-11-22T" in skew["detail"]
    served.clock.advance(6 * 86400)
    assert "clock_skew" in codes(read(site, served))
    served.clock.advance(2 * 86400)
    assert "clock_skew" not in codes(read(site, served))


def test_a_folder_of_read_only_files_is_not_called_immutable(standing: Standing) -> None:
    served, site = standing()
    pull(site, served, DAY, NEXT)
    document = read(site, served)
    assert (document["immutable"], document["storage"]) == (False, "folder")
    assert "not_immutable" not in codes(document)  # it is what was asked for; only no lock at all is a finding


def test_an_archive_without_a_lock_says_that_it_is_not_immutable(standing: Standing) -> None:
    served, site = standing()
    site.configure(archive='lock = "none"')
    pull(site, served, DAY, NEXT)
    document = read(site, served)
    assert (document["immutable"], document["storage"]) == (False, "unlocked")
    assert "not_immutable" in codes(document)


def test_a_stream_of_which_no_window_was_ever_complete_has_no_coverage_and_a_dead_window(
    standing: Standing,
) -> None:
    served, site = standing()
    served.faults.on("error_500_final")
    pull(site, served, DAY, NEXT)
    document = read(site, served)
    (stream,) = document["streams"]
    assert (stream["covered_from"], stream["covered_to"], stream["lag_seconds"]) == (None, None, None)
    assert len(stream["dead_windows"]) == 1
    assert "dead_window" in codes(document)
