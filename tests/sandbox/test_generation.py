"""A tenant follows from seed, users and calendar day: every type, every actor kind, a rhythm, stories."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date, timedelta

import httpx
import pytest

from sandbox import Tenant
from sandbox.clock import parse_moment
from sandbox.tenant.day import events_of
from sandbox.tenant.ids import activity_id, activity_time
from sandbox.tenant.people import People, activity
from sandbox.tenant.rare import UNLISTED_ACTORS, UNLISTED_FIELDS, UNLISTED_TYPES, UNLISTED_VALUES
from sandbox.tenant.stories import stories_of, unrecorded
from sandbox.tenant.vocabulary import activity_types
from sandbox.tenant.world import World

ELEVEN = {
    "user_actor",
    "api_actor",
    "admin_api_key_actor",
    "unauthenticated_user_actor",
    "anthropic_actor",
    "system_actor",
    "service_account_actor",
    "scim_directory_sync_actor",
    "federated_identity_actor",
    "federated_actor",
    "attested_device_actor",
}
ENVELOPE = {"id", "created_at", "organization_id", "organization_uuid", "actor", "type"}
DAY = date(2026, 11, 18)


@pytest.fixture(scope="module")
def month():
    """28 days of a small tenant, parsed."""
    world = World(11, 8)
    days = [date(2026, 10, 20) + timedelta(days=offset) for offset in range(28)]
    return [json.loads(event[2]) for day in days for event in events_of(world, day)]


def _day(tenant, day=DAY):
    return tenant.store.segment(day).records


def test_a_day_is_the_same_whatever_now_and_days_are():
    early = Tenant(seed=5, users=30, days=3, clock="2026-11-19T08:00:00Z")
    late = Tenant(seed=5, users=30, days=200, clock="2027-03-01T23:00:00Z")
    assert _day(early) == _day(late)


def test_another_seed_or_number_of_users_gives_another_day():
    days = {
        tuple(_day(Tenant(seed=s, users=u, days=9, clock="2026-11-19T08:00:00Z")))
        for s, u in [(5, 9), (6, 9), (5, 8)]
    }
    assert len(days) == 3


def test_all_514_listed_types_appear_in_any_28_days_and_a_few_nobody_has_listed(month):
    types = {record["type"] for record in month}
    assert len(activity_types()) == 514
    assert set(activity_types()) <= types
    assert types - set(activity_types()) == set(UNLISTED_TYPES)


def test_all_eleven_actor_kinds_appear_every_day_and_some_nobody_has_listed(month):
    by_day: dict[str, set[str]] = {}
    for record in month:
        by_day.setdefault(record["created_at"][:10], set()).add(record["actor"]["type"])
    assert all(kinds >= ELEVEN for kinds in by_day.values())
    assert set().union(*by_day.values()) - ELEVEN == set(UNLISTED_ACTORS)


def test_unlisted_fields_and_values_appear(month):
    names = {name for record in month for name in (*record, *record["actor"])}
    assert set(UNLISTED_FIELDS) <= names
    values = {value for record in month for value in record.values() if isinstance(value, str)}
    assert set(UNLISTED_VALUES) <= values


def test_records_have_the_envelope_and_only_the_listed_fields_besides(month):
    planned = {*UNLISTED_FIELDS}
    for record in month:
        kind = activity_types().get(record["type"])
        assert set(record) >= ENVELOPE
        if kind is not None:
            extra = set(record) - ENVELOPE - planned
            assert extra <= {name for name, _ in kind.fields}, record["type"]
            required = {name for name, text in kind.fields if not text.startswith("optional ")}
            assert required <= set(record), record["type"]


def test_actors_are_of_a_kind_that_the_type_permits(month):
    for record in month:
        kind = activity_types().get(record["type"])
        if kind and kind.actors and record["actor"]["type"] in ELEVEN and record["type"] != "claude_chat_created":
            assert record["actor"]["type"].removesuffix("_actor") in kind.actors, record["type"]


def test_ids_are_unique_and_most_times_carry_microseconds(month):
    assert len({record["id"] for record in month}) == len(month)
    whole = sum("." not in record["created_at"] for record in month)
    assert 0.005 * len(month) < whole < 0.2 * len(month)


def test_organisations_are_null_for_sign_in_and_api_access_only(month):
    null = {record["type"] for record in month if record["organization_id"] is None}
    assert {"sso_login_succeeded", "compliance_api_accessed", "user_logged_out"} <= null
    assert "claude_chat_created" not in null


def test_an_activity_id_hides_its_time_and_does_not_sort_by_it():
    times = [1_764_000_000_000_000 + step * 1_000_000 for step in range(50)]
    ids = [activity_id(us, step * 7919) for step, us in enumerate(times)]
    assert [activity_time(identifier) for identifier in ids] == times
    assert ids != sorted(ids)
    assert activity_time("activity_invalid123") is None


def test_weekdays_are_busier_than_weekends_and_office_hours_than_nights():
    world = World(7, 120)
    monday = date(2026, 11, 16)
    counts = [len(events_of(world, monday + timedelta(days=offset))) for offset in range(7)]
    assert min(counts[:5]) > 4 * max(counts[5:])
    hours = Counter(int(event[2][60:300].split(b"T")[1][:2]) for event in events_of(world, monday))
    assert hours[15] > 3 * hours[4]


def test_seasonal_people_come_and_go_with_the_calendar():
    people = People(7, 400)
    closer = next(p for p in people.on(DAY) if p.persona == "quarter_end")
    summer = next(p for p in people.on(DAY) if p.persona == "summer")
    assert activity(closer, date(2026, 9, 28)) > 20 * activity(closer, date(2026, 8, 24))
    assert activity(summer, date(2026, 7, 7)) > 0
    assert activity(summer, date(2026, 11, 17)) == 0


def test_a_leaver_is_silent_afterwards_and_a_joiner_takes_the_seat():
    world = World(7, 40)
    cycle = date(2026, 11, 1).toordinal() // 14
    departure = next(d for n in range(cycle, cycle + 5) if (d := world.people.departure(n)) is not None)
    person, joiner = departure.person, departure.successor

    def actors(day):
        return {json.loads(event[2])["actor"].get("user_id") for event in events_of(world, day)}

    after = [departure.leaves + timedelta(days=offset) for offset in (0, 1, 2, 3, 7)]
    assert person.user_id in actors(departure.exports)
    assert all(person.user_id not in actors(day) for day in after)
    first_day = [json.loads(event[2]) for event in events_of(world, departure.joins)]
    mine = [r["type"] for r in first_day if joiner.user_id in json.dumps(r) or joiner.email in json.dumps(r)]
    assert {"org_user_invite_sent", "scim_user_created", "org_user_invite_accepted", "group_member_added"} <= set(
        mine
    )


def test_the_five_stories_are_in_any_27_days_and_in_the_feed(start):
    served = start(users=20, days=26, clock="2026-11-22T23:59:59Z")
    stories = httpx.get(served.url + "/_sandbox/stories").json()
    kinds = {story["kind"] for story in stories}
    assert kinds == {
        "leaver_exports",
        "mass_export_3am",
        "sso_switch_off",
        "leaked_compliance_key",
        "recording_switched_off",
    }
    served.clock.advance(3600)
    feed = {json.loads(record)["id"]: json.loads(record) for record in served.tenant.records()}
    complete = [s for s in stories if s["first_at"][:10] >= "2026-10-28" and s["last_at"][:10] <= "2026-11-22"]
    assert complete
    for story in complete:
        assert [feed[event["id"]]["type"] for event in story["events"]] == [e["type"] for e in story["events"]]


def test_the_stories_tell_what_they_are_called():
    stories = {s["kind"]: s for s in Tenant(users=20, days=30, clock="2026-11-22T10:00:00Z").stories()}
    assert sum(e["type"] == "claude_file_exported" for e in stories["mass_export_3am"]["events"]) == 120
    assert stories["leaver_exports"]["events"][-1]["type"] == "org_user_deleted"
    assert stories["sso_switch_off"]["events"][0]["type"] == "org_sso_toggled"
    assert {e["type"] for e in stories["leaked_compliance_key"]["events"]} == {"compliance_api_accessed"}
    assert stories["leaked_compliance_key"]["who"]["address"].startswith("203.0.113.")


def _off(days=range(14)):
    """The evening without recording in the 14 days from 2026-11-08: its day, its story, the day's records."""
    world = World(7, 40)
    for day in (date(2026, 11, 8) + timedelta(days=offset) for offset in days):
        if unrecorded(world, day) is not None:
            records = [json.loads(event[2]) for event in events_of(world, day)]
            (story,) = (s for s in stories_of(world, day.toordinal() // 14) if s.kind == "recording_switched_off")
            return world, day, story.describe(), records
    raise AssertionError("no such evening")


def test_while_the_recording_is_off_nothing_is_in_the_feed_but_both_turns_of_the_switch():
    _, _, story, records = _off()
    off, on = story["first_at"], story["last_at"]
    assert (story["who"]["off_from"], story["who"]["off_to"]) == (off, on)
    during = [record for record in records if off <= record["created_at"] <= on]
    assert [record["type"] for record in during] == ["org_compliance_api_settings_updated"] * 2
    assert [record["compliance_api_logging_enabled"] for record in during] == [False, True]
    assert any(record["created_at"] < off for record in records)
    assert any(record["created_at"] > on for record in records)


def test_an_exact_number_of_events_a_day_knows_no_evening_without_recording():
    world, day, story, _ = _off()
    records = [json.loads(event[2]) for event in events_of(world, day, 3000)]
    assert len(records) == 3000
    assert any(story["first_at"] < record["created_at"] < story["last_at"] for record in records)
    told = {s["kind"] for s in Tenant(7, 40, 14, clock=f"{day}T23:59:00Z", events_per_day=300).stories()}
    assert "recording_switched_off" not in told


def test_requests_leave_no_access_record_while_the_recording_is_off(start):
    _, _, story, _ = _off()
    moment = parse_moment(story["first_at"]) + timedelta(minutes=30)
    served = start(seed=7, users=40, days=2, clock=moment.isoformat())
    httpx.get(f"{served.url}/v1/compliance/activities", headers={"x-api-key": served.keys["compliance"]})
    served.clock.advance(4 * 3600)
    httpx.get(f"{served.url}/v1/compliance/activities", headers={"x-api-key": served.keys["compliance"]})
    served.clock.advance(5)
    asked = [request["request_id"] for request in served.requests]
    seen = [record.decode() for record in served.tenant.records(moment) if b"compliance_api_accessed" in record]
    assert [request_id in text for request_id in asked for text in seen] == [False, True]


@pytest.mark.parametrize("users", [1, 2, 3])
def test_the_smallest_tenants_work(users):
    tenant = Tenant(users=users, days=30, clock="2026-11-22T10:00:00Z")
    assert tenant.generate() == len(tenant.records()) + sum(
        segment.times[at] > tenant.clock.now_us() or segment.indexed[at] > tenant.clock.now_us()
        for segment in [tenant.store.segment(tenant.clock.now().date())]
        for at in range(len(segment))
    )


@pytest.mark.parametrize("users", [0, 50_001])
def test_too_few_and_too_many_users_are_refused(users):
    with pytest.raises(ValueError, match="users must be from 1 to 50000"):
        Tenant(users=users)


def test_five_thousand_users_have_five_thousand_addresses():
    people = People(7, 5000).on(DAY)
    assert len({person.email for person in people}) == len({person.user_id for person in people}) == len(people)


def test_events_per_day_is_exact():
    world = World(7, 50)
    assert [len(events_of(world, DAY + timedelta(days=n), 3000)) for n in range(3)] == [3000] * 3
