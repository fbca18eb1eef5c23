"""Where the configurations of several tenants touch: one bucket, key, folder or queue that two of them name.

Promise: looks at settings and at secrets in files and variables, contacts nobody, and shows no secret.
"""

import hmac
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

from warehouse.config.errors import SecretUnavailable
from warehouse.config.secrets import SecretRef
from warehouse.config.settings import Settings


class Pair(NamedTuple):
    """Two tenants, by name."""

    one: str
    other: str


@dataclass(frozen=True)
class Crossing:
    """One thing that two tenants share and must not: `setting` names it, `why` says what would come of it."""

    tenants: Pair
    setting: str
    why: str


class _Place(NamedTuple):
    setting: str
    address: str
    why: str


_MIXED = "the records of one would stand in the archive of the other"
_KEYS = ("compliance", "analytics", "directory", "organization", "spend_limits")


def crossings(tenants: Mapping[str, Settings]) -> list[Crossing]:
    """Everything that two of the tenants share, in the order of their names."""
    return [found for pair in combinations(sorted(tenants), 2) for found in _between(Pair(*pair), tenants)]


def unnamed(tenants: Mapping[str, Settings]) -> list[str]:
    """Tenants that name no organisation: a key of somebody else's would be taken."""
    return sorted(name for name, settings in tenants.items() if not settings.anthropic.organizations)


def _between(pair: Pair, tenants: Mapping[str, Settings]) -> Iterator[Crossing]:
    one, other = tenants[pair.one], tenants[pair.other]
    for mine in _places(one):
        for theirs in _places(other):
            if _same_kind(mine, theirs) and _touch(mine.address, theirs.address):
                names = mine.setting if mine.setting == theirs.setting else f"{mine.setting} and {theirs.setting}"
                yield Crossing(pair, names, mine.why)
    shared = set(one.anthropic.organizations) & set(other.anthropic.organizations)
    for organization in sorted(shared):
        yield Crossing(pair, "anthropic.organizations", f"both take the records of {organization}")
    if one.delivery.queue_url and one.delivery.queue_url == other.delivery.queue_url:
        yield Crossing(pair, "delivery.queue_url", "one would take the other's claim checks from the queue")
    for mine_name, mine_key in _secrets(one).items():
        for their_name, their_key in _secrets(other).items():
            if _same_secret(mine_key, their_key):
                names = mine_name if mine_name == their_name else f"{mine_name} and {their_name}"
                yield Crossing(pair, names, _why_of_key(mine_name))


def _places(settings: Settings) -> list[_Place]:
    """Addresses and paths that belong to one tenant alone."""
    archive, finops = settings.archive, settings.finops
    found = [
        _Place("archive.url", archive.url, _MIXED),
        _Place("archive.cache", f"file:{archive.cache}", "one would take the other's state for its own"),
        _Place(
            "warehouse.duckdb", f"file:{settings.warehouse.duckdb}", "one's build would replace the other's marts"
        ),
        *(_Place("archive.anchors", one, "copies of two logs would lie in one place") for one in archive.anchors),
        *(
            _Place("telemetry.sources", one if "://" in one else f"file:{one}", _MIXED)
            for one in settings.telemetry.sources
        ),
    ]
    for name, value in finops:
        if isinstance(value, Path):
            found.append(_Place(f"finops.{name}", f"file:{value}", "people of both would stand in one file"))
    return found


def _same_kind(mine: _Place, theirs: _Place) -> bool:
    """Any place of one may lie in the archive of the other; else only like is compared with like."""
    return mine.setting == theirs.setting or "archive.url" in (mine.setting, theirs.setting)


def _touch(one: str, other: str) -> bool:
    """Whether two addresses are the same, or one lies in the other."""
    mine, theirs = _parts(one), _parts(other)
    shorter = min(len(mine), len(theirs))
    return mine[:shorter] == theirs[:shorter]


def _parts(address: str) -> list[str]:
    scheme, _, path = address.partition(":")
    if scheme == "file":
        path = str(Path(path).resolve())
    return [scheme, *(part for part in path.split("/") if part)]


def _secrets(settings: Settings) -> dict[str, SecretRef]:
    keys = settings.anthropic.keys
    return {
        "archive.signing_key": settings.archive.signing_key,
        **{f"anthropic.keys.{name}": getattr(keys, name) for name in _KEYS},
    }


def _same_secret(one: SecretRef, other: SecretRef) -> bool:
    """Whether both lead to one secret, by what can be read here, else by its place. The environment of another
    process is not known here: a variable that is not set says nothing."""
    mine, theirs = _value(one), _value(other)
    if mine is not None and theirs is not None:
        return hmac.compare_digest(mine, theirs)
    return one.kind != "env" and _where(one) == _where(other)


def _value(reference: SecretRef) -> bytes | None:
    """The secret of a file or a variable; None where there is none, or where somebody would have to be asked."""
    if reference.kind == "aws-secretsmanager":
        return None
    try:
        return reference.reveal_bytes().strip()
    except SecretUnavailable:
        return None


def _where(reference: SecretRef) -> str:
    return f"file:{reference.path.resolve()}" if reference.path is not None else str(reference)


def _why_of_key(name: str) -> str:
    if name == "archive.signing_key":
        return "whoever holds it could sign the other's log"
    return "the key of one organisation would fill the archive of the other"
