"""The schemas by name: what a destination picks its mapping from.

Promise: each takes every canonical event and every canonical alert, and gives what `msgspec.json.encode` writes;
the vendor's record stays byte for byte inside.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from warehouse.delivery.mappings import asim, cim, datadog, ecs, ocsf, udm
from warehouse.delivery.mappings.alert import CanonicalAlert, to_canonical_alert
from warehouse.delivery.mappings.canonical import MAPPING_VERSION, CanonicalEvent, to_canonical


@dataclass(frozen=True)
class Schema:
    """One schema: its title for people, the version it follows, and how an event and an alert are put into it."""

    title: str
    version: str
    event: Callable[[CanonicalEvent], dict[str, Any]]
    alert: Callable[[CanonicalAlert], dict[str, Any]]


SCHEMAS: Final[dict[str, Schema]] = {
    "canonical": Schema("Canonical", MAPPING_VERSION, to_canonical, to_canonical_alert),
    "cim": Schema("Splunk CIM", cim.VERSION, cim.to_cim, cim.to_cim_alert),
    "ecs": Schema("Elastic Common Schema", ecs.VERSION, ecs.to_ecs, ecs.to_ecs_alert),
    "asim": Schema("Microsoft Sentinel (ASIM)", asim.VERSION, asim.to_asim, asim.to_asim_alert),
    "ocsf": Schema("OCSF", ocsf.VERSION, ocsf.to_ocsf, ocsf.to_ocsf_alert),
    "datadog": Schema(
        "Datadog standard attributes", datadog.VERSION, datadog.to_datadog, datadog.to_datadog_alert
    ),
    "udm": Schema("Google SecOps UDM", udm.VERSION, udm.to_udm, udm.to_udm_alert),
}
