"""The intakes by name: one module each, with one class that `Intake` describes."""

from __future__ import annotations

from importlib import import_module

from sandbox.intakes.intake import Intake

INTAKES = {
    "splunk": "Splunk",
    "datadog": "Datadog",
    "elastic": "Elastic",
    "logstash": "Logstash",
    "sumo": "Sumo",
    "webhook": "Webhook",
    "cribl": "Cribl",
    "sentinel": "Sentinel",
    "sentinel_legacy": "SentinelLegacy",
    "syslog": "Syslog",
    "otlp": "Otlp",
    "secops": "SecOps",
}


def load(name: str) -> type[Intake]:
    """The class of an intake. Raises KeyError for a name without one."""
    found: type[Intake] = getattr(import_module(f"sandbox.intakes.{name}"), INTAKES[name])
    return found
