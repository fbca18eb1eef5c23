"""Rules that read places, tuned ones and hourly ones over an archive: what runs, what rests, what is kept."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from assets.backtesting import look_back
from assets.detecting import Detected, detect
from assets.workshop import Workshop
from sandbox import Served, Tenant, serve
from tests.promises.conftest import Command
from tests.promises.site import Site
from tests.warehouse.detections import mmdb
from warehouse.detections.errors import GeoUnusable
from warehouse.detections.rulebook import load
from warehouse.detections.tuning import Threshold
from warehouse.wire.windows import Window

START = date(2026, 11, 1)
NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
RULES = load()
PLACED = {rule.path.stem for rule in RULES if rule.needs()}


def sign_in(at: str, address: str, person: str = "user_01Traveller") -> dict[str, Any]:
    actor = {"type": "user_actor", "user_id": person, "ip_address": address, "user_agent": "Mozilla/5.0"}
    return {"created_at": f"2026-11-{at}:00Z", "type": "sso_login_succeeded", "actor": actor}


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serve(Tenant(seed=5, users=4, days=15, quiet=True, clock="2026-11-22T10:00:00Z")) as running:
        running.tenant.inject(
            [
                sign_in("20T08:00", "192.0.2.10"),
                sign_in("20T10:00", "203.0.113.10"),  # Frankfurt to Tokyo in two hours
                sign_in("20T10:00", "10.0.0.9", "user_01Inside"),
                sign_in("20T10:30", "192.0.2.10", "user_01Inside"),
            ]
        )
        yield running


@pytest.fixture(scope="module")
def pulled(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = Site(tmp_path_factory.mktemp("pulled") / "site", served.url, served.keys["compliance"], START)
    made.pull("--from", "2026-11-20", "--to", "2026-11-21", code=None)
    return made.folder


@pytest.fixture
def site(served: Served, pulled: Path, tmp_path: Path) -> Site:
    """An archive of one day that no rule has looked at, each test's own."""
    return Site(shutil.copytree(pulled, tmp_path / "site"), served.url, served.keys["compliance"], START)


@pytest.fixture
def workshop(site: Site) -> Iterator[Workshop]:
    with site.open(clock=lambda: NOW) as opened:
        yield opened


@pytest.fixture(scope="module")
def geo(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("geo")
    return [
        mmdb.write(folder / "city.mmdb", mmdb.city()),
        mmdb.write(folder / "asn.mmdb", mmdb.asn(), "Example-ASN"),
    ]


def about(done: Detected, rule: str) -> set[str]:
    return {str(alert.find.group["actor"]) for alert in done.alerts if alert.find.rule.path.stem == rule}


def entry(workshop: Workshop) -> Any:
    return workshop.archive.entry(workshop.archive.refresh().seq)


def test_impossible_travel_is_found_once_and_the_entry_names_the_files(
    workshop: Workshop, geo: list[Path]
) -> None:
    placed = replace(workshop, geo=geo)
    done = detect(placed, RULES)
    assert about(done, "impossible_travel") == {"user_01Traveller"}
    assert not PLACED & set(done.off)
    assert [one["type"] for one in entry(workshop).counts["places"]] == ["Example-City", "Example-ASN"]
    again = detect(placed, RULES)
    assert (again.raised, again.joined) == (0, 0)


def test_without_a_file_the_rules_that_read_places_are_off_and_named(workshop: Workshop, geo: list[Path]) -> None:
    done = detect(workshop, RULES)
    assert set(done.off) == PLACED
    assert all(why.startswith("needs geo: ") for why in done.off.values())
    assert "places" not in entry(workshop).counts
    half = look_back(replace(workshop, geo=geo[:1]), RULES, Window(NOW - timedelta(days=3), NOW))
    assert set(half.off) == {"compliance_key_new_network", "admin_key_new_network"}
    (travel,) = [one for one in half.tests if one.rule.path.stem == "impossible_travel"]
    assert travel.alerts == 1


def test_a_broken_file_stops_the_run_before_anything_is_written(workshop: Workshop, tmp_path: Path) -> None:
    before = workshop.archive.refresh().seq
    (tmp_path / "broken.mmdb").write_bytes(b"no database")
    with pytest.raises(GeoUnusable, match=r"broken\.mmdb"):
        detect(replace(workshop, geo=[tmp_path / "broken.mmdb"]), RULES)
    assert workshop.archive.refresh().seq == before


def test_a_threshold_holds_at_work_and_in_a_backtest_and_is_kept_in_the_log(
    workshop: Workshop, geo: list[Path]
) -> None:
    slow = Threshold(
        rule="impossible_travel",
        km_per_hour=9_000,
        reason="our crew flies fast",
        owner="bea@example.com",
        until=date(2026, 12, 1),
    )
    tuned = replace(workshop, geo=geo, thresholds=[slow])
    past = look_back(tuned, RULES, Window(NOW - timedelta(days=3), NOW), only=RULES.find("impossible_travel"))
    assert [(one.alerts, one.rule.version.partition("+")[2]) for one in past.tests] == [(0, "km_per_hour=9000")]
    assert set(past.thresholds) == {"impossible_travel"}
    done = detect(tuned, RULES)
    assert about(done, "impossible_travel") == set()
    kept = entry(workshop).counts["thresholds"]["impossible_travel"]
    assert kept == {
        "km_per_hour": 9_000,
        "reason": "our crew flies fast",
        "owner": "bea@example.com",
        "until": "2026-12-01",
    }


def test_an_alert_names_the_numbers_it_was_raised_by(site: Site, workshop: Workshop, geo: list[Path]) -> None:
    eager = Threshold(
        rule="impossible_travel",
        least_km=100,
        reason="a small shop",
        owner="bea@example.com",
        until=date(2027, 1, 1),
    )
    detect(replace(workshop, geo=geo, thresholds=[eager]), RULES)
    versions = site.sql("select rule_version from alerts where title like 'Signed in from two places%'")
    assert [version.partition("+")[2] for (version,) in versions] == ["least_km=100"]


def test_rules_that_look_back_far_take_their_turn_once_an_hour_and_find_the_same(
    site: Site, served: Served, geo: list[Path]
) -> None:
    hourly = {rule.path.stem for rule in RULES if rule.hourly}
    assert {"dormant_account_wakes", "sign_in_from_a_new_country"} <= hourly
    clock = [NOW]
    with site.open(clock=lambda: clock[0]) as opened:
        workshop = replace(opened, geo=geo)
        first = detect(workshop, RULES)  # asked by hand: nobody rests
        assert (set(first.hourly), first.resting) == (hourly, [])
        old = [sign_in(f"{day:02d}T08:00", "192.0.2.10", "user_01Homely") for day in range(8, 20)]
        served.tenant.inject([*old, sign_in("21T09:00", "203.0.113.70", "user_01Homely")])
        site.pull("--from", "2026-11-08", "--to", "2026-11-22", code=None)
        assert site.sql("select count(*) from audit_events where actor_id = 'user_01Homely'") == [(13,)]
        committed = datetime.fromisoformat(str(workshop.archive.refresh().committed_at))
        clock[0] = committed + timedelta(minutes=5)
        tick = detect(workshop, RULES, patient=True)
        assert (tick.hourly, set(tick.resting)) == ([], hourly)
        assert not about(tick, "sign_in_from_a_new_country")
        assert about(tick, "impossible_travel") == set()
        clock[0] = committed + timedelta(minutes=30)
        assert detect(workshop, RULES, patient=True).hourly == []
        clock[0] = committed + timedelta(minutes=65)
        turn = detect(workshop, RULES, patient=True)
        assert (set(turn.hourly), turn.resting) == (hourly, [])
        assert about(turn, "sign_in_from_a_new_country") == {"user_01Homely"}
        after = detect(workshop, RULES)
        assert (after.raised, after.joined, after.hourly) == (0, 0, [])
    found = site.sql("select alert_id, version from alert_versions group by 1, 2 having count(*) > 1")
    assert found == []


def test_the_command_says_what_is_off_and_refuses_a_broken_file(
    site: Site, geo: list[Path], ledgerline: Command
) -> None:
    shown = ledgerline(site, "detections", "list")
    assert "off: needs geo" in shown.out
    assert "City database" in shown.out
    file = site.folder / "ledgerline.toml"
    config = file.read_text()
    file.write_text(
        config + f'[detections]\ngeo = ["{geo[0]}"]\n'
        '[[detections.thresholds]]\nrule = "impossible_travel"\nleast_km = 900\n'
        'reason = "we commute far"\nowner = "bea@example.com"\nuntil = 2099-01-01\n'
    )
    one = json.loads(ledgerline(site, "detections", "list", "impossible_travel", "--json").out)[0]
    assert (one["enabled"], one["off"], one["thresholds"]) == (True, None, {"km_per_hour": 900, "least_km": 900})
    assert one["tuned"]["owner"] == "bea@example.com"
    file.write_text(config + f'[detections]\ngeo = ["{file}"]\n')
    for command in ("list", "run", "backtest"):
        ended = ledgerline(site, "detections", command)
        assert ended.code == 2
        assert "no MMDB file" in ended.err
        assert "[detections] geo" in ended.err
