"""Engagement: the people of feed and ledger, counted the next morning and revised for three days."""

from __future__ import annotations

from datetime import date

import pytest

RANGE = {"starting_date": "2026-11-02", "ending_date": "2026-11-16"}
LISTS = ("users", "skills", "connectors", "plugins", "apps/chat/projects")


@pytest.fixture
def rows(spending, ask):
    """All rows of an endpoint, over all its pages."""

    def _rows(path, **params):
        found, cursor = [], {}
        while True:
            answer = ask(spending, path, **params, **cursor)
            assert answer.status_code == 200, answer.text
            body = answer.json()
            assert "has_more" not in body
            found += body["data"]
            if body["next_page"] is None:
                return found
            cursor = {"page": body["next_page"]}

    return _rows


def test_whoever_is_active_has_spend_on_that_day(spending, rows):
    day = date(2026, 11, 18)
    active = {row["user"]["id"] for row in rows("users", date=str(day))}
    spent = spending.tenant.spend.totals(day, date(2026, 11, 19), ("actor",))
    assert len(active) > 5
    assert len(active - {who for (who,) in spent}) <= 2  # lines that were taken from a person later


def test_people_come_by_address_and_pages_join_without_a_seam(rows):
    whole = rows("users", date="2026-11-18", limit=1000)
    addresses = [row["user"]["email_address"] for row in whole]
    assert addresses == sorted(set(addresses))
    assert rows("users", date="2026-11-18", limit=3) == whole


def test_a_range_has_one_row_per_person_whose_counters_are_the_days_together(spending, rows):
    whole = {row["user"]["id"]: row for row in rows("users", **RANGE, limit=1000)}
    messages: dict[str, int] = {}
    last: dict[str, str] = {}
    for day in range(2, 16):
        for row in rows("users", date=f"2026-11-{day:02}", limit=1000):
            who = row["user"]["id"]
            messages[who] = messages.get(who, 0) + row["chat_metrics"]["message_count"]
            last[who] = row["last_activity_date"]
    assert {who: row["chat_metrics"]["message_count"] for who, row in whole.items()} == messages
    assert {who: row["last_activity_date"] for who, row in whole.items()} == last


def test_rows_by_group_overlap_and_carry_the_groups_name(spending, rows):
    grouped = rows("users", **RANGE, **{"group_by[]": "rbac_group_id"})
    names = dict(spending.tenant.world.groups)
    assert {row["rbac_group_id"]: row["rbac_group_name"] for row in grouped}.items() <= names.items()
    assert {row["user"] for row in grouped} == {None}
    assert sum(row["distinct_user_count"] for row in grouped) > len(rows("users", **RANGE, limit=1000))


@pytest.mark.parametrize("path", LISTS[1:])
def test_each_list_counts_people_once_and_adds_up_by_person(rows, path):
    counter = {"connectors": "read_call_count", "apps/chat/projects": "message_count"}.get(
        path, "invocation_count"
    )
    whole = rows(path, **RANGE)
    by_person = rows(path, **RANGE, **{"group_by[]": "user_id"}, limit=1000)
    assert sum(row[counter] for row in whole) == sum(row[counter] for row in by_person)
    assert sum(row["distinct_user_count"] for row in whole) == len(by_person)


def test_filters_mean_or_within_and_and_between_dimensions(rows):
    one, two = (row["skill_name"] for row in rows("skills", **RANGE)[:2])
    both = rows("skills", **RANGE, **{"filter[]": [f"skill_name:{one}", f"skill_name:{two}"]})
    assert [row["skill_name"] for row in both] == [one, two]
    narrow = rows("skills", **RANGE, **{"filter[]": [f"skill_name:{one}", "product:claude_code"]})
    whole = rows("skills", **RANGE, **{"filter[]": f"skill_name:{one}"})
    assert narrow[0]["invocation_count"] < whole[0]["invocation_count"]
    assert narrow[0]["chat_metrics"]["distinct_conversation_skill_used_count"] == 0


def test_rows_can_be_ordered_by_a_number_in_them(rows):
    ordered = rows("users", **RANGE, order_by="chat_metrics.message_count")
    numbers = [row["chat_metrics"]["message_count"] for row in ordered]
    assert numbers == sorted(numbers, reverse=True)
    ordered = rows("connectors", **RANGE, order_by="read_call_count", order="asc")
    numbers = [row["read_call_count"] for row in ordered]
    assert numbers == sorted(numbers)


def test_artifacts_are_a_whole_cube_and_paged_only_when_grouped(spending, ask, rows):
    cube = ask(spending, "artifacts", date="2026-11-18", limit=1).json()
    assert len(cube["data"]) > 1
    assert cube["next_page"] is None
    grouped = rows("artifacts", date="2026-11-18", **{"group_by[]": "user_id"}, limit=2)
    assert sum(row["artifacts_created_count"] for row in grouped) == sum(
        row["artifacts_created_count"] for row in cube["data"]
    )
    assert ask(spending, "artifacts", starting_date="2026-11-18").status_code == 400


def test_summaries_count_the_people_of_the_day_of_seven_days_and_of_thirty(spending, ask, rows):
    days = ask(spending, "summaries", starting_date="2026-11-09", ending_date="2026-11-16").json()["data"]
    last = days[-1]
    assert last["starting_at"] == "2026-11-15T00:00:00Z"
    week = rows("users", starting_date="2026-11-09", ending_date="2026-11-16", limit=1000)
    month = rows("users", starting_date="2026-10-17", ending_date="2026-11-16", limit=1000)
    assert last["weekly_active_user_count"] == len(week)
    assert last["monthly_active_user_count"] == len(month)
    assert last["assigned_seat_count"] == len(spending.tenant.world.people.on(date(2026, 11, 15)))
    assert last["weekly_adoption_rate"] == round(len(week) / last["assigned_seat_count"] * 100, 1)


def test_summaries_of_a_group_know_no_seats(spending, ask):
    group = spending.tenant.world.groups[0][0]
    asked = {"starting_date": "2026-11-09", "filter[]": f"rbac_group_id:{group}"}
    row = ask(spending, "summaries", **asked).json()["data"][0]
    names = ("assigned_seat_count", "pending_invite_count", "daily_adoption_rate")
    assert [row[name] for name in names] == [None] * 3
    assert row["monthly_active_user_count"] > 0


def test_summaries_carry_their_rows_under_either_name(start, spending, ask):
    served = start(users=3, quirks=["summaries_array"])
    asked = {"starting_date": "2026-11-20"}
    assert set(ask(served, "summaries", **asked).json()) == {"summaries", "next_page"}
    assert set(ask(spending, "summaries", **asked).json()) == {"data", "next_page"}


def test_a_day_is_there_at_ten_the_next_morning_and_grows_for_three_days(start, ask):
    served = start(users=200, analytics_rate_limit=0, clock="2026-11-19T09:59:59Z")
    asked = {"date": "2026-11-18", "limit": 1000}
    early = ask(served, "users", **asked)
    assert early.status_code == 400
    assert "The latest available date is 2026-11-17" in early.json()["error"]["message"]
    served.clock.advance(1)
    totals = []
    for _ in range(5):
        rows = ask(served, "users", **asked).json()["data"]
        totals.append(sum(row["chat_metrics"]["message_count"] for row in rows))
        served.clock.advance(86_400)
    assert totals == sorted(totals)
    assert totals[0] < totals[3] == totals[4]


@pytest.mark.parametrize(
    ("path", "params", "message"),
    [
        ("users", {}, "date: Field required"),
        ("users", {"date": "18.11.2026"}, "format YYYY-MM-DD"),
        ("users", {"date": "2026-11-18", "starting_date": "2026-11-01"}, "not both"),
        ("users", {"date": "2025-12-31"}, "not available before 2026-01-01"),
        ("users", {"date": "2026-11-22"}, "The latest available date is 2026-11-21"),
        ("users", {"starting_date": "2026-11-10", "ending_date": "2026-11-10"}, "must be after"),
        ("users", {**RANGE, "limit": "1001"}, "less than or equal to 1000"),
        ("users", {**RANGE, "group_by[]": "product"}, "group_by[].0"),
        ("users", {**RANGE, "filter[]": "product:chat"}, "unsupported dimension 'product'"),
        ("users", {**RANGE, "filter[]": "user_id"}, "dimension:value"),
        ("users", {**RANGE, "order_by": "mood"}, "order_by: 'mood'"),
        ("users", {**RANGE, "page": "page_x"}, "Invalid cursor"),
        ("artifacts", {"date": "2026-11-18", "page": "page_x"}, "page:"),
        ("summaries", {"ending_date": "2026-11-18"}, "starting_date: Field required"),
        ("summaries", {**RANGE, "filter[]": "user_id:user_1"}, "unsupported dimension 'user_id'"),
    ],
)
def test_a_wrong_parameter_is_a_400_that_names_it(spending, ask, path, params, message):
    answer = ask(spending, path, **params)
    assert answer.status_code == 400
    assert message in answer.json()["error"]["message"]


def test_a_range_is_366_days_at_most(start, ask):
    served = start(users=2, clock="2027-03-01T12:00:00Z", analytics_rate_limit=0)
    span = {"starting_date": "2026-01-01", "ending_date": "2027-01-02"}
    assert ask(served, "summaries", **span).status_code == 200
    assert ask(served, "summaries", **{**span, "ending_date": "2027-01-03"}).status_code == 400


def test_old_engagement_is_refused_by_a_quirk_only(start, spending, ask):
    served = start(users=2, quirks=["engagement_90_days"])
    assert "within the last 90 days" in ask(served, "users", date="2026-08-01").json()["error"]["message"]
    assert ask(spending, "users", date="2026-08-01").status_code == 200


def test_engagement_shares_the_budget_needs_no_beta_header_and_no_admin_key(start, ask):
    served = start(users=2, days=0, analytics_rate_limit=3)
    headers = {"x-api-key": served.keys["analytics"]}
    assert ask(served, "users", headers=headers, date="2026-11-18").status_code == 200
    assert ask(served, "users", key="admin", date="2026-11-18").status_code == 403
    statuses = [ask(served, path, date="2026-11-18").status_code for path in ("skills", "plugins")]
    assert statuses == [200, 429]
