"""The eleven actor kinds of the feed (reference 1.3), one function for all, each with every field it may carry."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from sandbox.tenant.ids import tagged
from sandbox.tenant.people import Person
from sandbox.tenant.world import World

KINDS = (
    "user",
    "api",
    "admin_api_key",
    "unauthenticated_user",
    "anthropic",
    "system",
    "service_account",
    "scim_directory_sync",
    "federated_identity",
    "federated",
    "attested_device",
)
_SDK = "anthropic-sdk-python/2.12.0"
_TERRAFORM = "terraform-provider-anthropic/0.9.1"


def actor(world: World, kind: str, people: list[Person], rng: Random) -> tuple[str, str | None]:
    """The actor object of `kind` as compact JSON text, and its user id where it is a user.

    `people` are those with a seat that day (never empty: the owner stays).
    """
    if kind == "user":
        person = people[rng.randrange(len(people))]
        return person.office_actor(), person.user_id
    if kind == "scim_directory_sync":
        return world.scim_actor(rng), None
    return compact(_fields(world, kind, people, rng)), None


def _fields(  # noqa: PLR0911  (one case per kind)
    world: World, kind: str, people: list[Person], rng: Random
) -> dict[str, Any]:
    address = f"198.51.100.{rng.randrange(200, 220)}"
    where = {"ip_address": address, "user_agent": rng.choice((_SDK, _TERRAFORM))}
    match kind:
        case "api":
            return {"type": "api_actor", "api_key_id": rng.choice(world.api_keys), **where}
        case "admin_api_key":
            return {"type": "admin_api_key_actor", "admin_api_key_id": rng.choice(world.admin_api_keys), **where}
        case "unauthenticated_user":
            person = people[rng.randrange(len(people))]
            email = person.email if rng.random() < 0.7 else None
            return {
                "type": "unauthenticated_user_actor",
                "unauthenticated_email_address": email,
                "ip_address": person.home_ip,
                "user_agent": person.agents[0],
            }
        case "anthropic":
            return {"type": "anthropic_actor", "email_address": None}
        case "system":
            return {"type": "system_actor", "service": rng.choice(("security-scanner", "retention", None))}
        case "service_account":
            return {
                "type": "service_account_actor",
                "service_account_id": rng.choice(world.service_accounts),
                **where,
            }
        case "federated_identity":
            return {
                "type": "federated_identity_actor",
                "issuer": "https://idp.example.com",
                "subject": "repo:example/app:ref:refs/heads/main",
                "audience": ["https://api.anthropic.com"],
                "ip_address": address if rng.random() < 0.8 else None,
                "user_agent": None,
            }
        case "federated":
            provider, subject = _provider(world, rng)
            return {"type": "federated_actor", "provider": provider, "subject": subject, **where}
        case "attested_device":
            return {
                "type": "attested_device_actor",
                "external_client_id": tagged("extclient", rng),
                "kid_hash": f"{rng.getrandbits(128):032x}",
                "ip_address": address,
                "user_agent": "Claude/1.2510 iOS/26.1 (iPhone17,1)",
            }
    raise ValueError(f"no such actor kind: {kind}")


def _provider(world: World, rng: Random) -> tuple[dict[str, Any], str | None]:
    match rng.randrange(4):
        case 0:
            principal = world.signed_principal
            return {"type": "aws", "account_id": "123456789012", "signed_principal": principal}, principal
        case 1:
            return {"type": "azure", "subscription_id": world.parent.uuid}, "spn:example-batch"
        case 2:
            return {"type": "gcp", "project_number": "104455667788"}, None
    return {"type": "oidc", "issuer": "https://idp.example.com"}, "repo:example/app:environment:prod"


def compact(value: object) -> str:
    """JSON text as the vendor writes it: no spaces, no escapes beyond the needed."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
