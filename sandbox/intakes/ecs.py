"""The fields of the Elastic Common Schema whose values an intake checks (ECS 9.5, reference 3.5)."""

from __future__ import annotations

import ipaddress
from typing import Any

_ALLOWED = {
    "event.category": (
        "api authentication configuration database driver email file host iam intrusion_detection library malware "
        "network package process registry session threat vulnerability web"
    ),
    "event.type": (
        "access admin allowed change connection creation deletion denied device end error group indicator info "
        "installation protocol start user"
    ),
    "event.kind": "alert asset enrichment event metric state pipeline_error signal",
    "event.outcome": "failure success unknown",
}
_WORDS = {path: set(words.split()) for path, words in _ALLOWED.items()}
_ADDRESSES = ("source.ip", "client.ip", "host.ip", "related.ip")
_KEYWORDS = (
    "event.id", "event.action", "event.dataset", "event.module", "user.id", "user.email", "user.name",
    "organization.id", "user_agent.original", "ecs.version",
)  # fmt: skip


def wrong_field(event: dict[str, Any]) -> str | None:
    """The first field with a value that its type does not have; None where all are right."""
    for path in _ADDRESSES:
        if not all(map(_is_ip, _listed(_at(event, path)))):
            return path
    for path, words in _WORDS.items():
        if not all(isinstance(one, str) and one in words for one in _listed(_at(event, path))):
            return path
    for path in _KEYWORDS:
        if not isinstance(_at(event, path) or "", str):
            return path
    return None


def _at(event: dict[str, Any], path: str) -> Any:
    found: Any = event
    for name in path.split("."):
        if not isinstance(found, dict):
            return None
        found = found.get(name)
    return found


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _is_ip(text: Any) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
