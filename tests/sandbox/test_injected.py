"""Records handed to the tenant, and a tenant on which nothing rare happens."""

import json
from pathlib import Path
from typing import Any

import httpx

from sandbox import Tenant, serve


def test_an_injected_record_is_served_with_an_id_and_survives_a_restart(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    settings: dict[str, Any] = {
        "seed": 3,
        "users": 5,
        "days": 2,
        "clock": "2026-11-22T10:00:00Z",
        "journal": journal,
    }
    record = {
        "created_at": "2026-11-21T09:30:00.123456Z",
        "actor": {"type": "user_actor", "user_id": "user_1"},
        "type": "org_sso_toggled",
        "enabled": False,
    }
    with serve(Tenant(**settings)) as served:
        told = httpx.post(f"{served.url}/_sandbox/inject", json={"records": [record]}).json()
        assert told["injected"] == 1
        wrong = httpx.post(f"{served.url}/_sandbox/inject", json={"records": [{"type": "x"}]})
        assert wrong.status_code == 400
    again = [json.loads(raw) for raw in Tenant(**settings).records()]
    found = next(one for one in again if one["id"] == told["ids"][0])
    assert found["enabled"] is False
    assert found["created_at"] == record["created_at"]
    assert found["organization_uuid"]


def test_a_quiet_tenant_plants_nothing_and_does_nothing_rare() -> None:
    settings: dict[str, Any] = {"seed": 3, "users": 8, "days": 20, "clock": "2026-11-22T10:00:00Z"}
    quiet, other = Tenant(quiet=True, **settings), Tenant(**settings)
    kinds = {json.loads(raw)["type"] for raw in quiet.records()}
    assert len(kinds) < len({json.loads(raw)["type"] for raw in other.records()}) / 3
    assert quiet.stories() == []
    assert not kinds & {"org_sso_toggled", "admin_api_key_created", "org_compliance_api_settings_updated"}
