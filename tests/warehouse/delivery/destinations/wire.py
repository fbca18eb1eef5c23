"""What tests of single destinations share: settings from text, made-up events, an event's way over the wire."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from warehouse.config import parse
from warehouse.delivery.destinations import load
from warehouse.delivery.mappings.canonical import COLUMNS, ROWS, CanonicalEvent, canonical_events
from warehouse.delivery.port import Outcome, Refused, Response
from warehouse.taxonomy import load as taxonomy

ORGANIZATION = "00000000-0000-4000-8000-000000000001"


def settings_of(kind: str, env: dict[str, str] | None = None, **values: Any) -> Any:
    """The settings of a destination named `soc`; `values` as the file would have them."""
    lines = [f"{name} = {_toml(value)}" for name, value in values.items()]
    text = "\n".join(["[[destinations]]", 'name = "soc"', f'type = "{kind}"', *lines])
    return parse(text, Path("/nowhere/ledgerline.toml"), env or {}).destinations[0]


def event(number: int = 1, **columns: Any) -> CanonicalEvent:
    """One canonical event, `ago` before now."""
    return events_of([row(number, **columns)])[0]


def events(count: int, **columns: Any) -> list[CanonicalEvent]:
    return events_of([row(number, **columns) for number in range(count)])


def of_every_type() -> list[CanonicalEvent]:
    """One event of each listed type, and one of a type that nobody has listed."""
    listed = [*taxonomy().types, "nobody_has_listed_this"]
    return events_of([row(number, type=kind) for number, kind in enumerate(listed)])


def events_of(rows: list[dict[str, Any]]) -> list[CanonicalEvent]:
    return canonical_events(pa.Table.from_pylist(rows, schema=ROWS))


def row(
    number: int = 1, *, ago: timedelta = timedelta(minutes=5), raw: str | None = None, **columns: Any
) -> dict[str, Any]:
    """One row of `audit_events`, `ago` before now."""
    at = datetime.now(UTC) - ago
    identity = columns.get("id", f"activity_{number:04d}")
    kind = columns.get("type", "sso_login_failed")
    made = {"id": identity, "type": kind, "created_at": at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")}
    made_up = {
        "id": identity,
        "created_at": at,
        "type": kind,
        "actor_type": "user_actor",
        "actor_id": f"user_{number % 7}",
        "actor_email": f"person{number % 7}@example.com",
        "ip_address": "203.0.113.7",
        "user_agent": "Mozilla/5.0",
        "organization_uuid": ORGANIZATION,
        "unknown_event": False,
        "raw": json.dumps(made) if raw is None else raw,
        "observed_at": at + timedelta(minutes=2),
        "commit_seq": 7,
        "version": 1,
        "fold": "first",
        **columns,
    }
    return {name: made_up.get(name) for name in COLUMNS}


def frames(kind: str, settings: Any, some: Sequence[Any], restamp: str | None = None) -> list[bytes]:
    """Every event's frame; none may be refused."""
    made = [load(kind).encode(one, settings, restamp) for one in some]
    assert not any(isinstance(one, Refused) for one in made), made
    return [one for one in made if isinstance(one, bytes)]


def send(kind: str, settings: Any, some: Sequence[Any], restamp: str | None = None) -> list[Outcome]:
    """Encode, pack, send once and classify; a transport of its own."""
    return answered(kind, settings, some, restamp)[1]


def answered(
    kind: str, settings: Any, some: Sequence[Any], restamp: str | None = None
) -> tuple[Response, list[Outcome]]:
    """The receiver's answer, and what it means."""
    module = load(kind)
    transport = module.connect(settings)
    try:
        response = transport.send(module.pack(frames(kind, settings, some, restamp), settings))
    finally:
        transport.close()
    return response, list(module.classify(response, len(some)))


def kinds(outcomes: Sequence[Outcome]) -> set[str]:
    return {outcome.kind for outcome in outcomes}


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(name)} = {_toml(inner)}" for name, inner in value.items()) + "}"
    return json.dumps(value)
