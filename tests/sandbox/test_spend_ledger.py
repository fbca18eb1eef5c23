"""The ledger of spend: a function of seed, users and day; the feed's people; restated for 30 days at most."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest

from sandbox import Tenant
from sandbox.tenant.day import events_of
from sandbox.tenant.spend.line import FOREVER, first_minute
from sandbox.tenant.spend.restatement import KINDS

DAY = date(2026, 11, 18)
MONTH = [date(2026, 10, 1) + timedelta(days=offset) for offset in range(28)]


@pytest.fixture(scope="module")
def tenant():
    return Tenant(seed=7, users=40, days=1, clock="2026-12-31T10:00:00Z")


def test_a_day_of_spend_is_the_same_whatever_now_and_days_are(tenant):
    other = Tenant(seed=7, users=40, days=30, clock="2026-11-20T08:00:00Z")
    for at in (datetime(2026, 11, 19, tzinfo=UTC), datetime(2026, 11, 20, 4, tzinfo=UTC)):
        after = DAY + timedelta(days=1)
        by = ("product", "model", "actor")
        assert tenant.spend.totals(DAY, after, by, at=at) == other.spend.totals(DAY, after, by, at=at)


def test_another_seed_or_number_of_users_spends_otherwise(tenant):
    totals = {
        json.dumps(Tenant(seed=s, users=u, days=1, clock="2026-12-31T10:00:00Z").spend.describe(DAY)["total"])
        for s, u in [(7, 40), (8, 40), (7, 41)]
    }
    assert len(totals) == 3


def test_whoever_spends_in_chat_is_in_the_feed_on_the_same_day(tenant):
    day = date(2026, 11, 17)
    feed = {json.loads(event[2])["actor"].get("user_id") for event in events_of(tenant.world, day)}
    spending = {
        line.place.actor.id
        for line in tenant.ledger.lines(day)
        if line.place.product == "chat" and line.place.actor
    }
    assert len(spending) > 5
    assert spending <= feed


def test_every_kind_of_actor_spends_and_nobody_too(tenant):
    kinds = {line.place.actor.kind if line.place.actor else None for line in tenant.ledger.lines(DAY)}
    assert kinds == {"user_actor", "service_account_actor", "api_actor", "federated_actor", None}


def test_keys_and_service_accounts_are_those_of_the_feed(tenant):
    ids = {line.place.actor.id for line in tenant.ledger.lines(DAY) if line.place.actor}
    world = tenant.world
    assert {*world.service_accounts, *world.api_keys, world.signed_principal} <= ids


def test_a_month_has_every_kind_of_cost_and_of_restatement(tenant):
    kinds = {part.cost_type for day in MONTH for line in tenant.ledger.lines(day) for part in line.parts}
    assert kinds == {"tokens", "web_search", "code_execution", "session_usage"}
    assert {change.kind for day in MONTH for change in tenant.ledger.restatements(day)} == set(KINDS)


def test_a_leaver_goes_on_costing_for_a_few_days_after_leaving(tenant):
    cycle = DAY.toordinal() // 14
    departure = next(d for n in range(cycle - 3, cycle) if (d := tenant.world.people.departure(n)))
    day = departure.leaves + timedelta(days=1)
    assert departure.person.user_id in {
        line.place.actor.id for line in tenant.ledger.lines(day) if line.place.actor
    }


def test_amounts_are_integers_and_a_line_is_the_sum_of_its_parts(tenant):
    for line in tenant.ledger.lines(DAY):
        assert type(line.amount) is type(line.list_amount) is int
        assert line.amount == sum(part.amount for part in line.parts)
        assert line.list_amount == sum(part.list_amount for part in line.parts)
        assert 0 <= line.amount <= line.list_amount


def test_every_day_is_restated_after_its_end_and_never_later_than_30_days(tenant):
    for day in MONTH:
        closing = (first_minute(day) + 1440) // 240
        changes = tenant.ledger.restatements(day)
        assert changes
        assert all(closing < change.export <= closing + 180 for change in changes)
        ends = {line.born for line in tenant.ledger.lines(day)} | {line.died for line in tenant.ledger.lines(day)}
        assert max(ends - {FOREVER}) <= closing + 180


def test_the_history_tells_each_export_that_changed_a_day_and_what_it_showed():
    tenant = Tenant(seed=7, users=20, days=1, clock="2026-11-19T00:00:00Z")
    seen = {}
    for _ in range(40 * 6):
        at = tenant.spend.refreshed_at()
        seen[at] = tenant.spend.totals(DAY, DAY + timedelta(days=1))
        tenant.clock.advance(4 * 3600)
    history = tenant.spend.history(DAY)
    for (at, shown), (then, _) in pairwise(history):
        assert all(seen[moment] == shown for moment in seen if at <= moment < then)
    assert seen[max(seen)] == history[-1][1]
    assert len({str(shown) for _, shown in history}) > 3


def test_rows_vanish_and_appear_as_exports_go_by(tenant):
    by = ("product", "model", "actor")
    gone = new = 0
    for day in MONTH[:10]:
        history = [set(shown) for _, shown in tenant.spend.history(day, by)]
        ended = [keys for keys, (at, _) in zip(history, tenant.spend.history(day), strict=True) if at.date() > day]
        gone += sum(len(before - after) for before, after in pairwise(ended))
        new += sum(len(after - before) for before, after in pairwise(ended))
    assert gone > 0
    assert new > 0
