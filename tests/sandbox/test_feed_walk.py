"""Walking the feed: both orders, both cursors, bounds and filters, against the ground truth."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import httpx
import pytest

from sandbox import Clock, Tenant
from sandbox.clock import from_us


def _truth(served):
    return served.tenant.records()


def _verbatim(body: bytes, records: list[bytes]) -> bool:
    return b'"data":[' + b",".join(records) + b"]" in body


def test_an_ascending_walk_serves_the_truth_byte_for_byte(quiet, get):
    truth = _truth(quiet)
    served, cursor = [], None
    while True:
        params = {"limit": 97, "order": "asc"} | ({"after_id": cursor} if cursor else {})
        answer = get(quiet, params)
        page = answer.json()
        records = truth[len(served) : len(served) + len(page["data"])]
        assert _verbatim(answer.content, records)
        served += records
        cursor = page["last_id"]
        if not page["has_more"]:
            break
    assert served == truth


def test_a_descending_walk_serves_the_same_records_the_other_way_round(quiet, walk):
    ids = [record["id"] for page in walk(quiet, limit=61) for record in page["data"]]
    assert ids == [json.loads(record)["id"] for record in reversed(_truth(quiet))]


def test_records_are_ordered_by_created_at_then_id(quiet):
    keys = [(datetime.fromisoformat(r["created_at"]), r["id"]) for r in map(json.loads, _truth(quiet))]
    assert keys == sorted(keys)


def test_ties_in_time_are_walked_without_loss_or_repeat(start, walk):
    # Whole seconds make ties likely where a second holds many events.
    served = start(users=3, days=0, events_per_day=60_000, rate_limit=0)
    times = list(served.tenant.store.segment(served.tenant.first_day).times)
    assert len(set(times)) < len(times)
    ids = [record["id"] for page in walk(served, limit=4999) for record in page["data"]]
    assert ids == [json.loads(record)["id"] for record in reversed(_truth(served))]


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_before_id_gives_the_records_immediately_before_the_cursor_in_the_same_order(quiet, get, order):
    truth = [json.loads(record)["id"] for record in _truth(quiet)]
    whole = truth if order == "asc" else truth[::-1]
    page = get(quiet, {"order": order, "before_id": whole[50], "limit": 10}).json()
    assert [record["id"] for record in page["data"]] == whole[40:50]
    assert page["has_more"] is True
    first = get(quiet, {"order": order, "before_id": whole[5], "limit": 10}).json()
    assert [record["id"] for record in first["data"]] == whole[:5]
    assert first["has_more"] is False


def test_the_default_page_is_the_newest_hundred(quiet, get):
    page = get(quiet).json()
    ids = [record["id"] for record in page["data"]]
    assert ids == [json.loads(record)["id"] for record in _truth(quiet)[:-101:-1]]
    assert (page["first_id"], page["last_id"]) == (ids[0], ids[-1])


def test_has_more_is_false_where_the_last_page_is_exactly_full(quiet, get):
    truth = _truth(quiet)
    page = get(quiet, {"limit": 7, "order": "asc", "after_id": json.loads(truth[-8])["id"]}).json()
    assert len(page["data"]) == 7
    assert page["has_more"] is False


def test_an_empty_page_has_null_ids(quiet, get):
    page = get(quiet, {"created_at.gte": "2027-01-01T00:00:00Z"}).json()
    assert page == {"data": [], "has_more": False, "first_id": None, "last_id": None}


def test_the_four_bounds_include_and_exclude_as_named(quiet, get):
    records = [json.loads(record) for record in _truth(quiet)]
    low, high = records[100], records[110]

    def ids(**bounds):
        page = get(quiet, {f"created_at.{k}": v["created_at"] for k, v in bounds.items()} | {"order": "asc"})
        return [record["id"] for record in page.json()["data"]]

    expected = [record["id"] for record in records[100:111]]
    assert ids(gte=low, lte=high) == expected
    assert ids(gt=low, lt=high) == expected[1:-1]


def test_an_offset_must_be_percent_encoded(quiet, get):
    path = "/v1/compliance/activities?created_at.gte=2026-11-20T00:00:00"
    assert get(quiet, path=path + "%2B00:00").status_code == 200
    assert get(quiet, path=path + "+00:00").status_code == 400


def test_type_filters_take_and_leave(quiet, get):
    wanted = [("activity_types[]", "claude_chat_viewed"), ("activity_types[]", "claude_chat_created")]
    types = {r["type"] for r in get(quiet, [*wanted, ("limit", 500)]).json()["data"]}
    assert types == {"claude_chat_viewed", "claude_chat_created"}
    left = [("exclude_activity_types[]", "claude_chat_viewed"), ("limit", 5000)]
    data = get(quiet, left).json()["data"]
    assert data
    assert "claude_chat_viewed" not in {record["type"] for record in data}


@pytest.mark.parametrize("name", ["activity_types[]", "activity_types%5B%5D"])
def test_array_brackets_may_be_plain_or_percent_encoded(quiet, get, name):
    answer = get(quiet, path=f"/v1/compliance/activities?{name}=claude_chat_viewed&limit=3")
    assert [record["type"] for record in answer.json()["data"]] == ["claude_chat_viewed"] * 3


def test_actor_ids_and_user_ids_are_merged(quiet, get):
    records = [json.loads(record) for record in _truth(quiet)]
    one, two = sorted({r["actor"]["user_id"] for r in records if "user_id" in r["actor"]})[:2]
    data = get(quiet, {"actor_ids[]": one, "user_ids[]": two, "limit": 5000}).json()["data"]
    assert {record["actor"]["user_id"] for record in data} == {one, two}
    assert len(data) == sum(record["actor"].get("user_id") in (one, two) for record in records)


@pytest.mark.parametrize("field", ["id", "uuid"])
def test_an_organisation_filter_also_returns_records_without_an_organisation(quiet, get, field):
    main = quiet.tenant.world.main
    answer = get(quiet, {"organization_ids[]": getattr(main, field), "limit": 5000})
    assert {record["organization_id"] for record in answer.json()["data"]} == {main.id, None}


def test_a_record_is_hidden_until_it_is_indexed(start, get):
    served = start(days=0, clock="2026-11-20T12:00:00Z")
    segment = served.tenant.store.segment(served.tenant.first_day)
    at = len(segment) // 2
    identifier = json.loads(segment.records[at])["id"]
    served.clock.set(from_us(segment.indexed[at] - 1))
    assert segment.times[at] < segment.indexed[at]
    assert identifier not in {record["id"] for record in get(served, {"limit": 5000}).json()["data"]}
    served.clock.set(from_us(segment.indexed[at]))
    assert identifier in {record["id"] for record in get(served, {"limit": 5000}).json()["data"]}


def test_a_late_record_appears_behind_a_cursor_already_passed(start, get):
    served = start(days=0, events_per_day=2000, clock="2026-11-20T12:00:00Z")
    late = served.tenant.damage("late_indexing", next=1, start="2026-11-20T11:00:00Z", end="2026-11-20T11:30:00Z")
    before = get(served, {"limit": 5000, "order": "asc"}).json()
    served.clock.advance(7200)
    beyond = get(served, {"limit": 5000, "order": "asc", "after_id": before["last_id"]}).json()
    again = get(served, {"limit": 5000, "order": "asc", "created_at.gte": "2026-11-20T11:00:00Z"}).json()
    assert late[0] not in {record["id"] for record in before["data"] + beyond["data"]}
    assert late[0] in {record["id"] for record in again["data"]}


def test_a_cursor_outlives_the_record_it_names(start, get):
    served = start(rate_limit=0)
    ids = [json.loads(record)["id"] for record in _truth(served)]
    served.tenant.withdraw([ids[20]])
    page = get(served, {"order": "asc", "after_id": ids[20], "limit": 3}).json()
    assert [record["id"] for record in page["data"]] == ids[21:24]


def test_opaque_cursors_walk_the_same_feed(start, walk):
    served = start(quirks=["opaque_cursors"], rate_limit=0)
    pages = walk(served, limit=50)
    assert all(page["last_id"].startswith("activity_page_") for page in pages)
    assert sum(len(page["data"]) for page in pages) == len(_truth(served))


def test_bound_cursors_refuse_other_filters(start, get):
    served = start(quirks=["bound_cursors"])
    cursor = get(served, {"limit": 5}).json()["last_id"]
    assert get(served, {"limit": 9, "after_id": cursor}).status_code == 200
    assert get(served, {"after_id": cursor, "order": "asc"}).status_code == 400


def test_a_running_clock_shows_the_day_as_it_goes():
    clock = Clock.parse("real-86400")
    tenant = Tenant(users=5, days=1, clock=clock)
    newest = json.loads(tenant.records()[-1])["created_at"]
    assert datetime.fromisoformat(newest) <= clock.now() < datetime.now(UTC)


def test_the_truth_endpoint_gives_the_visible_bytes_of_a_window(quiet):
    window = {"start": "2026-11-20T00:00:00Z", "end": "2026-11-20T12:00:00Z"}
    body = httpx.get(quiet.url + "/_sandbox/truth", params=window).content
    start, end = (datetime.fromisoformat(window[name]) for name in ("start", "end"))
    assert body.splitlines() == quiet.tenant.records(start, end)
    assert body.count(b"\n") > 10
