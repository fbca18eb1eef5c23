"""The directory: members, invites, keys, workspaces, groups; the people of the feed, as they are today."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

ROOT = "/v1/organizations"


def _walk(ask, served, path, key="directory", **params):
    """All objects of a list that is paged by ids or by a token."""
    found, cursor = [], {}
    while True:
        answer = ask(served, f"{ROOT}/{path}", key=key, **params, **cursor)
        assert answer.status_code == 200, answer.text
        body = answer.json()
        found += body["data"]
        if "first_id" in body:
            if not body["has_more"]:
                return found
            cursor = {"after_id": body["last_id"]}
        elif body["next_page"] is None:
            return found
        else:
            cursor = {"page": body["next_page"]}


def test_members_are_todays_people_newest_first(spending, ask):
    users = _walk(ask, spending, "users", limit=7)
    people = spending.tenant.world.people.on(spending.clock.now().date())
    assert {(user["id"], user["email"]) for user in users} == {(p.user_id, p.email) for p in people}
    added = [user["added_at"] for user in users]
    assert added == sorted(added, reverse=True)
    assert len({user["id"] for user in users}) == len(users)


def test_whoever_leaves_is_gone_at_once_and_a_joiner_is_there(start, ask):
    served = start(users=20, directory_rate_limit=0, clock="2026-10-01T00:00:00Z")
    people = served.tenant.world.people
    cycle = date(2026, 10, 1).toordinal() // 14
    departure = next(d for n in range(cycle, cycle + 4) if (d := people.departure(n)) is not None)
    seen = {}
    for day in (departure.leaves - timedelta(days=1), departure.leaves, departure.joins):
        served.clock.set(datetime.combine(day, datetime.min.time(), UTC) + timedelta(hours=12))
        seen[day] = {user["id"] for user in _walk(ask, served, "users", limit=1000)}
    assert departure.person.user_id in seen[departure.leaves - timedelta(days=1)]
    assert departure.person.user_id not in seen[departure.leaves]
    assert departure.successor.user_id in seen[departure.joins]


def test_both_cursors_give_adjacent_pages(spending, ask):
    whole = [user["id"] for user in _walk(ask, spending, "users", limit=1000)]
    after = ask(spending, f"{ROOT}/users", key="directory", limit=3, after_id=whole[5]).json()
    assert [user["id"] for user in after["data"]] == whole[6:9]
    assert (after["first_id"], after["last_id"], after["has_more"]) == (whole[6], whole[8], True)
    before = ask(spending, f"{ROOT}/users", key="directory", limit=3, before_id=whole[5]).json()
    assert [user["id"] for user in before["data"]] == whole[2:5]
    assert before["has_more"] is True


def test_an_admin_key_sees_the_console_organisation_and_a_member_can_be_looked_up(spending, ask):
    console = _walk(ask, spending, "users", key="admin", limit=1000)
    everybody = _walk(ask, spending, "users", limit=1000)
    assert {user["id"] for user in console} < {user["id"] for user in everybody}
    assert {user["role"] for user in console} <= {"admin", "developer"}
    owner = spending.tenant.world.people.owner
    found = _walk(ask, spending, "users", email=owner.email.upper())
    assert [user["id"] for user in found] == [owner.user_id]
    assert [user["id"] for user in _walk(ask, spending, "users", **{"roles[]": "primary_owner"})] == [
        owner.user_id
    ]


def test_keys_that_spend_are_listed_and_one_belongs_to_somebody_who_has_left(spending, ask):
    keys = {key["id"]: key for key in _walk(ask, spending, "api_keys", key="admin", limit=2)}
    assert set(spending.tenant.world.api_keys) <= set(keys)
    today = {person.user_id for person in spending.tenant.world.people.on(spending.clock.now().date())}
    orphans = [k for k in keys.values() if k["status"] == "active" and k["created_by"]["id"] not in today]
    assert len(orphans) == 1
    spent = spending.tenant.spend.totals(date(2026, 11, 1), date(2026, 11, 22), ("actor",))
    assert spent[(orphans[0]["id"],)].amount > 0
    assert "sandbox" not in str(keys)


def test_keys_are_filtered_by_status_workspace_and_maker(spending, ask):
    assert Counter(key["status"] for key in _walk(ask, spending, "api_keys")) == {
        "active": 4,
        "archived": 1,
        "expired": 1,
    }
    assert {key["status"] for key in _walk(ask, spending, "api_keys", status="archived")} == {"archived"}
    workspace = spending.tenant.world.workspaces[1]
    found = _walk(ask, spending, "api_keys", workspace_id=workspace)
    assert {key["scope"]["workspace_id"] for key in found} == {workspace}
    admin = spending.tenant.world.people.admin.user_id
    assert _walk(ask, spending, "api_keys", created_by_user_id=admin)


def test_default_and_archived_workspaces_come_on_demand(spending, ask):
    assert len(_walk(ask, spending, "workspaces")) == 3
    whole = _walk(ask, spending, "workspaces", include_default="true", include_archived="true")
    assert [workspace["archived_at"] is not None for workspace in whole] == [True, False, False, False, False]
    one = spending.tenant.world.workspaces[2]
    assert [workspace["id"] for workspace in _walk(ask, spending, "workspaces", **{"ids[]": one})] == [one]


def test_groups_and_members_are_those_that_spend_is_grouped_by(spending, ask, rows_of):
    groups = _walk(ask, spending, "rbac_groups", limit=3)
    assert [(group["id"], group["name"]) for group in groups] == spending.tenant.world.groups
    member_of = {
        group["id"]: {member["user_id"] for member in _walk(ask, spending, f"rbac_groups/{group['id']}/members")}
        for group in groups
    }
    counts = Counter(user for members in member_of.values() for user in members)
    assert set(counts) == {person.user_id for person in spending.tenant.world.people.on(date(2026, 11, 22))}
    assert set(counts.values()) == {1, 2}
    span = {"starting_at": "2026-11-10T00:00:00Z", "ending_at": "2026-11-22T00:00:00Z"}
    group = groups[0]["id"]
    rows = rows_of(spending, "cost", **span, **{"group_by[]": "actor", "rbac_group_ids[]": group})
    still_here = {r["group"]["actor"]["user_id"] for r in rows if not r["group"]["actor"]["deleted"]}
    assert still_here
    assert still_here <= member_of[group]


def test_an_unknown_group_is_a_404(spending, ask):
    answer = ask(spending, f"{ROOT}/rbac_groups/rbac_group_01nobody/members", key="directory")
    assert (answer.status_code, answer.json()["error"]["type"]) == (404, "not_found_error")


def test_invites_are_accepted_pending_or_expired(spending, ask):
    invites = _walk(ask, spending, "invites", limit=4)
    statuses = Counter(invite["status"] for invite in invites)
    assert set(statuses) == {"accepted", "pending", "expired"}
    assert len(_walk(ask, spending, "invites", **{"statuses[]": "pending"})) == statuses["pending"]
    accepted = next(invite for invite in invites if invite["status"] == "accepted")
    assert accepted["email"] in {user["email"] for user in _walk(ask, spending, "users", limit=1000)}


@pytest.mark.parametrize(
    ("path", "key", "status"),
    [
        ("users", "compliance", 403),
        ("users", "analytics", 403),
        ("users", "org_audit", 200),
        ("rbac_groups", "admin", 403),
        ("rbac_groups", "org_audit", 200),
        ("spend_limits/effective", "directory", 403),
        ("users", None, 401),
        ("users", "expired", 401),
    ],
)
def test_each_list_wants_its_scope(spending, ask, path, key, status):
    assert ask(spending, f"{ROOT}/{path}", key=key).status_code == status


@pytest.mark.parametrize(
    ("path", "params", "message"),
    [
        ("users", {"limit": "1001"}, "less than or equal to 1000"),
        ("users", {"after_id": "a", "before_id": "b"}, "mutually exclusive"),
        ("users", {"after_id": "user_01nobody"}, "No object with the id"),
        ("users", {"page": "x"}, "Unknown query parameter: 'page'"),
        ("api_keys", {"status": "lost"}, "status: Input should be"),
        ("rbac_groups", {"page": "page_x"}, "Invalid cursor"),
    ],
)
def test_a_wrong_parameter_is_a_400_that_names_it(spending, ask, path, params, message):
    answer = ask(spending, f"{ROOT}/{path}", key="directory", **params)
    assert answer.status_code == 400
    assert message in answer.json()["error"]["message"]


def test_the_admin_api_has_a_budget_of_its_own_and_leaves_no_footprint(start, ask):
    served = start(users=3, days=0, directory_rate_limit=2)
    statuses = [ask(served, f"{ROOT}/users", key="directory").status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    assert int(ask(served, f"{ROOT}/users", key="directory").headers["retry-after"]) >= 1
    served.clock.advance(5)
    assert not any(b"/v1/organizations/users" in record for record in served.tenant.records())
    assert start(users=3).tenant.directory_rate_limit == 100


def test_spend_limits_tell_the_months_spend_of_each_member(spending, ask):
    rows = _walk(ask, spending, "spend_limits/effective", key="spend_limits", limit=9)
    truth = spending.tenant.spend.totals(date(2026, 11, 1), date(2026, 11, 23), ("actor",))
    assert len(rows) == len(spending.tenant.world.people.on(date(2026, 11, 22)))
    for row in rows:
        money = truth.get((row["actor"]["user_id"],))
        assert int(Decimal(row["period_to_date_spend"]) * 1000) == (money.amount // 1000 if money else 0)
        assert int(row["amount"]) > 0
    one = rows[0]["actor"]["user_id"]
    assert len(_walk(ask, spending, "spend_limits/effective", key="spend_limits", **{"user_ids[]": one})) == 1


def test_requests_for_more_are_pending_approved_or_denied(spending, ask):
    rows = _walk(ask, spending, "spend_limit_increase_requests", key="spend_limits", limit=3)
    assert rows[0]["status"] == "pending"
    assert all((row["resolved_at"] is None) == (row["status"] == "pending") for row in rows)
    pending = _walk(ask, spending, "spend_limit_increase_requests", key="spend_limits", **{"status[]": "pending"})
    assert pending == rows[:1]
