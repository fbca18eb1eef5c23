"""Hunting queries in SPL, KQL and ES|QL, written from `hunts.toml` and the taxonomy.

Promise: the three languages ask the same question, of events counted once each however often they were delivered.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from warehouse.delivery.mappings.asim import TABLE
from warehouse.taxonomy import EventType, load

HUNTS: Final = Path(__file__).with_name("hunts.toml")
SOURCETYPE: Final = "anthropic:claude:audit"
DATA_STREAM: Final = "logs-anthropic.audit-default"

_DECIDED_BY_TYPE: Final = ("category", "verb", "object", "severity")
_READ_FROM_EVENT: Final = ("outcome", "fold")
# What is counted together, and the field of each language for it.
_BY: Final = {
    "actor": (("user", "ActorEmail", "user.name"),),
    "client_ip": (("src", "ClientIp", "source.ip"),),
    "event_type": (("type", "EventType", "event.action"),),
    "actor_and_client_ip": (("user", "ActorId", "user.name"), ("src", "ClientIp", "source.ip")),
}
_FIELDS: Final = {
    "outcome": ("outcome", "EventOutcome", "anthropic.outcome"),
    "fold": ("fold", "RecordFold", "anthropic.archive.fold"),
    "client_ip": ("src", "ClientIp", "source.ip"),
}
# In the user of a CIM account change stands the one who was changed: the doer is then `src_user`.
_SPL_ACTOR: Final = "| eval user=coalesce(src_user, user)"


@dataclass(frozen=True)
class Hunt:
    """One question. `types` is None where it is asked of all types."""

    id: str
    title: str
    why: str
    types: tuple[str, ...] | None
    read: dict[str, tuple[str, ...]]
    unknown_event: bool
    by: str
    at_least: int
    distinct: str


@cache
def hunts() -> tuple[Hunt, ...]:
    """The questions in the order of the file. Raises ValueError where one has a strange word or no type."""
    with HUNTS.open("rb") as file:
        return tuple(_hunt(**row) for row in tomllib.load(file)["hunt"])


def _hunt(
    id: str, title: str, why: str, where: dict[str, Any], by: str = "", at_least: int = 1, distinct: str = ""
) -> Hunt:
    strange = set(where) - {*_DECIDED_BY_TYPE, *_READ_FROM_EVENT, "types", "unknown_event"}
    if strange or (by and by not in _BY):
        raise ValueError(f"the hunt {id} in hunts.toml says {sorted(strange) or by}, which is not known")
    types: tuple[str, ...] | None = tuple(where.get("types", ()))
    unlisted = set(types or ()) - set(load().types)
    if unlisted:
        raise ValueError(f"the hunt {id} in hunts.toml names {sorted(unlisted)}, which the taxonomy does not list")
    if set(where) & set(_DECIDED_BY_TYPE):
        types = tuple(known.type for known in load().types.values() if _selected(known, where))
        if not types:
            raise ValueError(f"the hunt {id} in hunts.toml selects no event type; correct its words")
    return Hunt(
        id=id,
        title=title,
        why=why,
        types=types or None,
        read={name: tuple(where[name]) for name in _READ_FROM_EVENT if name in where},
        unknown_event=bool(where.get("unknown_event")),
        by=by,
        at_least=at_least,
        distinct=distinct,
    )


def _selected(known: EventType, where: dict[str, Any]) -> bool:
    if not all(getattr(known, name) in where[name] for name in _DECIDED_BY_TYPE if name in where):
        return False
    # A type whose own outcome is another, and is never read from the record, can never be what is asked for.
    return "outcome" not in where or bool(known.outcome_field) or known.outcome in where["outcome"]


def spl(hunt: Hunt, index: str = "*") -> str:
    """The search; without a time range, which Splunk gives it."""
    terms = [f'index={index} sourcetype="{SOURCETYPE}"']
    if hunt.types:
        terms.append(f"type IN ({', '.join(hunt.types)})")
    for name, values in hunt.read.items():
        terms.append(f"{_FIELDS[name][0]} IN ({', '.join(values)})")
    if hunt.unknown_event:
        terms.append("unknown_event=true")
    lines = [" ".join(terms), "| dedup event_id version"]
    if not hunt.by:
        lines.append(
            "| table _time, event_id, type, user, src_user, src, object_category, object, outcome, severity"
        )
        return "\n".join([*lines, "| sort - _time"])
    names = [field for field, _, _ in _BY[hunt.by]]
    if "user" in names:
        lines.append(_SPL_ACTOR)
    counted = f"dc({_FIELDS[hunt.distinct][0]}) as different, " if hunt.distinct else ""
    lines.append(
        f"| stats {counted}count as events, min(_time) as first, max(_time) as last, values(type) as types "
        f"by {', '.join(names)}"
    )
    measure = "different" if hunt.distinct else "events"
    if hunt.at_least > 1:
        lines.append(f"| where {measure} >= {hunt.at_least}")
    lines.append(f"| sort - {measure}")
    lines.append('| fieldformat first=strftime(first, "%F %T") | fieldformat last=strftime(last, "%F %T")')
    return "\n".join(lines)


def kql(hunt: Hunt) -> str:
    """The query; Sentinel's time picker bounds `TimeGenerated`."""
    lines = [TABLE]
    if not hunt.types:
        lines.append('| where EventCategory != "alert"')
    if hunt.types:
        lines.append(f"| where EventType in ({_quoted(hunt.types)})")
    for name, values in hunt.read.items():
        lines.append(f"| where {_FIELDS[name][1]} in ({_quoted(values)})")
    if hunt.unknown_event:
        lines.append("| where UnknownEvent")
    lines.append("| summarize arg_max(TimeGenerated, *) by EventId, RecordVersion")
    if not hunt.by:
        lines.append(
            "| project EventTime, EventId, EventType, ActorEmail, ActorId, ClientIp, ObjectType, ObjectId, "
            "ObjectName, EventOutcome, EventSeverity"
        )
        return "\n".join([*lines, "| sort by EventTime desc"])
    names = [field for _, field, _ in _BY[hunt.by]]
    if "ActorEmail" in names:
        lines.append("| extend ActorEmail = coalesce(ActorEmail, ActorId)")
    counted = f"Different = dcount({_FIELDS[hunt.distinct][1]}), " if hunt.distinct else ""
    lines.append(
        f"| summarize {counted}Events = count(), First = min(EventTime), Last = max(EventTime), "
        f"Types = make_set(EventType) by {', '.join(names)}"
    )
    measure = "Different" if hunt.distinct else "Events"
    if hunt.at_least > 1:
        lines.append(f"| where {measure} >= {hunt.at_least}")
    return "\n".join([*lines, f"| sort by {measure} desc"])


def esql(hunt: Hunt) -> str:
    """The query; Kibana's time picker bounds `@timestamp`. Elasticsearch holds each version of an event once."""
    lines = [f"FROM {DATA_STREAM}", '| WHERE event.kind == "event"']
    if hunt.types:
        lines.append(f"| WHERE event.action IN ({_quoted(hunt.types)})")
    for name, values in hunt.read.items():
        lines.append(f"| WHERE {_FIELDS[name][2]} IN ({_quoted(values)})")
    if hunt.unknown_event:
        lines.append("| WHERE anthropic.unknown_event == true")
    if not hunt.by:
        lines.append(
            "| KEEP @timestamp, event.id, event.action, user.name, source.ip, anthropic.object.type, "
            "anthropic.object.id, anthropic.object.name, anthropic.outcome, anthropic.severity"
        )
        return "\n".join([*lines, "| SORT @timestamp DESC", "| LIMIT 1000"])
    names = [field for _, _, field in _BY[hunt.by]]
    counted = f"different = COUNT_DISTINCT({_FIELDS[hunt.distinct][2]}), " if hunt.distinct else ""
    lines.append(
        f"| STATS {counted}events = COUNT(*), first = MIN(@timestamp), last = MAX(@timestamp), "
        f"types = VALUES(event.action) BY {', '.join(names)}"
    )
    measure = "different" if hunt.distinct else "events"
    if hunt.at_least > 1:
        lines.append(f"| WHERE {measure} >= {hunt.at_least}")
    return "\n".join([*lines, f"| SORT {measure} DESC", "| LIMIT 1000"])


LANGUAGES: Final[dict[str, tuple[str, str, Callable[[Hunt], str]]]] = {
    "spl": ("SPL", "```", spl),
    "kql": ("KQL", "//", kql),
    "esql": ("ES|QL", "//", esql),
}


def files() -> dict[str, str]:
    """Path under `deploy/siem/` -> text: one file for each hunt and language."""
    found = {}
    for hunt in hunts():
        for ending, (_, mark, write) in LANGUAGES.items():
            close = f" {mark}" if mark == "```" else ""
            head = "".join(f"{mark} {line}{close}\n" for line in (hunt.title, hunt.why))
            found[f"hunting/{ending}/{hunt.id}.{ending}"] = f"{head}{write(hunt)}\n"
    return found


def _quoted(values: Iterable[str]) -> str:
    return ", ".join(f'"{value}"' for value in values)
