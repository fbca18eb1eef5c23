"""The sandbox against the written API: what it answers to any question that the document allows is what it says.

Answers come from a real server; schemathesis makes up the questions and judges status, media type and body.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
import yaml
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from sandbox import Served, Tenant, serve
from sandbox.api.surfaces import surfaces

DOCUMENT = Path(__file__).parents[2] / "sandbox" / "api" / "openapi.yaml"
WRITTEN: dict[str, Any] = yaml.safe_load(DOCUMENT.read_text(encoding="utf-8"))
PATHS = sorted(WRITTEN["paths"])
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
NOW = "2026-11-22T10:00:00Z"
DAYS = {
    **{"starting_date": "2026-11-17", "ending_date": "2026-11-19"},
    **{"starting_at": "2026-11-17T00:00:00Z", "ending_at": "2026-11-19T00:00:00Z"},
}


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    """A tenant without limits, a week old."""
    tenant = Tenant(
        seed=11, users=12, days=7, clock=NOW, rate_limit=0, analytics_rate_limit=0, directory_rate_limit=0
    )
    with serve(tenant) as running:
        yield running


def key_of(path: str) -> str:
    """The name of a key that opens a path."""
    if "/analytics/" in path:
        return "analytics"
    if path.startswith("/v1/compliance/"):
        return "compliance" if path.endswith("/activities") else "org_data"
    if "spend_limit" in path:
        return "spend_limits"
    return "admin" if path.endswith(("api_keys", "workspaces")) else "directory"


def real_ids(served: Served) -> dict[str, list[str]]:
    """Path parameters that name something."""
    world = served.tenant.world
    asked = httpx.get(
        f"{served.url}/v1/compliance/organizations/{world.main.uuid}/roles",
        headers={"x-api-key": served.keys["org_data"]},
    )
    return {
        "organization": [world.main.uuid],
        "group": [identifier for identifier, _ in world.groups],
        "role": [role["id"] for role in asked.json()["data"]],
    }


def sensible(operation: Any, query: dict[str, Any]) -> dict[str, Any]:
    """The question with days that have figures, without what chance never gets right: cursors, filters, groups."""
    named = {parameter.name for parameter in operation.query}
    days = (
        {"date": "2026-11-18"} if "date" in named else {name: day for name, day in DAYS.items() if name in named}
    )
    return {name: value for name, value in query.items() if name in ("limit", "order")} | days


def ask(served: Served, path: str, count: int) -> set[int]:
    """Put questions to one path; returns the statuses that came back. Fails where an answer is not as written."""
    operation = schemathesis.openapi.from_dict(WRITTEN)[path]["GET"]
    ids, statuses = real_ids(served), set[int]()

    @seed(20261128)
    @settings(max_examples=count, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(), data=st.data())
    def asked(case: Any, data: st.DataObject) -> None:
        for name in case.path_parameters or {}:
            if name in ids and data.draw(st.booleans()):
                case.path_parameters[name] = data.draw(st.sampled_from(ids[name]))
        if data.draw(st.booleans()):
            case.query = sensible(operation, case.query or {})
        response = case.call(base_url=served.url, headers={"x-api-key": served.keys[key_of(path)]})
        statuses.add(response.status_code)
        case.validate_response(response, checks=CHECKS)

    asked()
    return statuses


def test_every_path_of_the_sandbox_is_written_and_no_other(served: Served) -> None:
    assert sorted(path for path, _ in surfaces(served.tenant)) == PATHS


@pytest.mark.parametrize("path", PATHS)
def test_what_is_answered_is_what_is_written(served: Served, path: str) -> None:
    assert ask(served, path, 8) <= {200, 400, 403, 404}


@pytest.mark.slow
@pytest.mark.parametrize("path", PATHS)
def test_what_is_answered_to_a_hundred_questions_is_what_is_written(served: Served, path: str) -> None:
    statuses = ask(served, path, 100)
    assert 200 in statuses
