"""Rules over computed rows, on what the tenant really serves: a directory that changed without a trace, hours that
nobody wrote about, spend that is out of the ordinary. Each fires once, and says which rows prove it.
"""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from assets.backtesting import look_back
from assets.computed_turns import looked_at
from assets.detecting import Detected, detect
from assets.directory_pulling import pull_snapshot
from assets.pulling import pull_activities
from assets.spend_pulling import pull_spend
from assets.workshop import Workshop
from orchestration.workshop import open_workshop
from sandbox import Served, Tenant, serve
from tests.promises.site import Site
from warehouse.config import load as load_settings
from warehouse.detections.rulebook import load
from warehouse.tables.catalog import connect
from warehouse.wire.windows import Window

NOW = datetime(2026, 11, 20, 21, 30, tzinfo=UTC)  # a Friday
DAYS = 40
RULES = [rule for rule in load() if rule.source.computed]


class Hand:
    """A clock that is set by hand, for the tenant and for us."""

    def __init__(self, served: Served) -> None:
        self._served, self.now = served, NOW

    def __call__(self) -> datetime:
        return self.now

    def set(self, moment: datetime) -> None:
        self.now = moment
        self._served.tenant.clock.set(moment)


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    tenant = Tenant(seed=3, users=40, days=DAYS, clock=NOW.isoformat(), quiet=True, analytics_rate_limit=0)
    with serve(tenant) as running:
        yield running


@pytest.fixture(scope="module")
def clock(served: Served) -> Hand:
    return Hand(served)


@pytest.fixture(scope="module")
def workshop(served: Served, clock: Hand, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    folder = tmp_path_factory.mktemp("site")
    keys = ""
    names = {"analytics": "analytics", "directory": "directory", "organization": "org_data"}
    for name, there in names.items():
        (folder / f"{name}.key").write_text(served.keys[there])
        keys += f'keys.{name} = "file:./{name}.key"\n'
    start = (NOW - timedelta(days=DAYS)).date()
    Site(folder, served.url, served.keys["compliance"], start, anthropic=keys)
    with open_workshop(load_settings(folder / "ledgerline.toml"), clock=clock) as opened:
        for stream in ("users", "api_keys", "organizations"):
            pull_snapshot(opened, stream)  # type: ignore[arg-type]
        pull_activities(opened)
        yield opened


def names(done: Detected) -> list[str]:
    return sorted(alert.find.rule.path.stem for alert in done.alerts)


def test_a_quiet_past_raises_nothing_and_is_looked_at_once(workshop: Workshop) -> None:
    assert names(detect(workshop, RULES)) == []
    state = workshop.archive.refresh()
    assert looked_at(state, "feed") >= 0
    before = state.seq
    assert names(detect(workshop, RULES)) == []
    assert workshop.archive.refresh().seq == before


def test_what_changed_in_the_directory_without_an_activity_is_told_once_its_time_is_covered(
    workshop: Workshop, served: Served, clock: Hand
) -> None:
    with connect(workshop.archive) as db:
        found = db.execute("select id from directory_users where role = 'user' order by id limit 2").fetchall()
    untold, told = (str(row[0]) for row in found)
    clock.set(NOW + timedelta(days=1))
    tenant = served.tenant
    tenant.set_setting("web_search_enabled", False)
    tenant.set_setting("sso_enforced", False)  # which an activity below explains
    tenant.change_directory({"role": [untold, "admin"]})
    tenant.change_directory({"role": [told, "admin"]})
    tenant.change_directory({"key": ["apikey_01Appeared", "appeared"]})
    owner = {"type": "user_actor", "user_id": "user_01Owner", "email_address": "owner@example.com"}
    done_by = {"created_at": (NOW + timedelta(hours=3)).isoformat(), "actor": owner}
    role = {"user_id": told, "current_role": "admin", "previous_role": "user"}
    tenant.inject(
        [
            done_by | {"type": "claude_user_role_updated"} | role,
            done_by | {"type": "org_sso_toggled", "enabled": False},
        ]
    )
    for stream in ("users", "api_keys", "organizations"):
        pull_snapshot(workshop, stream)  # type: ignore[arg-type]
    assert names(detect(workshop, RULES)) == []  # the feed has not been read up to there: nothing is known yet
    clock.set(NOW + timedelta(days=1, hours=1))
    pull_activities(workshop)
    done = detect(workshop, RULES)
    assert names(done) == [
        "key_appeared_without_activity",
        "role_changed_without_activity",
        "setting_changed_without_activity",
    ]
    subjects = {alert.find.rule.path.stem: alert for alert in done.alerts}
    assert subjects["setting_changed_without_activity"].find.group == {"name": "web_search_enabled"}
    alert = subjects["role_changed_without_activity"]
    assert alert.find.group == {"subject": untold}
    assert alert.find.event_ids == (f"directory/{alert.find.commit_seqs[0]}/role/{untold}",)
    assert names(detect(workshop, RULES)) == []


def test_hours_without_an_activity_are_silent_only_where_they_were_read(
    workshop: Workshop, served: Served, clock: Hand
) -> None:
    monday = date(2026, 11, 23)
    start, end = (datetime(monday.year, monday.month, monday.day, hour, tzinfo=UTC) for hour in (9, 19))
    clock.set(end)
    assert _forget(served, start, end) > 50
    assert names(detect(workshop, RULES)) == []  # nobody has asked for these hours yet
    told = []
    clock.set(start)
    while clock.now < end:  # as the tail does, but every 50 minutes
        clock.set(clock.now + timedelta(minutes=50))
        _forget(served, start, end)  # our own requests too: nothing is recorded
        pull_activities(workshop)
        told += [(clock.now, alert.find.event_ids) for alert in detect(workshop, RULES).alerts]
    assert len(told) == 1  # it goes on, and is the same alert
    ((when, ids),) = told
    assert ids[0].startswith("feed/activities/2026-11-23T")
    assert when <= datetime.fromisoformat(f"{ids[0].rpartition('/')[2]}:00:00+00:00") + timedelta(
        hours=4, minutes=10
    )


def _forget(served: Served, start: datetime, end: datetime) -> int:
    found = [json.loads(record)["id"] for record in served.tenant.records(start, end)]
    return len(served.tenant.withdraw(found)) if found else 0


def test_spend_out_of_the_ordinary_is_told_with_rows_that_can_be_followed(
    workshop: Workshop, served: Served, clock: Hand
) -> None:
    for stream in ("usage", "cost"):
        pull_spend(workshop, stream)  # type: ignore[arg-type]
    detect(workshop, RULES)
    with connect(workshop.archive) as db:
        actor = db.execute(
            "select actor_id from cost_rows where actor_type = 'user_actor' and actor_id is not null "
            "group by 1 order by count(distinct day) desc, 1 limit 1"
        ).fetchone()
    assert actor is not None
    day = clock.now.date()
    line = {"day": day.isoformat(), "product": "chat", "model": "claude-sonnet-5", "output": 100_000}
    served.tenant.book(
        [
            {**line, "actor_id": actor[0], "usd": "900.50"},
            {**line, "actor_id": "apikey_01Unlisted", "usd": 7, "product": "messages_api"},
        ]
    )
    clock.set(clock.now + timedelta(days=1, hours=6))
    for stream in ("usage", "cost"):
        pull_spend(workshop, stream)  # type: ignore[arg-type]
    done = detect(workshop, RULES)
    assert names(done) == ["key_without_owner_costs", "spend_jumps"]
    jump = next(alert.find for alert in done.alerts if alert.find.rule.path.stem == "spend_jumps")
    assert f"spend/{day}/{actor[0]}/chat/claude-sonnet-5" in jump.event_ids
    with connect(workshop.archive) as db:
        for identifier, seq in zip(jump.event_ids, jump.commit_seqs, strict=True):
            _, of_day, who, product, model = identifier.split("/")
            held = db.execute(
                "select count(*) from cost_row_versions where day = ? and actor_id = ? and commit_seq <= ? "
                "and coalesce(product, '-') = ? and coalesce(model, '-') = ?",
                [of_day, who, seq, product, model],
            ).fetchone()
            assert held is not None
            assert held[0] > 0
    assert names(detect(workshop, RULES)) == []


def test_a_backtest_finds_in_the_past_what_was_told_at_the_time(workshop: Workshop) -> None:
    window = Window(NOW - timedelta(days=20), NOW + timedelta(days=6))
    tests = {test.rule.path.stem: test.alerts for test in look_back(workshop, RULES, window).tests}
    assert {name: count for name, count in tests.items() if count} == {
        "feed_silent": 1,
        "key_appeared_without_activity": 1,
        "key_without_owner_costs": 1,
        "role_changed_without_activity": 1,
        "setting_changed_without_activity": 1,
        "spend_jumps": 1,
    }
