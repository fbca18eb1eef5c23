"""The destinations: one module for each type of `warehouse.config.destinations.TYPES`, loaded when it is used."""

from importlib import import_module
from typing import cast

from warehouse.delivery.port import Destination

MODULES: dict[str, str] = {
    "splunk": "splunk",
    "datadog": "datadog",
    "elastic": "elastic",
    "logstash": "logstash",
    "sumo": "sumo",
    "webhook": "webhook",
    "cribl": "cribl",
    "sentinel": "sentinel",
    "sentinel_legacy": "sentinel_legacy",
    "syslog": "syslog",
    "otlp": "otlp",
    "security_lake": "security_lake",
    "snowflake": "snowflake",
    "secops": "secops",
}


def load(type: str) -> Destination:
    """The module of a type. Raises KeyError for a type without one."""
    return cast("Destination", import_module(f"{__name__}.{MODULES[type]}"))
