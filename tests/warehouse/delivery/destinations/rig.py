"""A bare sender that does what the outcomes say, for a destination's module alone against its intake."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sandbox.intakes import ServedIntakes
from tests.warehouse.delivery.mappings.rows import record, rows
from warehouse.config.destinations import TYPES
from warehouse.delivery import destinations
from warehouse.delivery.mappings.alert import CanonicalAlert, canonical_alert
from warehouse.delivery.mappings.canonical import CanonicalEvent, canonical_events
from warehouse.delivery.port import Destination, Outcome, Refused, Transport

TYPES_HERE = ("splunk", "datadog", "elastic", "logstash", "sumo", "webhook", "cribl")
SECRETS = {
    "splunk": ("token",), "datadog": ("api_key",), "elastic": ("api_key",), "logstash": ("password",),
    "sumo": ("url",), "webhook": ("token",), "cribl": ("token",), "sentinel": ("client_secret",),
    "sentinel_legacy": ("shared_key",), "secops": ("credentials",), "otlp": (),
}  # fmt: skip


def iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def just_now(**ago: float) -> datetime:
    return datetime.now(UTC) - timedelta(**ago)


def events(count: int, **fields: Any) -> list[CanonicalEvent]:
    """Events of the last minutes, `activity_0000` and so on."""
    given = {"created_at": iso(just_now(minutes=5)), **fields}
    return canonical_events(rows(*(record(id=f"activity_{number:04d}", **given) for number in range(count))))


def alert(of: Sequence[CanonicalEvent], **fields: Any) -> CanonicalAlert:
    now = just_now()
    row = {
        "alert_id": "alert_01", "rule_id": "mass-export", "rule_version": "1", "title": "Mass export",
        "severity": "high",
        "first_at": now - timedelta(minutes=9), "last_at": now - timedelta(minutes=5), "detected_at": now,
        "event_ids": [one.event_id for one in of], "entities": {"actor": "ana@example.com"}, **fields,
    }  # fmt: skip
    return canonical_alert(row, of)


def settings(type: str, given: dict[str, Any], **other: Any) -> Any:
    """The settings model of a type, as the configuration file would give it; secrets by reference."""
    values = {"name": "soc", "type": type, **given, **other}
    values.pop("ack_token", None)
    env = {}
    for name, text in values.get("headers", {}).items():
        env[f"HEADER_{name.upper()}"] = text
        values["headers"] = {name: f"env:HEADER_{name.upper()}"}
    for name in SECRETS.get(type, ()):
        if name in values and not str(values[name]).startswith("env:"):
            env[f"SECRET_{name.upper()}"] = values[name]
            values[name] = f"env:SECRET_{name.upper()}"
    return TYPES[type].model_validate(values, context={"env": env})


@dataclass
class Sender:
    """One module against one receiver. `told`: what became of each event; `tries`: requests sent."""

    module: Destination
    settings: Any
    transport: Transport
    told: dict[str, Outcome] = field(default_factory=dict)
    outcomes: list[Sequence[Outcome]] = field(default_factory=list)

    @classmethod
    def to(cls, type: str, served: ServedIntakes, **other: Any) -> Sender:
        module = destinations.load(type)
        configured = settings(type, served.settings[type], **other)
        return cls(module, configured, module.connect(configured))

    def frames(self, batch: Sequence[Any], restamp: str | None = None) -> list[bytes]:
        found = [self.module.encode(one, self.settings, restamp) for one in batch]
        assert not any(isinstance(one, Refused) for one in found)
        return found  # type: ignore[return-value]

    def once(self, batch: Sequence[Any], restamp: str | None = None) -> Sequence[Outcome]:
        """Send one batch once."""
        response = self.transport.send(self.module.pack(self.frames(batch, restamp), self.settings))
        outcomes = self.module.classify(response, len(batch))
        assert len(outcomes) == len(batch)
        self.outcomes.append(outcomes)
        return outcomes

    def until_settled(self, batch: Sequence[Any], tries: int = 40) -> dict[str, Outcome]:
        """Send, and do what is said, until each event is delivered or dead. Stops at the first halt."""
        waiting = [list(batch)]
        while waiting and tries:
            tries -= 1
            part = waiting.pop(0)
            again, halves = [], False
            for one, outcome in zip(part, self.once(part), strict=True):
                kind = outcome.kind
                if kind == "halt":
                    self.told[_id(one)] = outcome
                    return self.told
                if kind == "split" and len(part) > 1:
                    halves = True
                elif kind == "retry":
                    again.append(one)
                else:
                    self.told[_id(one)] = outcome
            if halves:
                waiting[:0] = [part[: len(part) // 2], part[len(part) // 2 :]]
            elif again:
                waiting.insert(0, again)
        assert not waiting, "did not settle"
        return self.told

    def kinds(self) -> list[str]:
        """What became of the events, in the order of their ids; a split of one alone is its end."""
        return ["dead" if self.told[id].kind == "split" else self.told[id].kind for id in sorted(self.told)]


def _id(one: Any) -> str:
    return str(one.alert_id if isinstance(one, CanonicalAlert) else one.event_id)
