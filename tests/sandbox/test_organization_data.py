"""Organisation data of the Compliance API: organisations, roles, groups, settings, without any person in it."""

from __future__ import annotations

import json

import pytest

ROOT = "/v1/compliance"


@pytest.fixture
def read(spending, ask):
    def _read(path, key="org_data", **params):
        return ask(spending, f"{ROOT}/{path}", key=key, **params)

    return _read


def test_the_linked_organisations_are_listed_and_the_parent_is_not(spending, read):
    body = read("organizations").json()
    world = spending.tenant.world
    assert [row["uuid"] for row in body["data"]] == [world.main.uuid, world.labs.uuid, world.console.uuid]
    assert (body["has_more"], body["next_page"]) == (False, None)
    first = read("organizations", limit=2).json()
    assert first["has_more"] is True
    assert read("organizations", limit=2, page=first["next_page"]).json()["data"] == body["data"][2:]


def test_settings_are_one_object_with_typed_values_and_the_inventory_of_keys(spending, read):
    body = read(f"organizations/{spending.tenant.world.main.uuid}/settings").json()
    assert body["type"] == "effective_organization_settings"
    assert {row["type"] for row in body["settings"]} == {
        "boolean",
        "integer",
        "string",
        "string_list",
        "provisioning_mode",
        "data_retention",
    }
    keys = {key["id"]: key for key in body["api_keys"]}
    assert keys[spending.tenant.world.key_named("analytics").id]["scopes"] == ["read:analytics"]
    assert keys[spending.tenant.world.key_named("expired").id]["is_active"] is False
    assert not any(secret in json.dumps(body) for secret in spending.keys.values())


def test_settings_of_the_parent_or_of_a_stranger_are_a_404(spending, read):
    for uuid in (spending.tenant.world.parent.uuid, "00000000-0000-4000-8000-000000000000"):
        assert read(f"organizations/{uuid}/settings").status_code == 404


def test_roles_and_their_permissions(spending, read):
    one = f"organizations/{spending.tenant.world.labs.uuid}/roles"
    roles = read(one).json()["data"]
    assert roles
    assert read(f"{one}/{roles[0]['id']}").json() == roles[0]
    assert read(f"{one}/{roles[0]['id']}/permissions").json()["data"][0]["resource_type"] == "organization"
    assert read(f"{one}/rbac_role_01nobody").status_code == 404


def test_groups_have_the_ids_of_the_admin_api_and_are_found_by_the_beginning_of_their_name(spending, read):
    groups = read("groups").json()["data"]
    assert [group["id"] for group in groups] == [identifier for identifier, _ in spending.tenant.world.groups]
    assert [group["name"] for group in read("groups", name_prefix="re").json()["data"]] == ["Research"]
    assert read(f"groups/{groups[0]['id']}").json() == groups[0]
    assert read("groups/rbac_group_01nobody").status_code == 404


def test_paths_that_list_people_are_not_there(spending, read):
    for path in (f"organizations/{spending.tenant.world.main.uuid}/users", "groups/x/members", "apps/chats"):
        assert read(path).status_code == 404


@pytest.mark.parametrize(("key", "status"), [("org_audit", 200), ("compliance", 403), ("admin", 403), (None, 404)])
def test_the_scope_is_org_data_or_org_audit(read, key, status):
    assert read("groups", key=key).status_code == status


def test_these_reads_are_of_the_compliance_api_and_leave_their_footprint(start, ask):
    served = start(users=1, days=0, rate_limit=1)
    answer = ask(served, f"{ROOT}/groups", key="org_data")
    assert answer.headers["anthropic-ratelimit-requests-remaining"] == "0"
    assert ask(served, f"{ROOT}/groups", key="org_data").status_code == 429
    served.clock.advance(5)
    prints = [json.loads(record) for record in served.tenant.records() if b"/v1/compliance/groups" in record]
    assert [found["request_id"] for found in prints] == [answer.headers["request-id"]]
